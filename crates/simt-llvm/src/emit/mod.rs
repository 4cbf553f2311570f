//! From simt-ir to LLVM IR: a value of 32 lanes becomes a scalar, a scalar with a stride, or a vector.
//!
//! How a function is walked is decided by `simt_ir::analysis::Schedule`; what a value looks like across lanes by
//! `simt_ir::analysis::Shapes`. This module only follows both.

mod aes;
mod agree;
mod arithmetic;
mod atomic;
mod block_loop;
mod call;
mod check;
mod cluster;
mod control;
mod convert;
mod directed;
mod dot;
mod each_lane;
mod engine_call;
mod float;
mod formulas;
mod frame;
mod frame_sums;
mod indexed;
mod instrument;
mod integer;
mod kernel;
mod lane_by_lane;
mod lane_choice;
mod lane_loop;
mod lanes;
mod math;
mod matrix;
mod memory;
mod nans;
pub mod notes;
mod outline;
mod pack;
mod prefetch;
mod records;
mod round;
mod rows;
mod runtime;
mod scatter;
mod skip;
mod streaming;
mod strided;
mod tables;
mod team;
mod transfer;
mod value;
mod wait;

pub use kernel::{ENTRY_NAME, EmittedKernel, Purpose, emit_program};
pub use team::{choose_lanes, lane_choices};

use std::collections::HashMap;
use std::mem::offset_of;

use simt_ir::abi::RuntimeTable;
use simt_ir::analysis::{Dominators, Liveness, Packs, Presence, Shape, Shapes, may_change_tables};
use simt_ir::{BlockId, Function, Op, Program, Type, Value};

use crate::Error;
use crate::llvm::{Bb, Fun, Ir, SLOW, Ty, Val};
use value::{Repr, Variable};

/// Lanes of a warp as the vector length that LLVM wants.
const LANES: u32 = simt_ir::WARP_SIZE;

/// What the machine offers beyond LLVM's generic vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target {
    /// AVX-512 F, VL, BW and DQ.
    pub avx512: bool,
    /// AVX2 and FMA.
    pub avx2: bool,
    /// AVX512-VNNI: products of bytes, added up.
    pub vnni: bool,
    /// AVX512-VBMI: bytes that bytes choose from registers.
    pub vbmi: bool,
    /// GFNI: bytes times matrices of bits.
    pub gfni: bool,
    /// VAES: rounds of AES, four states at a time.
    pub vaes: bool,
    /// Zen 4: stores of 512 bits take two turns, permutations run beside multiplications, a gather takes as long as loads lane by lane, and what
    /// blocks that do not wait read one behind the other is fetched ahead without being asked for.
    pub zen4: bool,
    /// Zen 5: permutations run beside multiplications there, too, a gather takes longer than loads lane by lane, and pieces of rows are best fetched to the
    /// second cache.
    pub zen5: bool,
}

impl Target {
    /// Bits of a vector register.
    pub fn register_bits(self) -> u32 {
        if self.avx512 {
            512
        } else if self.avx2 {
            256
        } else {
            128
        }
    }

    /// Vector registers.
    pub fn registers(self) -> u32 {
        if self.avx512 { 32 } else { 16 }
    }

    /// Whether small tables are looked up in by permutations of bytes. Where gathers are quick that takes as long as they do for the largest of
    /// tables, but those may have formulas, which take half.
    pub fn permutes_tables(self) -> bool {
        self.vbmi
    }

    /// Whether there are instructions that gather.
    pub fn gathers(self) -> bool {
        self.avx512 || self.avx2
    }
}

/// What is the same for all functions of a program.
struct Unit<'a> {
    ir: &'a Ir,
    program: &'a Program,
    target: Target,
    /// Block size, where fixed.
    block: Option<[u32; 3]>,
    /// Lanes that a function computes: a warp's, or those of a [`team`] of warps.
    lanes: u32,
    /// Declared functions of the program by id; the kernel's entry is not among them.
    functions: Vec<Option<Fun>>,
    /// The kernel's loops that lanes may do one by one.
    lane_loops: Vec<lane_loop::LaneCode<'a>>,
    /// Functions emitted once and shared, by name.
    helpers: std::cell::RefCell<HashMap<String, Fun>>,
    /// Whether the program has registered host memory, which makes addresses outside of the arena good.
    host_memory: bool,
    /// Whether there are so few atomic operations that their code may be large.
    few_atomics: bool,
    /// Whether the code is to be there soon.
    quick: bool,
    /// Whether accesses without a pattern are called instead of inlined.
    outline: bool,
    /// Whether the kernel is called warp by warp and may suspend.
    suspendable: bool,
    /// What each thread stores, in bytes, where stores may go past the caches.
    streamed_bytes: Option<u64>,
    /// Whether some do.
    streamed: std::cell::Cell<bool>,
    /// What was decided, function by function.
    notes: std::cell::RefCell<Vec<notes::FunctionNotes>>,
    /// Whether the notes are to say why branches diverge.
    explain: bool,
    /// The segments and sites so far, where code is instrumented.
    instrumentation: Option<std::cell::RefCell<simt_ir::instrument::Instrumentation>>,
}

