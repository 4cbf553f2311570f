//! `apex abi scan`: what a file holds.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use binary::limits::UNPACKED_BYTES_MAX;
use binary::{
    DeviceCode, FileFormat, Image, Member, MemberKind, Options, Place, Runtime, RuntimeLinkage, Scan, Symbol,
    SymbolKind,
};

use super::document::Document;
use super::{Form, Symbols, known, split_member};
use crate::output::bytes;

/// Functions of device code that are named before "and more", unless all images are asked for.
const FUNCTIONS_NAMED: usize = 8;

/// Show what a program, library, archive, wheel, fatbin or cubin holds.
///
/// Nothing of the file is run.
#[derive(clap::Args)]
pub struct Args {
    /// The file; a part of an archive or wheel is FILE::MEMBER
    file: String,
    /// The symbols to list
    #[arg(long, value_enum, default_value_t = Symbols::Cuda)]
    symbols: Symbols,
    /// List every image of device code, with its functions
    #[arg(long)]
    images: bool,
    /// Name the functions of all device code, however much there is to unpack
    #[arg(long)]
    functions: bool,
    #[command(flatten)]
    form: Form,
}

/// Reads and reports.
///
/// # Errors
/// When the file cannot be read, or the report not be written.
pub fn run(args: &Args) -> Result<()> {
    let (path, member) = split_member(&args.file);
    let driver_functions = known::driver_functions();
    let options = Options {
        driver_functions: &driver_functions,
        symbols: args.symbols.into(),
        unpack_bytes_max: if args.functions { u64::MAX } else { UNPACKED_BYTES_MAX },
    };
    let scan = binary::scan(&path, member, &options).with_context(|| args.file.clone())?;
    args.form.print(&scan, |scan| document(scan, args.images))
}

fn document(scan: &Scan, all_images: bool) -> Document {
    let mut document = Document::default();
    document.heading(1, scan.file.clone());
    let format = match scan.format {
        FileFormat::Elf => "ELF file",
        FileFormat::Archive => "static library",
        FileFormat::Wheel => "wheel",
        FileFormat::DeviceCode => "device code",
    };
    document.line(format!("{format}, {}", bytes(scan.bytes)));
    let has_parts = matches!(scan.format, FileFormat::Archive | FileFormat::Wheel);
    if has_parts {
        let columns = vec!["part", "kind", "size", "CUDA runtime", "images of device code"];
        document.table(2, "Parts", columns, scan.members.iter().map(overview).collect());
    }
    for member in &scan.members {
        if has_parts && !concerns_cuda(member) {
            continue;
        }
        if let Some(name) = &member.name {
            document.heading(2, name.clone());
        }
        describe(&mut document, member, if has_parts { 3 } else { 2 }, all_images);
    }
    document.list(2, "Problems", scan.problems.clone());
    document
}

/// Whether a part is worth more than its line in the list of parts.
fn concerns_cuda(member: &Member) -> bool {
    member.runtime.linkage != RuntimeLinkage::None
        || !member.runtime.evidence.is_empty()
        || !member.device_code.images.is_empty()
        || !member.symbols.is_empty()
        || !member.problems.is_empty()
}

fn overview(member: &Member) -> Vec<String> {
    vec![
        member.name.clone().unwrap_or_default(),
        kind(member.kind).to_owned(),
        bytes(member.bytes),
        linkage(&member.runtime),
        member.device_code.images.len().to_string(),
    ]
}

fn kind(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::SharedLibrary => "shared library",
        MemberKind::Program => "program",
        MemberKind::Object => "object file",
        MemberKind::Fatbin => "fatbin",
        MemberKind::Cubin => "cubin",
        MemberKind::Ptx => "PTX",
    }
}

/// How the runtime is linked, and which it is: `static, 13.0 or later`.
fn linkage(runtime: &Runtime) -> String {
    let how = match runtime.linkage {
        RuntimeLinkage::None => return "none".to_owned(),
        RuntimeLinkage::Static => "static",
        RuntimeLinkage::Shared => "shared",
        RuntimeLinkage::Itself => "the runtime itself",
    };
    match (runtime.at_least, runtime.major) {
        (Some(release), _) => format!("{how}, {release} or a later {}.x", release.major),
        (None, Some(major)) => format!("{how}, {major}.x"),
        (None, None) => how.to_owned(),
    }
}

