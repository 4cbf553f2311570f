//! Parse, print, parse again: the trees are equal.

mod common;

use ptx::ast::{Item, Module};

fn assert_round_trip(source: &common::Source) {
    fn ok<T>(source: &common::Source, step: &str, result: ptx::Result<T>) -> T {
        result.unwrap_or_else(|error| panic!("{}: {step}: {error}", source.name))
    }
    let first = ok(source, "parse", Module::parse(&source.text));
    let printed = ok(source, "print", first.to_ptx());
    let second = ok(source, "parse what was printed", Module::parse(&printed));
    assert_eq!(first.version, second.version, "{}", source.name);
    assert_eq!(first.targets, second.targets, "{}", source.name);
    assert_eq!(first.address_size, second.address_size, "{}", source.name);
    assert_eq!(first.items.len(), second.items.len(), "{}", source.name);
    for (a, b) in first.items.iter().zip(second.items.iter()) {
        assert_eq!(a, b, "{}", source.name);
        if let (Item::Function(a), Item::Function(b)) = (a, b) {
            let a = ok(source, "body", first.body(a));
            let b = ok(source, "printed body", second.body(b));
            assert_eq!(a, b, "{}", source.name);
        }
    }
    assert_eq!(printed, second.to_ptx().unwrap(), "{}: printing again gives the same text", source.name);
}

#[test]
fn committed_files_round_trip() {
    common::committed().iter().for_each(assert_round_trip);
}

#[test]
fn what_nvcc_makes_round_trips() {
    common::compiled().iter().for_each(assert_round_trip);
}

#[test]
fn trees_of_different_texts_differ() {
    let module = |body: &str| Module::parse(&format!(".version 8.0\n.target sm_80\n.entry k {{ {body} }}")).unwrap();
    let body = |text: &str| {
        let module = module(text);
        let function = module.function("k").unwrap();
        module.body(function).unwrap()
    };
    assert_eq!(body("add.s32 %r1, %r2, 1;"), body("\n  add.s32 %r1,%r2,0x1; /* same */"));
    assert_ne!(body("add.s32 %r1, %r2, 1;"), body("add.s32 %r1, %r2, 2;"));
    assert_ne!(body("add.s32 %r1, %r2, 1;"), body("@%p1 add.s32 %r1, %r2, 1;"));
    assert_ne!(body("add.s32 %r1, %r2, 1;"), body("add.u32 %r1, %r2, 1;"));
}
