//! Puts the bodies of called functions in place of the calls.
//!
//! A warp can only wait (at a barrier) in the kernel itself, and what is known of a value across lanes is lost at a call: hence
//! everything is inlined that does not call itself, as long as the kernel stays of reasonable size.

use crate::{
    AddressSpace, Block, BlockId, Function, FunctionId, Instruction, Op, Phi, Program, Symbol, SymbolId, Terminator,
    Type, Value,
};

/// Operations a function may grow to by inlining what could also stay a call.
const GROWTH_LIMIT: usize = 60_000;

/// Inlines calls bottom-up. Recursive functions keep their calls; their callers call them.
pub fn inline_calls(program: &mut Program) {
    let order = bottom_up(program);
    let recursive = recursive_functions(program);
    for &caller in &order {
        loop {
            let function = program.function(caller);
            let size: usize = function.blocks.iter().map(|block| block.instructions.len()).sum();
            let Some((block, index, callee)) = next_call(program, function, &recursive, size) else { break };
            let body = program.function(callee).clone();
            let local_base = allocate_local(program, caller, &body);
            let symbols = move_local_symbols(program, &body, local_base);
            splice(&mut program.functions[caller.0 as usize], block, index, &body, &symbols);
        }
    }
}

fn next_call(
    program: &Program,
    function: &Function,
    recursive: &[bool],
    size: usize,
) -> Option<(BlockId, usize, FunctionId)> {
    for id in function.block_ids() {
        for (index, instruction) in function.block(id).instructions.iter().enumerate() {
            if let Op::Call { function: callee, .. } = instruction.op {
                let body = program.function(callee);
                if !recursive[callee.0 as usize] && (size < GROWTH_LIMIT || waits(body)) {
                    return Some((id, index, callee));
                }
            }
        }
    }
    None
}

fn waits(function: &Function) -> bool {
    function.blocks.iter().flat_map(|block| &block.instructions).any(|instruction| instruction.op.may_suspend())
}

fn callees(function: &Function) -> Vec<FunctionId> {
    let mut list: Vec<FunctionId> = Vec::new();
    for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
        if let Op::Call { function, .. } = instruction.op
            && !list.contains(&function)
        {
            list.push(function);
        }
    }
    list
}

