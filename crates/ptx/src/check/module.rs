//! Checks a whole module.

use super::{Outcome, check};
use crate::ast::Module;
use crate::error::Error;
use crate::resolve::{ModuleNames, Step, resolve};

/// Reads and checks every body of a module. What is found is in the order of the text; instructions that are not known
/// are reported as well.
pub fn check_module(module: &Module) -> Vec<Error> {
    find(module, true)
}

/// As [`check_module`], without instructions that are not known: a later PTX version may have them.
pub fn check_known(module: &Module) -> Vec<Error> {
    find(module, false)
}

fn find(module: &Module, unknown_too: bool) -> Vec<Error> {
    let names = ModuleNames::new(module);
    let mut errors = Vec::new();
    for function in module.functions().filter(|function| function.body.is_some()) {
        let body = match module.body(function) {
            Ok(body) => body,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let code = match resolve(module, &names, function, &body) {
            Ok(code) => code,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for step in &code.steps {
            let Step::Instruction(resolved) = step else {
                continue;
            };
            match check(module, &code, resolved) {
                Ok(Outcome::Checked(_)) => {}
                Ok(Outcome::Unknown(_)) if !unknown_too => {}
                Ok(Outcome::Unknown(reason)) => {
                    errors.push(Error::new(module.text(), resolved.source.span, reason));
                }
                Err(error) => errors.push(error),
            }
        }
    }
    errors
}
