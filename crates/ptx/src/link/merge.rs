//! The text of the linked module: prototypes of functions, then variables, then functions with their bodies.

use std::collections::HashMap;

use super::rename::Renamer;
use super::resolve::Resolution;
use super::symbols::{Symbol, Table};
use super::{Input, LinkError};
use crate::ast::{
    Body, Declarator, Function, FunctionKind, Item, Linkage, Module, Name, SourceFile, Space, Variables, Version,
};
use crate::lowering::is_runtime_function;
use crate::printer::{DisplayFunction, DisplayItem, header, put};

/// The parts of the text.
#[derive(Default)]
struct Parts {
    files: String,
    pragmas: Vec<Box<str>>,
    prototypes: String,
    variables: String,
    functions: String,
    aliases: String,
}

/// Writes down the modules as one.
///
/// # Errors
/// Names that are used and not defined; bodies that are wrong; modules that cannot be one.
pub(super) fn merge(inputs: &[Input], tables: &[Table], resolution: &Resolution) -> Result<String, Vec<LinkError>> {
    let (mut parts, mut errors) = (Parts::default(), Vec::new());
    let mut file_offset = 0;
    for (index, input) in inputs.iter().enumerate() {
        let mut merger = Merger {
            input,
            index,
            table: &tables[index],
            resolution,
            renamer: Renamer::new(&resolution.renamed[index], file_offset),
            parts: &mut parts,
            errors: &mut errors,
            file_last: file_offset,
        };
        merger.run();
        file_offset = merger.file_last;
    }
    let head = head(inputs).map_err(LinkError::Incompatible);
    match head {
        Ok(mut text) if errors.is_empty() => {
            let Parts { files, pragmas, prototypes, variables, functions, aliases } = parts;
            for pragma in pragmas {
                put(&mut text, format_args!(".pragma \"{pragma}\";\n"));
            }
            for part in [files, prototypes, variables, functions, aliases] {
                text.push_str(&part);
            }
            Ok(text)
        }
        Ok(_) => Err(errors),
        Err(error) => {
            errors.insert(0, error);
            Err(errors)
        }
    }
}

/// Version, target and address size that all modules can live with.
fn head(inputs: &[Input]) -> Result<String, String> {
    let modules = || inputs.iter().map(|input| &input.module);
    let version = modules().map(|module| module.version).max().unwrap_or(Version { major: 1, minor: 0 });
    let sizes = |bits: u32| inputs.iter().find(|input| input.module.address_size == bits);
    if let (Some(narrow), Some(wide)) = (sizes(32), sizes(64)) {
        return Err(format!("{} has addresses of 32 bits, and {} of 64", narrow.name, wide.name));
    }
    let architecture = modules().filter_map(|module| module.targets.first()).max_by_key(|name| rank(name));
    let mut targets: Vec<Name> = architecture.into_iter().cloned().collect();
    for option in modules().flat_map(|module| module.targets.iter().skip(1)) {
        if !targets.contains(option) {
            targets.push(option.clone());
        }
    }
    let has_mode = |module: &Module, mode: &str| module.targets.iter().any(|option| option == mode);
    let independent = inputs.iter().find(|input| has_mode(&input.module, "texmode_independent"));
    let unified = inputs.iter().find(|input| !has_mode(&input.module, "texmode_independent"));
    if let (Some(independent), Some(unified)) = (independent, unified)
        && uses_textures(&unified.module)
    {
        let (one, other) = (&independent.name, &unified.name);
        return Err(format!("{one} has textures apart from samplers (texmode_independent), and {other} has not"));
    }
    let mut text = String::new();
    header(&mut text, version, &targets, modules().next().map_or(64, |module| module.address_size));
    Ok(text)
}

fn uses_textures(module: &Module) -> bool {
    module.variables().any(|variables| variables.space == Space::Texture || variables.ty.name().ends_with("ref"))
}

/// The order of targets: `sm_90a` has what `sm_90` has, and `sm_100` what is portable of both.
fn rank(target: &str) -> (u32, u32) {
    let digits: String = target.chars().filter(char::is_ascii_digit).collect();
    let suffix = match target.chars().last() {
        Some('a') => 2,
        Some('f') => 1,
        _ => 0,
    };
    (digits.parse().unwrap_or(0), suffix)
}

/// One module on its way into the text.
struct Merger<'a> {
    input: &'a Input,
    index: usize,
    table: &'a Table,
    resolution: &'a Resolution,
    renamer: Renamer<'a>,
    parts: &'a mut Parts,
    errors: &'a mut Vec<LinkError>,
    /// The highest number of a source file so far.
    file_last: u32,
}

