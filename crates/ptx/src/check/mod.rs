//! Checks instructions against their declared forms.

mod module;
mod operands;

use crate::ast::{Module, ScalarType};
use crate::error::{Error, Result};
use crate::instructions::{self, Entry, Form};
use crate::resolve::{Code, Operand, Resolved};

pub use module::{check_known, check_module};
pub(crate) use operands::agrees;

/// An instruction that has one of its declared forms.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The instruction.
    pub resolved: &'a Resolved<'a>,
    /// The form it has.
    pub form: &'static Form,
    /// Its declaration.
    pub entry: &'static Entry,
    /// What fills the slots of the form.
    pub chosen: Vec<Option<&'static str>>,
}

/// What came of checking an instruction.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// It is fine.
    Checked(Checked<'a>),
    /// The operation or one of its modifiers is not known here: the reason. A later PTX version may have it.
    Unknown(String),
}

impl<'a> Checked<'a> {
    /// Whether the modifier is present.
    pub fn has(&self, modifier: &str) -> bool {
        self.chosen.iter().flatten().any(|chosen| *chosen == modifier)
    }

    /// What fills the slot `name`.
    pub fn slot(&self, name: &str) -> Option<&'static str> {
        let index = self.form.slots.iter().position(|slot| slot.name == name)?;
        self.chosen.get(index).copied().flatten()
    }

    /// The type in slot `name`; `.b32` if there is none, which no form with such a slot allows.
    pub fn ty(&self, name: &str) -> ScalarType {
        self.slot(name).and_then(ScalarType::from_name).unwrap_or(ScalarType::B32)
    }

    /// The operand that the form calls `name`.
    pub fn operand(&self, name: &str) -> Option<&'a Operand> {
        for (pattern, operand) in self.form.operands.iter().zip(&self.resolved.operands) {
            let Some(second) = &pattern.second else {
                if pattern.name == name {
                    return Some(operand);
                }
                continue;
            };
            let (a, b) = match operand {
                Operand::Pair(pair) => (&pair.0, Some(&pair.1)),
                single => (single, None),
            };
            if pattern.name == name {
                return Some(a);
            }
            if second.name == name {
                return b;
            }
        }
        None
    }

    /// The type that the form gives to the operand `name`; none if it leaves that open.
    pub fn operand_type(&self, name: &str) -> Option<ScalarType> {
        let patterns =
            self.form.operands.iter().flat_map(|pattern| std::iter::once(pattern).chain(pattern.second.as_deref()));
        patterns.filter(|pattern| pattern.name == name).find_map(|pattern| pattern.ty.resolve(&self.chosen))
    }
}

/// Finds the form of an instruction.
///
/// # Errors
/// An operation whose operands fit none of its forms.
pub fn check<'a>(module: &Module, code: &Code<'_>, resolved: &'a Resolved<'a>) -> Result<Outcome<'a>> {
    let opcode = resolved.source.opcode();
    let Some(entries) = instructions::entries(opcode) else {
        let what = if instructions::is_not_implemented(opcode) { "not implemented" } else { "not a known instruction" };
        return Ok(Outcome::Unknown(format!("`{opcode}` is {what}")));
    };
    let mut best: Option<(usize, String)> = None;
    let mut mismatch: Option<String> = None;
    for entry in entries {
        let here = entry.forms.iter().filter(|form| form.until.is_none_or(|until| module.version < until));
        for form in here {
            let chosen = match fill_slots(form, resolved) {
                Ok(chosen) => chosen,
                Err((matched, reason)) => {
                    if best.as_ref().is_none_or(|(most, _)| matched > *most) {
                        best = Some((matched, reason));
                    }
                    continue;
                }
            };
            match operands::check(code, form, &chosen, resolved) {
                Ok(()) => {
                    return Ok(Outcome::Checked(Checked { resolved, form, entry, chosen }));
                }
                Err(reason) => mismatch = mismatch.or(Some(reason)),
            }
        }
    }
    if let Some(reason) = mismatch {
        return Err(error(module, resolved, format!("`{}`: {reason}", resolved.source.name)));
    }
    let reason = best.map_or_else(|| "it has no form".to_owned(), |(_, reason)| reason);
    Ok(Outcome::Unknown(format!("`{}`: {reason}", resolved.source.name)))
}

fn error(module: &Module, resolved: &Resolved<'_>, message: String) -> Error {
    Error::new(module.text(), resolved.source.span, message)
}

/// Puts the modifiers of an instruction into the slots of a form. On failure, how many found a place, and what is wrong.
fn fill_slots(
    form: &'static Form,
    resolved: &Resolved<'_>,
) -> std::result::Result<Vec<Option<&'static str>>, (usize, String)> {
    let mut chosen = vec![None; form.slots.len()];
    // Types keep their order: `set.lt.u16.f16` is not `set.lt.f16.u16`.
    let mut types_from = 0;
    for (matched, modifier) in resolved.source.modifiers().enumerate() {
        let is_type = ScalarType::from_name(modifier).is_some();
        let first = if is_type { types_from } else { 0 };
        let place = (first..form.slots.len()).find_map(|index| {
            let choice = form.slots[index].choices.iter().find(|choice| **choice == modifier)?;
            chosen[index].is_none().then_some((index, *choice))
        });
        let Some((index, choice)) = place else {
            return Err((matched, format!("`.{modifier}` is not accepted here")));
        };
        chosen[index] = Some(choice);
        if is_type {
            types_from = index + 1;
        }
    }
    let missing = form.slots.iter().zip(&chosen).find(|(slot, place)| !slot.optional && place.is_none());
    match missing {
        None => Ok(chosen),
        Some((slot, _)) => {
            let choices: Vec<String> = slot.choices.iter().map(|choice| format!(".{choice}")).collect();
            let matched = chosen.iter().flatten().count();
            Err((matched, format!("one of {} is missing", choices.join(" "))))
        }
    }
}
