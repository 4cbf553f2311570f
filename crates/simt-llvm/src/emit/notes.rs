//! What the emitter decided, noted where it decides: the one source of `apex compile --report`.

use simt_ir::abi::{AccessKind, Status};
use simt_ir::analysis::{Cause, Shape, Shapes};
use simt_ir::{AddressSpace, Function, Op, Value};

use super::FunctionEmitter;
use super::memory::{Access, Pattern};

/// How a memory access is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessWay {
    /// One scalar access for all lanes.
    Uniform,
    /// One plain vector access.
    Contiguous,
    /// One plain vector access if lanes turn out to lie in order, as is expected; lane by lane otherwise.
    ContiguousIfInOrder,
    /// A plain vector access, or a scalar one, for each segment of so many lanes.
    Segmented {
        /// Lanes of a segment.
        lanes: u32,
        /// Whether the lanes of a segment lie one behind the other, and not all at one place.
        contiguous: bool,
        /// Whether that is only expected, and tested.
        if_in_order: bool,
    },
    /// A plain vector access for each of so many columns, if all lanes are active.
    Columns(u32),
    /// A plain vector access whose elements are turned around, unless lanes reach over an end of their space.
    Reversed,
    /// Each lane has so many words to itself, which several accesses together take: plain vector accesses, whose words are turned in registers.
    Strided(u32),
    /// An element of a record, of so many, that each lane has the next of: moved with the first or last of them, as what lies one behind the other.
    Record(u32),
    /// Each lane has an address of its own in a small table, which is kept in registers' bytes: see `tables.rs`.
    Table,
    /// Each lane has an address of its own: a load.
    Gather,
    /// Each lane has an address of its own: a store.
    Scatter,
    /// One operation in memory for the whole warp.
    AtomicOnce,
    /// One addition in memory for the whole warp, from which each lane's old value follows.
    AtomicSum,
    /// An operation in memory for each lane.
    AtomicLanes,
}

/// What is done to see that an access stays in bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bounds {
    /// Nothing: it is known to.
    Proven,
    /// Nothing: the test of an access before it, with the same address, does for both.
    Merged,
    /// A test.
    Tested,
}

/// A memory access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessNote {
    /// Line in the program.
    pub line: u32,
    /// What it does.
    pub kind: AccessKind,
    /// Where.
    pub space: AddressSpace,
    /// Bytes of each lane.
    pub bytes: u32,
    /// How.
    pub way: AccessWay,
    /// How it is kept in bounds.
    pub bounds: Bounds,
    /// Whether it is done in a function of its own, because the kernel has so many.
    pub outlined: bool,
}

/// A branch at which lanes may disagree.
#[derive(Clone, PartialEq, Debug)]
pub struct BranchNote {
    /// Line in the program.
    pub line: u32,
    /// From the condition back to where lanes begin to differ; empty unless reasons were asked for.
    pub causes: Vec<Cause>,
}

/// A place where a warp may be suspended, or a barrier where it need not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitNote {
    /// Line in the program.
    pub line: u32,
    /// What the warp waits for; nothing at the barrier of a lone warp.
    pub status: Option<Status>,
    /// Bytes stored to the warp's frame there.
    pub saved_bytes: u32,
    /// Bytes loaded from it behind the wait; more, if values were stored when they were made.
    pub restored_bytes: u32,
}

/// A call that is still one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallNote {
    /// Line in the program.
    pub line: u32,
    /// The function; none for a call through a pointer.
    pub callee: Option<String>,
}

/// A loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoopNote {
    /// First and last line of what is in it.
    pub lines: (u32, u32),
    /// Loops around it.
    pub depth: u32,
    /// Whether turns are counted, because the warp may wait in it for others and has to let them run.
    pub counts_turns: bool,
    /// Whether lanes may leave it after different numbers of turns.
    pub divergent_exit: bool,
    /// Whether lanes may be at different turns of it.
    pub lanes_apart: bool,
    /// From its second turn on, at how many lanes each does the rest by itself; 0 if never.
    pub lanes_alone: u32,
    /// Whether it has several entries.
    pub irreducible: bool,
}

/// How many values have which shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShapeCounts {
    /// The same in all lanes.
    pub uniform: u32,
    /// In arithmetic progression.
    pub affine: u32,
    /// In arithmetic progression within segments.
    pub segmented: u32,
    /// Anything.
    pub varying: u32,
}

/// What was decided about a function.
#[derive(Clone, PartialEq, Debug)]
pub struct FunctionNotes {
    /// Its name in the program.
    pub name: String,
    /// Lanes of its vectors.
    pub lanes: u32,
    /// Its values.
    pub shapes: ShapeCounts,
    /// Whether lanes may fall behind each other in it, so that values are kept lane by lane.
    pub irregular: bool,
    /// Accesses in the order of emission.
    pub accesses: Vec<AccessNote>,
    /// Divergent branches.
    pub branches: Vec<BranchNote>,
    /// Barriers and other waits.
    pub waits: Vec<WaitNote>,
    /// Calls.
    pub calls: Vec<CallNote>,
    /// Loops, outer before inner.
    pub loops: Vec<LoopNote>,
}

