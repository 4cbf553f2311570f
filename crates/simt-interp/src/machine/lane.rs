//! A lane: its call stack, its local memory, and whether it can go on.

use simt_ir::{BlockId, Function, FunctionId, Value};

use super::barrier::BarrierWait;
use super::collective::Request;

/// One thread.
pub(super) struct Lane {
    /// Linear index in the block.
    pub thread: u32,
    /// `%tid`.
    pub index: [u32; 3],
    pub state: LaneState,
    /// The kernel's frame first; empty once the thread has ended.
    pub frames: Vec<Frame>,
    /// Local memory as far as it was touched; the rest is zero.
    pub local: Vec<u8>,
    /// Number of the warp's turn in which it last ran.
    pub last_turn: u64,
    /// How often it arrived at the cluster's barrier.
    pub cluster_arrivals: u32,
    /// How often it came through the cluster's barrier.
    pub cluster_waits: u32,
}

/// Whether a lane can go on.
pub(super) enum LaneState {
    /// Its next instruction can be executed.
    Ready,
    /// Waits for other lanes of its warp.
    Collective(Request),
    /// Waits at a barrier of the block.
    Barrier(BarrierWait),
    /// Waits at the barrier of the cluster.
    ClusterBarrier {
        /// Line of the instruction.
        line: u32,
    },
    /// Has ended.
    Exited,
}

/// A function in execution.
pub(super) struct Frame {
    pub function: FunctionId,
    pub block: BlockId,
    /// Index of the next instruction in the block (its length: the terminator). Of a frame that has called: the call itself.
    pub next: usize,
    /// By value number.
    pub values: Vec<u128>,
    /// Where the function's local symbols begin in local memory.
    pub local_base: u32,
    /// The first free byte of local memory.
    pub stack_top: u32,
}

impl Lane {
    pub fn new(thread: u32, index: [u32; 3]) -> Self {
        Self {
            thread,
            index,
            state: LaneState::Ready,
            frames: Vec::new(),
            local: Vec::new(),
            last_turn: 0,
            cluster_arrivals: 0,
            cluster_waits: 0,
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self.state, LaneState::Ready)
    }

    pub fn has_exited(&self) -> bool {
        matches!(self.state, LaneState::Exited)
    }

    /// The innermost frame. Only of a lane that has not exited.
    pub fn frame(&self) -> &Frame {
        self.frames.last().expect("a lane that has not exited has a frame")
    }

    /// The innermost frame, to be changed.
    pub fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a lane that has not exited has a frame")
    }

    pub fn value(&self, value: Value) -> u128 {
        self.frame().values[value.0 as usize]
    }

    pub fn set(&mut self, value: Value, bits: u128) {
        self.frame_mut().values[value.0 as usize] = bits;
    }

    /// Gives the results of the next instruction and steps over it.
    pub fn complete(&mut self, results: &[Value], bits: &[u128]) {
        for (result, bits) in results.iter().zip(bits) {
            self.set(*result, *bits);
        }
        self.frame_mut().next += 1;
    }

    pub fn exit(&mut self) {
        self.state = LaneState::Exited;
        self.frames.clear();
        self.local = Vec::new();
    }
}

impl Frame {
    pub fn new(id: FunctionId, function: &Function, local_base: u32, stack_top: u32) -> Self {
        Self {
            function: id,
            block: Function::ENTRY,
            next: 0,
            values: vec![0; function.value_types.len()],
            local_base,
            stack_top,
        }
    }

    /// Goes to the start of a block: its phis take their values for the edge, all at once.
    pub fn enter(&mut self, function: &Function, to: BlockId) {
        let from = self.block;
        let incoming = |phi: &simt_ir::Phi| {
            let (_, value) =
                phi.incoming.iter().find(|(block, _)| *block == from).expect("verified: one value an edge");
            self.values[value.0 as usize]
        };
        let phis = &function.block(to).phis;
        let values: Vec<u128> = phis.iter().map(incoming).collect();
        for (phi, bits) in phis.iter().zip(values) {
            self.values[phi.result.0 as usize] = bits;
        }
        self.block = to;
        self.next = 0;
    }
}
