//! Teams: several warps of a block that one function computes together, as if they were one warp of more lanes.
//!
//! A thread's chain of dependent operations leaves most of a core idle; the chains of four warps side by side fill it, and what is uniform is
//! computed once for all of them. Between the barriers of its block a warp owes the others nothing, so that this may be done wherever no
//! operation but a shuffle, which each warp does for itself, speaks of the warp, and lanes need not wait for each other.

use std::collections::{HashMap, HashSet};

use simt_ir::abi::TEAM_LANES_MAX;
use simt_ir::analysis::{LaunchShape, Layout, LoopId, Presence, Shape, Shapes, Tables, turns_at_most};
use simt_ir::{
    AddressSpace, BarrierKind, BinaryOp, BlockId, FloatBinaryOp, FloatUnaryOp, Function, MemoryOrder, Op, Phi, Program,
    SpecialRegister, Terminator, Type, Value, WARP_SIZE,
};

use super::Target;
use super::atomic::is_done_once;
use super::memory::lies_in_columns;
use super::tables::is_worth_planes;

/// The number of lanes to compute together: as many as `wanted` if the kernel can be computed so, or what promises most.
pub fn choose_lanes(program: &Program, launch: LaunchShape, target: Target, wanted: Option<u32>) -> u32 {
    let sizes = team_sizes(program, launch);
    if let Some(wanted) = wanted {
        return sizes.into_iter().find(|size| *size <= wanted).unwrap_or(WARP_SIZE);
    }
    if sizes.is_empty() {
        return WARP_SIZE;
    }
    let kernel = program.kernel();
    let alone = Walked::new(program, kernel, launch);
    let far_apart = if alone.jumps() { JUMPING_LANES } else { 0 };
    let table = if alone.looks_up_bytes(program, target) { BYTE_LANES } else { 0 };
    let rows = if alone.is_pass_over_rows(launch) { ROWS_LANES } else { 0 };
    let narrow = alone.filling_lanes(target);
    let filling = narrow.max(far_apart).max(table).max(rows);
    let wanted = (f64::from(WARP_SIZE) * alone.idleness(target)).max(filling.into());
    let irregular = alone.irregular_accesses();
    // Where a block is one team, there is nobody to wait for at its barriers. That pays between many of them on Zen 4; on Zen 5 and on Intel's processors `fft1d`
    // takes longer by a seventh, and only bytes, of which a block's fill few registers, are worth it.
    let is_done_at_once = target.zen4 && alone.is_chopped_by_waits() || narrow >= BYTES_FILLING_LANES && alone.waits();
    let promises = |lanes: &&u32| {
        let together = Walked::new(program, kernel, LaunchShape { lanes: **lanes, ..launch });
        let carried = together.carried_registers(**lanes, target);
        // Half as many lanes would do, unless accesses get a pattern by more, or barriers are left with nobody to wait for.
        let passes = is_done_at_once && super::kernel::is_one_call(launch.block, **lanes);
        let fits = carried * if passes { 1 } else { 2 } <= target.registers();
        let gains = (passes || together.irregular_accesses() < irregular)
            && registers(Type::F32, **lanes, target) <= REGISTERS_MAX;
        let too_many = f64::from(**lanes / 2) >= wanted && !gains;
        !too_many && fits && together.is_regular() && together.keeps_patterns_of(&alone)
    };
    if let Some(lanes) = sizes.iter().find(promises) {
        return *lanes;
    }
    if !target.zen4 && sizes.contains(&LOCKING_LANES) && alone.locks_between_gathers() {
        return LOCKING_LANES;
    }
    // Two warps, whose chains fill each other's gaps, even if they part in a short loop.
    let two = 2 * WARP_SIZE;
    if sizes.contains(&two) && alone.is_one_chain(target) { two } else { WARP_SIZE }
}

/// All numbers of lanes that the kernel can be computed with, the fewest first.
pub fn lane_choices(program: &Program, launch: LaunchShape) -> Vec<u32> {
    let mut sizes = team_sizes(program, launch);
    sizes.push(WARP_SIZE);
    sizes.reverse();
    sizes
}

/// Cycles until the result of an operation on floats can be used.
const FLOAT_LATENCY: u32 = 4;

/// The same of divisions and roots.
const DIVISION_LATENCY: u32 = 18;

/// The same of functions that are computed by a polynomial.
const FUNCTION_LATENCY: u32 = 8 * FLOAT_LATENCY;