/// Emits one function.
struct FunctionEmitter<'a> {
    unit: &'a Unit<'a>,
    ir: &'a Ir,
    function: &'a Function,
    shapes: Shapes,
    liveness: Liveness,
    dominators: Dominators,
    predecessors: Vec<Vec<BlockId>>,
    fun: Fun,
    /// Where stack slots are made; ends in a jump to the code once everything is emitted.
    slots: Bb,
    /// Where a warp begins or goes on: the block of the slots, or one behind it where one warp after the other has its turn.
    entrance: Bb,
    rounds: Option<round::Rounds>,
    /// Pointer to the `LaunchContext`.
    launch: Val,
    /// Pointer to the `WarpContext`.
    warp: Val,
    /// `%ctaid` and the warp's index in its block.
    block_index: [Val; 3],
    warp_index: Val,
    /// Lanes that run the function at its start.
    entry_mask: Val,
    /// Offset in local memory where this function's frame begins: an `i32`.
    stack_base: Val,
    /// Slot with the current top of the local stack: an `i32`.
    stack_top: Val,
    variables: Vec<Option<Variable>>,
    /// Values that stay together as memory has them.
    packs: Packs,
    /// Operations whose values are made again where they are used, instead of being kept.
    made_anew: Vec<Option<&'a Op>>,
    /// Values that follow from an [`Op::Expect`], so that the order hoped for may well be missed.
    expected: Vec<bool>,
    /// Values whose NaNs are not yet in the card's form, see `float.rs`.
    arithmetic_nans: Vec<bool>,
    presence: Presence,
    /// Pending mask slots by block.
    pending: Vec<Option<Val>>,
    tests: Vec<Option<Bb>>,
    bodies: Vec<Option<Bb>>,
    loop_ends: Vec<Bb>,
    /// Where loops that lanes may do one by one begin another turn, by index.
    lane_tests: Vec<(usize, Bb)>,
    end: Bb,
    fault: Bb,
    /// Return value slots of a device function.
    returns: Vec<Val>,
    /// Slot with the lanes that have returned from an irregular device function.
    returned: Val,
    /// Values at hand in the block being emitted.
    at_hand: HashMap<Value, Repr>,
    /// Active lanes where code is being emitted: a vector of `i1`.
    mask: Val,
    /// Block being emitted.
    block: BlockId,
    /// Predicate of the guarded access being emitted.
    guard: Option<Value>,
    /// The load being emitted, and those of the block whose next turn is fetched for behind the wait at its end.
    load_being_made: Option<prefetch::Load>,
    late_fetches: Vec<prefetch::Load>,
    /// The segment that the code being emitted belongs to, once it has a mark.
    segment: Option<usize>,
    /// In instrumented code, the variables that addresses are made of.
    address_roots: std::cell::OnceCell<Vec<Option<simt_ir::SymbolId>>>,
    /// Addresses that need not be tested again.
    checked: Vec<check::Checked>,
    /// PTX line of the instruction being emitted.
    line: u32,
    /// The line as a value, in a function that serves many lines.
    line_value: Option<Val>,
    /// The operation that makes each value, once somebody asks.
    operations: std::cell::OnceCell<Vec<Option<&'a Op>>>,
    /// What is known of values lane by lane, of those that were asked for.
    known_lanes: std::cell::RefCell<HashMap<Value, Option<Vec<u128>>>>,
    /// Pointers to rows of shared memory that lanes hold for each other.
    row_pointers: Vec<rows::RowPointers>,
    matrices: matrix::Matrices,
    tables: tables::KnownTables,
    strided: strided::StridedCode,
    records: records::RecordCode,
    waits: wait::Waits,
    frame_sums: frame_sums::FrameSums,
}

impl<'a> FunctionEmitter<'a> {
    /// LLVM's type for one lane. Half types are kept as their bits.
    fn scalar_type(&self, ty: Type) -> Ty {
        scalar_type(self.ir, ty)
    }

    fn vector_type(&self, ty: Type) -> Ty {
        self.ir.vector(self.scalar_type(ty), self.lanes())
    }

    fn mask_type(&self) -> Ty {
        self.ir.vector(self.ir.int(1), self.lanes())
    }

    fn i32(&self, value: u32) -> Val {
        self.ir.constant(self.ir.int(32), u64::from(value))
    }

    fn i64(&self, value: u64) -> Val {
        self.ir.constant(self.ir.int(64), value)
    }

    /// Lanes that the function computes.
    fn lanes(&self) -> u32 {
        self.unit.lanes
    }

    /// An integer with a bit for each lane.
    fn mask_int(&self) -> Ty {
        self.ir.int(self.lanes())
    }

