//! What one library exports and another does not, beside what the public headers declare.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::{Release, Symbol, SymbolKind};

/// Name and version of the JSON form of [`Comparison`], which `docs/abi-compare.schema.json` describes.
pub const COMPARE_SCHEMA: &str = "apex-abi-compare/1";

/// Names that a library exports.
#[derive(Debug, Clone)]
pub struct Surface {
    /// What to call it.
    pub label: String,
    /// Its own name (`DT_SONAME`).
    pub soname: Option<String>,
    /// What it exports, by name.
    pub exports: BTreeMap<String, Export>,
}

/// What a library exports under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Export {
    /// What it is; `null` where only names are known.
    pub kind: Option<SymbolKind>,
    /// Its size in bytes; `null` where only names are known.
    pub bytes: Option<u64>,
    /// Its versions.
    pub versions: Vec<String>,
}

impl Surface {
    /// A surface of which the names alone are known.
    pub fn of_names<'a>(label: impl Into<String>, names: impl IntoIterator<Item = &'a str>) -> Self {
        let export = |name: &str| (name.to_owned(), Export { kind: None, bytes: None, versions: Vec::new() });
        Self { label: label.into(), soname: None, exports: names.into_iter().map(export).collect() }
    }

    /// The surface of a library with these symbols. A name with several versions is one export.
    pub(crate) fn of_symbols(label: String, soname: Option<String>, symbols: Vec<Symbol>) -> Self {
        let mut exports: BTreeMap<String, Export> = BTreeMap::new();
        for symbol in symbols {
            let fresh = Export { kind: Some(symbol.kind), bytes: Some(symbol.bytes), versions: Vec::new() };
            let export = exports.entry(symbol.name).or_insert(fresh);
            export.versions.extend(symbol.version);
        }
        for export in exports.values_mut() {
            export.versions.sort_unstable();
            export.versions.dedup();
        }
        Self { label, soname, exports }
    }
}

/// A function that the public headers declare.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// Its symbol: `cuMemcpyHtoD_v2_ptds`.
    pub symbol: &'a str,
    /// The release that brought it: 13000 for 13.0.
    pub since: u32,
}

/// What two libraries export.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Comparison {
    /// [`COMPARE_SCHEMA`].
    pub schema: &'static str,
    /// The one.
    pub a: Side,
    /// The other.
    pub b: Side,
    /// How many names both export.
    pub shared: u64,
    /// Names that `a` alone exports.
    pub only_a: Vec<Row>,
    /// Names that `b` alone exports.
    pub only_b: Vec<Row>,
    /// Names that are a function in one and a variable in the other, or have other versions.
    pub differing: Vec<Difference>,
    /// The public headers; `null` where they were not asked for.
    pub headers: Option<Headers>,
}

/// A library of a comparison.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Side {
    /// The file, or `APEX`.
    pub label: String,
    /// Its own name.
    pub soname: Option<String>,
    /// How many names it exports.
    pub exported: u64,
}

/// A name that one library alone exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    /// The name.
    pub name: String,
    /// The release that brought it, if the headers declare it.
    pub since: Option<Release>,
    /// What it is.
    pub export: Export,
}

/// A name that both export otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The name.
    pub name: String,
    /// What it is in `a`.
    pub a: Export,
    /// What it is in `b`.
    pub b: Export,
}

/// The public headers beside both.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Headers {
    /// The release of the headers.
    pub release: Release,
    /// How many symbols they declare.
    pub declared: u64,
    /// What they declare and `a` does not export.
    pub a_lacks: Vec<HeaderRow>,
    /// What they declare and `b` does not export.
    pub b_lacks: Vec<HeaderRow>,
    /// What `a` exports and they do not declare.
    pub a_beyond: Vec<String>,
    /// What `b` exports and they do not declare.
    pub b_beyond: Vec<String>,
}

/// A symbol of the headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeaderRow {
    /// Its name.
    pub name: String,
    /// The release that brought it.
    pub since: Release,
}