/// Vector instructions that a core begins in a cycle.
const VECTORS_PER_CYCLE: f64 = 2.0;

/// Scalar instructions that a core begins in a cycle, beside those.
const SCALARS_PER_CYCLE: f64 = 4.0;

/// Registers that are to be worked on side by side, at least.
const REGISTERS_OF_CHAINS: u32 = 2;

/// Registers for a number of each lane, above which code becomes too long for what patterns gain.
const REGISTERS_MAX: u32 = 16;

/// Barriers one after the other, for each of which calling every warp costs more than what a team's code is longer by.
const WAITS_MANY: usize = 4;

/// Instructions for each of them, at most: where there is more to do, a call costs little beside it, and values of a team do not fit into registers.
const WORK_OF_WAIT_MAX: usize = 100;

/// Lanes of a loop whose turns load from places far apart: what lies side by side is fetched from there at once, and not by one warp after the other.
const JUMPING_LANES: u32 = 256;

/// Lanes of a kernel that goes once over the rows of a matrix: tests and notes of addresses are done once for four rows, and their loads wait together.
const ROWS_LANES: u32 = 128;

/// Lanes of a loop that gathers, and locks in between: a core begins no load behind a lock before that is done, so that the fewer lanes gather
/// together, the more often all wait.
const LOCKING_LANES: u32 = 128;

/// Lanes whose numbers of elements of a small table fill a register of bytes.
const BYTE_LANES: u32 = 64;

/// As many lanes are wanted to [fill registers](Walked::filling_lanes) of 512 bits where an innermost loop's widest numbers are bytes.
const BYTES_FILLING_LANES: u32 = 128;

/// Cycles of a chain that a core does not look across: some two hundred instructions.
const LONG_CHAIN: f64 = 128.0;

/// Instructions that some warps alone may run while the others of their team wait.
const PARTED_MAX: usize = 64;

/// Turns of a loop that takes little time.
const SHORT_TURNS: u64 = 4;

/// A kernel as so many lanes walk through it.
struct Walked<'a> {
    kernel: &'a Function,
    lanes: u32,
    shapes: Shapes,
}

impl<'a> Walked<'a> {
    fn new(program: &Program, kernel: &'a Function, launch: LaunchShape) -> Self {
        Self { kernel, lanes: launch.lanes, shapes: Shapes::new(program, kernel, launch) }
    }

    /// How many times as long the innermost loops' chains of dependent operations take as the core needs to begin all their instructions.
    fn idleness(&self, target: Target) -> f64 {
        let (mut chains, mut work) = (0.0, 0.0);
        for id in self.innermost_loops() {
            chains += f64::from(self.chain(id));
            work += self.work(id, target);
        }
        if work > 0.0 { chains / work } else { 0.0 }
    }

    /// Lanes of which the innermost loops' widest numbers fill as many registers as a warp's of 32 bits do: bytes alone leave most of a register
    /// empty otherwise. None where there are no numbers but conditions.
    fn filling_lanes(&self, target: Target) -> u32 {
        let blocks = self.innermost_loops().into_iter().flat_map(|id| self.blocks(id));
        let results = blocks.flat_map(|block| &self.kernel.block(*block).instructions).flat_map(|it| &it.results);
        let widths = results.filter(|result| self.is_vector(**result)).map(|result| self.kernel.ty(*result).bits());
        let widest = widths.filter(|bits| *bits > 1).max();
        widest.map_or(0, |bits| REGISTERS_OF_CHAINS * target.register_bits() / bits)
    }

    /// Whether a table is looked up in by permutations of bytes.
    fn looks_up_bytes(&self, program: &Program, target: Target) -> bool {
        let tables = || Tables::new(program, self.kernel, &self.shapes);
        target.permutes_tables() && tables().tables().iter().any(|table| is_worth_planes(table, BYTE_LANES))
    }

    /// Whether what lanes of an innermost loop load in order from global memory lies as far from what they loaded in the turn before as is only known when
    /// the kernel runs: a row of a matrix, or all that the grid's threads load in a turn.
    fn jumps(&self) -> bool {
        self.innermost_loops().into_iter().any(|id| {
            let blocks = self.blocks(id);
            let ops = || blocks.iter().flat_map(|block| &self.kernel.block(*block).instructions).map(|it| &it.op);
            let in_order = |value: Value| matches!(self.shapes.shape(value), Shape::Affine { .. });
            let loads = ops()
                .any(|op| matches!(op, Op::Load { space: AddressSpace::Global, address, .. } if in_order(*address)));
            let phis = self.kernel.block(blocks[0]).phis.iter().filter(|phi| in_order(phi.result));
            let from_inside = |phi: &'a Phi| phi.incoming.iter().filter(|(from, _)| blocks.contains(from));
            loads
                && phis
                    .flat_map(|phi| from_inside(phi).map(|(_, next)| (phi.result, *next)))
                    .any(|way| self.goes_far(blocks, way))
        })
    }

