//! What a kernel benchmark is made of, as data: buffers, launches, how much work that is and how exact results must be.

use serde::Serialize;

use crate::limits::Limits;

/// The type of a buffer's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `float`.
    F32,
    /// `int`.
    I32,
    /// `unsigned`.
    U32,
}

/// What is in a buffer before a run.
#[derive(Debug, Clone, Copy)]
pub enum Contents {
    /// Zeros.
    Zero,
    /// Of `float`s: a function of the index.
    F32(fn(u32) -> f32),
    /// Of `unsigned`s and `int`s: a function of the index.
    U32(fn(u32) -> u32),
    /// Of `unsigned`s and `int`s: all at once, where an element depends on others.
    Table(fn() -> Vec<u32>),
}

/// How the results of two peers may differ.
#[derive(Debug, Clone, Copy)]
pub enum Tolerance {
    /// Each element by no more than this part of the larger of its own size and the root of the mean square of all.
    Relative(f64),
    /// No more than this part of the elements, by whatever amount.
    Share(f64),
    /// Not at all.
    Exact,
}

/// Memory that a kernel reads or writes.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// Its name, for messages.
    pub name: &'static str,
    /// The type of its elements.
    pub element: Element,
    /// The number of its elements.
    pub count: usize,
    /// What is in it before the first run.
    pub contents: Contents,
    /// Whether it gets its contents again before each run, outside of the time.
    pub restored: bool,
    /// For a result: how exact it must be.
    pub tolerance: Option<Tolerance>,
    /// Whether CUDA has it in the constant memory of the kernel's module, under its name, and not as an argument.
    pub constant: bool,
}

impl Buffer {
    /// A buffer that kernels only read, or use as scratch.
    pub fn input(name: &'static str, element: Element, count: usize, contents: Contents) -> Self {
        Self { name, element, count, contents, restored: false, tolerance: None, constant: false }
    }

    /// A buffer that kernels fill completely.
    pub fn output(name: &'static str, element: Element, count: usize, tolerance: Tolerance) -> Self {
        Self::input(name, element, count, Contents::Zero).checked(tolerance)
    }

    /// The same buffer, getting its contents again before each run.
    pub fn restored(self) -> Self {
        Self { restored: true, ..self }
    }

    /// The same buffer, whose first result is compared.
    pub fn checked(self, tolerance: Tolerance) -> Self {
        Self { tolerance: Some(tolerance), ..self }
    }

    /// The same buffer in constant memory.
    pub fn constant(self) -> Self {
        Self { constant: true, ..self }
    }

    /// Its size: every element has four bytes.
    pub fn size_bytes(&self) -> usize {
        self.count * 4
    }

    /// The bytes that are in it before the first run.
    pub fn initial_bytes(&self) -> Vec<u8> {
        let count = u32::try_from(self.count).expect("a buffer has fewer than 2^32 elements");
        match self.contents {
            Contents::Zero => vec![0; self.size_bytes()],
            Contents::F32(value) => (0..count).flat_map(|i| value(i).to_le_bytes()).collect(),
            Contents::U32(value) => (0..count).flat_map(|i| value(i).to_le_bytes()).collect(),
            Contents::Table(values) => {
                let values = values();
                assert_eq!(values.len(), self.count, "{} has another number of elements than it says", self.name);
                values.into_iter().flat_map(u32::to_le_bytes).collect()
            }
        }
    }
}

/// An argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub enum Argument {
    /// The buffer with this index.
    Buffer(usize),
    /// An `int`.
    I32(i32),
    /// A `float`.
    F32(f32),
}

/// A kernel's launch.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The kernel's name.
    pub kernel: &'static str,
    /// Blocks in x, y, z.
    pub grid: [u32; 3],
    /// Threads of a block in x, y, z.
    pub block: [u32; 3],
    /// Its arguments; CUDA gets them without those that are in constant memory.
    pub arguments: Vec<Argument>,
}

/// How much work one run is, for a rate that says more than a time does, and which limit of the machine holds for it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Bytes that are read from memory: GB/s.
    Read(f64),
    /// Bytes that are read from memory or written to other places of it: GB/s.
    Copy(f64),
    /// Bytes that are read from memory or written to where they were read: GB/s.
    Update(f64),
    /// Additions and multiplications: GFLOP/s.
    Flops(f64),
    /// Results, where the work for each depends on data: 10^6 a second. No limit is known.
    Items(f64),
}

impl Work {
    /// The rate of a run that took this long, in the unit of [`Work::unit`].
    pub fn rate(self, time_ms: f64) -> f64 {
        match self {
            Self::Read(quantity) | Self::Copy(quantity) | Self::Update(quantity) | Self::Flops(quantity) => {
                quantity / time_ms / 1e6
            }
            Self::Items(quantity) => quantity / time_ms / 1e3,
        }
    }

    /// The unit of a rate.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Read(_) | Self::Copy(_) | Self::Update(_) => "GB/s",
            Self::Flops(_) => "GFLOP/s",
            Self::Items(_) => "M/s",
        }
    }

    /// The bytes that have to move at least, if that is the measure of the work.
    pub fn bytes(self) -> Option<f64> {
        match self {
            Self::Read(bytes) | Self::Copy(bytes) | Self::Update(bytes) => Some(bytes),
            Self::Flops(_) | Self::Items(_) => None,
        }
    }

    /// The highest rate that the machine allows.
    pub fn limit(self, limits: &Limits) -> Option<f64> {
        match self {
            Self::Read(_) => Some(limits.read_gb_per_s),
            Self::Copy(_) => Some(limits.triad_gb_per_s),
            Self::Update(_) => Some(limits.update_gb_per_s),
            Self::Flops(_) => Some(limits.peak_gflop_per_s),
            Self::Items(_) => None,
        }
    }
}

/// A kernel benchmark. Its code for each peer lies in `kernels/<name>/`.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its name, also that of its folder.
    pub name: &'static str,
    /// What it computes, and how large it is.
    pub about: &'static str,
    /// Its buffers.
    pub buffers: Vec<Buffer>,
    /// The launches of one run, in order, for CUDA and for OpenCL.
    pub launches: Vec<Launch>,
    /// The arguments of `run` in `native.c`.
    pub native: Vec<Argument>,
    /// How much work a run is.
    pub work: Work,
}

/// The blocks that cover `count` threads.
pub fn blocks(count: u32, block: u32) -> u32 {
    count.div_ceil(block)
}
