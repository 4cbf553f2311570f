//! Linking, as data: each file of `tests/link` holds modules, each behind a line `//- NAME`, and at its end, behind a line
//! `//= RESULT`, the linked module or what keeps them from being one. `UPDATE_EXPECT=1` writes the end anew.

use std::fs;
use std::path::{Path, PathBuf};

use ptx::ast::Module;
use ptx::check::check_module;
use ptx::link::{Input, link};

const HEADER: &str = ".version 9.0\n.target sm_90\n.address_size 64\n";
const RESULT: &str = "//= RESULT\n";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/link");
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("the folder is readable").path()).collect();
    files.sort();
    files
}

/// The modules of a case. One that begins without a version gets the usual header, which does not count as lines.
fn inputs(text: &str) -> Vec<Input> {
    let parts = text.split("//- ").skip(1);
    let input = |part: &str| {
        let (name, text) = part.split_once('\n').expect("a name is a line");
        let text = match text.trim_start().starts_with(".version") {
            true => text.to_owned(),
            false => format!("{}{text}", HEADER.replace('\n', " ")),
        };
        let module = Module::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Input { name: name.trim().to_owned(), module }
    };
    parts.map(input).collect()
}

fn result(text: &str) -> String {
    match link(&inputs(text)) {
        Ok(linked) => {
            let module = Module::parse(&linked).unwrap_or_else(|error| panic!("{error}\n{linked}"));
            let wrong = check_module(&module);
            assert!(wrong.is_empty(), "{}\n{linked}", wrong[0]);
            assert_eq!(module.to_ptx().expect("it is PTX").replace('\n', ""), linked.replace('\n', ""));
            linked
        }
        Err(errors) => errors.iter().map(|error| format!("error: {error}\n")).collect(),
    }
}

#[test]
fn modules_are_linked() {
    let mut differing = Vec::new();
    for path in cases() {
        let text = fs::read_to_string(&path).expect("a case is readable");
        let (modules, expected) = text.split_once(RESULT).unwrap_or((&text, ""));
        let found = result(modules);
        if found.trim() == expected.trim() {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, format!("{}\n\n{RESULT}{found}", modules.trim_end())).expect("a case can be written");
        } else {
            differing.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn one_module_keeps_its_text_and_none_is_an_empty_one() {
    let text = format!("{HEADER}// as it is\n.visible .entry k() {{ ret; }}\n");
    let module = Module::parse(&text).expect("it is PTX");
    assert_eq!(link(&[Input { name: "a".into(), module }]), Ok(text));
    let empty = Module::parse(&link(&[]).expect("nothing fits together")).expect("it is PTX");
    assert_eq!(empty.items.len(), 0);
}
