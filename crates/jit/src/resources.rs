//! What a kernel needs of a multiprocessor, from its lowered code.

use std::collections::HashMap;

use simt_ir::analysis::Liveness;
use simt_ir::{Op, Program};

/// Barriers of a block.
const BARRIERS_MAX: u32 = 16;

/// What is known of a kernel once its body is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelResources {
    /// Bytes of static shared memory.
    pub shared_bytes: u32,
    /// Bytes of local memory of each thread.
    pub local_bytes: u32,
    /// Bytes of constant memory that the kernel refers to is not known here; registers are an estimate from the values live at once.
    pub registers: u32,
    /// Barriers of a block that its code names, from 1 to 16. Where a register names one, it may be any.
    pub barriers: u32,
}

impl KernelResources {
    /// Those of a program: a kernel and the functions that it calls.
    pub(crate) fn of(program: &Program) -> KernelResources {
        let registers = program.functions.iter().map(estimate_registers).max().unwrap_or(16);
        let local_bytes = program.functions.iter().map(|function| function.local_bytes).sum();
        let barriers = program.functions.iter().map(count_barriers).max().unwrap_or(0).max(1);
        KernelResources { shared_bytes: program.shared_bytes, local_bytes, registers, barriers }
    }
}

/// Barriers that a function names, from 0 up to the last; all where it may be any.
fn count_barriers(function: &simt_ir::Function) -> u32 {
    let instructions = || function.blocks.iter().flat_map(|block| &block.instructions);
    let mut constants = HashMap::new();
    for instruction in instructions() {
        if let Op::Const { bits, .. } = instruction.op {
            constants.insert(instruction.results[0], bits);
        }
    }
    let named = |op: &Op| match op {
        Op::Barrier { id, .. } => Some(constants.get(id).map_or(BARRIERS_MAX, |id| (*id as u32 + 1).min(BARRIERS_MAX))),
        _ => None,
    };
    instructions().filter_map(|instruction| named(&instruction.op)).max().unwrap_or(0)
}

/// Registers that NVIDIA's compiler might use: 32-bit words live at the start of a block, at most, and some for addresses. Programs ask
/// for this number to compute occupancy; nothing here depends on it.
fn estimate_registers(function: &simt_ir::Function) -> u32 {
    let liveness = Liveness::new(function);
    let words = |value: &simt_ir::Value| function.ty(*value).bits().div_ceil(32);
    let most = function.block_ids().map(|block| liveness.live_in(block).iter().map(words).sum::<u32>()).max();
    (most.unwrap_or(0) + 12).next_multiple_of(8).clamp(16, 255)
}

#[cfg(test)]
mod tests {
    use ptx::lowering::lower_kernel;

    use super::*;

    /// An H100 says of such kernels that a multiprocessor holds 64, 9 and 4 blocks, for it has 64 barriers.
    #[test]
    fn barriers_are_those_that_are_named() {
        let barriers = |barrier: &str| {
            let text = format!(
                ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k(.param .u32 which)\n{{\n.reg .u32 %r;\nld.param.u32 %r, [which];\n{barrier}\nret;\n}}\n"
            );
            let module = ptx::ast::Module::parse(&text).expect("PTX");
            KernelResources::of(&lower_kernel(&module, "k").expect("it is lowered").0).barriers
        };
        assert_eq!(["", "bar.sync 0;", "bar.sync 6, 32;", "bar.sync %r, 32;"].map(barriers), [1, 1, 7, 16]);
    }
}
