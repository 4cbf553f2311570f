//! Indices that are most likely in progression though nothing proves it, because lanes may have left a loop at different times or come by
//! different ways: a loop over the rest of an array before the unrolled one makes such.

use std::collections::HashMap;

use crate::analysis::{Dominators, LaunchShape, Shape, Shapes};
use crate::{BinaryOp, Block, BlockId, Function, Instruction, Op, Program, Type, Value};

/// Puts an [`Op::Expect`] between each phi that makes an address and the uses that lead there, if with it a vector load or store would do
/// for an access that otherwise is done lane by lane.
pub fn expect_progressions(program: &mut Program, index: usize, launch: LaunchShape) {
    let function = &program.functions[index];
    if launch.block.is_none() || !makes_addresses_of_phis(function) {
        return;
    }
    let shapes = Shapes::new(program, function, launch);
    let hoped = shapes.hoped(program, function, launch);
    let wanted = leads_to_vectors(function, &shapes, &hoped);
    let mut strides: HashMap<Value, i64> = HashMap::new();
    let mut homes: Vec<(Value, BlockId)> = Vec::new();
    for id in function.block_ids().filter(|id| shapes.schedule.is_blended(*id)) {
        for phi in &function.block(id).phis {
            let at = phi.result.0 as usize;
            if let (true, Shape::Varying, Shape::Affine { stride, .. }) =
                (wanted[at], shapes.shape(phi.result), hoped[at])
            {
                strides.insert(phi.result, stride);
                homes.push((phi.result, id));
            }
        }
    }
    if homes.is_empty() {
        return;
    }
    let places = Places { dominators: Dominators::new(function), shapes: &shapes };
    let uses = places.uses(function, &strides, &wanted);
    let expected: Vec<(Value, BlockId)> =
        homes.iter().filter_map(|(phi, home)| Some((*phi, places.place(*home, uses.get(phi)?)?))).collect();
    let dominators = places.dominators;
    let function = &mut program.functions[index];
    for (phi, place) in expected {
        expect(function, &dominators, phi, place, strides[&phi]);
    }
}

/// Finds where it is worth while to look at a phi: as late as all uses that lead to an address allow, but not in a loop that the phi is not in.
struct Places<'a> {
    dominators: Dominators,
    shapes: &'a Shapes,
}

impl Places<'_> {
    /// Blocks in which phis of a list are used on the way to an address. Phis of the list are looked at again themselves.
    fn uses(&self, function: &Function, list: &HashMap<Value, i64>, wanted: &[bool]) -> HashMap<Value, Vec<BlockId>> {
        let mut uses: HashMap<Value, Vec<BlockId>> = HashMap::new();
        let mut note = |value: Value, block: BlockId| {
            if list.contains_key(&value) && self.dominators.is_reachable(block) {
                uses.entry(value).or_default().push(block);
            }
        };
        for id in function.block_ids() {
            let block = function.block(id);
            for phi in block.phis.iter().filter(|phi| !list.contains_key(&phi.result) && wanted[phi.result.0 as usize])
            {
                phi.incoming.iter().for_each(|(from, value)| note(*value, *from));
            }
            for instruction in &block.instructions {
                match contiguous_access(&instruction.op) {
                    Some((address, _)) => note(address, id),
                    None if instruction.results.iter().any(|result| wanted[result.0 as usize]) => {
                        instruction.op.for_each_operand(|operand| note(operand, id));
                    }
                    None => {}
                }
            }
        }
        uses
    }

    /// The block at whose head to look at a phi of the block `home`, if lanes do not come there apart.
    fn place(&self, home: BlockId, uses: &[BlockId]) -> Option<BlockId> {
        let mut at = *uses.first()?;
        let layout = &self.shapes.schedule.layout;
        let around = |block: BlockId| layout.innermost[block.0 as usize];
        let covers = |at: BlockId| uses.iter().all(|user| self.dominators.dominates(at, *user));
        while at != home && (!covers(at) || around(at) != around(home)) {
            at = self.dominators.immediate(at)?;
        }
        (!self.shapes.schedule.arrives_apart(at)).then_some(at)
    }
}

