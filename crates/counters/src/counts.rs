//! What is counted, of a line or of a whole kernel.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use simt_ir::abi::AccessKind;
use simt_ir::instrument::InstructionClass;

/// The memory that an access goes to, as it turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Space {
    /// Device memory, and registered host memory.
    Global,
    /// The shared memory of the block, or of another one of its cluster.
    Shared,
    /// The thread's own memory.
    Local,
    /// Constant memory.
    Const,
}

impl Space {
    /// All of them.
    pub const ALL: [Space; 4] = [Space::Global, Space::Shared, Space::Local, Space::Const];

    /// Name, as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Space::Global => "global",
            Space::Shared => "shared",
            Space::Local => "local",
            Space::Const => "const",
        }
    }
}

/// Accesses of a kind to a space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Access {
    /// Accesses of warps of which any thread took part.
    pub requests: u64,
    /// Threads that took part.
    pub threads: u64,
    /// Bytes that they accessed, each for itself.
    pub bytes: u64,
    /// Sectors of 32 bytes; wavefronts in shared memory.
    pub units: u64,
    /// In shared memory, what the wavefronts would be without bank conflicts.
    pub least: u64,
}

impl AddAssign for Access {
    fn add_assign(&mut self, other: Access) {
        self.requests += other.requests;
        self.threads += other.threads;
        self.bytes += other.bytes;
        self.units += other.units;
        self.least += other.least;
    }
}

/// Instructions of a class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Instructions {
    /// Executed by a warp.
    pub warps: u64,
    /// Executed by a thread: the active lanes of each warp.
    pub threads: u64,
}

impl AddAssign for Instructions {
    fn add_assign(&mut self, other: Instructions) {
        self.warps += other.warps;
        self.threads += other.threads;
    }
}

/// Everything that is counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Instructions by class.
    pub instructions: BTreeMap<InstructionClass, Instructions>,
    /// Memory accesses, for each space by kind.
    pub accesses: [[Access; 3]; 4],
    /// Branches at which threads of a warp went different ways.
    pub divergent_branches: u64,
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        for (class, instructions) in &other.instructions {
            *self.instructions.entry(*class).or_default() += *instructions;
        }
        for (own, others) in self.accesses.iter_mut().flatten().zip(other.accesses.iter().flatten()) {
            *own += *others;
        }
        self.divergent_branches += other.divergent_branches;
    }
}

impl Counts {
    /// Instructions of all classes.
    pub fn all_instructions(&self) -> Instructions {
        let mut sum = Instructions::default();
        self.instructions.values().for_each(|instructions| sum += *instructions);
        sum
    }

    /// Instructions of a class.
    pub fn of_class(&self, class: InstructionClass) -> Instructions {
        self.instructions.get(&class).copied().unwrap_or_default()
    }

    /// Accesses of a kind to a space.
    pub fn access(&self, space: Space, kind: AccessKind) -> Access {
        self.accesses[space as usize][kind as usize]
    }

    /// The same, to be added to.
    pub(crate) fn access_mut(&mut self, space: Space, kind: AccessKind) -> &mut Access {
        &mut self.accesses[space as usize][kind as usize]
    }

    /// Bytes that are accessed in a space.
    pub fn bytes(&self, space: Space) -> u64 {
        self.accesses[space as usize].iter().map(|access| access.bytes).sum()
    }
}

/// `a / b`, and 0 where there is no b.
pub(crate) fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}
