//! Basic blocks of a body.

use std::ops::Range;

use crate::ast::Instruction;
use crate::resolve::{Code, LabelId, Operand, Resolved, Step};

/// The blocks of a body, in the order of the text. The first is the entry.
pub(super) struct Cfg {
    pub blocks: Vec<BasicBlock>,
    /// The block in which each label stands.
    label_blocks: Vec<usize>,
}

/// Steps without a branch or a target among them.
pub(super) struct BasicBlock {
    /// The steps, the ending instruction included.
    pub steps: Range<usize>,
    /// Indices of the blocks that may follow, each once.
    pub successors: Vec<usize>,
    /// Whether the block can be reached from the entry.
    pub reachable: bool,
}

/// How an instruction goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// At the next instruction.
    Next,
    /// At a label.
    Branch,
    /// At one of several labels.
    IndexedBranch,
    /// Not in this function: `ret`, `exit`, `trap`.
    End,
}

impl Flow {
    /// How `instruction` goes on where its guard is true.
    pub fn of(instruction: &Instruction) -> Flow {
        match instruction.opcode() {
            "bra" => Flow::Branch,
            "brx" => Flow::IndexedBranch,
            "ret" | "exit" | "trap" => Flow::End,
            _ => Flow::Next,
        }
    }
}

impl Cfg {
    pub fn new(code: &Code<'_>) -> Cfg {
        let mut cfg = Cfg { blocks: Vec::new(), label_blocks: vec![usize::MAX; code.labels.len()] };
        cfg.split(code);
        cfg.connect(code);
        cfg.mark_reachable();
        cfg
    }

    /// The block in which a label stands.
    pub fn block_of(&self, label: LabelId) -> usize {
        self.label_blocks[label.0 as usize]
    }

    fn split(&mut self, code: &Code<'_>) {
        let mut start = 0;
        // Whether a step that is no label stands between `start` and here.
        let mut begun = false;
        for (index, step) in code.steps.iter().enumerate() {
            match step {
                Step::Label(label) => {
                    if begun {
                        self.push(start..index);
                        start = index;
                        begun = false;
                    }
                    self.label_blocks[label.0 as usize] = self.blocks.len();
                }
                Step::FreshRegisters(_) | Step::FreshLocal(_) => begun = true,
                Step::Instruction(resolved) => {
                    begun = true;
                    if Flow::of(resolved.source) != Flow::Next {
                        self.push(start..index + 1);
                        start = index + 1;
                        begun = false;
                    }
                }
            }
        }
        // The end of the body is a block of its own if something can arrive there: labels, or the text itself.
        if start < code.steps.len() || self.falls_through(code) {
            self.push(start..code.steps.len());
        }
    }

    fn falls_through(&self, code: &Code<'_>) -> bool {
        self.blocks.last().is_none_or(|block| {
            last_instruction(code, block).is_none_or(|last| last.guard.is_some() || Flow::of(last.source) == Flow::Next)
        })
    }

    fn push(&mut self, steps: Range<usize>) {
        self.blocks.push(BasicBlock { steps, successors: Vec::new(), reachable: false });
    }

    fn connect(&mut self, code: &Code<'_>) {
        for index in 0..self.blocks.len() {
            let mut successors = Vec::new();
            let last = last_instruction(code, &self.blocks[index]);
            let flow = last.map_or(Flow::Next, |last| Flow::of(last.source));
            let goes_on = flow == Flow::Next || last.is_some_and(|last| last.guard.is_some());
            if let Some(last) = last {
                successors.extend(targets(code, last).into_iter().map(|label| self.block_of(label)));
            }
            if goes_on && index + 1 < self.blocks.len() {
                successors.push(index + 1);
            }
            successors.sort_unstable();
            successors.dedup();
            self.blocks[index].successors = successors;
        }
    }

    fn mark_reachable(&mut self) {
        let mut work = vec![0];
        while let Some(index) = work.pop() {
            if let Some(block) = self.blocks.get_mut(index)
                && !std::mem::replace(&mut block.reachable, true)
            {
                work.extend(&block.successors);
            }
        }
    }
}

/// The instruction that ends a block, if the last step is one.
pub(super) fn last_instruction<'a>(code: &'a Code<'_>, block: &BasicBlock) -> Option<&'a Resolved<'a>> {
    match code.steps.get(block.steps.clone())?.last()? {
        Step::Instruction(resolved) => Some(resolved),
        Step::Label(_) | Step::FreshRegisters(_) | Step::FreshLocal(_) => None,
    }
}

/// The labels to which an instruction may branch; none for one that is malformed, which its check reports.
pub(super) fn targets(code: &Code<'_>, resolved: &Resolved<'_>) -> Vec<LabelId> {
    match (Flow::of(resolved.source), resolved.operands.as_slice()) {
        (Flow::Branch, [Operand::Label(label)]) => vec![*label],
        (Flow::IndexedBranch, [_, Operand::BranchTargets(list)]) => code.branch_targets[*list].clone(),
        _ => Vec::new(),
    }
}
