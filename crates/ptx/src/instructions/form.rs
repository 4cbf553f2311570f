//! Forms: how an instruction may be written.
//!
//! A form is declared in a notation close to the manual's:
//!
//! ```text
//! add.RND?.ftz?.sat?.f32 =d:f32, a:f32, b:f32
//! ld.SPACE{global shared}?.V{v2 v4}?.T{u32 f32} =d:T~*V, [a]
//! shfl.sync.MODE{up down bfly idx}.b32 =d:b32|=p:pred?, a:b32, b:b32, c:b32, members:b32  @6.0 sm_30
//! ```
//!
//! *Modifiers* follow the operation: a lower-case one stands for itself, an upper-case one is a slot for one of the names
//! in braces (or of [`COMMON_SETS`]), and `?` makes it optional. Their order in an instruction is free, except between slots
//! that accept the same name, which are filled from the left. NVIDIA's assembler is as liberal.
//!
//! *Operands*: `name:type`; `=` before the name marks a result, `%` what has to be a register, `#` a constant, brackets an
//! address. The type is a PTX type,
//! a slot whose name is a type, `2T` for the type twice as wide, or `any` for what only the lowering can judge. `~` accepts wider
//! registers, `+` special registers, `^` parts of a register (`%r1.h0`), `*V` a vector of as many elements as the slot says, `*4` of four; `|` joins the two operands of a pair,
//! and `?` makes an operand (or the second of a pair) optional; `|_?` accepts `_` beside a result that is alone.
//!
//! `@` begins the PTX version and the target that introduced the form, `@<` the version that took it away.

use crate::ast::{ScalarType, Version};

/// Sets of modifiers that many instructions share.
const COMMON_SETS: &[(&str, &str)] = &[
    ("RND", "rn rz rm rp"),
    ("SCOPE", "cta cluster gpu sys"),
    ("L1", "L1::evict_normal L1::evict_unchanged L1::evict_first L1::evict_last L1::no_allocate"),
    ("L2", "L2::evict_normal L2::evict_first L2::evict_last"),
    ("PREFETCH", "L2::64B L2::128B L2::256B"),
    ("V", "v2 v4 v8"),
    ("PROXY", "unified"),
];

/// A parsed form.
#[derive(Debug)]
pub struct Form {
    /// The declaration as written.
    pub text: &'static str,
    /// The modifiers.
    pub slots: Vec<Slot>,
    /// The operands.
    pub operands: Vec<Pattern>,
    /// PTX version and target (`sm_` number) that introduced the form, where stated.
    pub since: Option<(Version, u32)>,
    /// PTX version that took it away.
    pub until: Option<Version>,
}

/// A place for a modifier.
#[derive(Debug)]
pub struct Slot {
    /// The slot's name, or the modifier itself.
    pub name: &'static str,
    /// What may stand there.
    pub choices: Vec<&'static str>,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What an operand has to be.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The operand's name in the manual.
    pub name: &'static str,
    /// Its role.
    pub role: Role,
    /// Its type.
    pub ty: TypePattern,
    /// Whether registers wider than the type are accepted.
    pub wider: bool,
    /// Whether special registers are accepted, of the type's width at least.
    pub specials: bool,
    /// Whether parts of a register are accepted.
    pub parts: bool,
    /// Number of elements of a vector operand.
    pub count: Count,
    /// Whether it may be left out.
    pub optional: bool,
    /// The second operand of a pair, behind `|`.
    pub second: Option<Box<Pattern>>,
}

/// The role of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Written.
    Result,
    /// Read: register or constant.
    Source,
    /// Read, and a register.
    Register,
    /// A constant.
    Constant,
    /// In brackets.
    Address,
    /// `_`.
    Nothing,
}

/// The type of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypePattern {
    /// This type.
    Fixed(ScalarType),
    /// The type in the slot with this index.
    Slot(usize),
    /// The integer type twice as wide as that in the slot.
    Twice(usize),
    /// Whatever the lowering makes of it: labels, functions, lists, symbols.
    Any,
}

/// How many elements an operand has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// A scalar.
    One,
    /// A vector of this length.
    Fixed(u32),
    /// As the slot with this index says: `v4`; a scalar where it is empty.
    Slot(usize),
}

impl Form {
    /// Reads a form.
    ///
    /// # Panics
    /// On a malformed declaration: the declarations are constants of this crate, and a test reads them all.
    pub fn parse(text: &'static str) -> Form {
        let (body, since, until) = match text.split_once('@') {
            Some((body, when)) => match when.strip_prefix('<') {
                Some(until) => (body, None, Some(parse_version(until))),
                None => (body, Some(parse_since(when)), None),
            },
            None => (text, None, None),
        };
        let body = body.trim();
        let (name, operands) = split_name(body);
        let slots: Vec<Slot> = split_outside_braces(name, '.').skip(1).map(parse_slot).collect();
        let operands = match operands.trim() {
            "" => Vec::new(),
            operands => operands.split(',').map(|operand| parse_pattern(operand.trim(), &slots)).collect(),
        };
        Form { text, slots, operands, since, until }
    }

    /// The operation.
    pub fn opcode(&self) -> &'static str {
        self.text.split(['.', ' ']).next().unwrap_or_default()
    }

    /// How many operands cannot be left out.
    pub fn required_operands(&self) -> usize {
        self.operands.iter().filter(|pattern| !pattern.optional).count()
    }
}

