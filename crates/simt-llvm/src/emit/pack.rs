//! Values of a pack, computed together as memory has them: all parts of lane 0, then all parts of lane 1.

use simt_ir::{Op, Type, Value};

use super::FunctionEmitter;
use super::value::{Repr, Variable};
use crate::Error;
use crate::llvm::{Ty, Val};

impl FunctionEmitter<'_> {
    /// Whether operations like this one are done for all parts at once.
    pub fn is_computed_in_pack(&self, result: Value) -> bool {
        self.packs.place(result).is_some_and(|(pack, _)| self.packs.first_operands(pack).is_some())
    }

    /// Does an operation for all members of its pack where the first of them is done.
    pub fn pack_operation(&mut self, op: &Op, result: Value) -> Result<(), Error> {
        if self.at_hand.contains_key(&result) {
            return Ok(());
        }
        let (pack, _) = self.packs.place(result).expect("the caller has seen it");
        let members = self.packs.members(pack).to_vec();
        let count = members.len() as u32;
        let operands = self.packs.first_operands(pack).expect("the caller has seen them");
        let wholes: Vec<Val> = operands
            .into_iter()
            .map(|operand| {
                let repr = self.get(operand);
                self.whole_of(repr, count)
            })
            .collect();
        let whole = self.evaluate(op, &wholes)?;
        self.define_pack(&members, whole);
        Ok(())
    }

    /// Makes all members of a pack known.
    pub fn define_pack(&mut self, members: &[Value], whole: Val) {
        let count = members.len() as u32;
        for (place, member) in members.iter().enumerate() {
            self.define(*member, Repr::Part { whole, place: place as u32, count });
        }
    }

    /// What all members of a pack have, given what the first has: the vector that it is a part of, or what all share.
    pub fn whole_of(&self, repr: Repr, count: u32) -> Val {
        match repr {
            Repr::Part { whole, .. } => whole,
            Repr::Uniform(scalar) => self.ir.splat(scalar, self.lanes() * count),
            Repr::Segments { bases, stride: 0, .. } => {
                let length = self.lanes() / bases.len() as u32 * count;
                let parts: Vec<Val> = bases.iter().map(|base| self.ir.splat(*base, length)).collect();
                self.concatenate(&parts)
            }
            Repr::Affine { .. } | Repr::Segments { .. } | Repr::Vector(_) => {
                unreachable!("what a pack is made of is in packs, or shared")
            }
        }
    }

    /// One part of each lane.
    pub fn part(&self, whole: Val, place: u32, count: u32) -> Val {
        let order: Vec<u32> = (0..self.lanes()).map(|lane| lane * count + place).collect();
        self.ir.shuffle(whole, whole, &order)
    }

    /// The vector that values are all parts of, in order.
    pub fn common_whole(&mut self, values: &[Value]) -> Option<Val> {
        let mut common = None;
        for (at, value) in values.iter().enumerate() {
            match self.get(*value) {
                Repr::Part { whole, place, count } if place as usize == at && count as usize == values.len() => {
                    if *common.get_or_insert(whole) != whole {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        common
    }

    pub fn pack_type(&self, ty: Type, count: u32) -> Ty {
        self.ir.vector(self.scalar_type(ty), self.lanes() * count)
    }

    /// Makes the slot of all members of a pack.
    pub fn make_pack_variable(&mut self, pack: usize, ty: Type) {
        let members = self.packs.members(pack).to_vec();
        if self.variables[members[0].0 as usize].is_some() {
            return;
        }
        let count = members.len() as u32;
        // A blend reads the old value: it must be something.
        let whole = self.zeroed_slot(self.pack_type(ty, count));
        for (place, member) in members.iter().enumerate() {
            self.variables[member.0 as usize] = Some(Variable::Part { whole, place: place as u32, count });
        }
    }
}
