//! Functions: blocks of instructions ending in a terminator, with phis at their heads.

use crate::{Op, Type};

/// An SSA value of a function: an index into its value table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Value(pub u32);

/// A basic block of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// What a function is to the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FunctionKind {
    /// Launched; its parameters lie in a buffer that [`Op::LoadParam`] reads; `ret` ends the thread.
    Kernel,
    /// Called; parameters are the first values of the function, `ret` gives results to the caller.
    Device,
    /// A loop of a kernel for one lane, which the back end calls (see [`crate::pass::lane_loop`]): parameters are the first values, and every value
    /// is that of the lane.
    Lane,
}

/// An instruction: an operation, its results, and the source line it came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Its results, often one.
    pub results: Vec<Value>,
    /// Line in the source text of the module (PTX), 1-based; 0 if there is none.
    pub line: u32,
}

/// A value that depends on the edge by which its block was entered.
#[derive(Clone, PartialEq, Debug)]
pub struct Phi {
    /// The value defined.
    pub result: Value,
    /// One entry for each predecessor block.
    pub incoming: Vec<(BlockId, Value)>,
}

/// How a block ends.
#[derive(Clone, PartialEq, Debug)]
pub enum Terminator {
    /// Goes on at a block.
    Branch(BlockId),
    /// `condition` is an `i1`. The two targets differ.
    CondBranch {
        /// Per lane.
        condition: Value,
        /// Where lanes with a true condition go.
        then: BlockId,
        /// Where the others go.
        otherwise: BlockId,
    },
    /// `index` is an `i32`; out of range is undefined in PTX and goes to the last target. A block may occur more than once.
    Switch {
        /// Per lane.
        index: Value,
        /// Targets by index; not empty.
        targets: Vec<BlockId>,
    },
    /// Ends the function for the active lanes, with its results (none in a kernel).
    Return(Vec<Value>),
    /// Ends the thread.
    Exit,
    /// Ends the kernel with a launch failure (`trap`).
    Trap,
    /// Never reached.
    Unreachable,
}

impl Terminator {
    /// Calls `visit` with each successor, in order, repeats included.
    pub fn for_each_successor(&self, mut visit: impl FnMut(BlockId)) {
        match self {
            Terminator::Branch(target) => visit(*target),
            Terminator::CondBranch { then, otherwise, .. } => {
                visit(*then);
                visit(*otherwise);
            }
            Terminator::Switch { targets, .. } => targets.iter().copied().for_each(visit),
            Terminator::Return(_) | Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
        }
    }

    /// Calls `visit` with each value that the terminator uses.
    pub fn for_each_operand_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        match self {
            Terminator::CondBranch { condition, .. } => visit(condition),
            Terminator::Switch { index, .. } => visit(index),
            Terminator::Return(values) => values.iter_mut().for_each(visit),
            Terminator::Branch(_) | Terminator::Exit | Terminator::Trap | Terminator::Unreachable => {}
        }
    }

    /// The distinct successors, in order.
    pub fn successors(&self) -> Vec<BlockId> {
        let mut list = Vec::new();
        self.for_each_successor(|block| {
            if !list.contains(&block) {
                list.push(block);
            }
        });
        list
    }
}

/// A basic block.
#[derive(Clone, PartialEq, Debug)]
pub struct Block {
    /// Values that depend on the incoming edge; all are assigned at once.
    pub phis: Vec<Phi>,
    /// In order.
    pub instructions: Vec<Instruction>,
    /// How it ends.
    pub terminator: Terminator,
    /// Line of the terminator; 0 if there is none.
    pub terminator_line: u32,
}

/// A function in SSA form. Block 0 is the entry and has no predecessors.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// Name in the module (mangled).
    pub name: String,
    /// Kernel or device function.
    pub kind: FunctionKind,
    /// The first values; empty in a kernel.
    pub parameters: Vec<Type>,
    /// Types of the results; empty in a kernel.
    pub returns: Vec<Type>,
    /// Bytes of the kernel's parameter buffer; 0 in a device function.
    pub param_bytes: u32,
    /// Bytes of local memory a lane needs for the function's own local symbols.
    pub local_bytes: u32,
    /// Alignment of that memory.
    pub local_align: u32,
    /// `.reqntid`/`.maxntid`: (x, y, z) and whether it is required exactly.
    pub block_limit: Option<([u32; 3], bool)>,
    /// Type of each value.
    pub value_types: Vec<Type>,
    /// The blocks.
    pub blocks: Vec<Block>,
}

impl Function {
    /// The entry block.
    pub const ENTRY: BlockId = BlockId(0);

    /// Type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.value_types[value.0 as usize]
    }

    /// A block.
    pub fn block(&self, block: BlockId) -> &Block {
        &self.blocks[block.0 as usize]
    }

    /// A block, to be changed.
    pub fn block_mut(&mut self, block: BlockId) -> &mut Block {
        &mut self.blocks[block.0 as usize]
    }

    /// All block ids, in index order.
    pub fn block_ids(&self) -> impl Iterator<Item = BlockId> + use<> {
        (0..self.blocks.len() as u32).map(BlockId)
    }

    /// A new value of a type, not yet defined by anything.
    pub fn new_value(&mut self, ty: Type) -> Value {
        self.value_types.push(ty);
        Value(self.value_types.len() as u32 - 1)
    }

    /// Distinct predecessors of every block.
    pub fn predecessors(&self) -> Vec<Vec<BlockId>> {
        let mut lists = vec![Vec::new(); self.blocks.len()];
        for block in self.block_ids() {
            for successor in self.block(block).terminator.successors() {
                lists[successor.0 as usize].push(block);
            }
        }
        lists
    }
}
