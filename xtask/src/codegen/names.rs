//! How C names map to the names that the project uses.
//!
//! A C struct has a tag and one or more typedefs (`CUDA_MEMCPY2D_st`, `CUDA_MEMCPY2D_v2`, `CUDA_MEMCPY2D`). One of
//! them becomes the Rust type; the other typedefs stay as aliases where they are public, and the tags vanish.

use std::collections::{BTreeMap, BTreeSet};
use syn::{Field, GenericArgument, Item, PathArguments, Type, UseTree};

/// The naming of every type in the headers.
pub struct Names {
    /// Tag or typedef → the name to use for it.
    canonical: BTreeMap<String, String>,
    /// Handle types, whose C form is a pointer to an incomplete struct.
    pub handles: BTreeSet<String>,
    /// Incomplete structs: they exist only behind handles.
    pub incomplete: BTreeSet<String>,
    /// Types that hold a pointer or a function pointer somewhere inside, by canonical name.
    pointer_holders: BTreeSet<String>,
}

/// Suffixes that mark a C tag.
const TAG_SUFFIXES: [&str; 3] = ["_st", "_enum", "_union"];

impl Names {
    /// Works out the names from bindgen's items.
    pub fn new(raw: &syn::File) -> Names {
        let aliases = aliases(raw);
        let incomplete = incomplete_structs(raw);
        let mut names = Names {
            canonical: canonical_names(&aliases),
            handles: BTreeSet::new(),
            incomplete,
            pointer_holders: BTreeSet::new(),
        };
        name_anonymous_types(raw, &mut names.canonical);
        names.handles = handles(raw, &names.incomplete);
        names.find_pointer_holders(raw);
        names
    }

    /// The name to use for a C name.
    pub fn of<'a>(&'a self, c_name: &'a str) -> &'a str {
        self.canonical.get(c_name).map_or(c_name, String::as_str)
    }

    /// Rust text for a type of bindgen's.
    pub fn type_text(&self, ty: &Type) -> String {
        match ty {
            Type::Path(path) => self.path_text(path),
            Type::Ptr(ptr) if self.is_handle_target(&ptr.elem) => unreachable!("handles are named in the headers"),
            Type::Ptr(ptr) => {
                let mutability = if ptr.mutability.is_some() { "mut" } else { "const" };
                format!("*{mutability} {}", self.type_text(&ptr.elem))
            }
            Type::Array(array) => {
                let length = &array.len;
                format!(
                    "[{}; {}]",
                    self.type_text(&array.elem),
                    quote::quote!(#length).to_string().replace("usize", "")
                )
            }
            Type::BareFn(function) => self.function_text(function),
            other => unreachable!("a type form that these headers do not have: {other:?}"),
        }
    }

    /// Whether a value of the type carries a pointer that C code vouches for, which makes using it unsafe.
    pub fn holds_pointer(&self, ty: &Type) -> bool {
        match ty {
            Type::Ptr(_) | Type::BareFn(_) => true,
            Type::Array(array) => self.holds_pointer(&array.elem),
            Type::Path(path) => {
                let last = path.path.segments.last().expect("a path has a segment");
                last.ident == "Option" || self.pointer_holders.contains(self.of(&last.ident.to_string()))
            }
            _ => false,
        }
    }

    fn is_handle_target(&self, ty: &Type) -> bool {
        matches!(ty, Type::Path(path) if path.path.get_ident().is_some_and(|name| self.incomplete.contains(&name.to_string())))
    }

    fn path_text(&self, path: &syn::TypePath) -> String {
        let last = path.path.segments.last().expect("a path has a segment");
        let name = last.ident.to_string();
        if name == "Option" {
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                unreachable!("Option has an argument")
            };
            let Some(GenericArgument::Type(inner)) = arguments.args.first() else {
                unreachable!("Option holds a type")
            };
            return format!("Option<{}>", self.type_text(inner));
        }
        match name.as_str() {
            "c_int" => "i32".into(),
            "c_uint" | "cuuint32_t" => "u32".into(),
            "c_short" => "i16".into(),
            "c_ushort" => "u16".into(),
            "c_uchar" => "u8".into(),
            "c_longlong" | "c_long" => "i64".into(),
            "c_ulonglong" | "c_ulong" | "cuuint64_t" => "u64".into(),
            _ => self.of(&name).to_owned(),
        }
    }

    fn function_text(&self, function: &syn::TypeBareFn) -> String {
        let inputs: Vec<String> = function
            .inputs
            .iter()
            .map(|input| {
                let name = input.name.as_ref().map_or(String::new(), |(name, _)| format!("{name}: "));
                format!("{name}{}", self.type_text(&input.ty))
            })
            .collect();
        let output = match &function.output {
            syn::ReturnType::Default => String::new(),
            syn::ReturnType::Type(_, ty) => format!(" -> {}", self.type_text(ty)),
        };
        format!("unsafe extern \"C\" fn({}){output}", inputs.join(", "))
    }

    /// Grows the set of pointer holders until it no longer changes: structs nest.
    fn find_pointer_holders(&mut self, raw: &syn::File) {
        loop {
            let before = self.pointer_holders.len();
            for item in &raw.items {
                let (name, holds) = match item {
                    Item::Struct(item) => (&item.ident, item.fields.iter().any(|field| self.holds_pointer(&field.ty))),
                    Item::Union(item) => {
                        (&item.ident, item.fields.named.iter().any(|field| self.holds_pointer(&field.ty)))
                    }
                    Item::Type(item) if !self.handles.contains(&item.ident.to_string()) => {
                        (&item.ident, self.holds_pointer(&item.ty))
                    }
                    _ => continue,
                };
                if holds {
                    let name = self.of(&name.to_string()).to_owned();
                    self.pointer_holders.insert(name);
                }
            }
            if self.pointer_holders.len() == before {
                return;
            }
        }
    }
}

