//! Fetching ahead: asking the processor for what loads will want soon.

use std::collections::HashSet;

use simt_ir::analysis::{LoopId, turns_at_most};
use simt_ir::{AddressSpace, Terminator, Value};

use super::FunctionEmitter;
use super::frame::Saved;
use super::memory::Access;
use super::value::Repr;
use crate::llvm::{Cast, IntPredicate, Val};

/// How far ahead of a stream of accesses the processor is asked to fetch: a copy of large arrays gains about a seventh, and no more from any
/// distance up to a page.
const PREFETCH_DISTANCE_BYTES: u32 = 2048;
pub(super) const CACHE_LINE_BYTES: u32 = 64;

/// The same for short pieces of several rows, of which a block has a few: four blocks ahead, where it has 32 words of each.
const SEGMENT_DISTANCE_BYTES: u32 = 512;

/// Turns of a loop ahead of which its loads are fetched: about as many as pass while memory answers.
const PREFETCH_TURNS: u64 = 8;

/// A load, by its address.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub access: Access,
    pub address: Value,
    pub offset: i64,
}

/// What a line is fetched for.
#[derive(Clone, Copy)]
pub enum Purpose {
    Read,
    /// To be read in a while: the nearest cache, which has few places for what is under way, does without it. On Intel's processors a core waits for
    /// more lines at a time so, and a sum of a large array gains a twelfth.
    ReadLater,
    /// Other cores give up the line.
    Write,
}

impl Purpose {
    /// Whether it is to be written, and how near it is to be brought, as LLVM's `llvm.prefetch` numbers them.
    fn numbers(self) -> (u32, u32) {
        match self {
            Purpose::Read => (0, 3),
            Purpose::ReadLater => (0, 2),
            Purpose::Write => (1, 3),
        }
    }
}

