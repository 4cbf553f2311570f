//! Random control flow: a structured part by recursion, with loops that lanes leave one by one and whose turns end in several places, switches,
//! regions with two entries, and calls.
//!
//! A handful of `i32` variables goes through all of it; their values at the end are the outputs. Some are kept in memory on the way, in words
//! of the thread's own, and some change places, so that loops pass them on crosswise.

use simt_ir::{
    AddressSpace, BinaryOp, BlockId, FunctionBuilder, FunctionId, FunctionKind, IntCondition, MemoryOrder, Op, Program,
    SpecialRegister, Terminator, Type, UnaryOp, Value,
};

use super::straight::Straight;
use super::{Case, Family, Rng};

/// Variables of a kernel.
const VARIABLES: usize = 5;

/// Deepest nesting of statements.
const DEPTH: u32 = 4;

/// Statements of a whole function, about.
const BUDGET: u32 = 40;

/// Turns that a loop takes at most.
const TURNS: u64 = 9;

/// Device functions that can be called: two plain ones and one that recurses.
const CALLEES: u32 = 3;

pub(super) fn case(rng: &mut Rng) -> Case<Program> {
    let threads = 1 + rng.below(80) as u32;
    let mut functions: Vec<_> = (1..CALLEES).map(|_| plain_function(rng)).collect();
    functions.push(recursive_function(CALLEES));
    let mut s = Straight::new(rng, Family::ControlFlow.mix());
    s.functions = functions;
    let first: Vec<Value> = (0..VARIABLES).map(|_| s.operand(Type::I32)).collect();
    let mut detours = Detours { rng: Rng::of(Family::ControlFlow, s.rng.clone().bits()), rows: rows(&mut s, threads) };
    let (rng, b) = (&mut *s.rng, &mut s.builder);
    let mut generator =
        Generator { rng, b, budget: BUDGET, calls: true, loops: Vec::new(), detours: Some(&mut detours) };
    let last = generator.statements(first, 0);
    for value in last {
        s.output(value);
    }
    // The generic address is that of the words in shared memory, and what is in global memory is compared by itself.
    for (space, row) in
        detours.rows.into_iter().filter(|(space, _)| [AddressSpace::Shared, AddressSpace::Local].contains(space))
    {
        for offset in (0..4 * i64::from(ROW_WORDS)).step_by(8) {
            let word = s.load(space, Type::I64, 1, row, offset)[0];
            s.output(word);
        }
    }
    s.finish(1 + threads % 2, threads)
}

/// What is done to variables between statements. It is drawn from a source of its own.
struct Detours {
    rng: Rng,
    /// Where the thread has [`ROW_WORDS`] words of its own, all zero at first.
    rows: Vec<(AddressSpace, Value)>,
}

/// Words in memory that a thread has in each space.
const ROW_WORDS: u32 = 4;

fn rows(s: &mut Straight, threads: u32) -> Vec<(AddressSpace, Value)> {
    let bytes = 4 * ROW_WORDS;
    s.scratch_words = (2 * threads * bytes / 8) as usize;
    let (shared, local) = (s.shared_array(threads * bytes), s.local_array(bytes));
    let tid = s.builder.push1(Op::Special(SpecialRegister::TidX));
    let shared = s.element(shared, tid, bytes.into());
    let global = s.element(s.output, s.thread, bytes.into());
    s.clear(AddressSpace::Shared, shared, bytes);
    s.clear(AddressSpace::Local, local, bytes);
    let generic = s.builder.push1(Op::ToGeneric { space: AddressSpace::Shared, a: shared });
    vec![
        (AddressSpace::Shared, shared),
        (AddressSpace::Local, local),
        (AddressSpace::Global, global),
        (AddressSpace::Generic, generic),
    ]
}

