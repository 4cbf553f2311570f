//! From the `PFN_*` typedefs to `crates/cuda-abi/src/table.rs`.
//!
//! The header lists every version of every function as `PFN_<name>_v<since>[_ptsz|_ptds]`. The symbol follows: the
//! k-th plain version of `name` is exported as `name`, `name_v2`, `name_v3`; a per-thread row is the plain symbol
//! current at its version, plus the suffix.

use super::c_types::HEADING;
use super::names::Names;
use super::roles::{self, Role};
use anyhow::{Context, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use syn::{GenericArgument, Item, PathArguments, Type, TypeBareFn};

/// One version of a function, as the header declares it.
struct Version {
    base: String,
    since: u32,
    /// `""`, `"_ptsz"` or `"_ptds"`.
    suffix: &'static str,
    /// Name, role and Rust type of each parameter.
    parameters: Vec<(String, Role, String)>,
    /// Whether a parameter carries a pointer that the caller vouches for.
    is_unsafe: bool,
}

/// A row of the table.
struct Row {
    symbol: String,
    /// For a per-thread symbol, the plain symbol that does the work.
    target: Option<String>,
    is_newest: bool,
    is_narrow: bool,
    version: Version,
}

/// Debugger hooks of the driver that are variables; the others are functions. Declared in the public
/// `cudadebugger.h`; the sizes are 4 bytes but for the path and the addresses.
const DEBUGGER_FUNCTIONS: &[&str] = &[
    "cudbgApiAttach",
    "cudbgApiDetach",
    "cudbgApiInit",
    "cudbgGetAPI",
    "cudbgGetAPIVersion",
    "cudbgMain",
    "cudbgReportDriverApiError",
    "cudbgReportDriverInternalError",
];

/// Writes the table.
pub fn write(raw: &syn::File, names: &Names, crate_dir: &Path) -> anyhow::Result<()> {
    let exports = exports(&crate_dir.join("tests/data/libcuda-580-exports.txt"))?;
    let mut rows = rows(versions(raw, names)?);
    rows.retain(|row| {
        let exported = exports.contains(&row.symbol);
        if !exported {
            eprintln!("codegen: {} is in the headers and not among the driver's exports: left out", row.symbol);
        }
        exported
    });
    let text = table(&rows, &exports);
    let path = crate_dir.join("src/table.rs");
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

/// The names that the driver exports, one a line; `#` starts a comment.
fn exports(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
}

/// Every `PFN_*` typedef.
fn versions(raw: &syn::File, names: &Names) -> anyhow::Result<Vec<Version>> {
    let mut seen = BTreeSet::new();
    let mut versions = Vec::new();
    for item in &raw.items {
        let Item::Type(item) = item else { continue };
        let name = item.ident.to_string();
        let Some(rest) = name.strip_prefix("PFN_") else { continue };
        let (rest, suffix) = match rest {
            _ if rest.ends_with("_ptsz") => (&rest[..rest.len() - 5], "_ptsz"),
            _ if rest.ends_with("_ptds") => (&rest[..rest.len() - 5], "_ptds"),
            _ => (rest, ""),
        };
        // Names without a version are `#define`d to the current one, which is listed too.
        let Some((base, since)) = rest.rsplit_once("_v") else { continue };
        let Ok(since) = since.parse() else { continue };
        let function = function_type(&item.ty).with_context(|| format!("{name} is not a function pointer"))?;
        let mut parameters = Vec::new();
        let mut is_unsafe = false;
        for input in &function.inputs {
            let (parameter, _) =
                input.name.as_ref().with_context(|| format!("{name} has a parameter without a name"))?;
            let parameter = parameter.to_string();
            let ty = names.type_text(&input.ty);
            let role = Role::of(base, &parameter, &ty);
            seen.insert((base.to_owned(), parameter.clone()));
            is_unsafe |= is_vouched_for(role, &input.ty, names);
            parameters.push((parameter, role, ty));
        }
        versions.push(Version { base: base.to_owned(), since, suffix, parameters, is_unsafe });
    }
    let unused = roles::unused_exceptions(&seen);
    ensure!(unused.is_empty(), "exceptions in roles.rs that match no parameter: {}", unused.join(", "));
    Ok(versions)
}

fn function_type(ty: &Type) -> Option<&TypeBareFn> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(Type::BareFn(function)) => Some(function),
        _ => None,
    }
}

/// Whether the parameter carries a pointer whose target the rim cannot check.
fn is_vouched_for(role: Role, ty: &Type, names: &Names) -> bool {
    let target = match ty {
        Type::Ptr(pointer) => &*pointer.elem,
        other => other,
    };
    match role {
        Role::Raw => true,
        Role::Stream | Role::Text | Role::TextOpt => false,
        Role::Value | Role::Input | Role::InputOpt => names.holds_pointer(target),
        // The driver writes plain pointers; structs with pointers inside are read as well.
        Role::Output | Role::OutputOpt => !matches!(target, Type::Ptr(_)) && names.holds_pointer(target),
    }
}

