//! Which functions have their address taken.

use std::collections::{BTreeSet, HashSet};

use super::library::Inner;
use crate::ast::{Initializer, Name};
use crate::lexer::{Lexer, TokenKind};

impl Inner {
    /// The functions whose address is taken anywhere: in an initial value, or in a body other than by a call.
    pub fn address_taken(&self) -> &BTreeSet<usize> {
        self.address_taken.get_or_init(|| {
            let mut taken = BTreeSet::new();
            for module in 0..self.modules.len() {
                self.taken_by_initializers(module, &mut taken);
                self.taken_by_bodies(module, &mut taken);
            }
            taken
        })
    }

    fn taken_by_initializers(&self, module: usize, taken: &mut BTreeSet<usize>) {
        let mut work: Vec<&Initializer> = Vec::new();
        for variables in self.modules[module].module.variables() {
            work.extend(variables.names.iter().filter_map(|name| name.initializer.as_ref()));
        }
        while let Some(initializer) = work.pop() {
            match initializer {
                Initializer::Value(_) | Initializer::Property(..) => {}
                Initializer::List(list) => work.extend(list),
                Initializer::Symbol(address) => taken.extend(self.find_function(module, &address.symbol)),
            }
        }
    }

    /// Looks at the tokens alone: every statement that names a function and is no call.
    fn taken_by_bodies(&self, module: usize, taken: &mut BTreeSet<usize>) {
        let unit = &self.modules[module];
        let names: HashSet<&Name> = unit.module.functions().map(|function| &function.name).collect();
        let aliases = &unit.names;
        for function in unit.module.functions() {
            let Some(body) = &function.body else { continue };
            let mut lexer = Lexer::new(unit.module.text(), body.range.start, body.range.end, body.line);
            let (mut first, mut is_call) = (true, false);
            loop {
                let token = lexer.next_token();
                match token.kind {
                    TokenKind::End => break,
                    TokenKind::Punctuation(b';' | b'{' | b'}' | b':') => first = true,
                    TokenKind::Identifier if first => {
                        first = false;
                        is_call = token.text == "call";
                    }
                    TokenKind::Identifier if !is_call && names.contains(&Name::new(aliases.function(token.text))) => {
                        taken.extend(self.find_function(module, token.text));
                    }
                    _ => {}
                }
            }
        }
    }
}
