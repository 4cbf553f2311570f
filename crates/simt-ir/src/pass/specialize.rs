//! Replaces what a launch fixes by constants.

use crate::analysis::LaunchShape;
use crate::{Function, Op, SpecialRegister, Type};

/// The size of a block, where code is made for one size.
pub fn specialize(function: &mut Function, launch: LaunchShape) {
    let Some(block_size) = launch.block else { return };
    let threads: u32 = block_size.iter().product();
    for block in &mut function.blocks {
        for instruction in &mut block.instructions {
            let Op::Special(register) = &instruction.op else { continue };
            let bits = match register {
                SpecialRegister::NtidX => block_size[0],
                SpecialRegister::NtidY => block_size[1],
                SpecialRegister::NtidZ => block_size[2],
                SpecialRegister::NwarpId => threads.div_ceil(crate::WARP_SIZE),
                SpecialRegister::TidX if block_size[0] == 1 => 0,
                SpecialRegister::TidY if block_size[1] == 1 => 0,
                SpecialRegister::TidZ if block_size[2] == 1 => 0,
                _ => continue,
            };
            instruction.op = Op::Const { ty: Type::I32, bits: u64::from(bits) };
        }
    }
}
