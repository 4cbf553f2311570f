//! Control flow, stack manipulation and what is left (PTX ISA 9.7.12, 9.7.17, 9.7.19).

use simt_ir::{Op, RuntimeFunction, Terminator, Type};

use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};
use crate::resolve::Operand;

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration { forms: &["bra.uni? target:any"], guarding: Guarding::Terminator, lower: branch },
    Declaration {
        forms: &["brx.idx.uni? index:u32, targets:any @6.0 sm_30"],
        guarding: Guarding::Terminator,
        lower: indexed_branch,
    },
    Declaration {
        forms: &["call.uni? a:any, b:any?, c:any?, d:any?"],
        guarding: Guarding::Region,
        lower: |cx, i| cx.call(&i.resolved.operands),
    },
    Declaration { forms: &["ret.uni?"], guarding: Guarding::Terminator, lower: ret },
    Declaration { forms: &["exit"], guarding: Guarding::Terminator, lower: |cx, _| end(cx, Terminator::Exit) },
    Declaration { forms: &["trap"], guarding: Guarding::Terminator, lower: |cx, _| end(cx, Terminator::Trap) },
    Declaration {
        forms: &[
            // A breakpoint stops where a debugger is attached, and there is none.
            "brkpt",
            "pmevent #a:u32",
            "pmevent.mask #a:u32",
            // Registers are not a shared resource here.
            "setmaxnreg.ACTION{inc dec}.sync.aligned.u32 #a:u32 @8.0 sm_90",
        ],
        guarding: Guarding::Region,
        lower: |_, _| Ok(()),
    },
    Declaration { forms: &["nanosleep.u32 a:u32 @6.3 sm_70"], guarding: Guarding::Region, lower: nanosleep },
    Declaration {
        forms: &["alloca.T{u32 u64 b32 b64} =d:T, size:T, #align:u32? @7.3 sm_52"],
        guarding: Guarding::Region,
        lower: alloca,
    },
    Declaration {
        forms: &["stacksave.T{u32 u64 b32 b64} =d:T @7.3 sm_52"],
        guarding: Guarding::Region,
        lower: stack_save,
    },
    Declaration {
        forms: &["stackrestore.T{u32 u64 b32 b64} a:T @7.3 sm_52"],
        guarding: Guarding::Region,
        lower: stack_restore,
    },
];

/// Ends the block; where there is a guard, for the lanes whose guard is true.
fn end(cx: &mut Lowering<'_>, terminator: Terminator) -> Result<(), Problem> {
    match cx.guard.take() {
        None => cx.builder.terminate(terminator),
        Some(guard) => {
            let ending = cx.builder.create_block();
            let next = next_block(cx);
            cx.branch_if(guard, ending, next);
            cx.ssa.seal(&mut cx.builder, ending);
            cx.builder.switch_to(ending);
            cx.builder.terminate(terminator);
        }
    }
    Ok(())
}

/// The block behind the current one; a new one that ends the function if the text ends here.
fn next_block(cx: &mut Lowering<'_>) -> simt_ir::BlockId {
    if let Some(next) = cx.next_block {
        return next;
    }
    let current = cx.builder.current_block();
    let last = cx.builder.create_block();
    cx.builder.switch_to(last);
    cx.builder.terminate(Terminator::Unreachable);
    cx.builder.switch_to(current);
    last
}

fn branch(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Some(Operand::Label(label)) = i.operand("target") else {
        return Problem::invalid("a branch goes to a label");
    };
    let target = cx.label_block(*label)?;
    match cx.guard.take() {
        None => cx.branch(target),
        Some(guard) => {
            let next = next_block(cx);
            cx.branch_if(guard, target, next);
        }
    }
    Ok(())
}

fn indexed_branch(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let Some(Operand::BranchTargets(list)) = i.operand("targets") else {
        return Problem::invalid("an indexed branch names a list of labels");
    };
    let index = cx.source(i, "index")?;
    let labels = &cx.code.branch_targets[*list];
    let targets = labels.iter().map(|label| cx.label_block(*label)).collect::<Result<Vec<_>, _>>()?;
    if targets.is_empty() {
        return Problem::invalid("the list of labels is empty");
    }
    if let Some(guard) = cx.guard.take() {
        let inside = cx.builder.create_block();
        let next = next_block(cx);
        cx.branch_if(guard, inside, next);
        cx.ssa.seal(&mut cx.builder, inside);
        cx.builder.switch_to(inside);
    }
    let from = cx.builder.current_block();
    targets.iter().for_each(|target| cx.ssa.add_predecessor(*target, from));
    cx.builder.terminate(Terminator::Switch { index, targets });
    Ok(())
}

fn ret(cx: &mut Lowering<'_>, _: &Checked<'_>) -> Result<(), Problem> {
    // The results are read in the block that returns.
    let guard = cx.guard.take();
    let Some(guard) = guard else {
        let terminator = cx.return_terminator()?;
        cx.builder.terminate(terminator);
        return Ok(());
    };
    let returning = cx.builder.create_block();
    let next = next_block(cx);
    cx.branch_if(guard, returning, next);
    cx.ssa.seal(&mut cx.builder, returning);
    cx.builder.switch_to(returning);
    let terminator = cx.return_terminator()?;
    cx.builder.terminate(terminator);
    Ok(())
}

fn nanosleep(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let nanoseconds = cx.source(i, "a")?;
    cx.builder.push(Op::RuntimeCall { function: RuntimeFunction::Nanosleep, arguments: vec![nanoseconds] });
    Ok(())
}

/// The alignment is 8 where none is stated.
fn alloca(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let size = cx.source(i, "size")?;
    let size = cx.resize(false, Type::I64, size);
    let align = super::memory::constant_operand(i, "align").unwrap_or(8);
    let Some(align) = u32::try_from(align).ok().filter(|align| align.is_power_of_two()) else {
        return Problem::invalid("an alignment is a power of two");
    };
    let d = cx.builder.push1(Op::StackAlloc { size, align });
    let d = cx.reinterpret(d, i.ty("T"));
    cx.write(i, "d", d)
}

fn stack_save(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let d = cx.builder.push1(Op::StackSave);
    let d = cx.reinterpret(d, i.ty("T"));
    cx.write(i, "d", d)
}

fn stack_restore(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let top = cx.source(i, "a")?;
    let top = cx.resize(false, Type::I64, top);
    cx.builder.push(Op::StackRestore { top });
    Ok(())
}
