//! Replacements against what they replace: both run in the interpreter, and give the same bits.

use ptx::ast::{Module, Version};
use ptx::lowering::lower_kernel;
use ptx::retarget::{Card, retarget};
use simt_interp::random::{Case, Check, Family, Rng, interpret};

/// Cards that are older than what the instructions need.
const CARDS: [u32; 4] = [75, 80, 89, 90];

const THREADS: u32 = 64;
const BLOCKS: u32 = 8;

/// Words of input of a thread: as many as an instruction has operands.
const WORDS: usize = 4;

/// Instructions that need sm_100 or later, on the registers of [`kernel`], and the least card that has a replacement.
fn instructions() -> Vec<(String, u32)> {
    let mut all: Vec<(String, u32)> = Vec::new();
    for rounding in ["", ".rn", ".rz", ".rm", ".rp"] {
        for flush in ["", ".ftz"] {
            for opcode in ["add", "sub", "mul"] {
                all.push((format!("{opcode}{rounding}{flush}.f32x2 %o1, %q1, %q2;"), 75));
            }
            if !rounding.is_empty() {
                all.push((format!("fma{rounding}{flush}.f32x2 %o1, %q1, %q2, %q3;"), 75));
            }
        }
        for half in ["f16", "bf16"] {
            for saturate in ["", ".sat"] {
                all.push((
                    format!("add{rounding}{saturate}.f32.{half} %of, %h1, %f2; mov.b64 %o1, {{%of, 0f00000000}};"),
                    75,
                ));
                all.push((
                    format!("sub{rounding}{saturate}.f32.{half} %of, %h1, %f2; mov.b64 %o1, {{%of, 0f00000000}};"),
                    75,
                ));
                if !rounding.is_empty() {
                    let fma = format!("fma{rounding}{saturate}.f32.{half} %of, %h1, %h2, %f3;");
                    all.push((fma + " mov.b64 %o1, {%of, 0f00000000};", 75));
                }
            }
        }
    }
    for operation in ["min", "max"] {
        for modifiers in ["", ".ftz", ".NaN", ".abs", ".ftz.NaN", ".NaN.abs", ".ftz.NaN.abs"] {
            let least = if modifiers.contains("NaN") { 80 } else { 75 };
            all.push((
                format!("{operation}{modifiers}.f32 %of, %f1, %f2, %f3; mov.b64 %o1, {{%of, 0f00000000}};"),
                least,
            ));
        }
        for modifiers in ["", ".abs", ".NaN", ".abs.NaN"] {
            let redux = format!("redux.sync.{operation}{modifiers}.f32 %of, %f1, %members;");
            all.push((redux + " mov.b64 %o1, {%of, 0f00000000};", 75));
        }
    }
    // From sm_80 on as they are.
    for (operation, types) in
        [("add", "u32 s32"), ("min", "u32 s32"), ("max", "u32 s32"), ("and", "b32"), ("or", "b32"), ("xor", "b32")]
    {
        for ty in types.split(' ') {
            all.push((format!("redux.sync.{operation}.{ty} %or, %r1, %members; cvt.u64.u32 %o1, %or;"), 75));
        }
    }
    all.push((
        "elect.sync %or|%p2, %members; selp.b32 %r2, 100, 200, %p2; add.u32 %or, %or, %r2; cvt.u64.u32 %o1, %or;"
            .to_owned(),
        75,
    ));
    all.extend(conversions().into_iter().map(|text| (text, 75)));
    all.push(("ld.global.v4.b64 {%o1, %o2, %o3, %o4}, [%in]; xor.b64 %o1, %o1, %o2; add.u64 %o3, %o3, %o4; mad.lo.u64 %o1, %o3, 7, %o1;".to_owned(), 75));
    all.push(("ld.global.v4.b64 {%o4, %o2, _, _}, [%o4]; @%p1 xor.b64 %o1, %o4, %o2;".to_owned(), 75));
    all.push(("st.global.v4.b64 [%buffer], {%q1, %q2, %q3, %q4}; ld.global.b64 %o1, [%buffer+24];".to_owned(), 75));
    all.push((
        "st.global.v8.f32 [%buffer], {%f1, %f2, %f3, %f1, %f2, %f3, %f1, %f2}; ld.global.b64 %o1, [%buffer+16];"
            .to_owned(),
        75,
    ));
    all
}

