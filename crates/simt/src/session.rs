//! A thread that has a core, at work.
//!
//! A session has at most one stream whose commands it carries out, one grid whose blocks it takes, and any number of
//! *resident* units: blocks that wait for something outside of them. It gives each resident a turn, and begins something
//! new when none of them gets on, so that blocks may wait for blocks that have not begun yet, for other kernels, or for
//! the host.

use crate::engine::Shared;
use crate::execute::{CoreGuard, Plan, Share, Start, Turn, Unit};
use crate::fault::FaultKind;
use crate::kernel::Kernel;
use crate::queue::{Command, State, Stream};
use crate::runtime;
use crate::scheduler::Work;
use crate::unit_clock::UnitClock;
use simt_ir::abi::{ExecutionMode, Status, WarpContext};
use std::collections::VecDeque;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use stdx::clock::monotonic_ns;

/// Work that takes less is not worth waking another core.
const SHARED_NS_MIN: u64 = 4_000;
/// A core looks up from a grid after about this time.
const CHUNK_NS_MAX: u64 = 1_000_000;
/// Units of a kernel that may wait are taken together if they take less: neighbours, so that a core finds in its caches what the block before read.
const RANGE_NS_MAX: u64 = 100_000;
/// Rounds in which residents get on before something new is begun nevertheless.
const PROGRESS_ROUNDS_MAX: u32 = 16;
/// Rounds in which no resident gets on before something new is begun.
const STALLED_ROUNDS_MIN: u32 = 8;
/// Looks for a stream's next command before the stream is left.
const WATCH_LOOKS: u32 = 12;
/// Time between two looks.
const WATCH_PAUSE_NS: u64 = 1_500;

/// What a host thread that helps waits for.
pub(crate) struct Goal<'a> {
    pub(crate) stream: &'a Arc<Stream>,
    /// Commands of the stream that must be complete.
    pub(crate) sequence: u64,
}

pub(crate) struct Session<'a> {
    engine: &'a Arc<Shared>,
    core: CoreGuard<'a>,
    goal: Option<Goal<'a>>,
    /// A stream that this session has in state [`State::Taken`].
    stream: Option<Arc<Stream>>,
    /// A stream of whose grid this session holds a share.
    grid: Option<Arc<Stream>>,
    /// Units that wait; each holds a share of its grid.
    residents: VecDeque<Box<Unit>>,
    progress_rounds: u32,
    stalled_rounds: u32,
}

impl<'a> Session<'a> {
    pub(crate) fn new(engine: &'a Arc<Shared>, core: CoreGuard<'a>, goal: Option<Goal<'a>>) -> Self {
        Session {
            engine,
            core,
            goal,
            stream: None,
            grid: None,
            residents: VecDeque::new(),
            progress_rounds: 0,
            stalled_rounds: 0,
        }
    }

    /// Works until the goal is reached or there is nothing to do.
    pub(crate) fn run(&mut self) {
        while !self.goal_is_reached() {
            if !self.residents.is_empty() && self.turn_residents() {
                continue;
            }
            if let Some(stream) = self.grid.take() {
                self.work_on_grid(stream);
            } else if let Some(stream) = self.stream.take() {
                self.process(stream);
            } else if let Some(work) = self.find() {
                self.adopt(work);
            } else if self.residents.is_empty() {
                return;
            } else {
                self.back_off();
            }
        }
        self.hand_over();
    }

    fn goal_is_reached(&self) -> bool {
        self.goal.as_ref().is_some_and(|goal| goal.stream.completed() >= goal.sequence)
    }

    fn find(&self) -> Option<Work> {
        if let Some(goal) = &self.goal {
            if goal.stream.take() {
                return Some(Work::Stream(goal.stream.clone()));
            }
            if self.engine.scheduler().join_grid(goal.stream, |stream| self.may_admit(stream)) {
                return Some(Work::Grid(goal.stream.clone()));
            }
            // A host thread works for others only while its own blocks wait, perhaps for those others.
            if self.residents.is_empty() {
                return None;
            }
        }
        self.engine.scheduler().next(|stream| self.may_admit(stream))
    }

    fn adopt(&mut self, work: Work) {
        match work {
            Work::Stream(stream) => self.stream = Some(stream),
            Work::Grid(stream) => self.grid = Some(stream),
            Work::Unit(unit) => self.residents.push_back(unit),
        }
    }

