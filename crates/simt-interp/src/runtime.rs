//! What a program asks of the world beside memory.

/// Services of the device runtime.
pub trait Runtime {
    /// A thread's `printf`, formatted.
    fn print(&mut self, text: &[u8]);

    /// A thread's failed `assert`, formatted as CUDA does, with its line end.
    fn assertion(&mut self, text: &str);

    /// The device's clock in cycles; never decreases.
    fn clock(&mut self) -> u64;

    /// Nanoseconds; never decreases.
    fn global_timer(&mut self) -> u64;
}

/// Keeps what is printed, and counts for a clock: each look at it is one cycle, and one nanosecond, later than the last.
#[derive(Clone, Debug, Default)]
pub struct CapturedRuntime {
    /// All that was printed, in order.
    pub output: Vec<u8>,
    /// Messages of failed assertions, in order.
    pub assertions: String,
    /// The clock's last value.
    pub cycles: u64,
}

impl Runtime for CapturedRuntime {
    fn print(&mut self, text: &[u8]) {
        self.output.extend_from_slice(text);
    }

    fn assertion(&mut self, text: &str) {
        self.assertions.push_str(text);
    }

    fn clock(&mut self) -> u64 {
        self.cycles += 1;
        self.cycles
    }

    fn global_timer(&mut self) -> u64 {
        self.clock()
    }
}
