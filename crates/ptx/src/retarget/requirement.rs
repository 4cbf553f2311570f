//! What an instruction needs of a card: what its form states, and what its modifiers and operands add.

use std::fmt;

use super::Card;
use crate::ast::{self, Version};
use crate::check::Checked;

/// What something needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The compute capability from which on it exists.
    pub sm: u32,
    /// The version of PTX that brought it.
    pub version: Version,
    /// The part that needs it, where it is not the whole: a modifier, a register.
    pub part: Option<&'static str>,
    /// It exists on this very card alone.
    pub alone: bool,
    /// It is there for texts whose target says so alone: `sm_90a`.
    pub specific: bool,
}

const fn since(sm: u32, major: u32, minor: u32, part: &'static str) -> Requirement {
    Requirement { sm, version: Version { major, minor }, part: Some(part), alone: false, specific: false }
}

impl Requirement {
    /// Whether the card has it.
    pub fn is_met(&self, card: &Card) -> bool {
        let has = if self.alone { self.sm == card.sm } else { self.sm <= card.sm };
        has && self.version <= card.version_max
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(part) = self.part {
            write!(f, "with {part} ")?;
        }
        let alone = if self.alone { "exists on sm_" } else { "needs sm_" };
        write!(f, "{alone}{}{} ", self.sm, if self.alone { " alone" } else { "" })?;
        write!(f, "and PTX {}.{}, and has no replacement", self.version.major, self.version.minor)
    }
}

/// Modifiers that need more than the forms that have them. The names of PTX ISA 9.7.9.8, 9.7.9.11 and 9.7.13.
const MODIFIERS: &[(&str, Requirement)] = &[
    ("cluster", since(90, 7, 8, ".cluster")),
    ("shared::cluster", since(90, 7, 8, ".shared::cluster")),
    ("L2::cache_hint", since(80, 7, 4, ".L2::cache_hint")),
    ("L2::256B", since(80, 7, 4, ".L2::256B")),
    ("L2::evict_last", since(100, 8, 8, ".L2::evict_last")),
    ("L2::evict_first", since(100, 8, 8, ".L2::evict_first")),
    ("L2::evict_normal", since(100, 8, 8, ".L2::evict_normal")),
];

/// Operations whose modifiers of this name mean something older.
const OLDER: &[(&str, &str)] = &[
    ("createpolicy", "L2::evict_last"),
    ("createpolicy", "L2::evict_first"),
    ("createpolicy", "L2::evict_normal"),
    ("prefetch", "L2::evict_last"),
    ("prefetch", "L2::evict_normal"),
    ("applypriority", "L2::evict_normal"),
];

/// What an arrival of several needs more than one of one.
pub(super) const COUNT: &str = "a count";

/// Special registers that are younger than the oldest card (PTX ISA 10).
const REGISTERS: &[(&str, Requirement)] = &[
    ("%clusterid", since(90, 7, 8, "%clusterid")),
    ("%nclusterid", since(90, 7, 8, "%nclusterid")),
    ("%cluster_ctaid", since(90, 7, 8, "%cluster_ctaid")),
    ("%cluster_nctaid", since(90, 7, 8, "%cluster_nctaid")),
    ("%cluster_ctarank", since(90, 7, 8, "%cluster_ctarank")),
    ("%cluster_nctarank", since(90, 7, 8, "%cluster_nctarank")),
    ("%is_explicit_cluster", since(90, 7, 8, "%is_explicit_cluster")),
    ("%aggr_smem_size", since(90, 8, 1, "%aggr_smem_size")),
    ("%reserved_smem_offset_begin", since(80, 7, 6, "%reserved_smem_offset_begin")),
    ("%reserved_smem_offset_end", since(80, 7, 6, "%reserved_smem_offset_end")),
    ("%reserved_smem_offset_cap", since(80, 7, 6, "%reserved_smem_offset_cap")),
    ("%reserved_smem_offset_0", since(80, 7, 6, "%reserved_smem_offset_0")),
    ("%reserved_smem_offset_1", since(80, 7, 6, "%reserved_smem_offset_1")),
];

/// Directives of kernels (PTX ISA 11.4).
const DIRECTIVES: &[(&str, Requirement)] = &[
    ("reqnctapercluster", since(90, 7, 8, "clusters")),
    ("explicitcluster", since(90, 7, 8, "clusters")),
    ("maxclusterrank", since(90, 7, 8, "clusters")),
    ("blocksareclusters", since(90, 9, 0, "clusters")),
];

