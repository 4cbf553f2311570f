//! What is taken as it is, what is replaced, what is refused.

use super::{Card, Refusal, Retargeted, retarget};
use crate::ast::Version;

const H200: Card = Card { sm: 90, version_max: Version { major: 9, minor: 0 } };

fn kernel(target: &str, body: &str) -> String {
    format!(
        ".version 8.8\n.target {target}\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n.reg .pred %p<2>; .reg .b16 %h<4>; \
         .reg .b32 %r<9>; .reg .f32 %f<9>; .reg .b64 %rd<9>;\n{body}\nret;\n}}\n"
    )
}

fn on_h200(text: &str) -> Result<Retargeted<'_>, Refusal> {
    retarget(text, &H200)
}

#[test]
fn what_the_card_takes_is_not_touched() {
    let text = kernel("sm_90a", "// a comment\nmov.u32 %r1, %cluster_ctarank;");
    assert_eq!(on_h200(&text).unwrap().text, text);
    let older = kernel("sm_75", "mov.u32 %r1, %tid.x;");
    assert!(matches!(on_h200(&older).unwrap().text, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn target_and_version_become_the_card_s() {
    let text = kernel("sm_120, debug", "mov.u32 %r1, %tid.x;");
    let new = on_h200(&text).unwrap().text.into_owned();
    assert!(new.starts_with(".version 8.8\n.target sm_90, debug\n"), "{new}");
    let driver = Card { version_max: Version { major: 8, minor: 4 }, ..H200 };
    let older = retarget(&new, &driver).unwrap().text.into_owned();
    assert!(older.starts_with(".version 8.4\n.target sm_90, debug\n"), "{older}");
    assert_eq!(retarget(&older, &driver).unwrap().text, older);
}

#[test]
fn a_replacement_is_a_block_with_the_guard_on_its_result() {
    let text = kernel("sm_120", "@!%p1 fma.rn.ftz.f32x2 %rd1, %rd2, %rd3, %rd4;");
    let result = on_h200(&text).unwrap();
    assert_eq!(result.replaced.len(), 1);
    assert_eq!((result.replaced[0].instruction.as_str(), result.replaced[0].line), ("fma.rn.ftz.f32x2", 7));
    assert!(result.text.contains("fma.rn.ftz.f32 %apexu_f6, %apexu_f0, %apexu_f2, %apexu_f4;"), "{}", result.text);
    assert!(result.text.contains("@!%p1 mov.b64 %rd1, {%apexu_f6, %apexu_f7};"), "{}", result.text);
    assert!(!result.text.contains("f32x2"), "{}", result.text);
}

#[test]
fn a_wide_load_may_overwrite_its_own_address() {
    let load = |list: &str| {
        let text = kernel("sm_120", &format!("ld.global.L2::evict_last.v4.b64 {{{list}}}, [%rd1+32];"));
        let text = on_h200(&text).unwrap().text.into_owned();
        let lines: Vec<String> =
            text.lines().map(|line| line.trim().to_owned()).filter(|line| line.starts_with("ld.")).collect();
        lines
    };
    let (low, high) = ("ld.global.v2.b64 {%rd1, %rd2}, [%rd1+32];", "ld.global.v2.b64 {%rd3, %rd4}, [%rd1+48];");
    assert_eq!(load("%rd1, %rd2, %rd3, %rd4"), [high, low]);
    assert_eq!(load("%rd3, %rd4, %rd1, %rd2")[1], "ld.global.v2.b64 {%rd1, %rd2}, [%rd1+48];");
    assert_eq!(load("_, _, %rd3, %rd4"), [high]);
}

#[test]
fn what_has_no_replacement_is_refused_by_name_and_line() {
    let text = kernel(
        "sm_120a",
        "mov.u32 %r1, %tid.x;\nst.bulk.weak.shared::cta [%rd1], %rd2, 0;\nred.async.mmio.release.sys.global.add.u32 [%rd1], %r1;",
    );
    let refusal = on_h200(&text).unwrap_err();
    assert_eq!((refusal.target.as_str(), refusal.count), ("sm_120a", 2));
    assert_eq!((refusal.errors[0].line, refusal.errors[1].line), (8, 9));
    let said = refusal.to_string();
    assert!(said.contains("PTX for sm_120a cannot run on a card of sm_90"), "{said}");
    assert!(said.contains("`st.bulk.weak.shared::cta` needs sm_100 and PTX 8.6, and has no replacement"), "{said}");

    let unknown = on_h200(&kernel("sm_120", "frobnicate.b32 %r1;")).unwrap_err().to_string();
    assert!(unknown.contains("`frobnicate` is not a known instruction"), "{unknown}");
    assert!(on_h200("no PTX at all").is_err());
    let many = kernel("sm_120", &"frobnicate.b32 %r1;\n".repeat(30));
    assert!(on_h200(&many).unwrap_err().to_string().ends_with("and 10 more"));
}

#[test]
fn what_exists_on_one_card_alone_stays_there() {
    let registers = kernel("sm_120a", "setmaxnreg.inc.sync.aligned.u32 64;");
    assert!(on_h200(&registers).unwrap().text.contains(".target sm_90a\n"));
    let text = kernel("sm_90a", "wgmma.fence.sync.aligned;");
    assert!(on_h200(&text).is_ok());
    let refusal = retarget(&text, &Card { sm: 120, ..H200 }).unwrap_err().to_string();
    assert!(refusal.contains("`wgmma.fence.sync.aligned` exists on sm_90 alone"), "{refusal}");
}

#[test]
fn clusters_of_one_block_are_there_on_every_card() {
    let card = Card { sm: 75, ..H200 };
    let text =
        kernel("sm_90", "mov.u32 %r1, %clusterid.y; mov.u32 %r2, %cluster_nctarank; mov.u32 %r3, %cluster_ctaid.x;");
    let new = retarget(&text, &card).unwrap().text.into_owned();
    for line in ["mov.u32 %r1, %ctaid.y;", "mov.u32 %r2, 1;", "mov.u32 %r3, 0;"] {
        assert!(new.contains(line), "{new}");
    }
    let needs = text.replace(".param .u64 p)", ".param .u64 p) .reqnctapercluster 2, 1, 1");
    let refusal = retarget(&needs, &card).unwrap_err().to_string();
    assert!(refusal.contains("`.reqnctapercluster` with clusters needs sm_90"), "{refusal}");
}

#[test]
fn names_of_a_replacement_s_own_are_not_mixed_up() {
    let text = kernel("sm_120", ".reg .b64 %apexu_q; add.f32x2 %apexu_q, %rd1, %rd2;");
    assert!(on_h200(&text).is_err());
}
