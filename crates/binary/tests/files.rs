//! Libraries, programs, archives and device code: what is found in them.

mod common;

use std::path::Path;
use std::process::Command;

use binary::{
    Error, FileFormat, MemberKind, Options, Place, RuntimeLinkage, SymbolChoice, SymbolKind, exports, scan, scan_bytes,
};
use common::{CONCATENATED, CUBIN, FATBIN, PTX, RELOCATABLE, cc, scan_all};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fatbin/tests/data");

/// Sections with device code, and versioned symbols, in C.
const SOURCE: &str = "
int cuThing(void) { return 1; }
int cuVariable = 2;
__attribute__((visibility(\"hidden\"))) int cuHidden(void) { return 3; }
static int cuLocal(void) { return 4; }
int other(void) { return cuHidden() + cuLocal(); }
";

fn embed(section: &str, file: &str) -> String {
    format!("__asm__(\".section {section}, \\\"a\\\"\\n.balign 8\\n.incbin \\\"{DATA}/{file}\\\"\\n.text\");\n")
}

#[test]
fn a_library_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let versions = folder.path().join("versions");
    std::fs::write(&versions, "OURS_1.0 { global: cuThing; cuVariable; other; };").unwrap();
    let source = embed(".nv_fatbin", "compress-balance.fatbin") + SOURCE;
    let options =
        ["-shared", "-fPIC", "-Wl,-soname,libthing.so.3", "-Wl,--build-id=0x00ff12", "-Wl,--version-script=versions"];
    let path = cc(folder.path(), "libthing.so", &source, &[&options[..], &["-Wl,-rpath,$ORIGIN/a:/b"]].concat());
    let report = scan(&path, None, &Options::default()).unwrap();
    assert_eq!(report.format, FileFormat::Elf);
    let [member] = report.members.as_slice() else { panic!("{} members", report.members.len()) };
    assert_eq!(member.kind, MemberKind::SharedLibrary);
    assert_eq!(member.soname.as_deref(), Some("libthing.so.3"));
    assert_eq!(member.build_id.as_deref(), Some("00ff12"));
    assert_eq!([&member.rpath[..], &member.runpath[..]].concat(), ["$ORIGIN/a", "/b"]);
    let symbols: Vec<(&str, Place, SymbolKind, Option<&str>)> = member
        .symbols
        .iter()
        .map(|symbol| (symbol.name.as_str(), symbol.place, symbol.kind, symbol.version.as_deref()))
        .collect();
    let version = Some("OURS_1.0");
    let thing = ("cuThing", Place::Exported, SymbolKind::Function, version);
    assert_eq!(symbols, [thing, ("cuVariable", Place::Exported, SymbolKind::Object, version)]);
    assert_eq!(member.symbols[1].bytes, 4);
    assert!(member.symbol_counts.exported >= 3, "{:?}", member.symbol_counts);
    assert_eq!(member.device_code.images.len(), scan_all(FATBIN).unwrap().members[0].device_code.images.len());
    assert!(member.device_code.images.iter().all(|image| image.section == Some(".nv_fatbin")));
    assert_eq!(member.runtime.linkage, RuntimeLinkage::None);
    assert_eq!((member.problems.len(), report.problems.len()), (0, 0));
}

#[test]
fn device_code_is_listed_with_its_functions() {
    let images = |bytes: &[u8]| scan_all(bytes).unwrap().members.swap_remove(0).device_code;
    let code = images(FATBIN);
    let listed: Vec<(&str, &str, &str)> =
        code.images.iter().map(|image| (image.kind.as_str(), image.target.as_str(), image.compression)).collect();
    assert!(listed.contains(&("ptx", "compute_90a", "zstd")), "{listed:?}");
    let functions: Vec<&str> = code.images[0].functions.iter().flatten().map(String::as_str).collect();
    assert_eq!(functions, ["_Z3addPKfS0_Pfi", "_Z5scalePffi"]);
    assert_eq!(code.compilers.len(), 1, "{:?}", code.compilers);

    let nothing_unpacked = Options { unpack_bytes_max: 0, ..Options::default() };
    let code = scan_bytes("fatbin", FATBIN, None, &nothing_unpacked).unwrap().members.swap_remove(0).device_code;
    assert!(code.images.iter().all(|image| image.functions.is_none()));
    assert_eq!(code.unread_images, code.images.len() as u64);

    assert_eq!(images(CUBIN).images[0].target, "sm_86");
    let ptx = &images(PTX).images[0];
    assert_eq!((ptx.target.as_str(), ptx.version.as_deref()), ("compute_120a", Some("9.0")));
    assert_eq!(ptx.functions.as_deref(), Some(&["k".to_owned()][..]));
}

#[test]
fn members_of_a_concatenated_entry_count_against_the_budget_as_what_is_unpacked() {
    let all = scan_all(CONCATENATED).unwrap().members.swap_remove(0).device_code;
    let whole: u64 = all.images.iter().map(|image| image.image_bytes).sum();
    let options = Options { unpack_bytes_max: whole, ..Options::default() };
    let code = scan_bytes("test", CONCATENATED, None, &options).unwrap().members.swap_remove(0).device_code;
    assert!(code.unread_images > 0, "each of them unpacks all");
}

#[test]
fn objects_and_archives_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let source = embed("__nv_relfatbin", "relocatable.fatbin") + SOURCE;
    cc(folder.path(), "one.o", &source, &["-c"]);
    cc(folder.path(), "two.o", "int two(void) { return 2; }", &["-c"]);
    std::fs::write(folder.path().join("readme.txt"), "no object file").unwrap();
    let status =
        Command::new("ar").current_dir(folder.path()).args(["rc", "lib.a", "one.o", "readme.txt", "two.o"]).status();
    assert!(status.unwrap().success());
    let report = scan(&folder.path().join("lib.a"), None, &Options::default()).unwrap();
    assert_eq!(report.format, FileFormat::Archive);
    let names: Vec<_> = report.members.iter().map(|member| (member.name.as_deref().unwrap(), member.kind)).collect();
    assert_eq!(names, [("one.o", MemberKind::Object), ("two.o", MemberKind::Object)]);
    let one = &report.members[0];
    let expected = scan_all(RELOCATABLE).unwrap().members[0].device_code.images.len();
    assert_eq!(one.device_code.images.len(), expected);
    // Its neighbours may use what is hidden from other files.
    assert!(one.symbols.iter().any(|symbol| symbol.name == "cuHidden"));
    assert!(!one.symbols.iter().any(|symbol| symbol.name == "cuLocal"));

    let only = scan(&folder.path().join("lib.a"), Some("two.o"), &Options::default()).unwrap();
    assert_eq!(only.members.len(), 1);
    let absent = scan(&folder.path().join("lib.a"), Some("three.o"), &Options::default());
    assert!(matches!(absent, Err(Error::NoSuchMember(name)) if name == "three.o"));
}

#[test]
fn runtimes_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    cc(
        folder.path(),
        "libcudart.so.12",
        "int cudaX(void) { return 0; }",
        &["-shared", "-fPIC", "-Wl,-soname,libcudart.so.12"],
    );
    let main = "int cudaX(void); int main(void) { return cudaX(); }";
    let shared = cc(folder.path(), "shared", main, &["-Wl,--no-as-needed", "-L.", "-l:libcudart.so.12"]);
    let known: Vec<String> = (0..150).map(|index| format!("cuFunction{index}")).collect();
    let known: Vec<(&str, u32)> =
        known.iter().map(|name| (name.as_str(), if name.ends_with('7') { 12080 } else { 2000 })).collect();
    let texts: Vec<String> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let source = format!(
        "const char first = 0;\nconst char *const names[] = {{ \"cudaErrorCudartUnloading\", {} }};\n\
         int main(int n, char **v) {{ return names[n][0]; }}",
        texts.join(", ")
    );
    let inside = cc(folder.path(), "inside", &source, &["-fno-merge-constants", "-s"]);
    let options = Options { driver_functions: &known, ..Options::default() };
    let runtime = |path: &Path| scan(path, None, &options).unwrap().members.swap_remove(0).runtime;
    let (shared, inside) = (runtime(&shared), runtime(&inside));
    assert_eq!((shared.linkage, shared.major, shared.at_least), (RuntimeLinkage::Shared, Some(12), None));
    assert_eq!((inside.linkage, inside.major), (RuntimeLinkage::Static, Some(12)));
    assert_eq!(inside.at_least.unwrap().to_string(), "12.8");
    let library = runtime(&folder.path().join("libcudart.so.12"));
    assert_eq!((library.linkage, library.major), (RuntimeLinkage::Itself, Some(12)));
    assert_eq!(runtime(&std::env::current_exe().unwrap()).linkage, RuntimeLinkage::None);
}

