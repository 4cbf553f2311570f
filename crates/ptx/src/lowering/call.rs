//! Calls (PTX ISA 7.1, 9.7.12.5).

use simt_ir::{DeviceCall, Op, RuntimeFunction, Type, Value};

use super::context::{Lowering, Problem};
use super::program::Types;
use crate::ast::{ScalarType, Variables};
use crate::resolve::{Operand, Symbol};

/// The operands of a call by their roles.
struct Call<'a> {
    results: &'a [Operand],
    target: &'a Operand,
    arguments: &'a [Operand],
    /// The prototype or list of targets of a call through a pointer.
    shape: Option<&'a Operand>,
}

impl<'a> Call<'a> {
    fn new(operands: &'a [Operand]) -> Result<Call<'a>, Problem> {
        let (results, rest) = match operands {
            [Operand::List(results), rest @ ..] => (results.as_slice(), rest),
            rest => (&[][..], rest),
        };
        let Some((target, rest)) = rest.split_first() else {
            return Problem::invalid("a call names a function");
        };
        let (arguments, rest) = match rest {
            [Operand::List(arguments), rest @ ..] => (arguments.as_slice(), rest),
            rest => (&[][..], rest),
        };
        match rest {
            [] => Ok(Call { results, target, arguments, shape: None }),
            [shape] => Ok(Call { results, target, arguments, shape: Some(shape) }),
            _ => Problem::invalid("a call has too many operands"),
        }
    }
}

/// The runtime's functions, which programs declare `.extern`, with their types.
fn runtime_function(name: &str) -> Option<(RuntimeFunction, &'static [Type])> {
    Some(match name {
        "vprintf" => (RuntimeFunction::Vprintf, &[Type::I64, Type::I64]),
        "__assertfail" => (RuntimeFunction::AssertFail, &[Type::I64, Type::I64, Type::I32, Type::I64, Type::I64]),
        "malloc" => (RuntimeFunction::Malloc, &[Type::I64]),
        "free" => (RuntimeFunction::Free, &[Type::I64]),
        _ => {
            let call = device_call(name)?;
            (RuntimeFunction::Device(call), call.arguments())
        }
    })
}

/// The calls of the device runtime. CUDA 12 and newer compilers name them `__cudaCDP2...`; programs that are compiled for
/// default streams of each thread's own have `_ptsz` behind some.
fn device_call(name: &str) -> Option<DeviceCall> {
    let name = name.strip_prefix("__cudaCDP2").or_else(|| name.strip_prefix("cuda"))?;
    DeviceCall::from_name(name.strip_suffix("_ptsz").unwrap_or(name))
}

/// Whether a function that no module defines is one of the runtime's.
pub(crate) fn is_runtime_function(name: &str) -> bool {
    runtime_function(name).is_some()
}

impl Lowering<'_> {
    /// Lowers a call with these operands.
    pub(crate) fn call(&mut self, operands: &[Operand]) -> Result<(), Problem> {
        let call = Call::new(operands)?;
        match call.target {
            Operand::Symbol(Symbol::Function(name), 0) => self.direct_call(name, &call),
            Operand::Register(_) => self.indirect_call(&call),
            _ => Problem::invalid("a call names a function or a register"),
        }
    }

    fn direct_call(&mut self, name: &str, call: &Call<'_>) -> Result<(), Problem> {
        // The runtime's own come first: what NVIDIA's library defines under such a name asks its driver.
        if let Some((function @ RuntimeFunction::Device(_), types)) = runtime_function(name) {
            return self.runtime_call(function, types, call);
        }
        let Some(function) = self.program.function(name)? else {
            return match runtime_function(name) {
                Some((function, types)) => self.runtime_call(function, types, call),
                None => Problem::unsupported(format!("`{name}` is declared but not defined")),
            };
        };
        let Some(definition) = self.program.definition(name) else {
            return Problem::invalid(format!("`{name}` is not defined"));
        };
        let params = definition.signature.params.clone();
        let types = Types::of(&definition.signature)?;
        let arguments = self.arguments(call.arguments, &params)?;
        self.match_types(&arguments, &types.parameters)?;
        let results = self.builder.push_with(Op::Call { function, arguments }, &types.returns);
        self.results(call.results, &results)
    }