/// Compares two surfaces. `declared` are all symbols of the headers: they date names, and are a third party of the comparison if
/// `with_headers`.
pub fn compare(a: &Surface, b: &Surface, declared: &[Declared<'_>], with_headers: bool) -> Comparison {
    let since: BTreeMap<&str, u32> = declared.iter().map(|row| (row.symbol, row.since)).collect();
    let only = |one: &Surface, other: &Surface| -> Vec<Row> {
        let own = one.exports.iter().filter(|(name, _)| !other.exports.contains_key(*name));
        own.map(|(name, export)| Row {
            name: name.clone(),
            since: since.get(name.as_str()).copied().map(Release::from_number),
            export: export.clone(),
        })
        .collect()
    };
    let shared = a.exports.iter().filter_map(|(name, export)| Some((name, export, b.exports.get(name)?)));
    let differing = shared.clone().filter(|(_, one, other)| differ(one, other));
    let side = |surface: &Surface| Side {
        label: surface.label.clone(),
        soname: surface.soname.clone(),
        exported: surface.exports.len() as u64,
    };
    Comparison {
        schema: COMPARE_SCHEMA,
        a: side(a),
        b: side(b),
        shared: shared.clone().count() as u64,
        only_a: only(a, b),
        only_b: only(b, a),
        differing: differing
            .map(|(name, one, other)| Difference { name: name.clone(), a: one.clone(), b: other.clone() })
            .collect(),
        headers: with_headers.then(|| headers(a, b, &since)),
    }
}

/// Whether what is known of both is not the same. Sizes of functions differ with every build.
fn differ(one: &Export, other: &Export) -> bool {
    let kinds = one.kind.zip(other.kind);
    kinds.is_some_and(|(one, other)| one != other)
        || (!one.versions.is_empty() && !other.versions.is_empty() && one.versions != other.versions)
}

fn headers(a: &Surface, b: &Surface, since: &BTreeMap<&str, u32>) -> Headers {
    let names: BTreeSet<&str> = since.keys().copied().collect();
    let lacks = |surface: &Surface| -> Vec<HeaderRow> {
        let missing = since.iter().filter(|(name, _)| !surface.exports.contains_key(**name));
        missing
            .map(|(name, since)| HeaderRow { name: (*name).to_owned(), since: Release::from_number(*since) })
            .collect()
    };
    let beyond = |surface: &Surface| -> Vec<String> {
        surface.exports.keys().filter(|name| !names.contains(name.as_str())).cloned().collect()
    };
    Headers {
        release: Release::from_number(since.values().copied().max().unwrap_or(0)),
        declared: since.len() as u64,
        a_lacks: lacks(a),
        b_lacks: lacks(b),
        a_beyond: beyond(a),
        b_beyond: beyond(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Place;

    fn symbol(name: &str, kind: SymbolKind, version: Option<&str>) -> Symbol {
        Symbol {
            place: Place::Exported,
            name: name.to_owned(),
            version: version.map(String::from),
            from: None,
            kind,
            bytes: 8,
            weak: false,
        }
    }

    #[test]
    fn what_one_lacks_is_named_with_its_release() {
        let a = Surface::of_names("a", ["cuInit", "cuNew", "cuSecret"]);
        let b = Surface::of_names("b", ["cuInit", "cuOld"]);
        let declared = [("cuInit", 2000), ("cuNew", 12080), ("cuOld", 3020), ("cuGone", 13000)];
        let declared = declared.map(|(symbol, since)| Declared { symbol, since });
        let found = compare(&a, &b, &declared, true);
        let rows = |rows: &[Row]| -> Vec<String> {
            rows.iter()
                .map(|row| format!("{} {}", row.name, row.since.map_or("-".into(), |since| since.to_string())))
                .collect()
        };
        assert_eq!(found.shared, 1);
        assert_eq!(rows(&found.only_a), ["cuNew 12.8", "cuSecret -"]);
        assert_eq!(rows(&found.only_b), ["cuOld 3.2"]);
        let headers = found.headers.unwrap();
        assert_eq!((headers.release.to_string().as_str(), headers.declared), ("13.0", 4));
        assert_eq!(headers.a_lacks.iter().map(|row| &row.name).collect::<Vec<_>>(), ["cuGone", "cuOld"]);
        assert_eq!(headers.b_lacks.iter().map(|row| &row.name).collect::<Vec<_>>(), ["cuGone", "cuNew"]);
        assert_eq!((headers.a_beyond, headers.b_beyond), (vec!["cuSecret".to_owned()], vec![]));
    }

    #[test]
    fn kinds_and_versions_that_differ_are_named() {
        let surface = |symbols: Vec<Symbol>| Surface::of_symbols("x".to_owned(), None, symbols);
        let (function, object) = (SymbolKind::Function, SymbolKind::Object);
        let a = surface(vec![
            symbol("f", function, Some("V1")),
            symbol("g", function, None),
            symbol("h", function, Some("V1")),
        ]);
        let b = surface(vec![
            symbol("f", function, Some("V1")),
            symbol("g", object, None),
            symbol("h", function, Some("V2")),
            symbol("h", function, Some("V1")),
        ]);
        let found = compare(&a, &b, &[], false);
        assert_eq!(found.differing.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["g", "h"]);
        assert_eq!(found.differing[1].b.versions, ["V1", "V2"]);
        assert!(found.headers.is_none());
    }
}
