//! A linear order of the blocks in which every loop is contiguous, and the loop nest it was made from.
//!
//! Walking the blocks in this order, and going back only at the end of a loop, visits every pending lane and makes
//! lanes meet again where their paths join (Moll & Hack, *Partial Control-Flow Linearization*, PLDI 2018, use the same kind of order).

use crate::{BlockId, Function};

/// A loop of a [`Layout`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LoopId(pub u32);

/// A strongly connected part of the control flow.
#[derive(Clone, Debug)]
pub struct LoopInfo {
    /// Blocks entered from outside. One for a natural loop; more make the loop irreducible.
    pub entries: Vec<BlockId>,
    /// First position in the order.
    pub first: usize,
    /// Last position in the order (inclusive).
    pub last: usize,
    /// The loop around this one.
    pub parent: Option<LoopId>,
}

impl LoopInfo {
    /// Whether the loop can be entered at more than one block.
    pub fn is_irreducible(&self) -> bool {
        self.entries.len() > 1
    }
}

/// Order of the reachable blocks, and loops.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Reachable blocks in order; the entry block is first.
    pub order: Vec<BlockId>,
    /// Position of each block in `order`; `usize::MAX` for unreachable blocks.
    pub position: Vec<usize>,
    /// All loops, outer before inner.
    pub loops: Vec<LoopInfo>,
    /// Innermost loop of each block.
    pub innermost: Vec<Option<LoopId>>,
}

impl Layout {
    /// Computes the order and the loops.
    pub fn new(function: &Function) -> Self {
        let count = function.blocks.len();
        let mut builder = Builder {
            function,
            member: vec![0; count],
            cut: vec![false; count],
            level: 0,
            layout: Layout {
                order: Vec::new(),
                position: vec![usize::MAX; count],
                loops: Vec::new(),
                innermost: vec![None; count],
            },
        };
        let reachable = builder.reachable();
        builder.place(&reachable, None);
        builder.layout
    }

    /// A loop.
    pub fn loop_info(&self, id: LoopId) -> &LoopInfo {
        &self.loops[id.0 as usize]
    }

    /// Whether `block` lies in loop `id` or in one inside it.
    pub fn contains(&self, id: LoopId, block: BlockId) -> bool {
        let position = self.position[block.0 as usize];
        let info = self.loop_info(id);
        position != usize::MAX && (info.first..=info.last).contains(&position)
    }

    /// Whether the edge goes back, or to itself, in the order.
    pub fn is_retreating(&self, from: BlockId, to: BlockId) -> bool {
        self.position[to.0 as usize] <= self.position[from.0 as usize]
    }

    /// Nesting depth of a block; 0 outside every loop.
    pub fn depth(&self, block: BlockId) -> u32 {
        let mut depth = 0;
        let mut at = self.innermost[block.0 as usize];
        while let Some(id) = at {
            depth += 1;
            at = self.loop_info(id).parent;
        }
        depth
    }
}

struct Builder<'a> {
    function: &'a Function,
    /// The level of recursion whose sub-graph a block belongs to; a block is in the graph if this equals `level`.
    member: Vec<u32>,
    /// Blocks whose incoming edges are ignored (entries of the loops being placed).
    cut: Vec<bool>,
    level: u32,
    layout: Layout,
}

