//! Operations of several lanes of a warp together (PTX ISA 9.7.9.6, 9.7.13.1 and following).
//!
//! A lane waits until every lane of its member mask that has not exited waits at an operation of the same kind with the
//! same mask; it need not be the same instruction.

use simt_ir::{Instruction, MatchKind, MatrixProduct, Op, ReduceOp, ShuffleMode, Type, Value, VoteMode, number};

use super::Context;
use super::lane::LaneState;
use super::warp::{Warp, lanes_of};
use crate::{Fault, FaultKind};

/// What lanes must agree on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    WarpSync,
    Shuffle(ShuffleMode),
    Vote(VoteMode),
    Match(MatchKind, Type),
    Reduce(ReduceOp),
    Elect,
    MatrixProduct(MatrixProduct),
}

/// What a waiting lane brought, and where its results go.
pub(super) struct Request {
    kind: Kind,
    members: u32,
    value: u128,
    /// Of shuffles: which lane, and the clamp-and-segment argument.
    lane: u32,
    clamp: u32,
    /// Of matrix products: the lane's registers of the three operands.
    matrices: [Vec<u64>; 3],
    results: Vec<Value>,
    pub line: u32,
}

impl Request {
    pub fn describe(&self) -> String {
        format!("waits at {:?} for the lanes of {:#010x}, some of which will not come", self.kind, self.members)
    }
}

impl Warp {
    /// Makes lanes wait at an operation.
    pub(super) fn request_collective(
        &mut self,
        context: &Context,
        group: u32,
        instruction: &Instruction,
    ) -> Result<(), Box<Fault>> {
        for id in lanes_of(group) {
            let lane = &mut self.lanes[id];
            let word = |value: Value| lane.value(value) as u32;
            let (kind, members, value, lane_argument, clamp) = match instruction.op {
                Op::WarpSync { mask } => (Kind::WarpSync, word(mask), 0, 0, 0),
                Op::Shuffle { mode, value, lane: source, clamp, members } => {
                    (Kind::Shuffle(mode), word(members), lane.value(value), word(source), word(clamp))
                }
                Op::Vote { mode, predicate, members } => {
                    (Kind::Vote(mode), word(members), lane.value(predicate) & 1, 0, 0)
                }
                Op::Match { kind, ty, value, members } => {
                    (Kind::Match(kind, ty), word(members), lane.value(value), 0, 0)
                }
                Op::Reduce { op, value, members } => (Kind::Reduce(op), word(members), lane.value(value), 0, 0),
                Op::Elect { members } => (Kind::Elect, word(members), 0, 0, 0),
                Op::MatrixProduct { product, .. } => (Kind::MatrixProduct(product), u32::MAX, 0, 0, 0),
                _ => unreachable!("called for operations of several lanes"),
            };
            if members >> id & 1 == 0 {
                let what = format!("lane {id} executes {kind:?} but is not in its member mask {members:#010x}");
                return Err(context.fault(lane, instruction.line, FaultKind::Undefined(what)));
            }
            let registers = |values: &[Value]| values.iter().map(|value| lane.value(*value) as u64).collect();
            let matrices = match &instruction.op {
                Op::MatrixProduct { a, b, c, .. } => [registers(a), registers(b), registers(c)],
                _ => Default::default(),
            };
            let (results, line) = (instruction.results.clone(), instruction.line);
            let request = Request { kind, members, value, lane: lane_argument, clamp, matrices, results, line };
            lane.state = LaneState::Collective(request);
        }
        Ok(())
    }

    /// Carries out every operation whose lanes are all there.
    pub(super) fn release_collectives(&mut self) {
        let live = self.mask(|lane| !lane.has_exited());
        let mut pending = self.mask(|lane| matches!(lane.state, LaneState::Collective(_)));
        while pending != 0 {
            let first = pending.trailing_zeros() as usize;
            let participants = self.participants(pending, first);
            pending &= !participants;
            if self.request(first).members & live & !participants == 0 {
                self.carry_out(participants);
            }
        }
    }

    fn request(&self, id: usize) -> &Request {
        match &self.lanes[id].state {
            LaneState::Collective(request) => request,
            _ => unreachable!("the lane waits at an operation of several lanes"),
        }
    }

    /// The lanes of `waiting` that wait for the same thing as lane `first`.
    fn participants(&self, waiting: u32, first: usize) -> u32 {
        let wanted = self.request(first);
        let same = |id: &usize| {
            let request = self.request(*id);
            request.kind == wanted.kind && request.members == wanted.members
        };
        lanes_of(waiting).filter(same).map(|id| 1 << id).sum()
    }