    // Streams.

    /// Carries out commands of a stream that this session has, until a grid is under way or there are none.
    fn process(&mut self, stream: Arc<Stream>) {
        loop {
            // SAFETY: this session has the stream in state `Taken`.
            let Some((command, parameters)) = (unsafe { stream.front() }) else {
                if self.watch(&stream) {
                    continue;
                }
                return;
            };
            match command {
                Command::Launch(record) if !stream.domain().has_failed() => {
                    let (record, arena) = (*record, self.engine.arena());
                    // SAFETY: the stream keeps kernel and parameters until the command is complete, and has no other
                    // grid in progress.
                    let started = unsafe {
                        let cores = self.engine.core_count();
                        stream.grid().start(&record, parameters, stream.domain(), arena, Arc::as_ptr(&stream), cores)
                    };
                    match started {
                        Ok(()) => {
                            self.grid = Some(stream);
                            return;
                        }
                        Err(kind) => {
                            // SAFETY: the stream keeps the kernel.
                            let kernel = unsafe { &*record.kernel };
                            runtime::record_resources(&stream, kernel, kind, "no memory for the launch");
                        }
                    }
                }
                Command::HostFunction(_) => {
                    self.engine.host_functions().add(self.engine, stream);
                    return;
                }
                Command::Wait(point) if !point.is_reached() => {
                    let point = point.clone();
                    if point.stream().add_dependent(point.sequence(), &stream) {
                        return;
                    }
                }
                Command::Operation(_) => {
                    if let Command::Operation(run) = take(command) {
                        // A panic has been reported by its hook; the stream goes on.
                        let _ = catch_unwind(AssertUnwindSafe(run));
                    }
                }
                Command::Stamp(timestamp) => timestamp.take(),
                Command::Launch(_) | Command::Wait(_) | Command::Spent | Command::Skip => {}
            }
            // SAFETY: as above; the reference is gone.
            unsafe { stream.complete() };
            if !self.residents.is_empty() || self.goal_is_reached() {
                self.stream = Some(stream);
                return;
            }
        }
    }

    /// After the last command: waits a moment for the next one, so that a host that launches one small kernel after the
    /// other need not make the stream known each time. True if there is a command, and this session has the stream for it.
    ///
    /// Each look at the stream takes a cache line away from the host that is about to launch, which costs the host more than
    /// all the rest of a launch. So the looks are far between, and who waits for the stream may take it meanwhile.
    fn watch(&self, stream: &Stream) -> bool {
        if self.goal.is_some() || !self.residents.is_empty() || self.engine.scheduler().has_pending() {
            return !stream.rest(State::Taken);
        }
        stream.set_state(State::Watched);
        for _ in 0..WATCH_LOOKS {
            let until = monotonic_ns() + WATCH_PAUSE_NS;
            while monotonic_ns() < until {
                std::hint::spin_loop();
            }
            if !stream.is_idle() {
                return stream.change_state(State::Watched, State::Taken);
            }
            if self.engine.scheduler().has_pending() {
                break;
            }
        }
        !stream.rest(State::Watched)
    }

    // Grids.

    fn work_on_grid(&mut self, stream: Arc<Stream>) {
        // SAFETY: the session holds a share until it leaves.
        let plan = unsafe { *stream.grid().plan() };
        match plan.mode {
            ExecutionMode::RunToCompletion => self.run_chunks(stream, plan),
            ExecutionMode::Suspendable => self.run_units(stream, plan),
        }
    }

    /// Takes ranges of blocks of a kernel that never waits.
    fn run_chunks(&mut self, stream: Arc<Stream>, mut plan: Plan) {
        let grid = stream.grid();
        // SAFETY: the stream keeps the kernel while the session holds a share.
        let kernel = unsafe { &*plan.kernel };
        loop {
            let left = grid.handout().left();
            let wanted = self.chunk(&stream, kernel, left);
            let Some((first, count)) = grid.handout().claim(|| self.place(), wanted) else { break };
            plan.renew();
            let start = if plan.units > 1 { monotonic_ns() } else { 0 };
            // SAFETY: the session holds a share of the grid.
            let status = unsafe { self.core.run_blocks(grid.launch(), &plan, self.engine.workspaces(), first, count) };
            match status {
                Ok(status) if status == Status::Done as u32 => {}
                Ok(_) => {
                    let context = self.core.last_serial_context();
                    self.fail(&stream, context);
                }
                Err(error) => self.fail_for_memory(&stream, kernel, &error.to_string()),
            }
            if plan.units > 1 {
                kernel.observe(count, monotonic_ns() - start);
            }
            if self.should_look_up(&stream) {
                return self.put_aside(stream);
            }
        }
        self.leave_exhausted(stream);
    }