    /// A mask as an integer (of a warp, an `i32`), lane 0 in bit 0.
    fn mask_bits(&self, mask: Val) -> Val {
        self.ir.cast(crate::llvm::Cast::BitCast, mask, self.mask_int())
    }

    fn mask_from_bits(&self, bits: Val) -> Val {
        self.ir.cast(crate::llvm::Cast::BitCast, bits, self.mask_type())
    }

    /// Whether any lane of a mask is set: an `i1`.
    fn any(&self, mask: Val) -> Val {
        self.ir.icmp(crate::llvm::IntPredicate::LLVMIntNE, self.mask_bits(mask), self.ir.zero(self.mask_int()))
    }

    fn all_lanes(&self) -> Val {
        self.ir.constant(self.mask_type(), 1)
    }

    fn no_lanes(&self) -> Val {
        self.ir.zero(self.mask_type())
    }

    /// `0, 1, … ` of an integer type.
    fn lane_numbers(&self, element: Ty) -> Val {
        let numbers: Vec<Val> = (0..u64::from(self.lanes())).map(|lane| self.ir.constant(element, lane)).collect();
        self.ir.constant_vector(&numbers)
    }

    /// A block. What is made on a slow path belongs to it.
    fn new_block(&self, name: &str) -> Bb {
        match self.ir.is_on_slow_path() {
            true => self.ir.append_block(self.fun, &format!("{SLOW}_{name}")),
            false => self.ir.append_block(self.fun, name),
        }
    }

    /// A stack slot, made in the function's first block.
    fn slot(&self, ty: Ty) -> Val {
        let here = self.ir.current_block();
        self.ir.position(self.slots);
        let slot = self.ir.alloca(ty);
        if self.rounds.is_some() {
            // What a warp left there is not for the next.
            self.ir.position(self.entrance);
            self.ir.store(self.ir.poison(ty), slot, 0);
        }
        self.ir.position(here);
        slot
    }

    /// A stack slot that holds zero whenever the function is entered, at its start or behind a wait.
    fn zeroed_slot(&self, ty: Ty) -> Val {
        let slot = self.slot(ty);
        let here = self.ir.current_block();
        self.ir.position(self.entrance);
        self.ir.store(self.ir.zero(ty), slot, 0);
        self.ir.position(here);
        slot
    }

    fn shape(&self, value: Value) -> Shape {
        self.shapes.shape(value)
    }

    fn unsupported(&self, what: &str) -> Error {
        Error::Unsupported { kernel: self.unit.program.kernel().name.clone(), line: self.line, what: what.into() }
    }

    /// Emits the operation and makes its results known.
    fn instruction(&mut self, instruction: &simt_ir::Instruction) -> Result<(), Error> {
        self.line = instruction.line;
        let results = &instruction.results;
        if let Some(members) = instruction.op.members() {
            self.observe_members(members);
        }
        if may_change_tables(&instruction.op) {
            self.forget_tables();
        }
        match &instruction.op {
            Op::Unsupported { text, .. } => return Err(self.unsupported(text)),
            Op::Mark { class } => self.mark(simt_ir::instrument::Mark { line: self.line, class: *class }),
            Op::Load { .. } | Op::Store { .. } => self.memory(&instruction.op, results),
            Op::Atomic { .. } => self.atomic(&instruction.op, results)?,
            Op::Call { .. } | Op::CallIndirect { .. } => self.call(&instruction.op, results)?,
            Op::RuntimeCall { function, arguments } => self.runtime_call(*function, arguments, results)?,
            Op::Barrier { .. } | Op::ClusterBarrier { .. } => self.barrier(&instruction.op, results)?,
            Op::Shuffle { .. }
            | Op::Vote { .. }
            | Op::Match { .. }
            | Op::Reduce { .. }
            | Op::ActiveMask
            | Op::Elect { .. }
            | Op::WarpSync { .. } => self.across_lanes(&instruction.op, results)?,
            Op::Agree { condition, on } => self.agree(*condition, *on, results[0]),
            Op::MatrixProduct { product, a, b, c } => self.matrix_product(product, [a, b, c], results),
            Op::Texture { op, operands } => {
                self.engine_call(offset_of!(RuntimeTable, texture), op.encode(), operands, results);
            }
            Op::Tensor { op, operands } => {
                self.engine_call(offset_of!(RuntimeTable, tensor), op.encode(), operands, results);
            }
            Op::Fence { order, .. } => self.fence(*order),
            Op::StackAlloc { .. } | Op::StackSave | Op::StackRestore { .. } => self.stack(&instruction.op, results),
            op if self.is_computed_in_pack(results[0]) => self.pack_operation(op, results[0])?,
            op => self.pure(op, results[0])?,
        }
        Ok(())
    }
}

/// LLVM's type for one lane. Half types are kept as their bits.
fn scalar_type(ir: &Ir, ty: Type) -> Ty {
    match ty {
        Type::F32 => ir.f32(),
        Type::F64 => ir.f64(),
        other => ir.int(other.bits()),
    }
}
