//! One instruction after the other, for the lanes that stand there.

use simt_ir::instrument::Mark;
use simt_ir::{BlockId, Instruction, Op, Program, Terminator, number};

use super::Context;
use super::lane::{Lane, LaneState};
use super::warp::{Flow, Warp, lanes_of};
use crate::{Fault, FaultKind};

impl Warp {
    /// Runs lanes that stand at the same instruction until they may part: through a terminator, a call, or something that waits.
    pub(super) fn run_group(&mut self, context: &mut Context, group: u32) -> Result<Flow, Box<Fault>> {
        let program: &Program = context.machine.program;
        let leader = group.trailing_zeros() as usize;
        loop {
            context.machine.steps += u64::from(group.count_ones());
            let frame = self.lanes[leader].frame();
            let block = program.function(frame.function).block(frame.block);
            if context.machine.steps > context.machine.launch.limits.steps {
                return Err(context.fault(&self.lanes[leader], block.terminator_line, FaultKind::StepLimit));
            }
            let Some(instruction) = block.instructions.get(frame.next) else {
                return self.run_terminator(context, group, &block.terminator, block.terminator_line);
            };
            if let Some(flow) = self.run_instruction(context, group, instruction)? {
                return Ok(flow);
            }
        }
    }

    /// Executes one instruction. `None`: the lanes stand at the next one.
    fn run_instruction(
        &mut self,
        context: &mut Context,
        group: u32,
        instruction: &Instruction,
    ) -> Result<Option<Flow>, Box<Fault>> {
        let line = instruction.line;
        let results = &instruction.results;
        match &instruction.op {
            Op::Agree { condition, on } => {
                let holds = |id: usize| (self.lanes[id].value(*condition) & 1 != 0) == *on;
                let agreed = group == u32::MAX && lanes_of(group).all(holds);
                for id in lanes_of(group) {
                    self.lanes[id].complete(results, &[u128::from(agreed)]);
                }
            }
            Op::ActiveMask => {
                for id in lanes_of(group) {
                    self.lanes[id].complete(results, &[u128::from(group)]);
                }
            }
            Op::WarpSync { .. }
            | Op::Shuffle { .. }
            | Op::Vote { .. }
            | Op::Match { .. }
            | Op::Reduce { .. }
            | Op::Elect { .. }
            | Op::MatrixProduct { .. } => {
                self.request_collective(context, group, instruction)?;
                return Ok(Some(Flow::Moved));
            }
            Op::Barrier { .. } => {
                self.arrive_at_barrier(context, group, instruction)?;
                return Ok(Some(Flow::Moved));
            }
            Op::ClusterBarrier { arrive, wait } => {
                for id in lanes_of(group) {
                    let lane = &mut self.lanes[id];
                    arrive_at_cluster_barrier(lane, *arrive, *wait, line)
                        .map_err(|kind| context.fault(&self.lanes[id], line, kind))?;
                }
                return Ok(Some(Flow::Moved));
            }
            Op::Call { .. } | Op::CallIndirect { .. } => {
                for id in lanes_of(group) {
                    let lane = &mut self.lanes[id];
                    super::calls::call(context, lane, &instruction.op)
                        .map_err(|kind| context.fault(&self.lanes[id], line, kind))?;
                }
                return Ok(Some(Flow::Moved));
            }
            Op::RuntimeCall { function, arguments } => {
                return self.call_runtime(context, group, instruction, *function, arguments);
            }
            op => {
                for id in in_order(op, group) {
                    let lane = &mut self.lanes[id];
                    let outcome = run_lane(context, lane, op, results.len(), line);
                    let bits = outcome.map_err(|kind| context.fault(&self.lanes[id], line, kind))?;
                    self.lanes[id].complete(results, &bits);
                }
            }
        }
        Ok(None)
    }

    fn run_terminator(
        &mut self,
        context: &mut Context,
        group: u32,
        terminator: &Terminator,
        line: u32,
    ) -> Result<Flow, Box<Fault>> {
        let mut retreated = false;
        for id in lanes_of(group) {
            let lane = &mut self.lanes[id];
            let target = match terminator {
                Terminator::Branch(target) => *target,
                Terminator::CondBranch { condition, then, otherwise } => {
                    if lane.value(*condition) & 1 == 1 {
                        *then
                    } else {
                        *otherwise
                    }
                }
                Terminator::Switch { index, targets } => {
                    let index = lane.value(*index) as usize;
                    *targets.get(index).or(targets.last()).expect("verified: a switch has a target")
                }
                Terminator::Return(values) => {
                    super::calls::return_from(context, lane, values);
                    continue;
                }
                Terminator::Exit => {
                    lane.exit();
                    continue;
                }
                Terminator::Trap => return Err(context.fault(lane, line, FaultKind::Trap)),
                Terminator::Unreachable => return Err(context.fault(lane, line, FaultKind::Unreachable)),
            };
            retreated |= go(context, lane, target);
        }
        Ok(if retreated { Flow::Retreated } else { Flow::Moved })
    }
}

