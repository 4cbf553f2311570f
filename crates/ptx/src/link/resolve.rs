//! Which definition a name stands for, in each module.

use std::collections::{HashMap, HashSet};

use super::symbols::{Kind, Strength, Symbol, Table};
use super::{Input, LinkError};
use crate::ast::{Name, Space};

/// What becomes of the names.
#[derive(Debug, Default)]
pub(super) struct Resolution {
    /// For each exported name the module whose definition serves everybody.
    pub exported: HashMap<Name, usize>,
    /// For each name that no module defines the module whose declaration is kept.
    pub declared: HashMap<Name, usize>,
    /// The largest alignment that is asked for of dynamic shared memory, by name.
    pub dynamic_shared: HashMap<Name, u64>,
    /// For each module the new names of what only it knows.
    pub renamed: Vec<HashMap<Name, Name>>,
}

impl Resolution {
    /// Whether what a module says of a name is to be written down.
    pub fn keeps(&self, module: usize, name: &Name, symbol: &Symbol) -> bool {
        match symbol.defined {
            Some(Strength::Private) => true,
            Some(_) => self.exported.get(name) == Some(&module),
            None => self.declared.get(name) == Some(&module),
        }
    }
}

/// Resolves the names of all modules.
///
/// # Errors
/// Names that two modules define, or that they disagree about.
pub(super) fn resolve(inputs: &[Input], tables: &[Table]) -> Result<Resolution, Vec<LinkError>> {
    let mut errors = Vec::new();
    let mut resolution = Resolution { exported: exported(inputs, tables, &mut errors), ..Resolution::default() };
    for (module, table) in tables.iter().enumerate() {
        for (name, symbol) in table.iter().filter(|(_, symbol)| symbol.defined.is_none()) {
            match resolution.exported.get(name) {
                Some(&other) => {
                    if let Some(definition) = tables[other].get(name) {
                        errors.extend(disagreement(inputs, name, (module, symbol), (other, definition)));
                    }
                }
                None => {
                    resolution.declared.entry(name.clone()).or_insert(module);
                    if symbol.kind == Kind::Variable(Space::Shared) {
                        let align = resolution.dynamic_shared.entry(name.clone()).or_insert(1);
                        *align = symbol.align.max(*align);
                    }
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    resolution.renamed = rename(inputs, tables, &resolution);
    Ok(resolution)
}

fn exported(inputs: &[Input], tables: &[Table], errors: &mut Vec<LinkError>) -> HashMap<Name, usize> {
    let mut exported: HashMap<Name, usize> = HashMap::new();
    for (module, table) in tables.iter().enumerate() {
        for (name, symbol) in table.iter() {
            let Some(strength) = symbol.defined.filter(|strength| *strength != Strength::Private) else { continue };
            let known = exported.get(name).and_then(|&other| Some((other, tables[other].get(name)?)));
            let Some((other, definition)) = known else {
                exported.insert(name.clone(), module);
                continue;
            };
            if strength == Strength::Strong && definition.defined == Some(Strength::Strong) {
                let inputs = [inputs[other].name.clone(), inputs[module].name.clone()];
                errors.push(LinkError::Duplicate { name: name.to_string(), inputs });
                continue;
            }
            let wins = match strength {
                Strength::Strong => true,
                // Of several common variables the largest one is made.
                _ => definition.defined == Some(Strength::Weak) && symbol.bytes > definition.bytes,
            };
            if same_kind(symbol.kind, definition.kind) {
                if wins {
                    exported.insert(name.clone(), module);
                }
            } else {
                errors.extend(disagreement(inputs, name, (module, symbol), (other, definition)));
            }
        }
    }
    exported
}

fn same_kind(a: Kind, b: Kind) -> bool {
    // Textures are declared in either space.
    let memory = |kind| matches!(kind, Kind::Variable(Space::Global | Space::Texture));
    a == b || (memory(a) && memory(b))
}

/// How a declaration and a definition contradict each other.
fn disagreement(
    inputs: &[Input],
    name: &Name,
    (module, symbol): (usize, &Symbol),
    (other, definition): (usize, &Symbol),
) -> Option<LinkError> {
    let said = |this: String, that: String| LinkError::Mismatch {
        name: name.to_string(),
        said: [(inputs[module].name.clone(), this), (inputs[other].name.clone(), that)],
    };
    if !same_kind(symbol.kind, definition.kind) {
        return Some(said(described(symbol.kind), described(definition.kind)));
    }
    if let (Some(this), Some(that)) = (symbol.bytes, definition.bytes)
        && this != that
    {
        return Some(said(format!("{this} bytes"), format!("{that} bytes")));
    }
    match (&symbol.types, &definition.types) {
        (Some(this), Some(that)) if this != that => {
            Some(said(format!("a function of {this}"), format!("a function of {that}")))
        }
        _ => None,
    }
}

fn described(kind: Kind) -> String {
    match kind {
        Kind::Kernel => "a kernel".to_owned(),
        Kind::Function => "a function".to_owned(),
        Kind::Variable(space) => format!("a {space} variable"),
    }
}

/// Gives what modules keep for themselves names of its own. The first module that uses a name keeps it, since the host asks for
/// such variables by their names too.
fn rename(inputs: &[Input], tables: &[Table], resolution: &Resolution) -> Vec<HashMap<Name, Name>> {
    let mut taken: HashSet<Name> = resolution.exported.keys().chain(resolution.declared.keys()).cloned().collect();
    let mut renamed = Vec::with_capacity(tables.len());
    for (module, table) in tables.iter().enumerate() {
        let mut names = HashMap::new();
        for (name, symbol) in table.iter() {
            if symbol.defined == Some(Strength::Private) && !taken.insert(name.clone()) {
                let new = free_name(inputs, name, module, &taken);
                taken.insert(new.clone());
                names.insert(name.clone(), new);
            }
        }
        renamed.push(names);
    }
    renamed
}

/// A name that no text holds, not even within a body.
fn free_name(inputs: &[Input], name: &Name, module: usize, taken: &HashSet<Name>) -> Name {
    let mut number = module + 1;
    loop {
        let candidate = Name::new(format!("{name}${number}"));
        let is_free =
            !taken.contains(&candidate) && inputs.iter().all(|input| !input.module.text().contains(candidate.as_str()));
        if is_free {
            return candidate;
        }
        // The numbers of different modules never meet.
        number += inputs.len();
    }
}
