//! A whole program: its device functions, and the kernel in one of the two shapes that the engine calls.

use std::cell::RefCell;
use std::mem::offset_of;

use simt_ir::abi::{ExecutionMode, WarpContext};
use simt_ir::analysis::{Dominators, LaunchShape, Liveness, Packs, Presence, Shape, Shapes};
use simt_ir::instrument::Instrumentation;
use simt_ir::{Function, FunctionId, FunctionKind, Op, Program, Value, pass};

use super::block_loop::emit_block_entry;
use super::call::HIDDEN_PARAMETERS;
use super::notes::FunctionNotes;
use super::streaming::streamed_bytes;
use super::value::Repr;
use super::{FunctionEmitter, LANES, Target, Unit};
use super::{lane_choice, lane_loop};
use crate::Error;
use crate::llvm::{Fun, Ir, Val};

/// Name of the kernel's entry in the object file.
pub const ENTRY_NAME: &str = "apex_kernel";

/// What code is for, beside running.
#[derive(Clone, Copy, Default)]
pub struct Purpose {
    /// The program has registered host memory, so that addresses outside of the arena may be good.
    pub host_memory: bool,
    /// Code tells an observer what it does.
    pub instrument: bool,
    /// The notes are for a person, who wants reasons.
    pub explain: bool,
    /// Compiling is to take little time.
    pub quick: bool,
}

/// What the engine has to know of emitted code.
pub struct EmittedKernel {
    pub mode: ExecutionMode,
    pub frame_bytes: u32,
    pub local_bytes: u32,
    pub needs_stack: bool,
    /// Lanes that a call computes.
    pub lanes: u32,
    /// What was decided, function by function; the kernel is the last.
    pub notes: Vec<FunctionNotes>,
    /// The numbers in instrumented code.
    pub instrumentation: Option<Instrumentation>,
}

/// Emits a prepared program into a module.
pub fn emit_program(
    ir: &Ir,
    program: &Program,
    launch: LaunchShape,
    target: Target,
    purpose: Purpose,
) -> Result<EmittedKernel, Error> {
    refuse_unsupported(program)?;
    let mut program = program.clone();
    let mut all_shapes: Vec<Shapes> = Vec::new();
    for index in 0..program.functions.len() {
        let mut shapes = Shapes::new(&program, &program.functions[index], launch);
        if shapes.schedule.irregular {
            pass::split_at_convergence(&mut program.functions[index], &shapes.schedule);
            shapes = Shapes::new(&program, &program.functions[index], launch);
        }
        all_shapes.push(shapes);
    }
    let reachable = reachable_functions(&program);
    let lane_candidates = match purpose.instrument || purpose.quick {
        true => Vec::new(),
        false => lane_choice::candidates(&program, &all_shapes[0], target, launch.lanes),
    };
    let suspendable = suspends(program.kernel(), &all_shapes[0], launch);
    let needs_stack = (1..program.functions.len()).any(|index| reachable[index]);
    let may_stream = target.avx512 && !suspendable && !purpose.quick && !purpose.instrument;
    let mut unit = Unit {
        ir,
        program: &program,
        target,
        block: launch.block,
        lanes: launch.lanes,
        functions: vec![None; program.functions.len()],
        lane_loops: lane_loop::declare(ir, &lane_candidates, launch.lanes),
        helpers: Default::default(),
        suspendable,
        streamed_bytes: may_stream.then(|| streamed_bytes(&program)).flatten(),
        streamed: Default::default(),
        notes: Default::default(),
        explain: purpose.explain,
        instrumentation: purpose.instrument.then(Default::default),
        host_memory: purpose.host_memory,
        quick: purpose.quick,
        few_atomics: count(&program, |op| matches!(op, Op::Atomic { .. })) <= FEW_ATOMICS,
        outline: count(&program, |op| matches!(op, Op::Load { .. } | Op::Store { .. })) >= super::outline::OUTLINE_FROM,
    };
    for (index, function) in program.functions.iter().enumerate().skip(1) {
        if reachable[index] {
            let ty = unit.device_function_type(&function.parameters, &function.returns);
            let fun = ir.add_function(&format!("device{index}"), ty, true);
            describe(ir, fun);
            unit.functions[index] = Some(fun);
        }
    }
    let mut shapes = all_shapes.into_iter();
    let kernel_shapes = shapes.next().expect("a program has a kernel");
    for (index, shapes) in shapes.enumerate() {
        if let Some(fun) = unit.functions[index + 1] {
            emit_device_function(&unit, &program.functions[index + 1], fun, shapes)?;
        }
    }
    for code in &unit.lane_loops {
        lane_loop::emit(&unit, *code, launch)?;
    }
    let frame_bytes = if suspendable {
        emit_warp_entry(&unit, program.kernel(), kernel_shapes)?
    } else {
        emit_block_entry(&unit, program.kernel(), kernel_shapes)?;
        0
    };
    Ok(EmittedKernel {
        mode: if suspendable { ExecutionMode::Suspendable } else { ExecutionMode::RunToCompletion },
        frame_bytes: frame_bytes.next_multiple_of(64),
        local_bytes: program.kernel().local_bytes.next_multiple_of(16),
        needs_stack,
        lanes: launch.lanes,
        notes: unit.notes.take(),
        instrumentation: unit.instrumentation.take().map(RefCell::into_inner),
    })
}

