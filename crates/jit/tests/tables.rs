//! Lookups in small tables in shared memory (`simt-llvm/src/emit/tables.rs`): compiled code takes tables apart, and the interpreter says what is found.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Bytes of the table.
const TABLE_BYTES: u32 = 1024;

/// Each thread looks up what the bytes of its word choose, several times over, changes a word of the table, and does so once more.
fn case(bytes: u32, elements: u32, guard: &str) -> Case<String> {
    let load = format!("ld.shared.{}", ["u8", "u16", "", "u32"][bytes as usize - 1]);
    let lookups: String = (0..16)
        .map(|turn| {
            let shift = turn % 4 * 8;
            format!(
                "
    shr.u32 %r10, %r2, {shift};
    and.b32 %r10, %r10, {mask};
    mad.lo.s32 %r11, %r10, {bytes}, %r3;
    {guard} {load} %r12, [%r11];
    mad.lo.s32 %r2, %r2, 69069, %r12;",
                mask = elements - 1,
            )
        })
        .collect();
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<3>;
    .reg .b32 %r<20>;
    .reg .b64 %rd<12>;
    .shared .align 4 .b8 before[12];
    .shared .align 4 .b8 table[{TABLE_BYTES}];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    ld.global.u32 %r2, [%rd4];
    ld.global.u32 %r4, [%rd4+4];
    mov.u32 %r3, table;
    shl.b32 %r5, %r1, 2;
    add.s32 %r6, %r3, %r5;
    st.shared.u32 [%r6], %r2;
    st.shared.u32 [%r6+512], %r4;
    and.b32 %r7, %r1, 3;
    setp.ne.s32 %p1, %r7, 1;
    mov.u32 %r12, 77;
    bar.sync 0;
    {lookups}
    bar.sync 0;
    mul.lo.s32 %r8, %r2, 5;
    @%p1 st.shared.u32 [%r6], %r8;
    bar.sync 0;
    {lookups}
    cvt.u64.u32 %rd6, %r2;
    add.s64 %rd8, %rd2, %rd3;
    st.global.u64 [%rd8], %rd6;
    ret;
}}
"
    );
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..2 * u64::from(THREADS)).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1)).collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn tables_are_looked_up_in_as_the_interpreter_does() {
    let device = Device::new();
    for bytes in [1, 2, 4] {
        for elements in [16, 64, 128, 256] {
            for guard in ["", "@%p1"] {
                let lowered = Lowered::new(case(bytes, elements, guard)).expect("the text is PTX");
                let name = format!("{elements} elements of {bytes} bytes {guard}");
                lowered.assert_same_everywhere(&device, &[32, 64, THREADS], None, &name);
            }
        }
    }
}