/// Whether there is a phi of integers and an access to memory at all.
fn makes_addresses_of_phis(function: &Function) -> bool {
    let phis = |block: &Block| block.phis.iter().any(|phi| is_index(function.ty(phi.result)));
    let accesses = |block: &Block| block.instructions.iter().any(|i| contiguous_access(&i.op).is_some());
    function.blocks.iter().any(phis) && function.blocks.iter().any(accesses)
}

fn is_index(ty: Type) -> bool {
    matches!(ty, Type::I32 | Type::I64)
}

/// Address of an access and the bytes of each lane.
fn contiguous_access(op: &Op) -> Option<(Value, i64)> {
    match op {
        Op::Load { address, ty, count, .. } => Some((*address, i64::from(ty.bytes() * u32::from(*count)))),
        Op::Store { address, ty, values, .. } => Some((*address, i64::from(ty.bytes()) * values.len() as i64)),
        _ => None,
    }
}

/// By value: whether the address of an access is made of it that would be contiguous if all that is hoped for held, and is not known to be.
fn leads_to_vectors(function: &Function, shapes: &Shapes, hoped: &[Shape]) -> Vec<bool> {
    let mut wanted = vec![false; function.value_types.len()];
    let mut pending: Vec<Value> = Vec::new();
    let mut sources: Vec<Vec<Value>> = vec![Vec::new(); function.value_types.len()];
    for block in &function.blocks {
        for phi in &block.phis {
            sources[phi.result.0 as usize] = phi.incoming.iter().map(|(_, value)| *value).collect();
        }
        for instruction in &block.instructions {
            if let Some((address, bytes)) = contiguous_access(&instruction.op) {
                let contiguous = |shape| matches!(shape, Shape::Affine { stride, .. } if stride == bytes);
                if contiguous(hoped[address.0 as usize]) && !contiguous(shapes.shape(address)) {
                    pending.push(address);
                }
            }
            if let (true, &[result]) = (keeps_progressions(&instruction.op), &instruction.results[..]) {
                sources[result.0 as usize] = instruction.op.operands();
            }
        }
    }
    while let Some(value) = pending.pop() {
        if !std::mem::replace(&mut wanted[value.0 as usize], true) {
            pending.extend(&sources[value.0 as usize]);
        }
    }
    wanted
}

fn keeps_progressions(op: &Op) -> bool {
    match op {
        Op::Binary { op, .. } => matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Shl),
        other => {
            matches!(other, Op::Extend { .. } | Op::ToGeneric { .. } | Op::FromGeneric { .. } | Op::Bitcast { .. })
        }
    }
}

/// Puts the operation at the head of a block, and in place of the phi wherever the block dominates.
fn expect(function: &mut Function, dominators: &Dominators, a: Value, place: BlockId, stride: i64) {
    let ty = function.ty(a);
    let result = function.new_value(ty);
    let replace = |value: &mut Value| {
        if *value == a {
            *value = result;
        }
    };
    let behind: Vec<bool> = function.block_ids().map(|id| dominators.dominates(place, id)).collect();
    let behind = |id: BlockId| behind[id.0 as usize] && dominators.is_reachable(id);
    for id in function.block_ids() {
        let block = function.block_mut(id);
        let incoming = block.phis.iter_mut().flat_map(|phi| &mut phi.incoming);
        incoming.filter(|(from, _)| behind(*from)).for_each(|(_, value)| replace(value));
        if behind(id) {
            block.instructions.iter_mut().for_each(|instruction| instruction.op.for_each_operand_mut(replace));
            block.terminator.for_each_operand_mut(replace);
        }
    }
    let line = function.block(place).instructions.first().map_or(0, |instruction| instruction.line);
    let operation = Instruction { op: Op::Expect { ty, stride, a }, results: vec![result], line };
    function.block_mut(place).instructions.insert(0, operation);
}