    /// Whether threads of a block of several rows, each as wide as a warp, do their part once and end, and load in order from global memory in several
    /// places.
    fn is_pass_over_rows(&self, launch: LaunchShape) -> bool {
        let Some([x, y, z]) = launch.block else { return false };
        let layout = &self.shapes.schedule.layout;
        let ops = || layout.order.iter().flat_map(|block| &self.kernel.block(*block).instructions).map(|it| &it.op);
        let in_order = |value: Value| matches!(self.shapes.shape(value), Shape::Affine { .. });
        let places: HashSet<Value> = ops()
            .filter_map(|op| match op {
                Op::Load { space: AddressSpace::Global, address, .. } if in_order(*address) => Some(*address),
                _ => None,
            })
            .collect();
        x == WARP_SIZE && y * z > 1 && layout.loops.is_empty() && !self.waits() && places.len() > 1
    }

    /// Whether lanes of an innermost loop load from anywhere in global memory, and lock what they find.
    fn locks_between_gathers(&self) -> bool {
        let varies = |value: &Value| self.shapes.shape(*value) == Shape::Varying;
        self.innermost_loops().into_iter().any(|id| {
            let ops =
                || self.blocks(id).iter().flat_map(|block| &self.kernel.block(*block).instructions).map(|it| &it.op);
            let gathers =
                |op: &Op| matches!(op, Op::Load { space: AddressSpace::Global, address, .. } if varies(address));
            let locks =
                |op: &Op| matches!(op, Op::Atomic { space: AddressSpace::Global, address, .. } if varies(address));
            ops().any(gathers) && ops().any(locks)
        })
    }

    /// Whether a value comes from another in a loop by additions, of which one is of what the code does not know.
    fn goes_far(&self, blocks: &[BlockId], (from, mut to): (Value, Value)) -> bool {
        let mut far = false;
        let results = || blocks.iter().flat_map(|block| &self.kernel.block(*block).instructions);
        while to != from {
            let Some(made) = results().find(|it| it.results.contains(&to)) else { return false };
            let Op::Binary { op: BinaryOp::Add, a, b, .. } = made.op else { return false };
            let (next, step) = if self.shapes.shape(b).is_uniform() { (a, b) } else { (b, a) };
            if !self.shapes.shape(step).is_uniform() {
                return false;
            }
            far |= self.shapes.fact(step).constant.is_none();
            to = next;
        }
        far
    }

    /// Whether the kernel has no loops but short ones, and outside of them a chain of dependent operations that is longer than a core looks ahead, and
    /// beside which there is little else to do.
    fn is_one_chain(&self, target: Target) -> bool {
        let layout = &self.shapes.schedule.layout;
        let is_short = |id| turns_at_most(self.kernel, &self.shapes, id).is_some_and(|turns| turns <= SHORT_TURNS);
        if !(0..layout.loops.len() as u32).all(|id| is_short(LoopId(id))) {
            return false;
        }
        let blocks: Vec<BlockId> = layout.order.iter().filter(|block| layout.depth(**block) == 0).copied().collect();
        let (chain, work) = (f64::from(self.chain_of(&blocks)), self.work_of(&blocks, target));
        chain >= LONG_CHAIN && chain >= 1.5 * work
    }

    /// Loops without a loop in them, of those that are nested deepest.
    fn innermost_loops(&self) -> Vec<LoopId> {
        let layout = &self.shapes.schedule.layout;
        let depth = |id: &LoopId| layout.depth(layout.order[layout.loop_info(*id).first]);
        let all: Vec<LoopId> = (0..layout.loops.len() as u32).map(LoopId).collect();
        let deepest = all.iter().map(depth).max();
        all.into_iter().filter(|id| Some(depth(id)) == deepest).collect()
    }

    fn blocks(&self, id: LoopId) -> &[BlockId] {
        let layout = &self.shapes.schedule.layout;
        let info = layout.loop_info(id);
        &layout.order[info.first..=info.last]
    }