    fn carry_out(&mut self, participants: u32) {
        let leader = participants.trailing_zeros() as usize;
        let outcomes: Vec<(usize, Vec<u128>)> = match self.request(leader).kind {
            Kind::MatrixProduct(product) => self.matrix_product(participants, &product),
            _ => lanes_of(participants).map(|id| (id, self.outcome(participants, id).to_vec())).collect(),
        };
        for (id, bits) in outcomes {
            let lane = &mut self.lanes[id];
            let LaneState::Collective(request) = std::mem::replace(&mut lane.state, LaneState::Ready) else {
                unreachable!("the lane waits at an operation of several lanes")
            };
            lane.complete(&request.results, &bits);
        }
    }

    /// Results of a matrix product, by lane. Registers of lanes that do not take part count as zero.
    fn matrix_product(&self, participants: u32, product: &MatrixProduct) -> Vec<(usize, Vec<u128>)> {
        let operand = |which: usize, count: usize| -> number::Registers {
            let mut registers = vec![[0; 32]; count];
            for id in lanes_of(participants) {
                for (register, bits) in registers.iter_mut().zip(&self.request(id).matrices[which]) {
                    register[id] = *bits;
                }
            }
            registers
        };
        let a = operand(0, product.a_registers());
        let b = operand(1, product.b_registers());
        let c = operand(2, product.sum_registers(product.c));
        let d = number::matrix_product(product, &a, &b, &c);
        let of_lane = |id: usize| d.iter().map(|register| u128::from(register[id])).collect();
        lanes_of(participants).map(|id| (id, of_lane(id))).collect()
    }

    /// Results of lane `id`.
    fn outcome(&self, participants: u32, id: usize) -> [u128; 2] {
        let own = self.request(id);
        let mask_where = |test: &dyn Fn(&Request) -> bool| {
            lanes_of(participants).filter(|id| test(self.request(*id))).map(|id| 1u32 << id).sum::<u32>()
        };
        match own.kind {
            Kind::WarpSync => [0, 0],
            Kind::Shuffle(mode) => {
                let (source, in_range) = shuffle_source(mode, id as u32, own.lane, own.clamp);
                // A lane that takes no part has no value that PTX defines; here the reader keeps its own.
                let takes_part = participants >> source & 1 == 1;
                let value = if takes_part { self.request(source as usize).value } else { own.value };
                [value, u128::from(in_range)]
            }
            Kind::Vote(mode) => {
                let votes = mask_where(&|request| request.value == 1);
                let result = match mode {
                    VoteMode::All => u32::from(votes == participants),
                    VoteMode::Any => u32::from(votes != 0),
                    VoteMode::Uniform => u32::from(votes == 0 || votes == participants),
                    VoteMode::Ballot => votes,
                };
                [u128::from(result), 0]
            }
            Kind::Match(kind, _) => {
                let equal = mask_where(&|request| request.value == own.value);
                match kind {
                    MatchKind::Any => [u128::from(equal), 0],
                    MatchKind::All if equal == participants => [u128::from(participants), 1],
                    MatchKind::All => [0, 0],
                }
            }
            Kind::Reduce(op) => {
                let values: Vec<u32> = lanes_of(participants).map(|id| self.request(id).value as u32).collect();
                [u128::from(number::reduce(op, &values)), 0]
            }
            Kind::MatrixProduct(_) => unreachable!("computed for all lanes at once"),
            Kind::Elect => {
                let leader = participants.trailing_zeros();
                [u128::from(leader), u128::from(leader == id as u32)]
            }
        }
    }
}

/// Which lane a lane reads in a shuffle, and whether that was in range (PTX ISA 9.7.9.6).
fn shuffle_source(mode: ShuffleMode, lane: u32, argument: u32, clamp: u32) -> (u32, bool) {
    let argument = argument & 31;
    let (clamp, segment) = (clamp & 31, clamp >> 8 & 31);
    let first = lane & segment;
    let limit = first | (clamp & !segment);
    let (source, in_range) = match mode {
        ShuffleMode::Up => (lane.wrapping_sub(argument), lane as i32 - argument as i32 >= limit as i32),
        ShuffleMode::Down => (lane + argument, lane + argument <= limit),
        ShuffleMode::Butterfly => (lane ^ argument, lane ^ argument <= limit),
        ShuffleMode::Index => {
            let source = first | (argument & !segment);
            (source, source <= limit)
        }
    };
    (if in_range { source } else { lane }, in_range)
}
