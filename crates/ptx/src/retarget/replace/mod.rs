//! Replacements: what an older card does in place of an instruction that it lacks.
//!
//! A replacement is PTX in a block of its own, with registers of its own. What computes does so without the guard; the guard is on what
//! writes the result or accesses memory.

mod barrier;
mod cluster;
mod float;
mod memory;
mod narrow;
mod warp;

use super::Card;
use super::requirement::Requirement;
use crate::ast::{Module, Operand, Statement, Version};
use crate::check::Checked;

/// What the names of a replacement's own registers begin with.
const OWN_PREFIX: &str = "%apexu_";

/// An instruction that the card lacks.
pub(super) struct Site<'a> {
    pub checked: &'a Checked<'a>,
    pub card: &'a Card,
    /// What the card lacks of what it needs.
    pub lacking: &'a [Requirement],
    /// The whole text, for what depends on the rest of it.
    pub text_of_module: &'a str,
}

/// How instructions are replaced.
pub(super) struct Rule {
    /// What is replaced, as the page about it has it.
    pub what: &'static str,
    /// By what.
    pub by: &'static str,
    /// The compute capability that the replacement needs itself, and the version of PTX.
    pub needs: (u32, Version),
    /// The replacement of an instruction; none where it is another one.
    pub make: fn(&Site<'_>) -> Option<String>,
}

/// The first version of PTX that the oldest card has.
pub(super) const ANY: (u32, Version) = (75, Version { major: 6, minor: 3 });

/// Every rule, in the order in which they are tried.
pub(super) const RULES: &[&[Rule]] =
    &[float::RULES, narrow::RULES, memory::RULES, warp::RULES, barrier::RULES, cluster::RULES];

/// The replacement of an instruction, without the braces around it.
pub(super) fn replacement(site: &Site<'_>) -> Option<String> {
    // A text that has such names already would have them mixed up with the replacement's own.
    if site.checked.resolved.source.to_string().contains(OWN_PREFIX) {
        return None;
    }
    let fits = |rule: &&Rule| rule.needs.0 <= site.card.sm && rule.needs.1 <= site.card.version_max;
    RULES.iter().copied().flatten().filter(fits).find_map(|rule| (rule.make)(site))
}

/// The statements of a replacement.
pub(super) fn parse(text: &str) -> crate::Result<Vec<Statement>> {
    let text = format!(".version 9.0\n.target sm_120\n.address_size 64\n.func f()\n{{\n{text}\n}}\n");
    let module = Module::parse(&text)?;
    let function = module.functions().next();
    Ok(function.map(|function| module.body(function)).transpose()?.unwrap_or_default().statements)
}

impl Site<'_> {
    /// The operation.
    fn opcode(&self) -> &str {
        self.checked.resolved.source.opcode()
    }

    /// The operand that the form calls `name`.
    fn operand(&self, name: &str) -> Option<&Operand> {
        let index = self.checked.form.operands.iter().position(|pattern| pattern.name == name)?;
        self.checked.resolved.source.operands.get(index)
    }

    /// The same as text; empty where it is left out, which no form of a replaced instruction allows.
    fn text(&self, name: &str) -> String {
        self.operand(name).map(Operand::to_string).unwrap_or_default()
    }

    /// The guard, with the blank behind it.
    fn guard(&self) -> String {
        let guard = self.checked.resolved.source.guard.as_ref();
        guard.map(|guard| format!("@{}{} ", if guard.negated { "!" } else { "" }, guard.register)).unwrap_or_default()
    }

    /// Whether the card lacks nothing beside these parts.
    fn lacks_only(&self, parts: &[&str]) -> bool {
        self.lacking.iter().all(|lacking| lacking.part.is_some_and(|part| parts.contains(&part)))
    }

    /// The modifiers that are none of `without`, each with its dot.
    fn modifiers(&self, without: &[&str]) -> String {
        let kept = self.checked.resolved.source.modifiers().filter(|modifier| !without.contains(modifier));
        kept.map(|modifier| format!(".{modifier}")).collect()
    }

    fn has(&self, modifier: &str) -> bool {
        self.checked.has(modifier)
    }
}