impl FunctionNotes {
    /// What the analyses found of a function, before any code.
    pub(super) fn new(function: &Function, shapes: &Shapes, lanes: u32) -> Self {
        let layout = &shapes.schedule.layout;
        let mut counts = ShapeCounts::default();
        let blocks = || layout.order.iter().map(|id| function.block(*id));
        let results = blocks().flat_map(|block| {
            let phis = block.phis.iter().map(|phi| phi.result);
            phis.chain(block.instructions.iter().flat_map(|instruction| instruction.results.iter().copied()))
        });
        for value in results {
            *match shapes.shape(value) {
                Shape::Uniform => &mut counts.uniform,
                Shape::Affine { .. } => &mut counts.affine,
                Shape::Segmented { .. } => &mut counts.segmented,
                Shape::Varying => &mut counts.varying,
            } += 1;
        }
        let loops = layout.loops.iter().enumerate().map(|(index, info)| {
            let inside = &layout.order[info.first..=info.last];
            let lines = inside.iter().map(|id| function.block(*id)).flat_map(|block| {
                let lines = block.instructions.iter().map(|instruction| instruction.line);
                lines.chain([block.terminator_line])
            });
            let lines = lines.filter(|line| *line != 0);
            let leaves = |id: &simt_ir::BlockId| {
                let targets = function.block(*id).terminator.successors();
                let outside = |to: &simt_ir::BlockId| !inside.contains(to);
                shapes.is_divergent(function, *id) && targets.iter().any(outside)
            };
            LoopNote {
                lines: (lines.clone().min().unwrap_or(0), lines.max().unwrap_or(0)),
                depth: std::iter::successors(info.parent, |id| layout.loop_info(*id).parent).count() as u32,
                counts_turns: shapes.schedule.spins[index],
                divergent_exit: inside.iter().any(leaves),
                lanes_apart: inside.iter().any(|id| shapes.schedule.arrives_apart(*id)),
                lanes_alone: 0,
                irreducible: info.is_irreducible(),
            }
        });
        Self {
            name: function.name.clone(),
            lanes,
            shapes: counts,
            irregular: shapes.schedule.irregular,
            accesses: Vec::new(),
            branches: Vec::new(),
            waits: Vec::new(),
            calls: Vec::new(),
            loops: loops.collect(),
        }
    }
}

impl FunctionEmitter<'_> {
    fn note(&self, add: impl FnOnce(&mut FunctionNotes)) {
        if let Some(notes) = self.unit.notes.borrow_mut().last_mut() {
            add(notes);
        }
    }

    /// An access and its test. What a function for many accesses does is noted where it is called.
    pub(super) fn note_access(&self, access: Access, pattern: &Pattern, bounds: Bounds) {
        if self.line_value.is_none() {
            self.note_access_as(access, way_of(access, pattern, self.lanes()), bounds, false);
        }
    }

    /// An access by a function of its own.
    pub(super) fn note_outlined(&self, access: Access) {
        let way = if access.kind == AccessKind::Load { AccessWay::Gather } else { AccessWay::Scatter };
        self.note_access_as(access, way, Bounds::Tested, true);
    }

    pub(super) fn note_access_as(&self, access: Access, way: AccessWay, bounds: Bounds, outlined: bool) {
        let Access { kind, space, .. } = access;
        let note = AccessNote { line: self.line, kind, space, bytes: access.bytes(), way, bounds, outlined };
        self.note(|notes| notes.accesses.push(note));
    }

    /// How the atomic operation is done whose test was noted last.
    pub(super) fn note_atomic(&self, way: AccessWay) {
        self.note(|notes| {
            if let Some(last) = notes.accesses.last_mut() {
                last.way = way;
            }
        });
    }

    /// A branch that stays divergent.
    pub(super) fn note_branch(&self, condition: Value) {
        let wanted = self.unit.explain;
        let causes = if wanted { self.shapes.causes(self.function, condition) } else { Vec::new() };
        self.note(|notes| notes.branches.push(BranchNote { line: self.line, causes }));
    }

    /// A suspension.
    pub(super) fn note_wait(&self, status: Status, saved_bytes: u32, restored_bytes: u32) {
        let note = WaitNote { line: self.line, status: Some(status), saved_bytes, restored_bytes };
        self.note(|notes| notes.waits.push(note));
    }

    /// A barrier at which nobody waits.
    pub(super) fn note_passed_barrier(&self) {
        let note = WaitNote { line: self.line, status: None, saved_bytes: 0, restored_bytes: 0 };
        self.note(|notes| notes.waits.push(note));
    }

    /// A call that was not inlined.
    pub(super) fn note_call(&self, op: &Op) {
        let callee = match op {
            Op::Call { function, .. } => Some(self.unit.program.function(*function).name.clone()),
            _ => None,
        };
        self.note(|notes| notes.calls.push(CallNote { line: self.line, callee }));
    }
}

fn way_of(access: Access, pattern: &Pattern, lanes: u32) -> AccessWay {
    match pattern {
        Pattern::Uniform(_) => AccessWay::Uniform,
        Pattern::Contiguous { holds: None, .. } => AccessWay::Contiguous,
        Pattern::Contiguous { holds: Some(_), .. } => AccessWay::ContiguousIfInOrder,
        Pattern::Segments { bases, stride, speculation } => AccessWay::Segmented {
            lanes: lanes / bases.len() as u32,
            contiguous: *stride != 0,
            if_in_order: speculation.is_some(),
        },
        Pattern::Columns { segments, .. } => AccessWay::Columns(lanes / segments),
        Pattern::Reversed { .. } => AccessWay::Reversed,
        Pattern::Indexed(_) | Pattern::Listed(_) if access.kind == AccessKind::Load => AccessWay::Gather,
        Pattern::Indexed(_) | Pattern::Listed(_) => AccessWay::Scatter,
    }
}
