//! PTX for one compute capability made into PTX for an older one.
//!
//! [`retarget`] takes a text that was compiled for a newer card, such as `compute_120`, and gives one that an older card's driver takes:
//! `.target` and `.version` are those of the card ([`Card`]), instructions that the card lacks are replaced by others with exactly the
//! same results ([`replace`]), and what can neither run nor be replaced is refused, by name and line.
//!
//! What an instruction needs is what its form says (`@8.6 sm_100`, [`crate::instructions::form`]) and what its modifiers and operands
//! say ([`requirement`]). An instruction that is not known here is refused as well, so that nothing passes unseen.
//!
//! Invariant: a text that the card takes as it is comes back unchanged, byte for byte.
//! Invariant: a replacement has the results of what it replaces, bit for bit, for every input; tests run both.

mod isa_version;
mod page;
pub mod replace;
pub mod requirement;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use crate::ast::{Body, FunctionKind, Instruction, Item, Module, Name, Statement, Version};
use crate::check::{Outcome, check};
use crate::error::Error;
use crate::printer::{DisplayFunction, DisplayItem, header, put};
use crate::resolve::{ModuleNames, Step, resolve};

pub use isa_version::version_of_driver;
pub use page::page;
use replace::Site;
use requirement::Requirement;

/// Refusals that are listed for a text; more are counted.
const REFUSALS_MAX: usize = 20;

/// What is to run the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its compute capability, as in `sm_90`.
    pub sm: u32,
    /// The newest version of PTX that its driver takes ([`version_of_driver`]).
    pub version_max: Version,
}

/// A text for a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retargeted<'a> {
    /// The text; borrowed where nothing had to change.
    pub text: Cow<'a, str>,
    /// What was replaced, in the order of the text.
    pub replaced: Vec<Replaced>,
}

/// An instruction that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// As it stood: `add.rn.f32x2`.
    pub instruction: Name,
    /// Its line in the text that was handed over.
    pub line: u32,
}

/// Why a text cannot be made into one for the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the text is for, as it says: `sm_120a`.
    pub target: Name,
    /// The card.
    pub sm: u32,
    /// Each place and why, at most twenty.
    pub errors: Vec<Error>,
    /// How many there are.
    pub count: usize,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PTX for {} cannot run on a card of sm_{}: ", self.target, self.sm)?;
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index > 0 { "\n" } else { "" })?;
        }
        match self.count - self.errors.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Makes `text` into one that `card` takes.
///
/// # Errors
/// What stands in the way: a text that is no PTX, or instructions and directives that the card lacks and that have no replacement.
pub fn retarget<'a>(text: &'a str, card: &Card) -> Result<Retargeted<'a>, Refusal> {
    let refusal = |target: &str, errors: Vec<Error>| {
        let count = errors.len();
        let errors = errors.into_iter().take(REFUSALS_MAX).collect();
        Refusal { target: target.into(), sm: card.sm, errors, count }
    };
    let module = Module::parse(text).map_err(|error| refusal("an unknown target", vec![error]))?;
    let Some((name, target)) = module.targets.iter().find_map(|name| Some((name, Target::parse(name)?))) else {
        let error = Error::new(text, Default::default(), "the text names no target of the form `sm_90`");
        return Err(refusal("no target", vec![error]));
    };
    if target.runs_on(card.sm) && module.version <= card.version_max {
        return Ok(Retargeted { text: Cow::Borrowed(text), replaced: Vec::new() });
    }
    let mut work = Work { module: &module, card, errors: Vec::new(), replaced: Vec::new(), specific: false };
    let text = work.run(target);
    if work.errors.is_empty() {
        Ok(Retargeted { text: Cow::Owned(text), replaced: work.replaced })
    } else {
        Err(refusal(name, work.errors))
    }
}

/// A `.target`.
#[derive(Clone, Copy)]
struct Target {
    sm: u32,
    /// `a` or `f`: for this card, or for cards of its generation, alone.
    suffix: Option<char>,
}

impl Target {
    fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("sm_")?;
        let suffix = digits.chars().next_back().filter(|last| matches!(last, 'a' | 'f'));
        let digits = digits.strip_suffix(['a', 'f']).unwrap_or(digits);
        Some(Self { sm: digits.parse().ok()?, suffix })
    }

    /// Whether a card takes it (PTX ISA 11.1.2).
    fn runs_on(self, sm: u32) -> bool {
        match self.suffix {
            None => self.sm <= sm,
            Some('f') => self.sm <= sm && self.sm / 10 == sm / 10,
            Some(_) => self.sm == sm,
        }
    }
}

