//! Calls, returns, the stack, and the device runtime.

use simt_ir::{FunctionId, FunctionKind, Instruction, Op, RuntimeFunction, Value};

use super::Context;
use super::lane::{Frame, Lane};
use super::warp::{Flow, Warp, lanes_of};
use crate::printf::{self, PackedArguments};
use crate::{Fault, FaultKind};

/// Alignment of a frame on the stack, and the least it takes: recursion without locals comes to an end too.
const FRAME_ALIGNMENT: u32 = 16;

/// Enters the function that [`Op::Call`] or [`Op::CallIndirect`] names.
pub(super) fn call(context: &Context, lane: &mut Lane, op: &Op) -> Result<(), FaultKind> {
    let program = context.machine.program;
    let (callee, arguments) = match op {
        Op::Call { function, arguments } => (*function, arguments),
        Op::CallIndirect { target, arguments, returns } => {
            let target = lane.value(*target) as u64;
            let caller = program.function(lane.frame().function);
            let suits = |id: &FunctionId| {
                let function = program.function(*id);
                let types = arguments.iter().map(|argument| caller.ty(*argument));
                program.address_of(*id) == target
                    && function.returns == *returns
                    && types.eq(function.parameters.iter().copied())
            };
            let found = program.indirect_candidates().find(suits);
            (found.ok_or(FaultKind::BadCallTarget { target })?, arguments)
        }
        _ => unreachable!("called for calls"),
    };
    let function = program.function(callee);
    let alignment = u64::from(function.local_align.max(FRAME_ALIGNMENT).next_power_of_two());
    let base = u64::from(lane.frame().stack_top).next_multiple_of(alignment);
    let top = base + u64::from(function.local_bytes.max(FRAME_ALIGNMENT));
    check_stack(context, top)?;
    let mut frame = Frame::new(callee, function, base as u32, top as u32);
    for (index, argument) in arguments.iter().enumerate() {
        frame.values[index] = lane.value(*argument);
    }
    lane.frames.push(frame);
    Ok(())
}

/// Leaves a function with its results; the kernel's end ends the thread.
pub(super) fn return_from(context: &Context, lane: &mut Lane, values: &[Value]) {
    let program = context.machine.program;
    if program.function(lane.frame().function).kind == FunctionKind::Kernel || lane.frames.len() == 1 {
        lane.exit();
        return;
    }
    let bits: Vec<u128> = values.iter().map(|value| lane.value(*value)).collect();
    lane.frames.pop();
    let frame = lane.frame();
    let call = &program.function(frame.function).block(frame.block).instructions[frame.next];
    lane.complete(&call.results, &bits);
}

/// [`Op::StackAlloc`].
pub(super) fn allocate_stack(context: &Context, lane: &mut Lane, size: u64, align: u32) -> Result<u128, FaultKind> {
    let alignment = u64::from(align.max(1).next_power_of_two());
    let start = u64::from(lane.frame().stack_top).next_multiple_of(alignment);
    let top = start.saturating_add(size);
    check_stack(context, top)?;
    lane.frame_mut().stack_top = top as u32;
    Ok(u128::from(start))
}

/// [`Op::StackRestore`].
pub(super) fn restore_stack(lane: &mut Lane, top: u64) -> Result<(), FaultKind> {
    let frame = lane.frame_mut();
    if top < u64::from(frame.local_base) || top > u64::from(frame.stack_top) {
        return Err(FaultKind::Undefined(format!("the stack is restored to {top}, which was no top of it")));
    }
    frame.stack_top = top as u32;
    Ok(())
}

fn check_stack(context: &Context, needed: u64) -> Result<(), FaultKind> {
    let limit = context.machine.launch.limits.local_bytes;
    if needed > u64::from(limit) { Err(FaultKind::StackOverflow { needed, limit }) } else { Ok(()) }
}