    /// How many blocks to take, of `left`. Lets other cores join if that is worth it.
    fn chunk(&self, stream: &Arc<Stream>, kernel: &Kernel, left: u64) -> u64 {
        if left <= 1 {
            return 1;
        }
        // One block tells how long the others will take.
        let Some(expected_ns) = kernel.expected_ns(left) else { return 1 };
        let cores = self.engine.core_count() as u64;
        let in_time = |limit_ns: u64| (limit_ns.saturating_mul(left) / expected_ns.max(1)).max(1);
        if cores == 1 || expected_ns < SHARED_NS_MIN {
            return in_time(CHUNK_NS_MAX).min(left);
        }
        self.share(stream, left, expected_ns);
        // Large pieces first, small ones at the end, so that all cores end at about the same time.
        left.div_ceil(2 * cores).min(in_time(CHUNK_NS_MAX))
    }

    /// Lets other cores join a grid with `left` blocks of `expected_ns` in all.
    fn share(&self, stream: &Arc<Stream>, left: u64, expected_ns: u64) {
        if !stream.grid().is_listed() {
            let useful = (expected_ns / SHARED_NS_MIN).min(left).saturating_sub(1).max(1);
            self.engine.scheduler().add_grid(stream);
            self.engine.wake(useful as usize);
        }
    }

    /// Where in a grid to take blocks.
    fn place(&self) -> Start {
        Start::Place(self.engine.place())
    }

    /// How many units of a kernel that may wait to take together, with `left` to be taken that take `expected_ns`, or 0 if that is not known. Where
    /// blocks wait for each other, those that began first go on first.
    fn range(&self, kernel: &Kernel, left: u64, expected_ns: u64) -> u64 {
        if expected_ns == 0 || kernel.has_waited() {
            return 1;
        }
        let in_time = RANGE_NS_MAX.saturating_mul(left) / expected_ns;
        in_time.min(left / (4 * self.engine.core_count() as u64)).max(1)
    }

    /// Takes units of a kernel that may wait, one after the other, until one has to wait.
    fn run_units(&mut self, stream: Arc<Stream>, mut plan: Plan) {
        let grid = stream.grid();
        // SAFETY: the stream keeps the kernel while the session holds a share; so it does the launch.
        let (kernel, size) = unsafe { (&*plan.kernel, (*grid.launch()).grid) };
        let core = self.core.index;
        let mut kept: Option<Box<Unit>> = None;
        let mut clock = UnitClock::default();
        loop {
            if !self.may_admit(&stream) {
                self.keep_spare(kept);
                return self.leave_listed(stream);
            }
            let left = grid.handout().left_for(core);
            let expected_ns = kernel.expected_ns(left).unwrap_or(0);
            if left > 1 && self.engine.core_count() > 1 && expected_ns >= SHARED_NS_MIN {
                self.share(&stream, left, expected_ns);
            }
            let wanted = || self.range(kernel, left, expected_ns);
            let start = || if kernel.has_waited() { Start::Front } else { self.place() };
            let Some(number) = grid.handout().claim_unit(core, start, wanted) else { break };
            plan.renew();
            let unit = match kept.take() {
                Some(unit) if unit.runs(&plan) => Ok(unit),
                other => {
                    self.keep_spare(other);
                    let spare = self.core.spare.take();
                    Unit::new(&stream, &plan, spare, self.engine.workspaces())
                }
            };
            let mut unit = match unit {
                Ok(unit) => unit,
                Err(error) => {
                    self.fail_for_memory(&stream, kernel, &error.to_string());
                    continue;
                }
            };
            unit.restart(number, size);
            if plan.units > 1 {
                clock.begin();
            }
            // SAFETY: the session holds a share of the grid.
            let turn = unsafe { unit.turn(&self.core, grid.launch()) };
            match turn {
                Turn::Done => {
                    kept = Some(unit);
                    if plan.units > 1 {
                        clock.end(kernel, left <= 1);
                    }
                }
                Turn::Stalled | Turn::Running => {
                    // It may wait for a block that has not begun: others had better join.
                    grid.join();
                    self.residents.push_back(unit);
                    kernel.note_waiting();
                    let left = grid.handout().left_for(core);
                    if left > 0 {
                        self.share(&stream, left, SHARED_NS_MIN * plan.units);
                    }
                    return self.put_aside(stream);
                }
                Turn::Faulted(context) => {
                    self.fail(&stream, Some(context));
                    self.keep_spare(Some(unit));
                }
                Turn::BarrierFault(context, text) => {
                    self.fail_at_barrier(&stream, context, text);
                    self.keep_spare(Some(unit));
                }
            }
            if self.should_look_up(&stream) {
                self.keep_spare(kept);
                return self.put_aside(stream);
            }
        }
        self.keep_spare(kept);
        self.leave_exhausted(stream);
    }