/// `(i32, i32) -> i32`, with branches and loops of its own.
fn plain_function(rng: &mut Rng) -> simt_ir::Function {
    let mut b = FunctionBuilder::new("callee", FunctionKind::Device, vec![Type::I32; 2], vec![Type::I32]);
    let state = vec![b.parameter(0), b.parameter(1)];
    let mut generator = Generator { rng, b: &mut b, budget: 8, calls: false, loops: Vec::new(), detours: None };
    let state = generator.statements(state, 1);
    let sum = b.binary(BinaryOp::Xor, state[0], state[1]);
    b.terminate(Terminator::Return(vec![sum]));
    b.finish()
}

/// `f(x, n) = (n & 7) == 0 ? x : f(x * 5 + n, (n & 7) - 1) ^ n`.
fn recursive_function(id: u32) -> simt_ir::Function {
    let mut b = FunctionBuilder::new("recursive", FunctionKind::Device, vec![Type::I32; 2], vec![Type::I32]);
    let (x, n) = (b.parameter(0), b.parameter(1));
    let (mask, zero, one, five) =
        (b.constant(Type::I32, 7), b.constant(Type::I32, 0), b.constant(Type::I32, 1), b.constant(Type::I32, 5));
    let depth = b.binary(BinaryOp::And, n, mask);
    let done = b.int_compare(IntCondition::Eq, depth, zero);
    let (base, step) = (b.create_block(), b.create_block());
    b.terminate(Terminator::CondBranch { condition: done, then: base, otherwise: step });
    b.switch_to(base);
    b.terminate(Terminator::Return(vec![x]));
    b.switch_to(step);
    let scaled = b.binary(BinaryOp::Mul, x, five);
    let next = b.binary(BinaryOp::Add, scaled, n);
    let less = b.binary(BinaryOp::Sub, depth, one);
    let op = Op::Call { function: FunctionId(id), arguments: vec![next, less] };
    let inner = b.push_with(op, &[Type::I32])[0];
    let result = b.binary(BinaryOp::Xor, inner, n);
    b.terminate(Terminator::Return(vec![result]));
    b.finish()
}

/// The values of the variables.
type State = Vec<Value>;

struct Generator<'g> {
    rng: &'g mut Rng,
    b: &'g mut FunctionBuilder,
    budget: u32,
    /// Whether calls may be made.
    calls: bool,
    /// The loops around the place, outer first.
    loops: Vec<Loop>,
    detours: Option<&'g mut Detours>,
}

/// A loop that is being filled.
struct Loop {
    /// Where a turn begins.
    head: BlockId,
    /// How many turns there were, and how many there may be.
    counter: Value,
    turns: Value,
    /// Edges to the head but the first, with the count of turns.
    repeats: Vec<(BlockId, Value, State)>,
    /// The block behind it.
    exit: BlockId,
    /// Edges to that block.
    edges: Vec<(BlockId, State)>,
}

/// The address of one of the words of a row: always the same one, or one that a variable says.
fn own_word(b: &mut FunctionBuilder, rng: &mut Rng, row: Value, state: &State) -> Value {
    let offset = if rng.flag() {
        b.constant(Type::I64, 4 * rng.below(ROW_WORDS as usize) as u64)
    } else {
        let mask = b.constant(Type::I32, u64::from(ROW_WORDS - 1));
        let index = b.binary(BinaryOp::And, rng.pick(state), mask);
        let (index, four) = (b.resize(false, Type::I64, index), b.constant(Type::I64, 4));
        b.binary(BinaryOp::Mul, index, four)
    };
    b.binary(BinaryOp::Add, row, offset)
}

