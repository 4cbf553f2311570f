//! Control flow and odds and ends (PTX ISA 9.7.12, 9.7.10).

use simt_ir::{Op, RuntimeFunction, Terminator, Type};

use crate::ast::{Operand, ScalarType};
use crate::lowering::{Inst, Lowerer, Outcome, Refusal, register_type};

pub(super) fn lower(l: &mut Lowerer<'_, '_>, inst: &Inst<'_>) -> Outcome {
    match inst.opcode {
        "bra" => {
            let Operand::Name(name) = inst.operand(0)? else { return Err(Refusal("a branch to no label".into())) };
            let target = l.label(name);
            l.builder.terminate(Terminator::Branch(target));
            Ok(())
        }
        "brx" => {
            let index = l.read(inst.operand(0)?, ScalarType::U32)?;
            let Operand::Name(list) = inst.operand(1)? else { return Err(Refusal("no list of targets".into())) };
            let names = l.branch_targets(list).ok_or_else(|| Refusal(format!("list of targets {list}")))?;
            let targets = names.iter().map(|name| l.label(name)).collect();
            l.builder.terminate(Terminator::Switch { index, targets });
            Ok(())
        }
        "call" => l.call(inst),
        "ret" => {
            l.return_from_function();
            Ok(())
        }
        "exit" => {
            l.builder.terminate(Terminator::Exit);
            Ok(())
        }
        "trap" => {
            l.builder.terminate(Terminator::Trap);
            Ok(())
        }
        "nanosleep" => {
            let time = l.read(inst.operand(0)?, ScalarType::U32)?;
            l.builder.push(Op::RuntimeCall { function: RuntimeFunction::Nanosleep, arguments: vec![time] });
            Ok(())
        }
        "alloca" => {
            let ty = inst.ty()?;
            let size = l.read(inst.operand(1)?, ty)?;
            let size = l.as_type(size, Type::I64);
            let align = match inst.operands.get(2) {
                Some(Operand::Immediate(value)) => value.as_bits().unwrap_or(16) as u32,
                _ => 16,
            };
            let value = l.builder.push1(Op::StackAlloc { size, align });
            l.write(inst.operand(0)?, ty, value)
        }
        "stacksave" => {
            let value = l.builder.push1(Op::StackSave);
            let ty = inst.ty()?;
            let value = l.as_type(value, register_type(ty));
            l.write(inst.operand(0)?, ty, value)
        }
        "stackrestore" => {
            let top = l.read(inst.operand(0)?, inst.ty()?)?;
            let top = l.as_type(top, Type::I64);
            l.builder.push(Op::StackRestore { top });
            Ok(())
        }
        // Break points without a debugger, events nobody counts, register budgets.
        _ => Ok(()),
    }
}