/// A kernel with an instruction that is not implemented is refused as a whole, with that instruction's name and line.
fn refuse_unsupported(program: &Program) -> Result<(), Error> {
    for function in &program.functions {
        for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
            if let Op::Unsupported { text, .. } = &instruction.op {
                let kernel = program.kernel().name.clone();
                return Err(Error::Unsupported { kernel, line: instruction.line, what: text.clone() });
            }
        }
    }
    Ok(())
}

/// Functions that code will call: directly, or, where there is a call through a pointer, any.
fn reachable_functions(program: &Program) -> Vec<bool> {
    let mut reachable = vec![false; program.functions.len()];
    reachable[0] = true;
    let mut pending = vec![FunctionId(0)];
    while let Some(id) = pending.pop() {
        let mut found: Vec<FunctionId> = Vec::new();
        for instruction in program.function(id).blocks.iter().flat_map(|block| &block.instructions) {
            match instruction.op {
                Op::Call { function, .. } => found.push(function),
                Op::CallIndirect { .. } => found.extend(program.indirect_candidates()),
                _ => {}
            }
        }
        for next in found {
            if !std::mem::replace(&mut reachable[next.0 as usize], true) {
                pending.push(next);
            }
        }
    }
    reachable
}

/// By value: whether it is in progression only if something came as an [`Op::Expect`] says.
fn expected_values(function: &Function, shapes: &Shapes) -> Vec<bool> {
    let hoped_for = |value: Value| {
        matches!(
            shapes.shape(value),
            Shape::Affine { speculative: true, .. } | Shape::Segmented { speculative: true, .. }
        )
    };
    let mut expected = vec![false; function.value_types.len()];
    loop {
        let mut changed = false;
        let mut note = |value: Value, follows: bool, expected: &mut Vec<bool>| {
            if follows && hoped_for(value) {
                changed |= !std::mem::replace(&mut expected[value.0 as usize], true);
            }
        };
        for block in &function.blocks {
            for phi in &block.phis {
                let follows = phi.incoming.iter().any(|(_, value)| expected[value.0 as usize]);
                note(phi.result, follows, &mut expected);
            }
            for instruction in &block.instructions {
                let from_expected = |value: &Value| expected[value.0 as usize];
                let follows =
                    matches!(instruction.op, Op::Expect { .. }) || instruction.op.operands().iter().any(from_expected);
                instruction.results.iter().for_each(|result| note(*result, follows, &mut expected));
            }
        }
        if !changed {
            return expected;
        }
    }
}

/// Atomic operations up to which each may take hundreds of instructions.
const FEW_ATOMICS: usize = 16;

/// How many operations of a kind a program has.
fn count(program: &Program, is_of_kind: impl Fn(&Op) -> bool) -> usize {
    let instructions = program.functions.iter().flat_map(|f| &f.blocks).flat_map(|b| &b.instructions);
    instructions.filter(|instruction| is_of_kind(&instruction.op)).count()
}