    /// Whether residents or something more urgent want a turn before the next block of a grid.
    fn should_look_up(&self, stream: &Arc<Stream>) -> bool {
        !self.residents.is_empty() || self.engine.scheduler().is_more_urgent(stream.priority())
    }

    /// Goes on with a grid later: this session itself, unless something more urgent waits.
    fn put_aside(&mut self, stream: Arc<Stream>) {
        if self.engine.scheduler().is_more_urgent(stream.priority()) {
            self.leave_listed(stream);
        } else {
            self.grid = Some(stream);
        }
    }

    /// Whether a block of the grid may be begun here, considering those that wait here already.
    fn may_admit(&self, stream: &Arc<Stream>) -> bool {
        if self.residents.is_empty() {
            return true;
        }
        // SAFETY: asked with a share, or under the scheduler's lock while the grid is listed, or for a stream of which
        // residents hold shares.
        let plan = unsafe { stream.grid().plan() };
        if plan.mode == ExecutionMode::RunToCompletion || plan.cooperative {
            return true;
        }
        let limit = stream.domain().config().resident_blocks_max as usize;
        let here = self.residents.iter().filter(|unit| unit.stream().is_some_and(|own| Arc::ptr_eq(own, stream)));
        here.count() < resident_units(limit, self.engine.core_count(), plan.layout.blocks as usize)
    }

    /// Leaves a grid with blocks to take to whoever finds it.
    fn leave_listed(&mut self, stream: Arc<Stream>) {
        if stream.grid().handout().is_exhausted() {
            return self.leave_exhausted(stream);
        }
        self.engine.scheduler().add_grid(&stream);
        self.engine.wake(1);
        self.leave(stream);
    }

    /// Leaves a grid whose blocks have all been taken.
    fn leave_exhausted(&mut self, stream: Arc<Stream>) {
        if self.engine.scheduler().close_grid(&stream) {
            self.leave(stream);
        } else {
            self.grid = Some(stream);
        }
    }

    /// Gives up a share; the last one goes on with the stream.
    fn leave(&mut self, stream: Arc<Stream>) {
        if stream.grid().leave() == Share::Others {
            return;
        }
        // SAFETY: the grid of the command at the front is finished, and this session is the one that goes on.
        unsafe {
            stream.grid().finish_timing();
            stream.grid().finish_observation(stream.number(), stream.completed());
            if !stream.is_complete_with_children() {
                return;
            }
            stream.complete();
        }
        match &self.stream {
            None => self.stream = Some(stream),
            Some(_) => {
                stream.set_state(State::Ready);
                self.engine.enqueue(stream);
            }
        }
    }

    // Residents.

