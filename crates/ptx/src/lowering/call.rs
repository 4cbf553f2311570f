//! Calls: direct, through pointers, and into the device runtime.

use simt_ir::{Op, RuntimeFunction, Type, Value};

use super::function::{Binding, Lowerer};
use super::params::piece_types;
use super::view::{Inst, Outcome, Refusal, refuse};
use crate::ast::{Operand, Signature, Variables};

impl Lowerer<'_, '_> {
    /// `call{.uni} (results), function, (arguments){, prototype};` and its shorter forms.
    pub(crate) fn call(&mut self, inst: &Inst<'_>) -> Outcome {
        let mut operands = inst.operands.iter().peekable();
        let results: &[Operand] = match operands.peek() {
            Some(Operand::List(list)) => {
                operands.next();
                list
            }
            _ => &[],
        };
        let Some(Operand::Name(target)) = operands.next() else { return refuse("a call of nothing") };
        let arguments: &[Operand] = match operands.peek() {
            Some(Operand::List(list)) => {
                operands.next();
                list
            }
            _ => &[],
        };
        if let Some(Operand::Name(prototype)) = operands.next() {
            return self.indirect_call(target, prototype, results, arguments);
        }
        if let Some(function) = runtime_function(target) {
            return self.runtime_call(function, results, arguments);
        }
        let program = self.program();
        let name = program.resolve(target).to_string();
        let Some(declaration) = program.module.function(&name) else {
            return refuse(format!("function {target}, which is not declared"));
        };
        let signature = declaration.signature.clone();
        let id = self.program().request(&name);
        let arguments = self.arguments(&signature.params, arguments)?;
        let types: Vec<Type> = signature.returns.iter().flat_map(piece_types).collect();
        let values = self.builder.push_with(Op::Call { function: id, arguments }, &types);
        self.results(&signature.returns, results, &values)
    }

    fn indirect_call(&mut self, target: &str, prototype: &str, results: &[Operand], arguments: &[Operand]) -> Outcome {
        let signature: Signature = match self.prototype(prototype) {
            Some(signature) => signature.clone(),
            None => return refuse(format!("a call through a pointer without a prototype ({prototype})")),
        };
        self.program().indirect = true;
        let target = self.read_name(target, Type::I64)?;
        let arguments = self.arguments(&signature.params, arguments)?;
        let returns: Vec<Type> = signature.returns.iter().flat_map(piece_types).collect();
        let values = self.builder.push(Op::CallIndirect { target, arguments, returns });
        self.results(&signature.returns, results, &values)
    }

    /// The pieces of all arguments, cut as the callee wants them.
    fn arguments(&mut self, parameters: &[Variables], arguments: &[Operand]) -> Result<Vec<Value>, Refusal> {
        if parameters.len() != arguments.len() {
            return refuse("a call with another number of arguments than the function has parameters");
        }
        let mut values = Vec::new();
        for (parameter, argument) in parameters.iter().zip(arguments) {
            let types = piece_types(parameter);
            let mut offset = 0;
            let row = match argument {
                Operand::Name(name) => match self.lookup(name) {
                    Some(Binding::Pieces(row)) => Some(row),
                    _ => None,
                },
                _ => None,
            };
            for ty in types {
                values.push(match &row {
                    Some(row) => self.read_pieces(row, offset, ty)?,
                    None => {
                        let value = self.read(argument, super::operand::bits_type(ty.bits())?)?;
                        self.as_type(value, ty)
                    }
                });
                offset += ty.bytes();
            }
        }
        Ok(values)
    }

    /// Puts the pieces returned where the caller wants them.
    fn results(&mut self, returns: &[Variables], results: &[Operand], values: &[Value]) -> Outcome {
        let mut values = values.iter();
        for (declaration, result) in returns.iter().zip(results) {
            let mut offset = 0;
            for ty in piece_types(declaration) {
                let Some(value) = values.next() else { return refuse("a call with too few results") };
                match result {
                    Operand::Name(name) => match self.lookup(name) {
                        Some(Binding::Pieces(row)) => self.write_pieces(&row, offset, *value)?,
                        _ => self.write(result, declaration.ty, *value)?,
                    },
                    other => self.write(other, declaration.ty, *value)?,
                }
                offset += ty.bytes();
            }
        }
        Ok(())
    }

    fn runtime_call(&mut self, function: RuntimeFunction, results: &[Operand], arguments: &[Operand]) -> Outcome {
        let mut values = Vec::new();
        let types = argument_types(function);
        if types.len() != arguments.len() {
            return refuse("a runtime function with another number of arguments");
        }
        for (argument, ty) in arguments.iter().zip(types) {
            let row = match argument {
                Operand::Name(name) => match self.lookup(name) {
                    Some(Binding::Pieces(row)) => Some(row),
                    _ => None,
                },
                _ => None,
            };
            values.push(match row {
                Some(row) => self.read_pieces(&row, 0, *ty)?,
                None => {
                    let value = self.read(argument, super::operand::bits_type(ty.bits())?)?;
                    self.as_type(value, *ty)
                }
            });
        }
        let returned = self.builder.push(Op::RuntimeCall { function, arguments: values });
        if let (Some(value), Some(result)) = (returned.first(), results.first()) {
            match result {
                Operand::Name(name) => match self.lookup(name) {
                    Some(Binding::Pieces(row)) => self.write_pieces(&row, 0, *value)?,
                    _ => self.write(result, crate::ast::ScalarType::B64, *value)?,
                },
                other => self.write(other, crate::ast::ScalarType::B64, *value)?,
            }
        }
        Ok(())
    }
}

/// Functions of the device runtime, which modules declare `.extern` (CUDA C++ programming guide, appendix on the PTX ABI).
fn runtime_function(name: &str) -> Option<RuntimeFunction> {
    Some(match name {
        "vprintf" => RuntimeFunction::Vprintf,
        "__assertfail" => RuntimeFunction::AssertFail,
        "malloc" => RuntimeFunction::Malloc,
        "free" => RuntimeFunction::Free,
        _ => return None,
    })
}

fn argument_types(function: RuntimeFunction) -> &'static [Type] {
    match function {
        RuntimeFunction::Vprintf => &[Type::I64, Type::I64],
        RuntimeFunction::AssertFail => &[Type::I64, Type::I64, Type::I32, Type::I64, Type::I64],
        RuntimeFunction::Malloc | RuntimeFunction::Free => &[Type::I64],
        RuntimeFunction::Nanosleep => &[Type::I32],
    }
}