/// Whether a warp of the kernel may have to wait for others.
fn suspends(kernel: &Function, shapes: &Shapes, launch: LaunchShape) -> bool {
    if launch.lanes != LANES && is_one_call(launch.block, launch.lanes) {
        return false;
    }
    let instructions = kernel.blocks.iter().flat_map(|block| &block.instructions);
    // The memory of other blocks is there only while they run.
    let waits = instructions.clone().any(|i| i.op.may_suspend() || matches!(i.op, Op::MapToRank { .. }));
    waits || shapes.schedule.spins.contains(&true)
}

/// Whether one call computes all threads of a block.
pub(super) fn is_one_call(block: Option<[u32; 3]>, lanes: u32) -> bool {
    block.is_some_and(|block| block.iter().product::<u32>() <= lanes)
}

impl Unit<'_> {
    /// Whether one call computes all threads of a block, so that nobody has to be waited for at its barriers.
    pub(super) fn is_lone(&self) -> bool {
        is_one_call(self.block, self.lanes)
    }
}

pub(super) fn describe(ir: &Ir, fun: Fun) {
    ir.add_attribute(fun, u32::MAX, "nounwind");
    ir.add_text_attribute(fun, "prefer-vector-width", "512");
    ir.add_text_attribute(fun, "min-legal-vector-width", "512");
}

/// What tells one warp from another: where its coordinates come from.
pub(super) struct Coordinates {
    pub block_index: [Val; 3],
    pub warp_index: Val,
}

pub(super) fn new_emitter<'a>(
    unit: &'a Unit<'a>,
    function: &'a Function,
    fun: Fun,
    shapes: Shapes,
) -> FunctionEmitter<'a> {
    let ir = unit.ir;
    let slots = ir.append_block(fun, "slots");
    let whole_warps = unit.block.is_some_and(|block| block.iter().product::<u32>() % unit.lanes == 0);
    let starts_full = function.kind == FunctionKind::Kernel && whole_warps;
    let nothing = ir.poison(ir.int(32));
    let mut notes = FunctionNotes::new(function, &shapes, unit.lanes);
    if function.kind == FunctionKind::Kernel {
        lane_loop::note(&unit.lane_loops, &mut notes);
    }
    unit.notes.borrow_mut().push(notes);
    FunctionEmitter {
        unit,
        ir,
        function,
        liveness: Liveness::new(function),
        dominators: Dominators::new(function),
        predecessors: function.predecessors(),
        fun,
        slots,
        entrance: slots,
        rounds: None,
        launch: ir.parameter(fun, 0),
        warp: ir.parameter(fun, 1),
        block_index: [nothing; 3],
        warp_index: nothing,
        entry_mask: ir.poison(ir.vector(ir.int(1), unit.lanes)),
        stack_base: ir.constant(ir.int(32), 0),
        stack_top: nothing,
        variables: vec![None; function.value_types.len()],
        packs: Packs::new(function, &shapes),
        expected: expected_values(function, &shapes),
        made_anew: vec![None; function.value_types.len()],
        arithmetic_nans: super::nans::arithmetic_nans(function),
        presence: Presence::new(function, &shapes.schedule, starts_full),
        pending: vec![None; function.blocks.len()],
        tests: vec![None; function.blocks.len()],
        bodies: vec![None; function.blocks.len()],
        loop_ends: Vec::new(),
        lane_tests: Vec::new(),
        end: ir.append_block(fun, "end"),
        fault: ir.append_block(fun, "fault"),
        returns: Vec::new(),
        returned: nothing,
        at_hand: Default::default(),
        operations: Default::default(),
        known_lanes: Default::default(),
        row_pointers: Vec::new(),
        matrices: Default::default(),
        tables: Default::default(),
        strided: Default::default(),
        records: Default::default(),
        mask: ir.poison(ir.vector(ir.int(1), unit.lanes)),
        block: Function::ENTRY,
        guard: None,
        load_being_made: None,
        late_fetches: Vec::new(),
        segment: None,
        address_roots: Default::default(),
        checked: Vec::new(),
        line: 0,
        line_value: None,
        waits: Default::default(),
        frame_sums: Default::default(),
        shapes,
    }
}