impl Merger<'_> {
    fn run(&mut self) {
        let module = &self.input.module;
        for (index, item) in module.items.iter().enumerate() {
            match item {
                Item::Function(function) => self.function(index, function),
                Item::Variables(variables) => self.variables(index, variables),
                Item::Alias { name, target } => self.alias(index, name, target),
                Item::File(file) => self.file(file),
                Item::Pragma(texts) => {
                    for text in texts {
                        if !self.parts.pragmas.contains(text) {
                            self.parts.pragmas.push(text.clone());
                        }
                    }
                }
                // Debug information says where things are in its own module; no use is made of it.
                Item::Section(_) => {}
            }
        }
        self.undefined();
    }

    /// Whether this item is what is written down for the name.
    fn keeps(&self, item: usize, position: usize, name: &Name) -> bool {
        self.table.get(name).is_some_and(|symbol| {
            (symbol.item, symbol.position) == (item, position) && self.resolution.keeps(self.index, name, symbol)
        })
    }

    fn function(&mut self, item: usize, function: &Function) {
        if !self.keeps(item, 0, &function.name) {
            return;
        }
        let mut function = function.clone();
        let body = match self.input.module.body(&function) {
            Ok(mut body) => {
                self.renamer.body(&function, &mut body);
                body
            }
            Err(error) => {
                self.errors.push(LinkError::Text { input: self.input.name.clone(), error });
                return;
            }
        };
        // The other declarations of the name may be the ones that say who sees it.
        let is_exported = self.table.get(&function.name).is_some_and(Symbol::is_exported);
        if function.linkage.is_none() && is_exported {
            function.linkage = Some(Linkage::Visible);
        }
        function.name = self.renamer.global(&function.name);
        let is_defined = function.body.is_some();
        if function.kind == FunctionKind::Device {
            let prototype = Function { body: None, directives: Vec::new(), ..function.clone() };
            let empty = Body::default();
            put(&mut self.parts.prototypes, format_args!("{}", DisplayFunction { function: &prototype, body: &empty }));
        }
        if is_defined {
            put(&mut self.parts.functions, format_args!("{}", DisplayFunction { function: &function, body: &body }));
        }
    }

    fn variables(&mut self, item: usize, variables: &Variables) {
        for (position, declarator) in variables.names.iter().enumerate() {
            if self.keeps(item, position, &declarator.name) {
                self.variable(variables, declarator);
            }
        }
    }

    fn variable(&mut self, variables: &Variables, declarator: &Declarator) {
        let mut one = Variables { names: vec![declarator.clone()], ..variables.clone() };
        if let Some(align) = self.resolution.dynamic_shared.get(&declarator.name)
            && one.linkage == Some(Linkage::Extern)
            && one.alignment() < *align
        {
            one.align = u32::try_from(*align).ok();
        }
        self.renamer.initializers(&mut one);
        one.names[0].name = self.renamer.global(&declarator.name);
        put(&mut self.parts.variables, format_args!("{one};\n"));
    }

    fn alias(&mut self, item: usize, name: &Name, target: &Name) {
        if !self.keeps(item, 0, name) {
            return;
        }
        let declaration = self.input.module.function(name).filter(|function| function.body.is_none());
        if let Some(declaration) = declaration {
            let prototype = Function { name: self.renamer.global(name), ..declaration.clone() };
            let empty = Body::default();
            put(&mut self.parts.prototypes, format_args!("{}", DisplayFunction { function: &prototype, body: &empty }));
        }
        let item = Item::Alias { name: self.renamer.global(name), target: self.renamer.global(target) };
        put(&mut self.parts.aliases, format_args!("{}", DisplayItem(&item)));
    }

    fn file(&mut self, file: &SourceFile) {
        let index = file.index.saturating_add(self.renamer.file_offset);
        self.file_last = self.file_last.max(index);
        let file = Item::File(SourceFile { index, ..file.clone() });
        put(&mut self.parts.files, format_args!("{}", DisplayItem(&file)));
    }

    /// Names that this module uses and nobody defines.
    fn undefined(&mut self) {
        let used: HashMap<Name, Option<u32>> = std::mem::take(&mut self.renamer.used);
        let mut missing: Vec<(Option<u32>, Name)> = Vec::new();
        for (name, line) in used {
            let is_dynamic = self.resolution.dynamic_shared.contains_key(&name);
            let is_declared = self.resolution.declared.contains_key(&name) && self.table.get(&name).is_some();
            if is_declared && !is_dynamic && !is_runtime_function(&name) {
                missing.push((line, name));
            }
        }
        missing.sort();
        self.errors.extend(missing.into_iter().map(|(line, name)| LinkError::Undefined {
            name: name.to_string(),
            input: self.input.name.clone(),
            line,
        }));
    }
}
