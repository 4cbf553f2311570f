//! The meaning of instructions, a file a family. Each function lowers the instructions of one family; the table below says
//! which opcode belongs to which.

mod atomic;
mod barrier;
mod compare;
mod control;
mod convert;
mod data;
mod float;
mod half;
mod integer;
mod logic;
mod memory;
mod warp;

use crate::lowering::{Inst, Lowerer, Outcome, Refusal};

/// Lowers one instruction; guards are the caller's business.
pub(crate) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "add" | "sub" | "mul" | "mad" | "fma" | "neg" | "abs" | "min" | "max" | "div" | "rem" => {
            let ty = inst.ty()?;
            match inst.opcode {
                _ if half::is_half(ty) => half::arithmetic(l, inst, ty),
                _ if ty.is_float() => float::arithmetic(l, inst, ty),
                _ => integer::arithmetic(l, inst, ty),
            }
        }
        "addc" | "subc" | "madc" | "mul24" | "mad24" | "sad" | "popc" | "clz" | "bfind" | "fns" | "brev" | "bfe"
        | "bfi" | "szext" | "bmsk" | "dp4a" | "dp2a" => integer::special(l, inst),
        "rcp" | "sqrt" | "rsqrt" | "sin" | "cos" | "lg2" | "ex2" | "tanh" | "testp" | "copysign" => {
            float::special(l, inst)
        }
        "set" | "setp" | "selp" | "slct" => compare::lower(l, inst),
        "and" | "or" | "xor" | "not" | "cnot" | "lop3" | "shf" | "shl" | "shr" | "prmt" => logic::lower(l, inst),
        "mov" | "cvta" | "isspacep" | "mapa" | "getctarank" => data::lower(l, inst),
        "cvt" => convert::lower(l, inst),
        "ld" | "ldu" | "st" | "prefetch" | "prefetchu" | "discard" | "applypriority" | "createpolicy" => {
            memory::lower(l, inst)
        }
        "atom" | "red" => atomic::lower(l, inst),
        "bar" | "barrier" | "membar" | "fence" | "griddepcontrol" => barrier::lower(l, inst),
        "shfl" | "vote" | "match" | "redux" | "activemask" | "elect" => warp::lower(l, inst),
        "bra" | "brx" | "call" | "ret" | "exit" | "trap" | "brkpt" | "nanosleep" | "pmevent" | "alloca"
        | "stacksave" | "stackrestore" | "setmaxnreg" => control::lower(l, inst),
        _ => Err(Refusal("not implemented".into())),
    }
}
