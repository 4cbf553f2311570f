//! Checks operands against the patterns of a form (PTX ISA 6.2, 9.4.1).

use crate::ast::{Immediate, ScalarType, TypeKind};
use crate::instructions::form::{Count, Form, Pattern, Role};
use crate::resolve::{Code, Operand, Resolved};

type Check = Result<(), String>;

/// The operands of one instruction against one form.
pub(super) fn check(code: &Code<'_>, form: &Form, chosen: &[Option<&'static str>], resolved: &Resolved<'_>) -> Check {
    let (count, max) = (resolved.operands.len(), form.operands.len());
    let min = form.required_operands();
    if count < min || count > max {
        let expected = if min == max { max.to_string() } else { format!("{min} to {max}") };
        return Err(format!("expected {expected} operands, found {count}"));
    }
    for (index, (operand, pattern)) in resolved.operands.iter().zip(&form.operands).enumerate() {
        let checker = Checker { code, chosen };
        checker.pair(operand, pattern).map_err(|reason| {
            let written = resolved.source.operands.get(index).map(ToString::to_string).unwrap_or_default();
            format!("operand {} (`{written}`): {reason}", index + 1)
        })?;
    }
    Ok(())
}

struct Checker<'a> {
    code: &'a Code<'a>,
    chosen: &'a [Option<&'static str>],
}

impl Checker<'_> {
    fn pair(&self, operand: &Operand, pattern: &Pattern) -> Check {
        match (&pattern.second, operand) {
            (Some(second), Operand::Pair(pair)) => {
                self.operand(&pair.0, pattern)?;
                self.operand(&pair.1, second)
            }
            (Some(second), _) if !second.optional => Err("expected two results, `a|b`".into()),
            (None, Operand::Pair(_)) => Err("one result is expected, not `a|b`".into()),
            _ => self.operand(operand, pattern),
        }
    }

    fn operand(&self, operand: &Operand, pattern: &Pattern) -> Check {
        if pattern.role == Role::Nothing {
            return if *operand == Operand::Sink { Ok(()) } else { Err("the second result has to be `_`".into()) };
        }
        if pattern.role == Role::Address {
            return match operand {
                Operand::Address(address) => self.address(&address.base),
                _ => Err("expected an address in brackets".into()),
            };
        }
        let Some(ty) = pattern.ty.resolve(self.chosen) else {
            return Ok(());
        };
        match (pattern.count.resolve(self.chosen), operand) {
            // Of a form that has vectors, one element may stand in braces.
            (None, Operand::Vector(elements)) if elements.len() == 1 && matches!(pattern.count, Count::Slot(_)) => {
                self.scalar(&elements[0], pattern, ty)
            }
            (None, operand) => {
                let alone = Pattern { specials: pattern.specials && pattern.count == Count::One, ..pattern.clone() };
                self.scalar(operand, &alone, ty)
            }
            // One element may be written without braces only where the form has no vector.
            (Some(count), Operand::Vector(elements)) => {
                if elements.len() != count as usize {
                    return Err(format!("expected {count} elements, found {}", elements.len()));
                }
                elements.iter().try_for_each(|element| self.scalar(element, pattern, ty))
            }
            (Some(count), _) if matches!(pattern.count, Count::Slot(_) | Count::Fixed(_)) => {
                Err(format!("expected a vector of {count} elements"))
            }
            (Some(_), operand) => self.scalar(operand, pattern, ty),
        }
    }

    fn address(&self, base: &Operand) -> Check {
        match base {
            Operand::Register(register) => {
                let ty = self.code.registers[register.0 as usize].ty;
                if ty.is_integer() && matches!(ty.bits(), 16 | 32 | 64) {
                    Ok(())
                } else {
                    Err(format!("an address is an integer register of up to 64 bits, not {ty}"))
                }
            }
            Operand::Symbol(..) | Operand::Immediate(Immediate::Signed(_) | Immediate::Unsigned(_)) => Ok(()),
            _ => Err("an address is a register, a variable or a number".into()),
        }
    }

    fn scalar(&self, operand: &Operand, pattern: &Pattern, ty: ScalarType) -> Check {
        match (pattern.role, operand) {
            (Role::Result | Role::Source | Role::Register, Operand::Register(register)) => {
                let found = self.code.registers[register.0 as usize].ty;
                if agrees(found, ty, pattern.wider) { Ok(()) } else { Err(format!("expected {ty}, found {found}")) }
            }
            (Role::Result | Role::Source | Role::Register, Operand::Part(register, _)) if pattern.parts => {
                self.scalar(&Operand::Register(*register), pattern, ty)
            }
            (Role::Result, Operand::Sink) => Ok(()),
            (Role::Result, _) => Err("a result is a register".into()),
            (Role::Source | Role::Constant, Operand::Immediate(value)) => constant(*value, ty),
            (Role::Register, Operand::Immediate(_)) => Err("a register is expected".into()),
            (Role::Constant, _) => Err("expected a constant".into()),
            (Role::Source, Operand::Not(inner)) if ty == ScalarType::Pred => self.scalar(inner, pattern, ty),
            (Role::Source, Operand::Negated(inner)) if ty != ScalarType::Pred => self.scalar(inner, pattern, ty),
            (Role::Source, Operand::Special(special)) if pattern.specials => {
                let found = special.ty();
                if agrees(found, ty, true) { Ok(()) } else { Err(format!("expected {ty}, found {found}")) }
            }
            (Role::Source, Operand::Special(_)) => {
                Err("a special register is read by `mov`, by `cvt` between integers and as an element of a vector only"
                    .into())
            }
            _ => Err(format!("expected a register or a constant of type {ty}")),
        }
    }
}

/// Whether a constant may stand for a value of type `ty`.
fn constant(value: Immediate, ty: ScalarType) -> Check {
    let fits = match ty.kind() {
        _ if ty.packed_lanes() > 1 => false,
        TypeKind::Float => value.is_float() && matches!(ty.bits(), 32 | 64),
        TypeKind::Bits => true,
        _ => !value.is_float(),
    };
    if fits { Ok(()) } else { Err(format!("the constant is not of type {ty}")) }
}

/// Whether a register of type `register` serves as an operand of type `operand`.
pub(crate) fn agrees(register: ScalarType, operand: ScalarType, wider: bool) -> bool {
    use TypeKind::{Bits, Float, Opaque, Predicate, Signed, Unsigned};
    let (r, o) = (register.kind(), operand.kind());
    if r == Predicate || o == Predicate {
        return r == o;
    }
    let same_size = register.bits() == operand.bits();
    if !(same_size || (wider && register.bits() > operand.bits())) {
        return false;
    }
    match (r, o) {
        (Bits, _) | (_, Bits) => true,
        (Unsigned | Signed, Unsigned | Signed) => true,
        (Float, Float) => register == operand,
        (Opaque, _) | (_, Opaque) => r == o,
        _ => false,
    }
}