    fn indirect_call(&mut self, call: &Call<'_>) -> Result<(), Problem> {
        let (params, types) = match call.shape {
            Some(Operand::Prototype(index)) => {
                let signature = self.code.prototypes[*index];
                (signature.params.clone(), Types::of(signature)?)
            }
            Some(Operand::CallTargets(index)) => {
                let targets = self.code.call_targets[*index];
                for target in targets {
                    self.program.function(target)?;
                }
                match targets.first().and_then(|target| self.program.definition(target)) {
                    Some(definition) => (definition.signature.params.clone(), Types::of(&definition.signature)?),
                    None => return Problem::unsupported("a target of the call is not defined"),
                }
            }
            _ => {
                return Problem::invalid("a call through a register has a prototype or a list of targets");
            }
        };
        let target = self.value(call.target, ScalarType::B64)?;
        let arguments = self.arguments(call.arguments, &params)?;
        self.match_types(&arguments, &types.parameters)?;
        self.program.note_indirect_call(types.clone());
        let returns = types.returns;
        let results =
            self.builder.push_with(Op::CallIndirect { target, arguments, returns: returns.clone() }, &returns);
        self.results(call.results, &results)
    }

    fn runtime_call(&mut self, function: RuntimeFunction, types: &[Type], call: &Call<'_>) -> Result<(), Problem> {
        let arguments = self.arguments(call.arguments, &[])?;
        self.match_types(&arguments, types)?;
        let results = self.builder.push(Op::RuntimeCall { function, arguments });
        if call.results.is_empty() { Ok(()) } else { self.results(call.results, &results) }
    }

    /// The values of the arguments. Registers and constants have the types of the parameters they are given for.
    fn arguments(&mut self, operands: &[Operand], params: &[Variables]) -> Result<Vec<Value>, Problem> {
        let mut values = Vec::new();
        for (index, operand) in operands.iter().enumerate() {
            if let Operand::Symbol(Symbol::Local(local), 0) = operand {
                values.extend(self.load_pieces(*local)?);
                continue;
            }
            let Some(param) = params.get(index) else {
                return Problem::invalid("the call has more arguments than the function has parameters");
            };
            let value = self.value(operand, param.ty)?;
            values.push(self.as_int(value));
        }
        Ok(values)
    }

    fn match_types(&self, values: &[Value], types: &[Type]) -> Result<(), Problem> {
        let found: Vec<Type> = values.iter().map(|value| self.ty(*value)).collect();
        if found == types {
            return Ok(());
        }
        let list = |types: &[Type]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Problem::invalid(format!("the arguments ({}) are not those of the function ({})", list(&found), list(types)))
    }

    /// Hands the results to the variables or registers that take them.
    fn results(&mut self, operands: &[Operand], values: &[Value]) -> Result<(), Problem> {
        let mut rest = values;
        for operand in operands {
            let taken = match operand {
                Operand::Symbol(Symbol::Local(local), 0) => {
                    let described = self.code.locals[local.0 as usize];
                    super::place::piece_types(described.declaration, described.declarator)?.len()
                }
                _ => 1,
            };
            let Some((these, others)) = rest.split_at_checked(taken) else {
                return Problem::invalid("the call takes more results than the function returns");
            };
            rest = others;
            match operand {
                Operand::Symbol(Symbol::Local(local), 0) => self.store_pieces(*local, these)?,
                Operand::Register(_) | Operand::Sink => self.assign(operand, these[0], false)?,
                _ => return Problem::invalid("a result of a call is a variable or a register"),
            }
        }
        if rest.is_empty() || operands.is_empty() {
            Ok(())
        } else {
            Problem::invalid("the call takes fewer results than the function returns")
        }
    }
}