/// Operations with a modifier that need more than the form that has both.
const WITH_MODIFIER: &[(&str, &str, Requirement)] = &[
    ("min", "NaN", since(80, 7, 0, ".NaN")),
    ("max", "NaN", since(80, 7, 0, ".NaN")),
    ("atom", "b128", since(90, 8, 3, ".b128")),
    ("atom", "bf16", since(90, 7, 8, ".bf16")),
    ("atom", "bf16x2", since(90, 7, 8, ".bf16x2")),
    ("red", "bf16", since(90, 7, 8, ".bf16")),
    ("red", "bf16x2", since(90, 7, 8, ".bf16x2")),
    ("fence", "async", since(90, 8, 0, ".proxy.async")),
    ("mbarrier", "try_wait", since(90, 7, 8, ".try_wait")),
    ("prefetch", "L2::evict_last", since(80, 7, 4, ".L2::evict_last")),
    ("prefetch", "L2::evict_normal", since(80, 7, 4, ".L2::evict_normal")),
    ("tensormap", "swizzle_atomicity", since(100, 8, 6, ".swizzle_atomicity")),
];

/// Operations that exist on one card alone.
const ALONE: &[(&str, u32)] = &[("wgmma", 90)];

/// Instructions that a text may have only if its target names the very card (`sm_90a`).
const SPECIFIC: &[&str] = &["wgmma", "setmaxnreg", "tensormap.replace"];

/// Whether an instruction's name begins with these parts.
fn is_named(instruction: &ast::Instruction, name: &str) -> bool {
    instruction.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What a directive of a kernel needs, where it is more than the oldest card has.
pub fn of_directive(name: &str) -> Option<Requirement> {
    find(DIRECTIVES, name)
}

fn find(table: &[(&str, Requirement)], name: &str) -> Option<Requirement> {
    table.iter().find(|(known, _)| *known == name).map(|(_, requirement)| *requirement)
}

/// All that an instruction needs.
pub fn of_instruction(checked: &Checked<'_>) -> Vec<Requirement> {
    let instruction = checked.resolved.source;
    let opcode = instruction.opcode();
    let mut needs = Vec::new();
    if let Some((version, sm)) = checked.form.since {
        needs.push(Requirement {
            sm,
            version,
            part: None,
            alone: false,
            specific: SPECIFIC.iter().any(|name| is_named(instruction, name)),
        });
    }
    if let Some((_, sm)) = ALONE.iter().find(|(alone, _)| *alone == opcode) {
        needs.push(Requirement { alone: true, part: None, specific: true, ..since(*sm, 8, 0, "") });
    }
    if is_wide_access(checked) {
        needs.push(since(100, 8, 8, "vectors of 256 bits"));
    }
    if is_counted_arrival(checked) {
        needs.push(since(90, 7, 8, COUNT));
    }
    for modifier in instruction.modifiers() {
        if !OLDER.contains(&(opcode, modifier)) {
            needs.extend(find(MODIFIERS, modifier));
        }
        let with = WITH_MODIFIER.iter().filter(|(operation, known, _)| *operation == opcode && *known == modifier);
        needs.extend(with.map(|(.., requirement)| *requirement));
    }
    needs.extend(of_brain_floats(checked));
    let mut registers = Vec::new();
    instruction.operands.iter().for_each(|operand| special_registers(operand, &mut registers));
    needs.extend(registers);
    needs
}

/// A load or store of 256 bits.
pub(super) fn is_wide_access(checked: &Checked<'_>) -> bool {
    let count = checked.slot("V").and_then(|vector| vector[1..].parse::<u32>().ok()).unwrap_or(1);
    matches!(checked.resolved.source.opcode(), "ld" | "st") && count * checked.ty("T").bits() > 128
}

/// An arrival of several at once that may complete a phase.
pub(super) fn is_counted_arrival(checked: &Checked<'_>) -> bool {
    let has = |modifier| checked.has(modifier);
    let count = checked.form.operands.iter().position(|pattern| pattern.name == "count");
    let is_given = count.is_some_and(|count| checked.resolved.source.operands.len() > count);
    (has("arrive") || has("arrive_drop")) && !has("noComplete") && is_given
}

/// Conversions between `.bf16` and other types than `.f32`, and from it, which the form of all conversions has too.
fn of_brain_floats(checked: &Checked<'_>) -> Option<Requirement> {
    if checked.resolved.source.opcode() != "cvt" {
        return None;
    }
    let (to, from) = (checked.slot("D")?, checked.slot("A")?);
    match (to, from) {
        ("bf16", "f32") => Some(since(80, 7, 0, ".bf16")),
        ("bf16", _) | (_, "bf16") => Some(since(90, 7, 8, ".bf16")),
        _ => None,
    }
}

fn special_registers(operand: &ast::Operand, found: &mut Vec<Requirement>) {
    match operand {
        ast::Operand::Name(name) | ast::Operand::Component(name, _) | ast::Operand::Offset(name, _) => {
            found.extend(find(REGISTERS, name));
        }
        ast::Operand::Vector(list) | ast::Operand::List(list) => {
            list.iter().for_each(|inner| special_registers(inner, found))
        }
        ast::Operand::Pair(pair) => {
            special_registers(&pair.0, found);
            special_registers(&pair.1, found);
        }
        ast::Operand::Not(inner) | ast::Operand::Negated(inner) => special_registers(inner, found),
        ast::Operand::Address(address) => special_registers(&address.base, found),
        ast::Operand::Element(..) | ast::Operand::Immediate(_) | ast::Operand::Sink => {}
    }
}