/// Gives each version its symbol. Sorted by symbol.
fn rows(versions: Vec<Version>) -> Vec<Row> {
    let mut plain: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for version in versions.iter().filter(|version| version.suffix.is_empty()) {
        plain.entry(version.base.clone()).or_default().insert(version.since);
    }
    let mut rows: Vec<Row> = versions
        .into_iter()
        .map(|version| {
            let all = &plain[&version.base];
            let current = all.iter().filter(|since| **since <= version.since).count().max(1);
            let symbol = if current == 1 { version.base.clone() } else { format!("{}_v{current}", version.base) };
            let is_newest = current == all.len();
            let is_narrow = roles::is_narrow(&version.base, version.since, all.iter().copied());
            let (symbol, target) = match version.suffix {
                "" => (symbol, None),
                suffix => (format!("{symbol}{suffix}"), Some(symbol)),
            };
            Row { symbol, target, is_newest, is_narrow, version }
        })
        .collect();
    rows.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    rows
}

/// The text of `table.rs`.
fn table(rows: &[Row], exports: &BTreeSet<String>) -> String {
    let known: BTreeSet<&str> = rows.iter().map(|row| row.symbol.as_str()).collect();
    let plain = |row: &&Row| row.target.is_none() && !roles::is_answered(&row.version.base);
    let mut text = String::from(HEADING);
    text.push_str(INTRODUCTION);
    group(&mut text, "methods", rows.iter().filter(plain).filter(|row| row.is_newest));
    group(&mut text, "superseded", rows.iter().filter(plain).filter(|row| !row.is_newest && !row.is_narrow));
    group(&mut text, "narrow", rows.iter().filter(plain).filter(|row| row.is_narrow));
    group(&mut text, "answered", rows.iter().filter(|row| roles::is_answered(&row.version.base)));
    group(&mut text, "per_thread", rows.iter().filter(|row| row.target.is_some()));
    let unknown = || exports.iter().filter(|name| !known.contains(name.as_str()));
    names_group(&mut text, "opaque", unknown().filter(|name| !name.starts_with("cudbg")));
    let is_function = |name: &&String| DEBUGGER_FUNCTIONS.contains(&name.as_str());
    names_group(
        &mut text,
        "debugger_functions",
        unknown().filter(|name| name.starts_with("cudbg")).filter(is_function),
    );
    names_group(
        &mut text,
        "debugger_variables",
        unknown().filter(|name| name.starts_with("cudbg")).filter(|name| !is_function(name)),
    );
    text.push_str("        }\n    };\n}\n");
    text
}

const INTRODUCTION: &str = "
/// Calls `$callback!` with the whole driver API, each symbol once, in groups:
///
/// - `methods`: the newest version of each function; a method of the driver trait,
/// - `superseded`: older versions; the rim converts them to the newest,
/// - `narrow`: versions of before CUDA 3.2, with 32-bit device pointers; they work in no context of today,
/// - `answered`: the rim answers them itself,
/// - `per_thread`: `_ptsz` and `_ptds` symbols, with the plain symbol that does the work; `translated` where a null
///   stream parameter becomes `CU_STREAM_PER_THREAD`, `scoped` where there is no such parameter,
/// - `opaque`: exported by the driver without a public declaration,
/// - `debugger_functions`, `debugger_variables`: the hooks of NVIDIA's debugger.
///
/// A row reads: phase (`early`: also before `cuInit`; `init`; `ready`), `[unsafe]` where the caller vouches for a
/// pointer, symbol, name that `cuGetProcAddress` knows it by, CUDA version since which it exists, parameters as
/// `name: role type`. For the roles `output`, `output_opt`, `input`, `input_opt`, `text` and `text_opt` the type is
/// what the C pointer points to.
///
/// `$callback` is the name of a macro, or the path of one in brackets, with what it gets before the groups behind them.
#[macro_export]
macro_rules! for_each_driver_function {
    ($callback:ident) => {
        $crate::for_each_driver_function! { [$callback] }
    };
    ([$($callback:tt)+] $($before:tt)*) => {
        $($callback)+! {
            $($before)*
";

fn group<'a>(text: &mut String, title: &str, rows: impl Iterator<Item = &'a Row>) {
    writeln!(text, "            {title} {{").expect("a string takes it");
    for row in rows {
        let Version { base, since, parameters, is_unsafe, .. } = &row.version;
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, role, ty)| {
                let target = ty.strip_prefix("*mut ").or_else(|| ty.strip_prefix("*const ")).unwrap_or(ty);
                let ty = if matches!(role, Role::Value | Role::Stream | Role::Raw) { ty } else { target };
                format!("{name}: {} {ty}", role.word())
            })
            .collect();
        let has_stream = row.version.parameters.iter().any(|(_, role, _)| *role == Role::Stream);
        let way = if has_stream { "translated" } else { "scoped" };
        let target = row.target.as_ref().map_or(String::new(), |target| format!(" {way} {target}"));
        writeln!(
            text,
            "                {} [{}] {} = \"{base}\" @ {since}{target} ({});",
            roles::phase(base),
            if *is_unsafe { "unsafe" } else { "" },
            row.symbol,
            parameters.join(", "),
        )
        .expect("a string takes it");
    }
    text.push_str("            }\n");
}

fn names_group<'a>(text: &mut String, title: &str, names: impl Iterator<Item = &'a String>) {
    writeln!(text, "            {title} {{").expect("a string takes it");
    for name in names {
        writeln!(text, "                {name};").expect("a string takes it");
    }
    text.push_str("            }\n");
}