    /// Cycles from a vector that a turn of the loop begins with to the one that it hands on, at most.
    fn chain(&self, id: LoopId) -> u32 {
        let blocks = self.blocks(id);
        let header = blocks[0];
        let phis = &self.kernel.block(header).phis;
        let begun = phis.iter().filter(|phi| self.is_vector(phi.result)).map(|phi| (phi.result, 0)).collect();
        let ready = self.times(blocks, begun);
        let handed_on = phis.iter().flat_map(|phi| &phi.incoming).filter(|(from, _)| blocks.contains(from));
        handed_on.filter_map(|(_, value)| ready.get(value)).max().copied().unwrap_or(0)
    }

    /// Cycles of the longest chain of operations on floats in blocks, from what they load.
    fn chain_of(&self, blocks: &[BlockId]) -> u32 {
        let instructions = blocks.iter().flat_map(|block| &self.kernel.block(*block).instructions);
        let loads = instructions.filter(|it| matches!(it.op, Op::Load { .. }));
        let begun = loads.flat_map(|it| &it.results).map(|result| (*result, 0)).collect();
        self.times(blocks, begun).into_values().max().unwrap_or(0)
    }

    /// When values are there that depend on those that have `begun`, in cycles, if each operation begins as soon as its operands are there.
    fn times(&self, blocks: &[BlockId], begun: HashMap<Value, u32>) -> HashMap<Value, u32> {
        let header = blocks[0];
        let mut ready = begun;
        for &block in blocks {
            let data = self.kernel.block(block);
            for phi in data.phis.iter().filter(|_| block != header) {
                let latest = phi.incoming.iter().filter_map(|(_, value)| ready.get(value)).max();
                if let Some(&latest) = latest {
                    ready.insert(phi.result, latest);
                }
            }
            for instruction in &data.instructions {
                let latest = instruction.op.operands().iter().filter_map(|value| ready.get(value)).max().copied();
                for result in instruction.results.iter().filter(|result| self.is_vector(**result)) {
                    if let Some(latest) = latest {
                        ready.insert(*result, latest + latency(&instruction.op, self.kernel.ty(*result)));
                    }
                }
            }
        }
        ready
    }

    /// Cycles that a core needs to begin the instructions of a turn, for one warp: arithmetic and accesses to memory go side by side.
    fn work(&self, id: LoopId, target: Target) -> f64 {
        self.work_of(self.blocks(id), target)
    }

    fn work_of(&self, blocks: &[BlockId], target: Target) -> f64 {
        let (mut arithmetic, mut memory) = (0.0, 0.0);
        let cost = |value: &Value| match self.is_vector(*value) {
            true => f64::from(registers(self.kernel.ty(*value), WARP_SIZE, target)) / VECTORS_PER_CYCLE,
            false => 1.0 / SCALARS_PER_CYCLE,
        };
        for instruction in blocks.iter().flat_map(|block| &self.kernel.block(*block).instructions) {
            match &instruction.op {
                Op::Const { .. } => {}
                Op::Store { values, .. } => memory += values.iter().map(cost).sum::<f64>(),
                Op::Load { .. } => memory += instruction.results.iter().map(cost).sum::<f64>(),
                _ => arithmetic += instruction.results.iter().map(cost).sum::<f64>(),
            }
        }
        f64::max(arithmetic, memory)
    }

    /// Vector registers that the innermost loops carry from turn to turn, at most.
    fn carried_registers(&self, lanes: u32, target: Target) -> u32 {
        let carried = |id: LoopId| {
            let phis = &self.kernel.block(self.blocks(id)[0]).phis;
            let vectors = phis.iter().filter(|phi| self.is_vector(phi.result));
            vectors.map(|phi| registers(self.kernel.ty(phi.result), lanes, target)).sum()
        };
        self.innermost_loops().into_iter().map(carried).max().unwrap_or(0)
    }

    /// Whether lanes part nowhere where they do not in `other`, but for a few instructions outside of loops, and no access in a loop has a pattern only there.
    fn keeps_patterns_of(&self, other: &Self) -> bool {
        let layout = &self.shapes.schedule.layout;
        let few = self.parted_instructions(other) <= PARTED_MAX;
        layout.order.iter().all(|&block| {
            let parts = self.shapes.is_divergent(self.kernel, block) && !other.shapes.is_divergent(self.kernel, block);
            let parts = parts && !(few && layout.depth(block) == 0);
            let mut instructions = self.kernel.block(block).instructions.iter();
            let loses = layout.depth(block) > 0
                && instructions.any(|it| self.is_irregular(&it.op) && !other.is_irregular(&it.op));
            !parts && !loses
        })
    }