/// Typedef → what it stands for, where that is a plain name.
fn aliases(raw: &syn::File) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    for item in &raw.items {
        match item {
            Item::Type(item) => {
                if let Type::Path(path) = &*item.ty
                    && let Some(target) = path.path.get_ident()
                    && !is_number(&target.to_string())
                {
                    aliases.insert(item.ident.to_string(), target.to_string());
                }
            }
            // bindgen writes `pub use self::CUfoo_enum as CUfoo;` for enums.
            Item::Use(item) => {
                if let UseTree::Path(path) = &item.tree
                    && let UseTree::Rename(rename) = &*path.tree
                {
                    aliases.insert(rename.rename.to_string(), rename.ident.to_string());
                }
            }
            _ => {}
        }
    }
    aliases
}

fn incomplete_structs(raw: &syn::File) -> BTreeSet<String> {
    raw.items
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item)
                if item.fields.iter().any(|f| f.ident.as_ref().is_some_and(|name| name == "_unused")) =>
            {
                Some(item.ident.to_string())
            }
            _ => None,
        })
        .collect()
}

fn handles(raw: &syn::File, incomplete: &BTreeSet<String>) -> BTreeSet<String> {
    raw.items
        .iter()
        .filter_map(|item| match item {
            Item::Type(item) => match &*item.ty {
                Type::Ptr(ptr) => match &*ptr.elem {
                    Type::Path(path) => {
                        let target = path.path.get_ident()?.to_string();
                        incomplete.contains(&target).then(|| item.ident.to_string())
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// The chosen name for every tag and typedef that ends at the same declaration.
fn canonical_names(aliases: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let resolve = |name: &str| {
        let mut at = name.to_owned();
        while let Some(next) = aliases.get(&at) {
            at.clone_from(next);
        }
        at
    };
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for alias in aliases.keys() {
        groups.entry(resolve(alias)).or_default().push(alias.clone());
    }
    let mut canonical = BTreeMap::new();
    for (root, mut members) in groups {
        members.push(root.clone());
        let stem = TAG_SUFFIXES.iter().find_map(|suffix| root.strip_suffix(suffix)).unwrap_or(&root).to_owned();
        // The name without a version is the current one; the tag's own stem beats other typedefs of the same struct.
        let chosen = members
            .iter()
            .filter(|name| !is_tag(name) || members.len() == 1)
            .min_by_key(|name| (is_versioned(name), **name != stem, name.len(), (*name).clone()));
        let chosen = chosen.expect("a group has a typedef").clone();
        for member in members {
            canonical.insert(member, chosen.clone());
        }
    }
    canonical
}

/// Number types end a chain of typedefs: what is above them are types with a meaning of their own.
fn is_number(name: &str) -> bool {
    matches!(name, "u32" | "u64" | "cuuint32_t" | "cuuint64_t")
}

fn is_versioned(name: &str) -> bool {
    name.rsplit_once("_v").is_some_and(|(_, version)| version.parse::<u32>().is_ok())
}

fn is_tag(name: &str) -> bool {
    TAG_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Names bindgen's `Parent__bindgen_ty_1` after the field that holds it: `Parent_field`.
fn name_anonymous_types(raw: &syn::File, canonical: &mut BTreeMap<String, String>) {
    for item in &raw.items {
        let (owner, fields) = match item {
            Item::Struct(item) => (item.ident.to_string(), item.fields.iter().collect::<Vec<_>>()),
            Item::Union(item) => (item.ident.to_string(), item.fields.named.iter().collect()),
            _ => continue,
        };
        let owner = canonical.get(&owner).cloned().unwrap_or_else(|| {
            let stem = TAG_SUFFIXES.iter().find_map(|suffix| owner.strip_suffix(suffix)).unwrap_or(&owner);
            // bindgen puts the outer tag before the tag of a struct declared inside a union.
            stem.rsplit("_union_").next().unwrap_or(stem).to_owned()
        });
        canonical.entry(raw_name(item)).or_insert_with(|| owner.clone());
        for field in fields {
            let mut ty = &field.ty;
            while let Type::Array(array) = ty {
                ty = &array.elem;
            }
            if let Type::Path(path) = ty
                && let Some(target) = path.path.get_ident().map(ToString::to_string)
                && target.contains("__bindgen_ty_")
            {
                let field = field.ident.as_ref().expect("C fields are named").to_string();
                canonical.insert(target, format!("{owner}_{}", field_name(&field)));
            }
        }
    }
}

fn raw_name(item: &Item) -> String {
    match item {
        Item::Struct(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => unreachable!("only structs and unions are named after fields"),
    }
}

/// The name of a field: bindgen's own names for anonymous members read badly.
pub fn field_name(name: &str) -> String {
    name.replace("__bindgen_anon_", "anonymous_")
}

/// The fields of a struct or union, by name.
pub fn named_fields<'a>(fields: impl Iterator<Item = &'a Field>) -> Vec<(String, &'a Type)> {
    fields
        .map(|field| (field_name(&field.ident.as_ref().expect("C fields are named").to_string()), &field.ty))
        .collect()
}
