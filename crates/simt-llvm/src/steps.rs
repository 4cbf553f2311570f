//! How long the steps of a compilation take.

use std::time::Duration;

use stdx::clock::{monotonic_ns, thread_cpu_ns};

/// A step that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub name: &'static str,
    /// Time that passed.
    pub wall: Duration,
    /// Time that the thread had a processor, which is less where there are more threads than processors.
    pub cpu: Duration,
}

/// Measures steps that follow each other.
#[derive(Debug)]
pub struct StepClock {
    wall_ns: u64,
    cpu_ns: u64,
    steps: Vec<Step>,
}

impl StepClock {
    /// Starts the first step.
    pub fn start() -> Self {
        Self { wall_ns: monotonic_ns(), cpu_ns: thread_cpu_ns(), steps: Vec::new() }
    }

    /// Ends a step, and starts the next.
    pub fn end(&mut self, name: &'static str) {
        let (wall_ns, cpu_ns) = (monotonic_ns(), thread_cpu_ns());
        let wall = Duration::from_nanos(wall_ns - self.wall_ns);
        let cpu = Duration::from_nanos(cpu_ns - self.cpu_ns);
        self.steps.push(Step { name, wall, cpu });
        (self.wall_ns, self.cpu_ns) = (wall_ns, cpu_ns);
    }

    /// Goes on with the next step now: what was done since the last end counts for none.
    pub fn resume(self) -> Self {
        Self { steps: self.steps, ..Self::start() }
    }

    /// Takes over steps that another clock measured meanwhile.
    pub fn append(&mut self, steps: &[Step]) {
        self.steps.extend_from_slice(steps);
        (self.wall_ns, self.cpu_ns) = (monotonic_ns(), thread_cpu_ns());
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// All steps.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}
