//! Records of an array that lanes take element by element, each lane the next record, are moved as what lies one behind the other ([`Records`]): as one
//! access of several elements would be, but that each part is aligned for itself.

use std::collections::{HashMap, HashSet};

use simt_ir::abi::AccessKind;
use simt_ir::analysis::{Record, Records};
use simt_ir::{AddressSpace, BlockId, FunctionKind, Instruction, MemoryOrder, Op, Value};

use super::FunctionEmitter;
use super::memory::{Access, Parts};
use super::notes::{AccessWay, Bounds};
use super::value::Repr;

/// Such records of the block being emitted.
#[derive(Default)]
pub(super) struct RecordCode {
    records: Records,
    /// What has been loaded for instructions that are not there yet.
    held: HashMap<Value, Repr>,
    /// Records whose lanes do not lie as was thought.
    refused: HashSet<usize>,
}

/// How many elements each member takes.
fn parts(record: &Record) -> Parts {
    let mut parts = Parts::default();
    parts.iter_mut().zip(&record.members).for_each(|(part, (_, count))| *part = *count);
    parts
}

impl FunctionEmitter<'_> {
    /// Looks for records in a block that is to be emitted.
    pub fn begin_records(&mut self, block: BlockId) {
        self.records = RecordCode::default();
        let unit = self.unit;
        if !unit.quick && unit.instrumentation.is_none() && self.function.kind != FunctionKind::Lane {
            self.records.records = Records::new(self.function, block, &self.shapes);
        }
    }

    /// Emits an instruction of the block, if it takes part in a record. Whether it does.
    pub fn record_instruction(&mut self, index: usize, instruction: &Instruction) -> bool {
        let Some((number, record)) = self.records.records.of_instruction(index) else { return false };
        let record = record.clone();
        let order = || record.members.iter().map(|(index, _)| *index);
        let count = record.members.iter().find(|(member, _)| *member == index).map_or(1, |(_, count)| *count);
        let (is_first, is_last) = (order().min() == Some(index), order().max() == Some(index));
        if is_first && !self.lies_in_records(&record) {
            self.records.refused.insert(number);
        }
        if self.records.refused.contains(&number) {
            return false;
        }
        self.line = instruction.line;
        match (record.stores, is_first, is_last) {
            (true, _, true) => self.store_record(&record),
            (false, true, _) => self.load_record(&record),
            _ => self.note_part(&record, count),
        }
        for result in &instruction.results {
            let loaded = self.records.held[result];
            self.define(*result, loaded);
        }
        true
    }

    /// Whether a record can be moved as such, and lies as was thought.
    fn lies_in_records(&mut self, record: &Record) -> bool {
        let target = &self.unit.target;
        // Should lanes be inactive, no other processor moves some bytes of a register; and without masks for words all is done lane by lane.
        let has_masks = target.avx512 || target.avx2 && record.ty.bytes() >= 4;
        let is_elsewhere = |index: &usize| self.tables.rounds_at(self.block, *index).is_some();
        let is_packed = |index: &usize| {
            let results = &self.function.block(self.block).instructions[*index].results;
            results.iter().any(|result| self.packs.place(*result).is_some())
        };
        let bytes = i64::from(record.ty.bytes() * record.elements());
        has_masks
            && !record.members.iter().any(|(index, _)| is_elsewhere(index) || is_packed(index))
            && match self.get(record.address) {
                Repr::Affine { stride, .. } => stride == bytes,
                Repr::Segments { stride, .. } => stride == bytes && bytes.count_ones() == 1,
                _ => false,
            }
    }

    fn load_record(&mut self, record: &Record) {
        let instructions = &self.function.block(self.block).instructions;
        let results: Vec<Value> =
            record.members.iter().flat_map(|(index, _)| &instructions[*index].results).copied().collect();
        let Record { address, offset, ty, guard, .. } = *record;
        let (count, order) = (record.elements() as u8, MemoryOrder::Weak);
        let op = Op::Load { space: AddressSpace::Global, ty, count, order, address, offset, guard };
        let loaded = self.access_memory(&op, &results, Some(parts(record)));
        self.records.held.extend(results.into_iter().zip(loaded));
    }

    fn store_record(&mut self, record: &Record) {
        let instructions = &self.function.block(self.block).instructions;
        let stored = |(index, _): &(usize, u8)| match &instructions[*index].op {
            Op::Store { values, .. } => values.clone(),
            _ => unreachable!("a record that is stored has stores"),
        };
        let values = record.members.iter().flat_map(stored).collect();
        let Record { address, offset, ty, guard, .. } = *record;
        let op =
            Op::Store { space: AddressSpace::Global, ty, order: MemoryOrder::Weak, address, offset, values, guard };
        self.access_memory(&op, &[], Some(parts(record)));
    }

    /// That an access to so many elements is done with others.
    fn note_part(&self, record: &Record, count: u8) {
        let kind = if record.stores { AccessKind::Store } else { AccessKind::Load };
        let (space, ty, count) = (AddressSpace::Global, record.ty, u32::from(count));
        let part = Access { space, ty, count, kind, strong: false, record: None };
        self.note_access_as(part, AccessWay::Record(record.elements()), Bounds::Merged, false);
    }
}