impl FunctionEmitter<'_> {
    /// Asks for what will be loaded soon. Outside of loops, and in loops of few turns, that is what a block soon after this one loads: blocks follow each other along x, and
    /// so does most of what they load. In a loop it is what this access will load some turns later, if its address goes on
    /// as it did since the last turn; strides like that of a whole grid the processor does not see by itself.
    pub fn prefetch(&mut self, access: Access, pointer: Val) {
        if access.space != AddressSpace::Global {
            return;
        }
        let innermost = self.shapes.schedule.layout.innermost[self.block.0 as usize];
        let (distance, purpose) = match innermost {
            None if self.leaves_streams_alone() => return,
            None => (self.i64(PREFETCH_DISTANCE_BYTES.into()), Purpose::Read),
            Some(id) if self.is_short(id) => (self.i64(PREFETCH_DISTANCE_BYTES.into()), Purpose::Read),
            Some(id) if self.runs_through(id) => (self.distance_in_loop(pointer), self.purpose_in_loop()),
            Some(id) if self.comes_back(id) && self.puts_off_fetch() => return,
            Some(id) if self.comes_back(id) => (self.distance_over_waits(pointer), Purpose::Read),
            Some(_) => return,
        };
        self.fetch(pointer, distance, self.lanes() * access.bytes(), purpose);
    }

    /// As [`FunctionEmitter::prefetch`], for what will be stored soon: a store waits for its line as a load does, and once the processor holds as
    /// many stores as it can, all that follows waits for it. Not in loops, whose stores seldom are what they wait for.
    pub fn prefetch_for_store(&mut self, access: Access, pointer: Val) {
        let in_loop = self.shapes.schedule.layout.innermost[self.block.0 as usize].is_some();
        if access.space == AddressSpace::Global && !in_loop && !self.leaves_streams_alone() {
            let distance = self.i64(PREFETCH_DISTANCE_BYTES.into());
            self.fetch(pointer, distance, self.lanes() * access.bytes(), Purpose::Write);
        }
    }

    /// Whether the processor fetches ahead by itself as well as it can be told to, of blocks that follow each other without waits.
    fn leaves_streams_alone(&self) -> bool {
        self.unit.target.zen4 && !self.unit.suspendable
    }

    /// As [`FunctionEmitter::prefetch`], for segments of so many bytes: outside of loops, what one of the next blocks along x wants, whose segments
    /// lie beside these.
    pub fn prefetch_segments(&mut self, access: Access, pointers: &[Val]) {
        if access.space != AddressSpace::Global {
            return;
        }
        let innermost = self.shapes.schedule.layout.innermost[self.block.0 as usize];
        let distance = match innermost {
            Some(id) if self.comes_back(id) && self.puts_off_fetch() => return,
            Some(id) if self.comes_back(id) => self.distance_over_waits(pointers[0]),
            Some(id) if !self.is_short(id) => return,
            _ if self.leaves_streams_alone() => return,
            _ => self.i64(SEGMENT_DISTANCE_BYTES.into()),
        };
        let purpose = if self.unit.target.zen5 { Purpose::ReadLater } else { Purpose::Read };
        for pointer in pointers {
            self.fetch(*pointer, distance, self.lanes() / pointers.len() as u32 * access.bytes(), purpose);
        }
    }

    /// What a loop fetches for one of its next turns. Rows of a matrix that lie a power of two apart would put each other out of the nearest cache until then, too.
    fn purpose_in_loop(&self) -> Purpose {
        if self.unit.target.zen4 { Purpose::Read } else { Purpose::ReadLater }
    }

    /// Asks for the lines of so many bytes, a distance from where a pointer points.
    pub fn fetch(&mut self, pointer: Val, distance: Val, bytes: u32, purpose: Purpose) {
        for line in 0..bytes.div_ceil(CACHE_LINE_BYTES) {
            let at = self.ir.offset(pointer, self.ir.add(distance, self.i64((line * CACHE_LINE_BYTES).into())));
            // The last number says that it is data.
            let (write, near) = purpose.numbers();
            let arguments = [at, self.i32(write), self.i32(near), self.i32(1)];
            self.ir.intrinsic("llvm.prefetch", &[self.ir.ptr()], &arguments);
        }
    }

    /// Whether what the load that is being made will load in the next turn of its loop is fetched behind the wait that ends its block. Then it is:
    /// by [`FunctionEmitter::fetch_late`].
    fn puts_off_fetch(&mut self) -> bool {
        let Some(load) = self.load_being_made else { return false };
        let function = self.function;
        let data = function.block(self.block);
        let (Some(last), Terminator::Branch(next)) = (data.instructions.last(), &data.terminator) else { return false };
        let innermost = &self.shapes.schedule.layout.innermost;
        let is_late = innermost[next.0 as usize] == innermost[self.block.0 as usize]
            && self.suspends_after(last)
            && self.liveness.live_in(*next).contains(&load.address)
            // What is made anew needs others that are not restored yet.
            && !self.slots_of(load.address).is_empty();
        if is_late {
            self.late_fetches.push(load);
        }
        is_late
    }

    /// Behind the wait that ends a block: fetches what its loads will load in the next turn of the loop, while what comes now computes. In front of
    /// the wait all warps would ask for theirs one after the other, and a core waits for few lines at a time. Of what is saved over the wait it restores
    /// what it needs, and answers the slots: the rest comes behind it, next to those who use it.
    pub fn fetch_late(&mut self) -> HashSet<usize> {
        let loads = std::mem::take(&mut self.late_fetches);
        let items: Vec<Saved> = loads.iter().flat_map(|load| self.slots_of(load.address)).collect();
        self.restore(&items);
        for Load { access, address, offset } in loads {
            self.at_hand.clear();
            let bases = match self.get(address) {
                Repr::Affine { base, .. } => vec![base],
                Repr::Segments { bases, .. } => bases.to_vec(),
                _ => continue,
            };
            let offset = self.i64(offset as u64);
            let pointers: Vec<Val> =
                bases.into_iter().map(|base| self.pointer(access.space, self.ir.add(base, offset))).collect();
            let distance = self.distance_over_waits(pointers[0]);
            let purpose = self.purpose_in_loop();
            for pointer in &pointers {
                self.fetch(*pointer, distance, self.lanes() / pointers.len() as u32 * access.bytes(), purpose);
            }
        }
        items.iter().map(|item| item.slot.key()).collect()
    }

    /// Whether a loop's turns follow each other without waits, which would forget what is known of the last turn.
    fn runs_through(&self, id: LoopId) -> bool {
        !self.shapes.schedule.spins[id.0 as usize] && !self.waits_within(id.0 as usize)
    }

    /// Whether a loop's turns have waits between them and nothing else, so that the frame knows of the last turn.
    fn comes_back(&self, id: LoopId) -> bool {
        !self.shapes.schedule.spins[id.0 as usize] && self.can_suspend() && self.waits_within(id.0 as usize)
    }

    /// How far the access will have moved on in the next turn, which begins when all warps have come to the end of this one: the way since the
    /// last time, which the frame knows. The first time it knows nothing, and a place is fetched that nobody wants.
    fn distance_over_waits(&mut self, pointer: Val) -> Val {
        let word = self.ir.int(64);
        let place = self.frame_word();
        let address = self.ir.cast(Cast::PtrToInt, pointer, word);
        let before = self.ir.load_aligned(word, place, 8);
        self.ir.set_in_frame(before);
        let note = self.ir.store(address, place, 8);
        self.ir.set_in_frame(note);
        self.ir.sub(address, before)
    }

    /// How far the access will have moved on in some turns: the way since the last time, several times over. The first time, which may be the only
    /// one, as far as outside of loops.
    fn distance_in_loop(&mut self, pointer: Val) -> Val {
        let ir = self.ir;
        let word = ir.int(64);
        let last = self.zeroed_slot(word);
        let address = ir.cast(Cast::PtrToInt, pointer, word);
        let before = ir.load(word, last);
        ir.store(address, last, 0);
        let known = ir.icmp(IntPredicate::LLVMIntNE, before, ir.zero(word));
        let way = ir.mul(ir.sub(address, before), self.i64(PREFETCH_TURNS));
        ir.select(known, way, self.i64(PREFETCH_DISTANCE_BYTES.into()))
    }

    /// Whether a loop is known to end before what it fetches ahead would be of use.
    fn is_short(&self, id: LoopId) -> bool {
        turns_at_most(self.function, &self.shapes, id).is_some_and(|turns| turns < PREFETCH_TURNS)
    }
}