    /// Instructions that all lanes run in `other` and perhaps some only here, if none of them is in a loop.
    fn parted_instructions(&self, other: &Self) -> usize {
        let layout = &self.shapes.schedule.layout;
        let [here, there] = [self, other].map(|walked| Presence::new(self.kernel, &walked.shapes.schedule, true));
        let parted = layout.order.iter().filter(|block| !here.is_full(**block) && there.is_full(**block));
        let cost = |block: &BlockId| match layout.depth(*block) {
            0 => self.kernel.block(*block).instructions.len(),
            _ => usize::MAX,
        };
        parted.map(cost).fold(0, usize::saturating_add)
    }

    /// Whether all accesses in loops have a pattern.
    fn is_regular(&self) -> bool {
        !self.in_loops().any(|op| self.is_irregular(op))
    }

    fn in_loops(&self) -> impl Iterator<Item = &Op> {
        let layout = &self.shapes.schedule.layout;
        let blocks = layout.order.iter().filter(|block| layout.depth(**block) > 0);
        blocks.flat_map(|block| &self.kernel.block(*block).instructions).map(|instruction| &instruction.op)
    }

    /// Accesses without a pattern, in loops and outside.
    fn irregular_accesses(&self) -> usize {
        let order = &self.shapes.schedule.layout.order;
        let instructions = order.iter().flat_map(|block| &self.kernel.block(*block).instructions);
        instructions.filter(|instruction| self.is_irregular(&instruction.op)).count()
    }

    /// Whether there are barriers.
    fn waits(&self) -> bool {
        let order = &self.shapes.schedule.layout.order;
        let mut instructions = order.iter().flat_map(|block| &self.kernel.block(*block).instructions);
        instructions.any(|it| matches!(it.op, Op::Barrier { .. }))
    }

    /// Whether what is done once is a little at a time, between many barriers.
    fn is_chopped_by_waits(&self) -> bool {
        let layout = &self.shapes.schedule.layout;
        let blocks = layout.order.iter().filter(|block| layout.depth(**block) == 0);
        let (mut waits, mut work) = (0, 0);
        for instruction in blocks.flat_map(|block| &self.kernel.block(*block).instructions) {
            match instruction.op {
                Op::Barrier { .. } => waits += 1,
                Op::Const { .. } => {}
                _ => work += 1,
            }
        }
        waits >= WAITS_MANY && work <= waits * WORK_OF_WAIT_MAX
    }

    /// Whether an access is neither one for all lanes, nor in order, nor by columns, nor from the last lane to the first.
    fn is_irregular(&self, op: &Op) -> bool {
        let (address, bytes, one_shared) = match op {
            Op::Load { space, ty, count, address, .. } => {
                (*address, ty.bytes() * u32::from(*count), *space == AddressSpace::Shared && *count == 1)
            }
            Op::Store { space, ty, values, address, .. } => {
                (*address, ty.bytes() * values.len() as u32, *space == AddressSpace::Shared && values.len() == 1)
            }
            // Lane by lane otherwise, however the addresses lie.
            Op::Atomic { space, address, .. } => {
                let is_one = self.shapes.shape(*address).is_uniform() && *space != AddressSpace::Local;
                return !(is_one && is_done_once(op));
            }
            _ => return false,
        };
        let shape = self.shapes.shape(address);
        match shape {
            Shape::Uniform => false,
            Shape::Affine { stride, .. } => stride != i64::from(bytes) && !(one_shared && stride == -i64::from(bytes)),
            Shape::Segmented { stride, .. } => {
                let in_columns = one_shared && lies_in_columns(shape, bytes, self.lanes);
                stride != 0 && stride != i64::from(bytes) && !in_columns
            }
            Shape::Varying => true,
        }
    }

    /// Numbers that are the same in all lanes of a segment are spread for the first operation on them.
    fn is_vector(&self, value: Value) -> bool {
        match self.shapes.shape(value) {
            Shape::Varying => true,
            Shape::Segmented { .. } => self.kernel.ty(value).is_float(),
            Shape::Uniform | Shape::Affine { .. } => false,
        }
    }
}

