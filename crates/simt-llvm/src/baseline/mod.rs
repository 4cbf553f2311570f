//! Machine code in the least time: LLVM's IR as the emitter makes it, instruction by instruction, for processors with AVX-512.
//!
//! Every value has a place in the stack frame; an instruction loads its operands from there into registers and stores its result. Nothing is
//! optimised but that what nobody uses is left out. That takes a tenth of the time of LLVM's own fastest way, which spends it on making vectors legal.
//!
//! *Invariant:* code computes what LLVM's would. What is not known here is refused ([`Unsupported`]), and the caller has LLVM make the code.
//!
//! *Invariant:* a scalar's place holds it extended with zeros to 64 bits; lanes of a mask beyond the last are zero; other vectors' places are whole
//! registers, of which what lies beyond the last lane may be anything.
//!
//! Vector registers 16 to 31 alone are used: they cost code without AVX nothing afterwards.

mod assembler;
mod convert;
mod float;
mod frame;
mod function;
mod image;
mod intrinsic;
mod mask;
mod memory;
mod scalar;
mod shuffle;
mod source;
mod vector;

use crate::llvm::Ir;
use assembler::Assembler;
use source::Value;

/// What this compiler does not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unsupported(pub &'static str);

/// Most bytes of a function's frame: threads that run kernels have stacks of the usual size.
const FRAME_MAX: u32 = 256 << 10;

/// An ELF object of a module, in which `entry` is the only function seen from outside.
///
/// # Errors
/// When the module has something that is not known here.
pub fn object(ir: &Ir, entry: &str) -> Result<Vec<u8>, Unsupported> {
    let mut assembler = Assembler::default();
    let functions: Vec<(Value, assembler::Label)> =
        source::functions(ir).into_iter().map(|function| (function, assembler.label())).collect();
    let (_, start) = functions.iter().find(|(function, _)| function.name() == entry).ok_or(Unsupported("no entry"))?;
    let start = *start;
    for (function, label) in &functions {
        function::lower(&mut assembler, &functions, *function, *label)?;
    }
    let (image, at) = assembler.finish(start)?;
    Ok(image::object(&image, entry, at))
}