fn describe(document: &mut Document, member: &Member, level: usize, all_images: bool) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let counts = member.symbol_counts;
    let mut facts = vec![
        (
            "kind",
            [Some(kind(member.kind).to_owned()), member.machine.clone()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("name (SONAME)", text(&member.soname)),
        ("loader", text(&member.interpreter)),
        ("build ID", text(&member.build_id)),
        ("needs", member.needed.join(", ")),
        ("RPATH", member.rpath.join(":")),
        ("RUNPATH", member.runpath.join(":")),
    ];
    if member.machine.is_some() {
        facts.push(("symbols", format!("{} exported, {} imported", counts.exported, counts.imported)));
        facts.push(("CUDA runtime", linkage(&member.runtime)));
        facts.push(("evidence", member.runtime.evidence.join("; ")));
    }
    facts.push(("compilers", member.device_code.compilers.join("; ")));
    document.facts(facts);
    describe_code(document, &member.device_code, level, all_images);
    for (place, title) in [(Place::Exported, "Exported symbols"), (Place::Imported, "Imported symbols")] {
        let symbols = member.symbols.iter().filter(|symbol| symbol.place == place);
        document.table(level, title, vec!["name", "version", "kind", "bytes"], symbols.map(symbol_row).collect());
    }
    if counts.left_out > 0 {
        document.line(format!("{} more symbols are not listed", counts.left_out));
    }
    document.list(level, "Problems", member.problems.clone());
}

fn symbol_row(symbol: &Symbol) -> Vec<String> {
    let version =
        [symbol.version.as_deref(), symbol.from.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" of ");
    let kind = match symbol.kind {
        SymbolKind::Function => "function",
        SymbolKind::Object => "variable",
        SymbolKind::Unstated => "",
    };
    let weak = if symbol.weak { "weak " } else { "" };
    let size = if symbol.place == Place::Exported { symbol.bytes.to_string() } else { String::new() };
    vec![symbol.name.clone(), version, format!("{weak}{kind}").trim().to_owned(), size]
}

fn describe_code(document: &mut Document, code: &DeviceCode, level: usize, all_images: bool) {
    if all_images {
        document.table(
            level,
            "Images of device code",
            vec!["container", "section", "kind", "target", "version", "compression", "stored", "unpacked", "functions"],
            code.images.iter().map(image_row).collect(),
        );
    } else {
        let columns = vec!["section", "kind", "target", "compression", "images", "stored", "unpacked"];
        document.table(level, "Device code", columns, groups(&code.images));
        let mut functions: Vec<&String> =
            code.images.iter().filter_map(|image| image.functions.as_ref()).flatten().collect();
        functions.sort_unstable();
        functions.dedup();
        let mut named: Vec<String> = functions.iter().take(FUNCTIONS_NAMED).map(|name| (*name).clone()).collect();
        if functions.len() > named.len() {
            named.push(format!("and {} more, which --images lists", functions.len() - named.len()));
        }
        document.list(level, "Functions of device code", named);
    }
    if code.unread_images > 0 {
        document.line(format!(
            "the functions of {} images were not read: --functions unpacks them all",
            code.unread_images
        ));
    }
}

/// Images of a kind, put together.
#[derive(Default)]
struct Group {
    count: u64,
    stored_bytes: u64,
    unpacked_bytes: u64,
}

/// Images by section, kind, target and compression.
fn groups(images: &[Image]) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<[&str; 4], Group> = BTreeMap::new();
    for image in images {
        let key = [image.section.unwrap_or(""), image.kind.as_str(), image.target.as_str(), image.compression];
        let group = groups.entry(key).or_default();
        group.count += 1;
        // Sizes of damaged files may be anything.
        group.stored_bytes = group.stored_bytes.saturating_add(image.stored_bytes);
        group.unpacked_bytes = group.unpacked_bytes.saturating_add(image.image_bytes);
    }
    let row = |(key, group): ([&str; 4], Group)| {
        let numbers = [group.count.to_string(), bytes(group.stored_bytes), bytes(group.unpacked_bytes)];
        key.into_iter().map(String::from).chain(numbers).collect()
    };
    groups.into_iter().map(row).collect()
}

fn image_row(image: &Image) -> Vec<String> {
    let functions = image.functions.as_ref().map_or("(not read)".to_owned(), |functions| functions.join(", "));
    let debug = if image.debug { " (debug)" } else { "" };
    vec![
        image.container.to_string(),
        image.section.unwrap_or("").to_owned(),
        format!("{}{debug}", image.kind),
        image.target.clone(),
        image.version.clone().unwrap_or_default(),
        image.compression.to_owned(),
        image.stored_bytes.to_string(),
        image.image_bytes.to_string(),
        functions,
    ]
}
