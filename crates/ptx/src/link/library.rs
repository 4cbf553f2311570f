//! Which members of archives take part.

use std::collections::HashSet;

use super::symbols::{Kind, Table};
use super::{Input, tables};
use crate::ast::Name;

/// The members that are to be linked with `inputs`: those with kernels, which the host may want, and those that define what is
/// missing. Their numbers, in order.
pub fn select(inputs: &[Input], members: &[Input]) -> Vec<usize> {
    let (mut linked, members) = (tables(inputs), tables(members));
    let has_kernel =
        |table: &Table| table.iter().any(|(_, symbol)| symbol.kind == Kind::Kernel && symbol.defined.is_some());
    let mut selected: Vec<usize> = (0..members.len()).filter(|&index| has_kernel(&members[index])).collect();
    let mut rest: Vec<(usize, Table)> = Vec::new();
    for (index, table) in members.into_iter().enumerate() {
        match selected.contains(&index) {
            true => linked.push(table),
            false => rest.push((index, table)),
        }
    }
    let (mut defined, mut missing): (HashSet<Name>, Vec<Name>) = (HashSet::new(), Vec::new());
    let note = |table: &Table, defined: &mut HashSet<Name>, missing: &mut Vec<Name>| {
        for (name, symbol) in table.iter() {
            match symbol.defined {
                None => missing.push(name.clone()),
                Some(_) if symbol.is_exported() => {
                    defined.insert(name.clone());
                }
                Some(_) => {}
            }
        }
    };
    linked.iter().for_each(|table| note(table, &mut defined, &mut missing));
    while let Some(name) = missing.pop() {
        if defined.contains(&name) {
            continue;
        }
        let defines = |(_, table): &(usize, Table)| table.get(&name).is_some_and(super::symbols::Symbol::is_exported);
        if let Some(place) = rest.iter().position(defines) {
            let (index, table) = rest.remove(place);
            selected.push(index);
            note(&table, &mut defined, &mut missing);
        }
    }
    selected.sort_unstable();
    selected
}