impl Generator<'_> {
    /// A few statements one after the other.
    fn statements(&mut self, mut state: State, depth: u32) -> State {
        let count = if depth == 0 { 6 } else { 1 + self.rng.below(3) };
        for _ in 0..count {
            state = self.statement(state, depth);
            state = self.detour(state);
        }
        state
    }

    /// Often, two variables change places, or some are kept in memory.
    fn detour(&mut self, mut state: State) -> State {
        let Some(Detours { rng, rows }) = self.detours.as_deref_mut() else { return state };
        match rng.below(4) {
            0 => {
                let (one, other) = (rng.below(state.len()), rng.below(state.len()));
                state.swap(one, other);
            }
            1 => {
                for _ in 0..2 + rng.below(3) {
                    let (space, row) = rng.pick(rows);
                    let address = own_word(self.b, rng, row, &state);
                    let (ty, order, variable) = (Type::I32, MemoryOrder::Weak, rng.below(state.len()));
                    if rng.flag() {
                        let values = vec![state[variable]];
                        self.b.push(Op::Store { space, ty, order, address, offset: 0, values, guard: None });
                    } else {
                        let load = Op::Load { space, ty, count: 1, order, address, offset: 0, guard: None };
                        state[variable] = self.b.push1(load);
                    }
                }
            }
            _ => {}
        }
        state
    }

    fn statement(&mut self, state: State, depth: u32) -> State {
        if self.budget == 0 || depth >= DEPTH {
            return self.assignment(state);
        }
        self.budget -= 1;
        match self.rng.below(12) {
            0..3 => self.assignment(state),
            3..6 => self.branch(state, depth),
            6..8 => self.repeat(state, depth),
            8 => self.switch(state, depth),
            9 => self.two_entries(state),
            10 if self.calls => self.call(state),
            _ => self.leave_loop(state),
        }
    }

    fn int(&mut self, value: u64) -> Value {
        self.b.constant(Type::I32, value)
    }

    fn variable(&mut self, state: &State) -> Value {
        state[self.rng.below(state.len())]
    }

    /// One variable gets a new value.
    fn assignment(&mut self, mut state: State) -> State {
        let (a, b) = (self.variable(&state), self.variable(&state));
        let constant = self.rng.value(Type::I32);
        let constant = self.int(constant);
        let op = self.rng.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Xor, BinaryOp::ShrUnsigned]);
        let value = match self.rng.below(3) {
            0 => self.b.binary(op, a, b),
            1 => self.b.binary(op, a, constant),
            _ => {
                let value = self.b.unary(UnaryOp::Not, a);
                self.b.binary(BinaryOp::Add, value, b)
            }
        };
        let target = self.rng.below(state.len());
        state[target] = value;
        state
    }

    /// A condition on the variables; some are the same for many lanes.
    fn condition(&mut self, state: &State) -> Value {
        let (a, b) = (self.variable(state), self.variable(state));
        let bit = 1 << self.rng.below(5);
        let (bit, zero) = (self.int(bit), self.int(0));
        if self.rng.flag() {
            let masked = self.b.binary(BinaryOp::And, a, bit);
            self.b.int_compare(IntCondition::Eq, masked, zero)
        } else {
            let condition = self.rng.pick(&[IntCondition::LtSigned, IntCondition::GeUnsigned, IntCondition::Ne]);
            self.b.int_compare(condition, a, b)
        }
    }

    /// A block at which edges with their states meet.
    fn join(&mut self, edges: Vec<(BlockId, State)>, block: BlockId) -> State {
        self.b.switch_to(block);
        let width = edges[0].1.len();
        let mut state = Vec::new();
        for index in 0..width {
            let phi = self.b.push_phi(block, Type::I32);
            let phis = &mut self.b.function_mut().block_mut(block).phis;
            let incoming = edges.iter().map(|(from, state)| (*from, state[index])).collect();
            phis.last_mut().expect("the phi just made").incoming = incoming;
            state.push(phi);
        }
        state
    }

    /// Runs `body` in a new block and goes to `to`; the edge.
    fn arm(&mut self, block: BlockId, state: State, depth: u32, to: BlockId) -> (BlockId, State) {
        self.b.switch_to(block);
        let state = self.statements(state, depth + 1);
        let edge = (self.b.current_block(), state);
        self.b.terminate(Terminator::Branch(to));
        edge
    }

    fn branch(&mut self, state: State, depth: u32) -> State {
        let condition = self.condition(&state);
        let origin = self.b.current_block();
        let (then, join) = (self.b.create_block(), self.b.create_block());
        let with_else = self.rng.flag();
        let otherwise = if with_else { self.b.create_block() } else { join };
        self.b.terminate(Terminator::CondBranch { condition, then, otherwise });
        let mut edges = vec![self.arm(then, state.clone(), depth, join)];
        if with_else {
            edges.push(self.arm(otherwise, state, depth, join));
        } else {
            edges.push((origin, state));
        }
        self.join(edges, join)
    }

    fn switch(&mut self, state: State, depth: u32) -> State {
        let index = self.variable(&state);
        let mask = self.int(3);
        let index = self.b.binary(BinaryOp::And, index, mask);
        let arms: Vec<BlockId> = (0..3).map(|_| self.b.create_block()).collect();
        let join = self.b.create_block();
        // Index 3 has no entry of its own, and 0 and 2 share one now and then.
        let third = if self.rng.flag() { arms[2] } else { arms[0] };
        let targets = vec![arms[0], arms[1], third, arms[2]];
        self.b.terminate(Terminator::Switch { index, targets });
        let edges = arms.into_iter().map(|arm| self.arm(arm, state.clone(), depth, join)).collect();
        self.join(edges, join)
    }

    /// A loop with a number of turns that differs from lane to lane, which it asks for at the begin of a turn or at its end, and perhaps other ways
    /// out.
    fn repeat(&mut self, state: State, depth: u32) -> State {
        let turns = self.variable(&state);
        let most = self.int(TURNS - 2);
        let turns = self.b.binary(BinaryOp::RemUnsigned, turns, most);
        let zero = self.int(0);
        let asks_first = self.rng.flag();
        let entry = self.b.current_block();
        let (head, exit) = (self.b.create_block(), self.b.create_block());
        self.b.terminate(Terminator::Branch(head));
        self.b.switch_to(head);
        let counter = self.b.push_phi(head, Type::I32);
        let variables: State = state.iter().map(|_| self.b.push_phi(head, Type::I32)).collect();
        self.loops.push(Loop { head, counter, turns, repeats: Vec::new(), exit, edges: Vec::new() });
        if asks_first {
            let body = self.b.create_block();
            self.end_turn(exit, body);
            self.innermost().edges.push((head, variables.clone()));
            self.b.switch_to(body);
        }
        let after = self.statements(variables, depth + 1);
        let after = self.detour(after);
        let next = self.counted(counter);
        let latch = self.b.current_block();
        if asks_first {
            self.b.terminate(Terminator::Branch(head));
        } else {
            self.end_turn(exit, head);
            self.innermost().edges.push((latch, after.clone()));
        }
        self.innermost().repeats.push((latch, next, after));
        let Loop { repeats, edges, .. } = self.loops.pop().expect("the loop just entered");
        let phis = &mut self.b.function_mut().block_mut(head).phis;
        for (index, (phi, start)) in phis.iter_mut().zip(std::iter::once(zero).chain(state)).enumerate() {
            let repeated = |(from, next, state): &(BlockId, Value, State)| {
                (*from, if index == 0 { *next } else { state[index - 1] })
            };
            phi.incoming = std::iter::once((entry, start)).chain(repeats.iter().map(repeated)).collect();
        }
        self.join(edges, exit)
    }

    fn innermost(&mut self) -> &mut Loop {
        self.loops.last_mut().expect("a loop around the place")
    }

    /// Leaves the innermost loop if it has had its turns, and goes on elsewhere if not.
    fn end_turn(&mut self, exit: BlockId, on: BlockId) {
        let Loop { counter, turns, .. } = *self.innermost();
        let done = self.b.int_compare(IntCondition::GeUnsigned, counter, turns);
        self.b.terminate(Terminator::CondBranch { condition: done, then: exit, otherwise: on });
    }

    /// The count of turns after another one.
    fn counted(&mut self, counter: Value) -> Value {
        let one = self.int(1);
        self.b.binary(BinaryOp::Add, counter, one)
    }

    /// A way out of one of the loops around the place, or to its next turn. Outside of loops, an assignment.
    fn leave_loop(&mut self, state: State) -> State {
        if self.loops.is_empty() {
            return self.assignment(state);
        }
        let target = self.rng.below(self.loops.len());
        let goes_back = self.rng.flag();
        let mut condition = self.condition(&state);
        let Loop { head, counter, turns, exit, .. } = self.loops[target];
        if goes_back {
            let more = self.b.int_compare(IntCondition::LtUnsigned, counter, turns);
            condition = self.b.binary(BinaryOp::And, condition, more);
        }
        let (leave, stay) = (self.b.create_block(), self.b.create_block());
        self.b.terminate(Terminator::CondBranch { condition, then: leave, otherwise: stay });
        self.b.switch_to(leave);
        let leaving = self.assignment(state.clone());
        if goes_back {
            let next = self.counted(counter);
            self.loops[target].repeats.push((leave, next, leaving));
        } else {
            self.loops[target].edges.push((leave, leaving));
        }
        self.b.terminate(Terminator::Branch(if goes_back { head } else { exit }));
        self.b.switch_to(stay);
        state
    }

    /// A region that lanes enter at two places and go round in: irreducible control flow.
    fn two_entries(&mut self, state: State) -> State {
        let condition = self.condition(&state);
        let turns = self.variable(&state);
        let mask = self.int(7);
        let turns = self.b.binary(BinaryOp::And, turns, mask);
        let entry = self.b.current_block();
        let (left, right, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.terminate(Terminator::CondBranch { condition, then: left, otherwise: right });
        let mut ends = Vec::new();
        for block in [left, right] {
            self.b.switch_to(block);
            let counter = self.b.push_phi(block, Type::I32);
            let variables: State = state.iter().map(|_| self.b.push_phi(block, Type::I32)).collect();
            let after = self.assignment(variables);
            let one = self.int(1);
            let next = self.b.binary(BinaryOp::Sub, counter, one);
            let zero = self.int(0);
            let done = self.b.int_compare(IntCondition::Eq, counter, zero);
            let other = if block == left { right } else { left };
            self.b.terminate(Terminator::CondBranch { condition: done, then: exit, otherwise: other });
            ends.push((next, after));
        }
        for (index, block) in [left, right].into_iter().enumerate() {
            let (from, (next, after)) = if index == 0 { (right, &ends[1]) } else { (left, &ends[0]) };
            let starts = std::iter::once(turns).chain(state.iter().copied());
            let repeats = std::iter::once(*next).chain(after.iter().copied());
            let phis = &mut self.b.function_mut().block_mut(block).phis;
            for (phi, (start, repeat)) in phis.iter_mut().zip(starts.zip(repeats)) {
                phi.incoming = vec![(entry, start), (from, repeat)];
            }
        }
        let edges = vec![(left, ends[0].1.clone()), (right, ends[1].1.clone())];
        self.join(edges, exit)
    }

    /// A call, direct or through a pointer that differs from lane to lane.
    fn call(&mut self, mut state: State) -> State {
        let arguments = vec![self.variable(&state), self.variable(&state)];
        let value = if self.rng.flag() {
            let function = FunctionId(1 + self.rng.below(CALLEES as usize) as u32);
            self.b.push_with(Op::Call { function, arguments }, &[Type::I32])[0]
        } else {
            let condition = self.condition(&state);
            let [first, second] = [(); 2].map(|()| FunctionId(1 + self.rng.below(CALLEES as usize) as u32));
            let (f, g) = (self.b.push1(Op::FunctionAddress(first)), self.b.push1(Op::FunctionAddress(second)));
            let target = self.b.select(condition, f, g);
            self.b.push1(Op::CallIndirect { target, arguments, returns: vec![Type::I32] })
        };
        let target = self.rng.below(state.len());
        state[target] = value;
        state
    }
}
