//! What hand-written PTX has and compilers do not write.

use ptx::ast::{Item, Module, Statement};
use ptx::lowering::lower_kernel;

const MODULE: &str = r#".version 8.8
.target sm_90
.address_size 64
.pragma "one", "two";
.align 32 .global .b8 aligned[8];
.attribute(.managed) .global .b32 managed;
.visible .entry k()
{
    .reg .b32 %r<4>;
    .reg .b64 %q<4>;
    .reg .f32 %f<4>;
    .shared .b16 halves[8];
    .pragma "three", "four";
    mov.u64 %q1, aligned[4];
    ld.global.b8 {%r1}, [%q1];
    st.shared.b16 halves[3], %r1;
    mov.f32 %f1, .5e-1;
    add.f32 %f1, %f1, -.25;
    targets: .branchtargets L<2>, other;
    brx.idx %r1, targets;
L0:
L1:
other:
    ret;
}
"#;

#[test]
fn it_is_read_and_printed() {
    let module = Module::parse(MODULE).unwrap();
    let function = module.function("k").unwrap();
    let body = module.body(function).unwrap();
    let again = Module::parse(&module.to_ptx().unwrap()).unwrap();
    assert_eq!(module.items.len(), again.items.len());
    let printed = again.body(again.function("k").unwrap()).unwrap();
    assert_eq!(body, printed);
    let lists: Vec<String> = body
        .statements
        .iter()
        .filter_map(|statement| match statement {
            Statement::BranchTargets(_, names) => Some(format!("{names:?}")),
            Statement::Pragma(texts) => Some(format!("{texts:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(lists, [r#"["three", "four"]"#, r#"["L0", "L1", "other"]"#]);
    let Some(Item::Variables(aligned)) = module.items.get(1) else { panic!("variables follow the pragma") };
    assert_eq!(aligned.align, Some(32));
}

#[test]
fn elements_are_addresses() {
    let module = Module::parse(MODULE).unwrap();
    let (program, _) = lower_kernel(&module, "k").unwrap();
    let text = program.to_string();
    assert!(text.contains("store shared i16 weak offset 6 "), "element 3 of two bytes each:\n{text}");
    assert!(text.contains("i64 0x4"), "element 4 of a byte each:\n{text}");
}

/// What is wrong with an instruction in a kernel of its own.
fn objection(version: &str, instruction: &str) -> Option<String> {
    let text = format!(
        ".version {version}\n.target sm_30\n.address_size 64\n.global .b32 scalar; .global .b32 table[2][2];\n\
         .visible .entry k() {{ .reg .f32 %f<5>; .reg .b32 %r<5>; .reg .b64 %q<3>;\n{instruction}\nret; }}"
    );
    let module = match Module::parse(&text) {
        Ok(module) => module,
        Err(error) => return Some(error.message),
    };
    match lower_kernel(&module, "k") {
        Ok((program, _)) => {
            let text = program.to_string();
            text.lines().find(|line| line.contains("unsupported")).map(str::to_owned)
        }
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn a_rounding_may_be_left_out_until_it_is_asked_for() {
    assert_eq!(objection("3.1", "mad.sat.f32 %f1, %f2, %f3, %f4;"), None);
    assert!(objection("3.2", "mad.sat.f32 %f1, %f2, %f3, %f4;").is_some());
}

#[test]
fn what_is_no_element_is_refused() {
    for instruction in [
        "mov.u64 %q1, scalar[0];",
        "mov.u64 %q1, table[0];",
        "mov.u32 %r1, %r2[0];",
        "ld.global.b32 %r1, scalar;",
        "mov.u64 %q1, table[1.5];",
        "mov.u64 %q1, table[%r1];",
        "t: .branchtargets L<9999999>;",
        "mov.f32 %f1, .x;",
    ] {
        assert!(objection("8.0", instruction).is_some(), "{instruction}");
    }
}