/// Conversions to and from narrow formats.
fn conversions() -> Vec<String> {
    let mut all = Vec::new();
    let word = "cvt.u64.u16 %o1, %oh;";
    let byte = "cvt.u64.u8 %o1, %oc;";
    for relu in ["", ".relu"] {
        for to in ["e4m3x2", "e5m2x2", "e2m3x2", "e3m2x2"] {
            all.push(format!("cvt.rn.satfinite{relu}.{to}.f32 %oh, %f1, %f2; {word}"));
            all.push(format!("cvt.rn.satfinite{relu}.{to}.f16x2 %oh, %r1; {word}"));
            all.push(format!("cvt.rn{relu}.f16x2.{to} %or, %h1; cvt.u64.u32 %o1, %or;"));
            all.push(format!("cvt.rn.satfinite{relu}.{to}.bf16x2 %oh, %r1; {word}"));
        }
        all.push(format!("cvt.rn.satfinite{relu}.e2m1x2.f32 %oc, %f1, %f2; {byte}"));
        all.push(format!("cvt.rn.satfinite{relu}.e2m1x2.f16x2 %oc, %r1; {byte}"));
        all.push(format!("cvt.rn{relu}.f16x2.e2m1x2 %or, %c1; cvt.u64.u32 %o1, %or;"));
        for rounding in [".rn", ".rz"] {
            for saturate in ["", ".satfinite"] {
                all.push(format!("cvt{rounding}{relu}{saturate}.tf32.f32 %or, %f1; cvt.u64.u32 %o1, %or;"));
            }
        }
    }
    for rounding in [".rn", ".rz"] {
        all.push(format!("cvt{rounding}.f16x2.f32 %or, %f1, %f2; cvt.u64.u32 %o1, %or;"));
    }
    for rounding in [".rz", ".rp"] {
        for saturate in ["", ".satfinite"] {
            all.push(format!("cvt{rounding}{saturate}.ue8m0x2.f32 %oh, %f1, %f2; {word}"));
            all.push(format!("cvt{rounding}{saturate}.ue8m0x2.bf16x2 %oh, %r1; {word}"));
        }
    }
    all.push("cvt.rn.bf16x2.ue8m0x2 %or, %h1; cvt.u64.u32 %o1, %or;".to_owned());
    all
}

/// A kernel that runs an instruction on a thread's inputs; `guard` is on its first instruction.
fn kernel(instruction: &str, guard: &str) -> String {
    format!(
        ".version 9.1\n.target sm_120a\n.address_size 64\n.global .align 32 .b8 kept[{bytes}];\n\
         .visible .entry k(.param .u64 input, .param .u64 output)\n{{\n\
         .reg .pred %p<3>; .reg .b8 %c<3>; .reg .b8 %oc; .reg .b16 %h<4>; .reg .b16 %oh; .reg .b32 %r<9>; .reg .b32 %or; .reg .b32 %members;\n\
         .reg .f32 %f<5>; .reg .f32 %of; .reg .b64 %q<9>; .reg .b64 %o<5>; .reg .b64 %in; .reg .b64 %out; .reg .b64 %buffer;\n\
         ld.param.u64 %in, [input]; ld.param.u64 %out, [output];\n\
         mov.u32 %r5, %ctaid.x; mov.u32 %r6, %ntid.x; mov.u32 %r7, %tid.x; mad.lo.u32 %r5, %r5, %r6, %r7;\n\
         mul.wide.u32 %q6, %r5, 32; add.u64 %in, %in, %q6; mul.wide.u32 %q7, %r5, 8; add.u64 %out, %out, %q7;\n\
         mov.u64 %buffer, kept; add.u64 %buffer, %buffer, %q6;\n\
         ld.global.b64 %q1, [%in]; ld.global.b64 %q2, [%in+8]; ld.global.b64 %q3, [%in+16]; ld.global.b64 %q4, [%in+24];\n\
         mov.b64 {{%f1, %f4}}, %q1; mov.b64 {{%f2, %f4}}, %q2; mov.b64 {{%f3, %f4}}, %q3;\n\
         cvt.u32.u64 %r1, %q1; cvt.u16.u64 %h1, %q1; cvt.u16.u64 %h2, %q2; cvt.u8.u64 %c1, %q1;\n\
         and.b32 %r2, %r7, 3; setp.ne.u32 %p1, %r2, 0; mov.u32 %members, {members};\n\
         mov.b64 %o1, 0; mov.b64 %o2, 0; mov.b64 %o3, 0; mov.b64 %o4, %in; mov.b32 %or, 0; mov.f32 %of, 0f00000000; mov.b16 %oh, 0;\n\
         cvt.u8.u32 %oc, %or; setp.ne.u32 %p2, %r7, %r7;\n\
         {guard}{instruction}\nst.global.b64 [%out], %o1; ret;\n}}\n",
        bytes = 32 * THREADS * BLOCKS,
        members = if guard.is_empty() { "0xffffffff" } else { "0xeeeeeeee" },
    )
}