fn parse_since(text: &'static str) -> (Version, u32) {
    let mut parts = text.split_whitespace();
    let (version, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let target = target.strip_prefix("sm_").and_then(|digits| digits.parse().ok());
    (parse_version(version), target.expect("a target is written sm_75"))
}

fn parse_version(text: &str) -> Version {
    let (major, minor) = text.split_once('.').expect("a version has two numbers");
    let number = |digits: &str| digits.parse().expect("a number in the version of a form");
    Version { major: number(major), minor: number(minor) }
}

/// Splits at the first blank that is not within braces.
fn split_name(text: &'static str) -> (&'static str, &'static str) {
    let mut depth = 0;
    for (index, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ' ' if depth == 0 => return (&text[..index], &text[index..]),
            _ => {}
        }
    }
    (text, "")
}

fn split_outside_braces(text: &'static str, separator: char) -> impl Iterator<Item = &'static str> {
    let mut depth = 0;
    text.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0 && character == separator
    })
}

fn parse_slot(text: &'static str) -> Slot {
    let (text, optional) = match text.strip_suffix('?') {
        Some(text) => (text, true),
        None => (text, false),
    };
    if let Some((name, choices)) = text.split_once('{') {
        let choices = choices.strip_suffix('}').expect("the braces of a slot close");
        return Slot { name, choices: choices.split_whitespace().collect(), optional };
    }
    let choices = COMMON_SETS
        .iter()
        .find(|(name, _)| *name == text)
        .map_or_else(|| vec![text], |(_, set)| set.split_whitespace().collect());
    Slot { name: text, choices, optional }
}

fn parse_pattern(text: &'static str, slots: &[Slot]) -> Pattern {
    if let Some((first, second)) = text.split_once('|') {
        let second = parse_pattern(second.trim(), slots);
        return Pattern { second: Some(Box::new(second)), ..parse_pattern(first.trim(), slots) };
    }
    let (text, optional) = match text.strip_suffix('?') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (role, text) = match text.as_bytes()[0] {
        b'=' => (Role::Result, &text[1..]),
        b'%' => (Role::Register, &text[1..]),
        b'#' => (Role::Constant, &text[1..]),
        b'_' => (Role::Nothing, text),
        b'[' => (Role::Address, text[1..].strip_suffix(']').expect("the brackets of an address close")),
        _ => (Role::Source, text),
    };
    let (text, count) = match text.split_once('*') {
        Some((text, count)) => (text, parse_count(count, slots)),
        None => (text, Count::One),
    };
    let (text, specials) = match text.strip_suffix('+') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (text, wider) = match text.strip_suffix('~') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (text, parts) = match text.strip_suffix('^') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (name, ty) = match text.split_once(':') {
        Some((name, ty)) => (name, parse_type(ty, slots)),
        None => (text, TypePattern::Any),
    };
    Pattern { name, role, ty, wider, specials, parts, count, optional, second: None }
}

fn slot_index(name: &str, slots: &[Slot]) -> Option<usize> {
    slots.iter().position(|slot| slot.name == name)
}

fn parse_count(text: &str, slots: &[Slot]) -> Count {
    match text.parse() {
        Ok(count) => Count::Fixed(count),
        Err(_) => Count::Slot(slot_index(text, slots).expect("the slot of a vector's length exists")),
    }
}

fn parse_type(text: &str, slots: &[Slot]) -> TypePattern {
    if text == "any" {
        return TypePattern::Any;
    }
    if let Some(ty) = ScalarType::from_name(text) {
        return TypePattern::Fixed(ty);
    }
    match text.strip_prefix('2').map(|name| slot_index(name, slots)) {
        Some(Some(slot)) => TypePattern::Twice(slot),
        _ => TypePattern::Slot(slot_index(text, slots).expect("the type of an operand is a type or a slot")),
    }
}

impl TypePattern {
    /// The type, where the slots hold `chosen`; none for [`TypePattern::Any`].
    pub fn resolve(self, chosen: &[Option<&'static str>]) -> Option<ScalarType> {
        let in_slot = |slot: usize| chosen.get(slot).copied().flatten().and_then(ScalarType::from_name);
        match self {
            TypePattern::Fixed(ty) => Some(ty),
            TypePattern::Slot(slot) => in_slot(slot),
            TypePattern::Twice(slot) => in_slot(slot).and_then(twice_as_wide),
            TypePattern::Any => None,
        }
    }
}

impl Count {
    /// The number of elements, where the slots hold `chosen`; none for a scalar.
    pub fn resolve(self, chosen: &[Option<&'static str>]) -> Option<u32> {
        match self {
            Count::One => None,
            Count::Fixed(count) => Some(count),
            Count::Slot(slot) => chosen.get(slot).copied().flatten().and_then(|name| name.get(1..)?.parse().ok()),
        }
    }
}

/// The integer type with twice the bits and the same signedness.
fn twice_as_wide(ty: ScalarType) -> Option<ScalarType> {
    Some(match ty {
        ScalarType::U16 => ScalarType::U32,
        ScalarType::S16 => ScalarType::S32,
        ScalarType::U32 => ScalarType::U64,
        ScalarType::S32 => ScalarType::S64,
        ScalarType::B32 => ScalarType::B64,
        ScalarType::B64 => ScalarType::B128,
        _ => return None,
    })
}