impl Warp {
    /// [`Op::RuntimeCall`], lane after lane.
    pub(super) fn call_runtime(
        &mut self,
        context: &mut Context,
        group: u32,
        instruction: &Instruction,
        function: RuntimeFunction,
        arguments: &[Value],
    ) -> Result<Option<Flow>, Box<Fault>> {
        let line = instruction.line;
        let mut failed = None;
        for id in lanes_of(group) {
            let lane = &mut self.lanes[id];
            let arguments: Vec<u64> = arguments.iter().map(|argument| lane.value(*argument) as u64).collect();
            let outcome = call_lane(context, lane, function, &arguments, line);
            let bits = match outcome {
                Ok(bits) => bits,
                // Every lane whose assertion fails says so; the first is the fault.
                Err(kind @ FaultKind::Assertion { .. }) => {
                    failed.get_or_insert((id, kind));
                    continue;
                }
                Err(kind) => return Err(context.fault(lane, line, kind)),
            };
            lane.complete(&instruction.results, &[bits]);
        }
        match failed {
            Some((id, kind)) => Err(context.fault(&self.lanes[id], line, kind)),
            None if function == RuntimeFunction::Nanosleep => Ok(Some(Flow::Yielded)),
            None => Ok(None),
        }
    }
}

fn call_lane(
    context: &mut Context,
    lane: &mut Lane,
    function: RuntimeFunction,
    arguments: &[u64],
    line: u32,
) -> Result<u128, FaultKind> {
    let argument = |index: usize| {
        arguments
            .get(index)
            .copied()
            .ok_or_else(|| FaultKind::Unsupported(format!("{function:?} with too few arguments")))
    };
    Ok(match function {
        RuntimeFunction::Vprintf => u128::from(print(context, lane, argument(0)?, argument(1)?, line)? as u32),
        RuntimeFunction::AssertFail => {
            let text = printf::assertion_text(
                &read_string(context, lane, argument(0)?, line)?,
                &read_string(context, lane, argument(1)?, line)?,
                argument(2)? as u32,
                &read_string(context, lane, argument(3)?, line)?,
                context.block.index,
                lane.index,
            );
            context.machine.runtime.assertion(&text);
            return Err(FaultKind::Assertion { text });
        }
        RuntimeFunction::Malloc => u128::from(context.machine.memory.malloc(argument(0)?)),
        RuntimeFunction::Free => {
            let address = argument(0)?;
            let outcome = context.machine.memory.free(address);
            outcome.map(|()| 0).map_err(|reason| FaultKind::BadFree { address, reason })?
        }
        RuntimeFunction::Nanosleep => 0,
        // There is no system here that could run another kernel.
        RuntimeFunction::Device(call) => {
            return Err(FaultKind::Unsupported(format!("a call of the device runtime: {}", call.name())));
        }
    })
}

/// `vprintf`: the result is the number of arguments, or -1 without a format.
fn print(context: &mut Context, lane: &mut Lane, format: u64, arguments: u64, line: u32) -> Result<i32, FaultKind> {
    if format == 0 {
        return Ok(-1);
    }
    let format = read_string(context, lane, format, line)?;
    let mut fault = None;
    let mut read = |address: u64, bytes: &mut [u8]| {
        let outcome = context.read_generic(lane, address, bytes, line);
        outcome.map_err(|kind| fault = Some(kind)).is_ok()
    };
    let output = printf::format(&format, &mut PackedArguments::new(arguments, &mut read));
    match fault {
        Some(kind) => Err(kind),
        None => {
            context.machine.runtime.print(&output.text);
            Ok(output.arguments as i32)
        }
    }
}

fn read_string(context: &mut Context, lane: &mut Lane, address: u64, line: u32) -> Result<Vec<u8>, FaultKind> {
    let mut fault = None;
    let text = printf::read_string(address, &mut |address, bytes| {
        let outcome = context.read_generic(lane, address, bytes, line);
        outcome.map_err(|kind| fault = Some(kind)).is_ok()
    });
    fault.map_or(Ok(text.unwrap_or_default()), Err)
}