/// Words that floats of all formats are most likely to be misread with.
fn inputs(seed: u64) -> Vec<u64> {
    let mut rng = Rng::of(Family::Convert, seed);
    let single = |rng: &mut Rng| -> u32 {
        let bits = rng.bits();
        const SPECIAL: [u32; 14] = [
            0,
            0x8000_0000,
            1,
            0x8000_0001,
            0x007f_ffff,
            0x0080_0000,
            0x7f7f_ffff,
            0x7f80_0000,
            0xff80_0000,
            0x7fc0_0000,
            0x7f80_0001,
            0x3f80_0000,
            0xbf80_0000,
            0x0040_0000,
        ];
        match bits % 4 {
            0 => SPECIAL[(bits >> 8) as usize % SPECIAL.len()],
            // Near the ranges of narrow formats.
            1 => ((bits >> 8) as u32 & 0x807f_ffff) | ((110 + (bits >> 40) as u32 % 30) << 23),
            // On the border between two narrow numbers.
            2 => ((bits >> 8) as u32 & 0x80f0_0000) | ((118 + (bits >> 40) as u32 % 16) << 23),
            _ => (bits >> 16) as u32,
        }
    };
    let word = |rng: &mut Rng| u64::from(single(rng)) << 32 | u64::from(single(rng));
    (0..(THREADS * BLOCKS) as usize * WORDS).map(|_| word(&mut rng)).collect()
}