impl Builder<'_> {
    fn reachable(&self) -> Vec<BlockId> {
        let mut seen = vec![false; self.function.blocks.len()];
        let mut list = vec![Function::ENTRY];
        seen[0] = true;
        let mut next = 0;
        while next < list.len() {
            self.function.block(list[next]).terminator.for_each_successor(|to| {
                if !std::mem::replace(&mut seen[to.0 as usize], true) {
                    list.push(to);
                }
            });
            next += 1;
        }
        list
    }

    /// Appends `blocks`, a sub-graph, to the order.
    fn place(&mut self, blocks: &[BlockId], parent: Option<LoopId>) {
        self.level += 1;
        let level = self.level;
        for block in blocks {
            self.member[block.0 as usize] = level;
        }
        for component in self.components(blocks, level) {
            if !self.is_cyclic(&component) {
                let block = component[0];
                self.layout.position[block.0 as usize] = self.layout.order.len();
                self.layout.order.push(block);
                self.layout.innermost[block.0 as usize] = parent;
                continue;
            }
            let id = LoopId(self.layout.loops.len() as u32);
            let entries = self.entries(&component);
            let first = self.layout.order.len();
            self.layout.loops.push(LoopInfo { entries: entries.clone(), first, last: first, parent });
            for entry in &entries {
                self.cut[entry.0 as usize] = true;
            }
            // Entries first, so that a natural loop begins with its header.
            let mut inner = entries.clone();
            inner.extend(component.iter().copied().filter(|block| !entries.contains(block)));
            self.place(&inner, Some(id));
            self.layout.loops[id.0 as usize].last = self.layout.order.len() - 1;
        }
    }

    fn is_cyclic(&self, component: &[BlockId]) -> bool {
        let only = component[0];
        component.len() > 1
            || (!self.cut[only.0 as usize] && self.function.block(only).terminator.successors().contains(&only))
    }

    /// Blocks of a component that are entered from outside it, in the component's order.
    fn entries(&self, component: &[BlockId]) -> Vec<BlockId> {
        let mut inside = vec![false; self.function.blocks.len()];
        for block in component {
            inside[block.0 as usize] = true;
        }
        let mut entered = vec![false; self.function.blocks.len()];
        entered[Function::ENTRY.0 as usize] = true;
        for from in self.function.block_ids() {
            if inside[from.0 as usize] || self.member[from.0 as usize] == 0 {
                continue;
            }
            self.function.block(from).terminator.for_each_successor(|to| entered[to.0 as usize] = true);
        }
        component.iter().copied().filter(|block| entered[block.0 as usize]).collect()
    }

    /// Strongly connected components of a sub-graph in topological order (Tarjan's algorithm, without recursion).
    fn components(&self, blocks: &[BlockId], level: u32) -> Vec<Vec<BlockId>> {
        let count = self.function.blocks.len();
        let mut index = vec![u32::MAX; count];
        let mut low = vec![0u32; count];
        let mut on_stack = vec![false; count];
        let mut stack: Vec<BlockId> = Vec::new();
        let mut next_index = 0;
        let mut components = Vec::new();
        let successors = |block: BlockId| -> Vec<BlockId> {
            let mut list = self.function.block(block).terminator.successors();
            list.retain(|to| self.member[to.0 as usize] == level && !self.cut[to.0 as usize]);
            list
        };
        for &root in blocks {
            if index[root.0 as usize] != u32::MAX {
                continue;
            }
            let mut work: Vec<(BlockId, Vec<BlockId>)> = Vec::new();
            let mut enter = Some(root);
            loop {
                if let Some(block) = enter.take() {
                    let at = block.0 as usize;
                    index[at] = next_index;
                    low[at] = next_index;
                    next_index += 1;
                    stack.push(block);
                    on_stack[at] = true;
                    work.push((block, successors(block)));
                }
                let Some((block, pending)) = work.last_mut() else { break };
                let at = block.0 as usize;
                if let Some(to) = pending.pop() {
                    let to_at = to.0 as usize;
                    if index[to_at] == u32::MAX {
                        enter = Some(to);
                    } else if on_stack[to_at] {
                        low[at] = low[at].min(index[to_at]);
                    }
                    continue;
                }
                let block = *block;
                work.pop();
                if let Some((up, _)) = work.last() {
                    low[up.0 as usize] = low[up.0 as usize].min(low[at]);
                }
                if low[at] == index[at] {
                    let mut component = Vec::new();
                    while let Some(member) = stack.pop() {
                        on_stack[member.0 as usize] = false;
                        component.push(member);
                        if member == block {
                            break;
                        }
                    }
                    component.reverse();
                    components.push(component);
                }
            }
        }
        components.reverse();
        components
    }
}