#[test]
fn what_a_library_exports_is_one_surface() {
    let folder = tempfile::tempdir().unwrap();
    let path = cc(folder.path(), "libthing.so", SOURCE, &["-shared", "-fPIC"]);
    let surface = exports(&path, None, SymbolChoice::Cuda).unwrap();
    assert_eq!(surface.exports.keys().collect::<Vec<_>>(), ["cuThing", "cuVariable"]);
    let all = exports(&path, None, SymbolChoice::All).unwrap();
    assert!(all.exports.contains_key("other"));
    let plain = cc(folder.path(), "plain.so", "int f(void) { return 0; }", &["-shared", "-fPIC"]);
    assert!(matches!(exports(&plain, None, SymbolChoice::Cuda), Err(Error::NoLibrary)));
}

#[test]
fn what_is_nothing_of_it_is_refused() {
    assert!(matches!(scan_all(b"prose"), Err(Error::UnknownFormat(_))));
    assert!(matches!(scan_all(b""), Err(Error::UnknownFormat(_))));
    assert!(matches!(scan_all(b"\x7fELF\x01\x01\x01"), Err(Error::ForeignElf)));
    assert!(matches!(scan_all(&FATBIN[..40]), Err(Error::Fatbin(_))));
    assert!(matches!(scan(Path::new("/nowhere/at/all"), None, &Options::default()), Err(Error::Unreadable { .. })));
}