    /// Gives each resident a turn. True if they are to have another one before something new is begun.
    fn turn_residents(&mut self) -> bool {
        let mut progress = false;
        for _ in 0..self.residents.len() {
            let Some(mut unit) = self.residents.pop_front() else { break };
            let Some(stream) = unit.stream().cloned() else { continue };
            // SAFETY: the unit holds a share of the grid.
            let turn = unsafe {
                match stream.grid().is_aborted() {
                    true => Turn::Done,
                    false => unit.turn(&self.core, stream.grid().launch()),
                }
            };
            match turn {
                Turn::Stalled => {
                    self.residents.push_back(unit);
                    continue;
                }
                Turn::Running => {
                    self.residents.push_back(unit);
                    progress = true;
                    continue;
                }
                Turn::Done => {}
                Turn::Faulted(context) => self.fail(&stream, Some(context)),
                Turn::BarrierFault(context, text) => self.fail_at_barrier(&stream, context, text),
            }
            progress = true;
            self.keep_spare(Some(unit));
            self.leave(stream);
        }
        if progress {
            self.stalled_rounds = 0;
            self.progress_rounds += 1;
            self.progress_rounds %= PROGRESS_ROUNDS_MAX;
            return self.progress_rounds != 0;
        }
        self.stalled_rounds += 1;
        if !self.stalled_rounds.is_multiple_of(STALLED_ROUNDS_MIN) && !self.residents.is_empty() {
            std::hint::spin_loop();
            return true;
        }
        false
    }

    /// Waits a little: every resident waits, and there is nothing new to begin.
    fn back_off(&mut self) {
        match self.stalled_rounds {
            0..256 => std::hint::spin_loop(),
            256..2048 => std::thread::yield_now(),
            rounds => std::thread::sleep(Duration::from_micros(u64::from(rounds / 64).min(200))),
        }
    }

    /// Ends a unit, and keeps its memory for the next one.
    fn keep_spare(&mut self, unit: Option<Box<Unit>>) {
        let Some(mut unit) = unit else { return };
        unit.retire();
        if let Some(other) = self.core.spare.replace(unit) {
            other.recycle(self.engine.workspaces());
        }
    }

    /// Leaves everything to other threads.
    fn hand_over(&mut self) {
        if let Some(stream) = self.grid.take() {
            self.leave_listed(stream);
        }
        let units = take(&mut self.residents);
        let count = units.len();
        if count > 0 {
            self.engine.scheduler().add_units(units);
            self.engine.wake(count);
        }
        if let Some(stream) = self.stream.take() {
            // The caller often was waiting for the last command.
            if !stream.rest(State::Taken) {
                stream.set_state(State::Ready);
                self.engine.enqueue(stream);
            }
        }
    }

    // Faults.

    /// After a call that returned a fault.
    #[cold]
    fn fail(&mut self, stream: &Arc<Stream>, context: Option<*mut WarpContext>) {
        // SAFETY: the session holds a share of the grid, and the context is that of the call.
        unsafe {
            if let (Some(fault), Some(context)) = (self.core.frame().take_fault(), context) {
                runtime::record_hardware_fault(stream, context, fault);
            } else if !stream.domain().has_failed() && !stream.grid().is_aborted() {
                let kernel = &*stream.grid().plan().kernel;
                runtime::record_resources(stream, kernel, FaultKind::Internal, "the kernel ended without saying why");
            }
            stream.grid().abort();
        }
    }

    #[cold]
    fn fail_at_barrier(&mut self, stream: &Arc<Stream>, context: *mut WarpContext, text: String) {
        // SAFETY: the session holds a share of the grid, and the context is that of a suspended warp of it.
        unsafe { runtime::record_barrier_fault(stream, context, text) };
    }

    #[cold]
    fn fail_for_memory(&mut self, stream: &Arc<Stream>, kernel: &Kernel, text: &str) {
        runtime::record_resources(stream, kernel, FaultKind::OutOfResources, text);
        // SAFETY: the session holds a share of the grid.
        unsafe { stream.grid().abort() };
    }
}

/// Units of so many blocks that wait on a core, at most: all cores together take as many blocks as a card does, since those may wait for each other.
fn resident_units(blocks_max: usize, cores: usize, blocks: usize) -> usize {
    blocks_max.div_ceil(cores).div_ceil(blocks.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::resident_units;

    #[test]
    fn all_cores_together_take_as_many_blocks_as_a_card() {
        let cases = (1..20).flat_map(|cores| [1, 2, 8].map(|blocks| (cores, blocks)));
        for (cores, blocks) in cases {
            let all = [1, 4, 132, 2112].map(|most| (most, cores * blocks * resident_units(most, cores, blocks)));
            assert!(all.iter().all(|(most, taken)| taken >= most), "{cores} cores, {blocks} blocks each: {all:?}");
        }
    }
}