/// Moves a lane along an edge; whether that edge goes back.
fn go(context: &Context, lane: &mut Lane, target: BlockId) -> bool {
    let frame = lane.frame_mut();
    let retreats = context.machine.layouts[frame.function.0 as usize].is_retreating(frame.block, target);
    frame.enter(context.machine.program.function(frame.function), target);
    retreats
}

fn arrive_at_cluster_barrier(lane: &mut Lane, arrive: bool, wait: bool, line: u32) -> Result<(), FaultKind> {
    let pending = lane.cluster_arrivals != lane.cluster_waits;
    if arrive && pending {
        return Err(FaultKind::Barrier("the thread arrived at the cluster's barrier twice without waiting".into()));
    }
    if wait && !arrive && !pending {
        return Err(FaultKind::Barrier("the thread waits at the cluster's barrier without having arrived".into()));
    }
    lane.cluster_arrivals += u32::from(arrive);
    if wait {
        lane.state = LaneState::ClusterBarrier { line };
    } else {
        lane.complete(&[], &[]);
    }
    Ok(())
}

/// The lanes of a group in the order in which they do what concerns each alone: stores so that of several to one place the right one is seen.
fn in_order(op: &Op, group: u32) -> Vec<usize> {
    let mut lanes: Vec<usize> = lanes_of(group).collect();
    if let Op::Store { ty, values, .. } = op {
        let together = Op::store_group(ty.bytes() * values.len() as u32) as usize;
        lanes.sort_by_key(|lane| (lane / together, std::cmp::Reverse(lane % together)));
    }
    lanes
}

/// Executes an operation that concerns one lane alone; its results.
fn run_lane(
    context: &mut Context,
    lane: &mut Lane,
    op: &Op,
    result_count: usize,
    line: u32,
) -> Result<Vec<u128>, FaultKind> {
    Ok(match op {
        Op::Special(register) => vec![context.special_register(lane, *register)],
        Op::LoadParam { .. } | Op::Load { .. } => context.load(lane, op, line)?,
        Op::Store { .. } => context.store(lane, op, line).map(|()| vec![])?,
        Op::Atomic { .. } => {
            let old = context.atomic(lane, op, line)?;
            if result_count == 0 { vec![] } else { vec![old] }
        }
        Op::Fence { .. } => vec![],
        Op::Mark { class } => {
            *context.machine.marks.entry(Mark { line, class: *class }).or_default() += 1;
            vec![]
        }
        Op::Texture { op, operands } => context.texture(lane, op, operands, line)?,
        Op::Tensor { op, operands } => context.tensor(lane, op, operands, line)?,
        Op::SymbolAddress(symbol) => vec![context.symbol_address(lane, *symbol)],
        Op::FunctionAddress(function) => vec![u128::from(context.machine.program.address_of(*function))],
        Op::ToGeneric { space, a } => vec![u128::from(context.to_generic(lane, *space, lane.value(*a) as u64))],
        Op::FromGeneric { space, a } => vec![u128::from(context.generic_to(lane, *space, lane.value(*a) as u64))],
        Op::MapToRank { a, rank } => {
            vec![u128::from(context.map_to_rank(lane.value(*a) as u64, lane.value(*rank) as u32))]
        }
        Op::RankOf { a } => {
            let rank = context.rank_of(lane.value(*a) as u64);
            vec![u128::from(rank.map_or(u32::MAX, |rank| rank as u32))]
        }
        Op::IsInSpace { space, a } => vec![u128::from(context.is_in_space(lane, *space, lane.value(*a) as u64))],
        Op::StackAlloc { size, align } => {
            let size = lane.value(*size) as u64;
            vec![super::calls::allocate_stack(context, lane, size, *align)?]
        }
        Op::StackSave => vec![u128::from(lane.frame().stack_top)],
        Op::StackRestore { top } => {
            super::calls::restore_stack(lane, lane.value(*top) as u64)?;
            vec![]
        }
        Op::Unsupported { text, .. } => return Err(FaultKind::Unsupported(text.clone())),
        pure => {
            let mut operands = [0; 4];
            let mut count = 0;
            pure.for_each_operand(|value| {
                operands[count] = lane.value(value);
                count += 1;
            });
            let bits = number::evaluate(pure, &operands[..count])
                .ok_or_else(|| FaultKind::Unsupported(format!("{pure}: no meaning for these types")))?;
            vec![bits]
        }
    })
}