/// The outputs of a text.
fn run(text: &str, inputs: &[u64]) -> Vec<u64> {
    let module = Module::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let (program, _) = lower_kernel(&module, "k").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let case = Case {
        code: (),
        blocks: BLOCKS,
        threads: THREADS,
        input_words: WORDS,
        output_words: 1,
        scratch_words: 0,
        inputs: inputs.to_vec(),
        checks: vec![Check::Exact],
    };
    let symbols = [("kept".to_owned(), vec![0; 32 * (THREADS * BLOCKS) as usize])];
    interpret(&program, &case, &symbols).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

fn card(sm: u32) -> Card {
    Card { sm, version_max: Version { major: 9, minor: 0 } }
}

#[test]
fn replacements_give_the_same_bits() {
    let mut replaced = 0;
    for (index, (instruction, least)) in instructions().into_iter().enumerate() {
        let inputs = inputs(index as u64);
        for guard in ["", "@%p1 "] {
            let text = kernel(&instruction, guard);
            let expected = run(&text, &inputs);
            for sm in CARDS.into_iter().filter(|sm| *sm >= least) {
                let result = retarget(&text, &card(sm)).unwrap_or_else(|refusal| panic!("{instruction}: {refusal}"));
                replaced += result.replaced.len();
                let actual = run(&result.text, &inputs);
                let wrong = expected.iter().zip(&actual).position(|(expected, actual)| expected != actual);
                if let Some(place) = wrong {
                    panic!(
                        "{guard}{instruction} on sm_{sm}: inputs {:x?}, {:x} instead of {:x}\n{}",
                        &inputs[place * WORDS..][..WORDS],
                        actual[place],
                        expected[place],
                        result.text
                    );
                }
            }
        }
    }
    assert!(replaced > 1000, "{replaced} instructions were replaced");
}

#[test]
fn what_was_made_for_a_card_is_taken_as_it_is() {
    for (instruction, least) in instructions() {
        for sm in CARDS.into_iter().filter(|sm| *sm >= least) {
            let once = retarget(&kernel(&instruction, ""), &card(sm)).unwrap().text.into_owned();
            let again = retarget(&once, &card(sm)).unwrap();
            assert_eq!(again.text, once);
            // No instruction of it needs more than the card has, by the declared forms.
            let newer = once.replace(&format!(".target sm_{sm}"), ".target sm_120");
            assert!(retarget(&newer, &card(sm)).unwrap().replaced.is_empty(), "{instruction}: {once}");
        }
    }
}

/// A kernel with a body that leaves its result in `%o1`.
fn kernel_with_body(body: &str) -> String {
    format!(
        ".version 9.1\n.target sm_120a\n.address_size 64\n.global .align 32 .b8 kept[{bytes}];\n\
         .visible .entry k(.param .u64 input, .param .u64 output)\n{{\n\
         .shared .align 8 .b64 bar; .shared .align 8 .b32 word[{THREADS}];\n\
         .reg .pred %p<6>; .reg .b32 %r<12>; .reg .b64 %q<9>; .reg .b64 %o<2>;\n\
         ld.param.u64 %q8, [output]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, {THREADS}, %r1;\n\
         mul.wide.u32 %q7, %r3, 8; add.u64 %q8, %q8, %q7; mov.b64 %o1, 0;\n{body}\nst.global.b64 [%q8], %o1; ret;\n}}\n",
        bytes = 32 * THREADS * BLOCKS,
    )
}

/// Runs a body as it is and as it is made for cards; the number of replacements.
fn is_the_same(body: &str, cards: &[u32]) -> usize {
    let inputs = inputs(7);
    let text = kernel_with_body(body);
    let expected = run(&text, &inputs);
    let mut replaced = 0;
    for sm in cards {
        let result = retarget(&text, &card(*sm)).unwrap_or_else(|refusal| panic!("{refusal}"));
        replaced += result.replaced.len();
        assert_eq!(run(&result.text, &inputs), expected, "on sm_{sm}\n{}", result.text);
    }
    assert!(expected.iter().any(|word| *word != 0), "nothing was computed");
    replaced
}

#[test]
fn barriers_of_younger_cards_complete_the_same_phases() {
    // All arrive three at a time; then every other thread six at a time, and nobody takes part any more.
    let wait = |label: &str, test: &str| {
        format!(
            "mov.u32 %r5, 0;\n{label}: add.u32 %r5, %r5, 1; mbarrier.try_wait{test};\n\
             setp.gt.u32 %p3, %r5, 1000; or.pred %p3, %p3, %p2; @!%p3 bra {label};\n\
             selp.b64 %q3, 1, 2, %p2; mad.lo.u64 %o1, %o1, 5, %q3;\n"
        )
    };
    let body = format!(
        "setp.eq.u32 %p1, %r1, 0; @%p1 mbarrier.init.shared.b64 [bar], {all}; fence.mbarrier_init.release.cluster; bar.sync 0;\n\
         mbarrier.arrive.release.cluster.shared::cluster.b64 _, [bar], 1; mbarrier.arrive.shared::cta.b64 %q1, [bar], 2;\n{first}\
         and.b32 %r4, %r1, 1; setp.eq.u32 %p4, %r4, 0;\n\
         @%p4 mbarrier.arrive_drop.shared.b64 %q2, [bar], 6;\n{second}",
        all = 3 * THREADS,
        first = wait("AGAIN", ".shared.b64 %p2, [bar], %q1"),
        second = wait("MORE", ".parity.acquire.cta.shared::cta.b64 %p2, [bar], 1, 100"),
    );
    assert!(is_the_same(&body, &[80, 86, 89, 90]) >= 3 * 6);
    // The number that is pending would be another one.
    let asks = body + "mbarrier.pending_count.b64 %r6, %q1;";
    let refusal = retarget(&kernel_with_body(&asks), &card(80)).unwrap_err().to_string();
    assert!(refusal.contains("with a count needs sm_90"), "{refusal}");
}

#[test]
fn the_only_block_of_a_cluster_is_asked_about_itself() {
    let body = "mov.u32 %r4, word; shl.b32 %r5, %r1, 2; add.u32 %r4, %r4, %r5; griddepcontrol.wait;\n\
         mapa.shared::cluster.u32 %r6, %r4, 0; add.u32 %r7, %r1, 11; st.shared::cluster.u32 [%r6], %r7; bar.sync 0;\n\
         atom.add.release.cluster.shared::cluster.u32 %r8, [%r6], 5; ld.shared.u32 %r9, [%r4];\n\
         getctarank.shared::cluster.u32 %r10, %r6; mov.pred %p1, %is_explicit_cluster; selp.b32 %r11, 7, 3, %p1;\n\
         cvt.u64.u32 %q1, %r4; cvta.shared.u64 %q2, %q1; isspacep.shared::cluster %p2, %q2;\n\
         isspacep.shared::cluster %p3, %q8; selp.b32 %r5, 1, 0, %p2; selp.b32 %r6, 2, 0, %p3;\n\
         mad.lo.u32 %r8, %r8, 1000, %r9; mad.lo.u32 %r10, %r10, 100, %r11; mad.lo.u32 %r5, %r5, 10, %r6;\n\
         add.u32 %r8, %r8, %r10; add.u32 %r8, %r8, %r5; griddepcontrol.launch_dependents; cvt.u64.u32 %o1, %r8;";
    assert!(is_the_same(body, &[75, 80, 89]) >= 3 * 9);
}

/// That a comparison as above finds a replacement that is wrong.
#[test]
fn a_wrong_replacement_is_found() {
    let text = kernel("add.rz.f32x2 %o1, %q1, %q2;", "");
    let inputs = inputs(1);
    let new = retarget(&text, &card(90)).unwrap().text.replace("add.rz.f32", "add.rn.f32");
    assert_ne!(run(&text, &inputs), run(&new, &inputs));
}