impl FunctionEmitter<'_> {
    /// Fills in what differs between kernels and functions, and emits everything. Returns the size of the frame.
    pub(super) fn emit(
        mut self,
        coordinates: Coordinates,
        mask: Option<Val>,
        parameters: &[Val],
    ) -> Result<u32, Error> {
        let ir = self.ir;
        self.block_index = coordinates.block_index;
        self.warp_index = coordinates.warp_index;
        self.stack_top = self.slot(ir.int(32));
        let start = self.new_block("start");
        // Where lanes wait for each other the mask is needed behind waits too, which the start does not lead to.
        if !self.shapes.schedule.irregular {
            ir.position(start);
        }
        self.entry_mask = match mask {
            Some(mask) => mask,
            None => self.full_or_partial_warp(),
        };
        self.returned = self.zeroed_slot(self.mask_type());
        ir.position(start);
        self.returns = self.function.returns.iter().map(|ty| self.zeroed_slot(self.returned_type(*ty))).collect();
        self.enter_frame();
        self.plan_tables();
        self.walk(start, parameters)?;
        Ok(self.waits.frame.bytes)
    }

    /// Makes the parameters of a device function known.
    pub fn define_parameters(&mut self, parameters: &[Val]) {
        let mask = std::mem::replace(&mut self.mask, self.entry_mask);
        for (index, parameter) in parameters.iter().enumerate() {
            let is_lane = self.function.kind == FunctionKind::Lane;
            let repr = if is_lane { Repr::Uniform(*parameter) } else { Repr::Vector(*parameter) };
            self.write_variable(Value(index as u32), repr, false);
        }
        self.mask = mask;
    }

    /// Lanes that are threads of the block: all, but for the last warp of a block that is no multiple of 32.
    fn full_or_partial_warp(&mut self) -> Val {
        let first = self.first_thread();
        match self.unit.block {
            Some(block) if block.iter().product::<u32>() % self.lanes() == 0 => self.all_lanes(),
            _ => {
                let rest = self.ir.sub(self.block_threads(), first);
                self.lanes_below(rest)
            }
        }
    }
}

fn emit_device_function(unit: &Unit<'_>, function: &Function, fun: Fun, shapes: Shapes) -> Result<(), Error> {
    let ir = unit.ir;
    let mut emitter = new_emitter(unit, function, fun, shapes);
    ir.position(emitter.slots);
    let parameter = |index: u32| ir.parameter(fun, index);
    let coordinates = Coordinates { block_index: [2, 3, 4].map(parameter), warp_index: parameter(5) };
    let mask = emitter.mask_from_bits(parameter(6));
    emitter.stack_base = parameter(7);
    let count = function.parameters.len() as u32;
    let parameters: Vec<Val> = (0..count).map(|index| parameter(HIDDEN_PARAMETERS + index)).collect();
    emitter.emit(coordinates, Some(mask), &parameters)?;
    Ok(())
}

/// The kernel as `simt_ir::abi::RunWarp`. Returns the size of the frame.
fn emit_warp_entry(unit: &Unit<'_>, kernel: &Function, shapes: Shapes) -> Result<u32, Error> {
    let ir = unit.ir;
    let fun = ir.add_function(ENTRY_NAME, ir.function_type(ir.int(32), &[ir.ptr(), ir.ptr(), ir.ptr()]), false);
    describe(ir, fun);
    let mut emitter = new_emitter(unit, kernel, fun, shapes);
    if !unit.quick {
        emitter.plan_rounds();
    }
    ir.position(emitter.entrance);
    let field = |offset: usize| {
        let pointer = ir.offset_by(emitter.warp, offset);
        ir.load_invariant(ir.int(32), pointer, 4)
    };
    let coordinates = Coordinates {
        block_index: [0, 4, 8].map(|part| field(offset_of!(WarpContext, block_index) + part)),
        warp_index: field(offset_of!(WarpContext, warp_index)),
    };
    emitter.emit(coordinates, None, &[])
}