/// What becomes of an instruction.
type Replacements = HashMap<*const Instruction, Vec<Statement>>;

struct Work<'m> {
    module: &'m Module,
    card: &'m Card,
    errors: Vec<Error>,
    replaced: Vec<Replaced>,
    /// Whether the target has to name the very card.
    specific: bool,
}

impl Work<'_> {
    /// The new text; nothing of use where there are errors.
    fn run(&mut self, target: Target) -> String {
        let mut items = String::with_capacity(self.module.text().len());
        let names = ModuleNames::new(self.module);
        let module = self.module;
        for item in module.items.iter() {
            match item {
                Item::Function(function) => match self.function(&names, function) {
                    Ok(body) => put(&mut items, format_args!("{}", DisplayFunction { function, body: &body })),
                    Err(error) => self.errors.push(error),
                },
                other => put(&mut items, format_args!("{}", DisplayItem(other))),
            }
        }
        let sm = match self.specific {
            true => format!("sm_{}a", self.card.sm),
            false => format!("sm_{}", target.sm.min(self.card.sm)),
        };
        let of_card = |name: &Name| if Target::parse(name).is_some() { sm.as_str().into() } else { name.clone() };
        let targets: Vec<Name> = module.targets.iter().map(of_card).collect();
        let mut out = String::with_capacity(items.len() + 128);
        header(&mut out, module.version.min(self.card.version_max), &targets, module.address_size);
        out + &items
    }

    /// The body of a function, for the card.
    fn function(&mut self, names: &ModuleNames, function: &crate::ast::Function) -> crate::Result<Body> {
        self.check_directives(function);
        let body = self.module.body(function)?;
        let mut replacements = Replacements::new();
        {
            let code = resolve(self.module, names, function, &body)?;
            for step in &code.steps {
                let Step::Instruction(resolved) = step else { continue };
                let refuse = |reason: String| Error::new(self.module.text(), resolved.source.span, reason);
                let checked = match check(self.module, &code, resolved)? {
                    Outcome::Checked(checked) => checked,
                    Outcome::Unknown(reason) => {
                        self.errors.push(refuse(reason));
                        continue;
                    }
                };
                let needs = requirement::of_instruction(&checked);
                let lacking: Vec<Requirement> = needs.iter().copied().filter(|need| !need.is_met(self.card)).collect();
                let Some(first) = lacking.first() else {
                    self.specific |= needs.iter().any(|need| need.specific);
                    continue;
                };
                let site =
                    Site { checked: &checked, card: self.card, lacking: &lacking, text_of_module: self.module.text() };
                match replace::replacement(&site) {
                    Some(text) => {
                        let statements =
                            replace::parse(&text).map_err(|error| refuse(format!("its replacement: {error}")))?;
                        replacements.insert(std::ptr::from_ref(resolved.source), statements);
                        let (instruction, line) = (resolved.source.name.clone(), resolved.source.span.line);
                        self.replaced.push(Replaced { instruction, line });
                    }
                    None => self.errors.push(refuse(describe(&resolved.source.name, first))),
                }
            }
        }
        Ok(Body { statements: rewritten(body.statements, &replacements) })
    }

    /// Directives of a kernel that need more than the card has.
    fn check_directives(&mut self, function: &crate::ast::Function) {
        if function.kind != FunctionKind::Entry {
            return;
        }
        for directive in &function.directives {
            if let Some(need) = requirement::of_directive(&directive.name)
                && !need.is_met(self.card)
            {
                let reason = describe(&format!(".{}", directive.name), &need);
                self.errors.push(Error::new(self.module.text(), function.span, reason));
            }
        }
    }
}

fn describe(what: &str, need: &Requirement) -> String {
    format!("`{what}` {need}")
}

/// The statements, with those that are replaced as blocks of their own.
///
/// The addresses are those of the instructions as they were looked at, so that nothing moves before all are compared.
fn rewritten(statements: Vec<Statement>, replacements: &Replacements) -> Vec<Statement> {
    if replacements.is_empty() {
        return statements;
    }
    statements.iter().map(|statement| rewrite(statement, replacements)).collect()
}

fn rewrite(statement: &Statement, replacements: &Replacements) -> Statement {
    match statement {
        Statement::Instruction(instruction) => match replacements.get(&std::ptr::from_ref(instruction)) {
            Some(statements) => Statement::Block(statements.clone()),
            None => statement.clone(),
        },
        Statement::Block(inner) => Statement::Block(inner.iter().map(|inner| rewrite(inner, replacements)).collect()),
        other => other.clone(),
    }
}