/// Callees before callers; without recursion of its own, since call chains can be deep.
fn bottom_up(program: &Program) -> Vec<FunctionId> {
    let mut seen = vec![false; program.functions.len()];
    let mut order = Vec::new();
    for root in 0..program.functions.len() as u32 {
        if std::mem::replace(&mut seen[root as usize], true) {
            continue;
        }
        let mut stack = vec![(FunctionId(root), callees(&program.functions[root as usize]))];
        while let Some((function, pending)) = stack.last_mut() {
            match pending.pop() {
                Some(next) if !std::mem::replace(&mut seen[next.0 as usize], true) => {
                    stack.push((next, callees(program.function(next))));
                }
                Some(_) => {}
                None => {
                    order.push(*function);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// Functions that can reach themselves through direct calls.
fn recursive_functions(program: &Program) -> Vec<bool> {
    (0..program.functions.len() as u32)
        .map(|start| {
            let mut seen = vec![false; program.functions.len()];
            let mut pending = callees(&program.functions[start as usize]);
            while let Some(next) = pending.pop() {
                if next.0 == start {
                    return true;
                }
                if !std::mem::replace(&mut seen[next.0 as usize], true) {
                    pending.extend(callees(program.function(next)));
                }
            }
            false
        })
        .collect()
}

/// Reserves room for the callee's local memory behind the caller's; returns its offset there.
fn allocate_local(program: &mut Program, caller: FunctionId, body: &Function) -> u32 {
    let caller = &mut program.functions[caller.0 as usize];
    let base = caller.local_bytes.next_multiple_of(body.local_align.max(1));
    caller.local_bytes = base + body.local_bytes;
    caller.local_align = caller.local_align.max(body.local_align);
    base
}

/// Copies of the callee's local symbols at their new place, keyed by the old symbol.
fn move_local_symbols(program: &mut Program, body: &Function, base: u32) -> Vec<(SymbolId, SymbolId)> {
    let mut moved: Vec<(SymbolId, SymbolId)> = Vec::new();
    for instruction in body.blocks.iter().flat_map(|block| &block.instructions) {
        let Op::SymbolAddress(old) = instruction.op else { continue };
        let symbol = &program.symbols[old.0 as usize];
        if symbol.space != AddressSpace::Local || moved.iter().any(|(from, _)| *from == old) {
            continue;
        }
        let copy = Symbol { offset: symbol.offset + base, ..symbol.clone() };
        program.symbols.push(copy);
        moved.push((old, SymbolId(program.symbols.len() as u32 - 1)));
    }
    moved
}

/// Replaces the call at `index` of `at` by the body.
fn splice(caller: &mut Function, at: BlockId, index: usize, body: &Function, symbols: &[(SymbolId, SymbolId)]) {
    let first_block = caller.blocks.len() as u32;
    let after = BlockId(first_block + body.blocks.len() as u32);
    let block = caller.block_mut(at);
    let tail = block.instructions.split_off(index + 1);
    let call = block.instructions.pop().expect("the call is there");
    let terminator = std::mem::replace(&mut block.terminator, Terminator::Branch(BlockId(first_block)));
    let terminator_line = block.terminator_line;
    let Op::Call { arguments, .. } = call.op else { unreachable!("only direct calls are inlined") };

    let mut values: Vec<Value> = arguments;
    for ty in &body.value_types[values.len()..] {
        values.push(caller.new_value(*ty));
    }
    let mut returns: Vec<(BlockId, Vec<Value>)> = Vec::new();
    for id in body.block_ids() {
        let mut copy = copy_block(body.block(id), first_block, &values, symbols);
        if let Terminator::Return(results) = &copy.terminator {
            returns.push((BlockId(first_block + id.0), results.clone()));
            copy.terminator = Terminator::Branch(after);
        }
        caller.blocks.push(copy);
    }
    for successor in terminator.successors() {
        for phi in &mut caller.block_mut(successor).phis {
            phi.incoming.iter_mut().filter(|(from, _)| *from == at).for_each(|(from, _)| *from = after);
        }
    }
    let phis = call.results.iter().enumerate();
    let phis = phis
        .map(|(result_index, result)| Phi {
            result: *result,
            incoming: returns.iter().map(|(from, results)| (*from, results[result_index])).collect(),
        })
        .collect();
    caller.blocks.push(Block { phis, instructions: tail, terminator, terminator_line });
    if returns.is_empty() {
        define_unreachable_results(caller, after);
    }
}

/// A callee that never returns leaves phis without incoming values; they become constants, in a block that nothing reaches.
fn define_unreachable_results(caller: &mut Function, after: BlockId) {
    let phis = std::mem::take(&mut caller.block_mut(after).phis);
    let mut constants = Vec::new();
    for phi in phis {
        let ty: Type = caller.ty(phi.result);
        constants.push(Instruction { op: Op::Const { ty, bits: 0 }, results: vec![phi.result], line: 0 });
    }
    let block = caller.block_mut(after);
    constants.append(&mut block.instructions);
    block.instructions = constants;
}

fn copy_block(block: &Block, first_block: u32, values: &[Value], symbols: &[(SymbolId, SymbolId)]) -> Block {
    let mut copy = block.clone();
    let value = |old: &mut Value| *old = values[old.0 as usize];
    let target = |old: &mut BlockId| old.0 += first_block;
    for phi in &mut copy.phis {
        value(&mut phi.result);
        for (from, incoming) in &mut phi.incoming {
            target(from);
            value(incoming);
        }
    }
    for instruction in &mut copy.instructions {
        instruction.op.for_each_operand_mut(value);
        instruction.results.iter_mut().for_each(value);
        if let Op::SymbolAddress(symbol) = &mut instruction.op
            && let Some((_, new)) = symbols.iter().find(|(old, _)| old == symbol)
        {
            *symbol = *new;
        }
    }
    match &mut copy.terminator {
        Terminator::Branch(to) => target(to),
        Terminator::CondBranch { condition, then, otherwise } => {
            value(condition);
            target(then);
            target(otherwise);
        }
        Terminator::Switch { index, targets } => {
            value(index);
            targets.iter_mut().for_each(target);
        }
        Terminator::Return(results) => results.iter_mut().for_each(value),
        Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
    }
    copy
}