/// Cycles until the result of an operation can be used.
fn latency(op: &Op, ty: Type) -> u32 {
    match op {
        Op::FloatBinary { op: FloatBinaryOp::Div | FloatBinaryOp::DivApprox | FloatBinaryOp::DivFull, .. } => {
            DIVISION_LATENCY
        }
        Op::FloatUnary { op, .. } => match op {
            FloatUnaryOp::Sqrt
            | FloatUnaryOp::Rcp
            | FloatUnaryOp::RcpApprox
            | FloatUnaryOp::SqrtApprox
            | FloatUnaryOp::RsqrtApprox => DIVISION_LATENCY,
            FloatUnaryOp::Ex2Approx
            | FloatUnaryOp::Lg2Approx
            | FloatUnaryOp::SinApprox
            | FloatUnaryOp::CosApprox
            | FloatUnaryOp::TanhApprox => FUNCTION_LATENCY,
            FloatUnaryOp::Neg | FloatUnaryOp::Abs | FloatUnaryOp::RoundToIntegral => FLOAT_LATENCY,
        },
        _ if ty.is_float() => FLOAT_LATENCY,
        _ => 1,
    }
}

/// Registers that hold a value of so many lanes.
fn registers(ty: Type, lanes: u32, target: Target) -> u32 {
    (ty.bits() * lanes).div_ceil(target.register_bits())
}

/// The numbers of lanes that code can be made for in place of a warp's: from the most on down. Empty where the kernel has to be computed warp by
/// warp.
fn team_sizes(program: &Program, launch: LaunchShape) -> Vec<u32> {
    let Some(block) = launch.block else { return Vec::new() };
    let threads: u32 = block.iter().product();
    if !program.functions.iter().skip(1).all(|function| is_never_called(program, function)) {
        return Vec::new();
    }
    let kernel = program.kernel();
    let is_plain = |id: &BlockId| {
        let block = kernel.block(*id);
        block.instructions.iter().all(|instruction| is_of_lanes(&instruction.op))
            && block.terminator != Terminator::Trap
    };
    if !Layout::new(kernel).order.iter().all(is_plain) {
        return Vec::new();
    }
    let sizes =
        std::iter::successors(Some(TEAM_LANES_MAX), |lanes| Some(lanes / 2)).take_while(|lanes| *lanes > WARP_SIZE);
    sizes
        .filter(|lanes| {
            threads.is_multiple_of(*lanes) && walks_together(program, LaunchShape { lanes: *lanes, ..launch })
        })
        .collect()
}

/// Whether nothing of a program calls a function.
fn is_never_called(program: &Program, function: &Function) -> bool {
    let mut all = program.functions.iter().flat_map(|other| &other.blocks).flat_map(|block| &block.instructions);
    !all.any(|instruction| match &instruction.op {
        Op::Call { function: called, .. } => std::ptr::eq(program.function(*called), function),
        Op::CallIndirect { .. } => true,
        _ => false,
    })
}

/// Whether an operation means the same for each lane whatever warp it belongs to, or speaks of that one alone; and faults only by what it accesses.
fn is_of_lanes(op: &Op) -> bool {
    match op {
        Op::Special(register) => is_of_block(*register),
        Op::Load { order, .. } | Op::Store { order, .. } => *order == MemoryOrder::Weak,
        Op::Barrier { kind: BarrierKind::Sync, threads: None, predicate: None, .. } => true,
        Op::Atomic { .. } => true,
        // Each warp of the team for itself.
        Op::Shuffle { .. } => true,
        Op::MapToRank { .. } | Op::RankOf { .. } => false,
        op => op.is_pure(),
    }
}

/// Whether a register tells threads apart by nothing but their place in the block, or in their warp.
fn is_of_block(register: SpecialRegister) -> bool {
    use SpecialRegister::*;
    matches!(
        register,
        TidX | TidY
            | TidZ
            | NtidX
            | NtidY
            | NtidZ
            | CtaidX
            | CtaidY
            | CtaidZ
            | NctaidX
            | NctaidY
            | NctaidZ
            | GridId
            | LaneId
    )
}

/// Whether the lanes need not wait for each other, and all of them come to each barrier together.
fn walks_together(program: &Program, launch: LaunchShape) -> bool {
    let kernel = program.kernel();
    let shapes = Shapes::new(program, kernel, launch);
    if shapes.schedule.irregular || shapes.schedule.spins.contains(&true) {
        return false;
    }
    let presence = Presence::new(kernel, &shapes.schedule, true);
    shapes.schedule.layout.order.iter().all(|&id| {
        let waits = kernel.block(id).instructions.iter().any(|instruction| instruction.op.may_suspend());
        !waits || presence.is_full(id)
    })
}
