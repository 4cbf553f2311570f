//! Kernels that carry more vectors than there are registers, from wait to wait or around a loop: compiled code computes one slice of the warp after the
//! other, and gives what the interpreter gives.

mod common;

use std::fmt::Write;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block.
const THREADS: u32 = 128;

/// Sums of a thread: four rows of four.
const SUMS: usize = 16;

/// What a turn of the loop does between its products.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Between {
    Nothing,
    /// Stores to shared memory what later loads of the turn read.
    Stores,
    /// Overwrites what all sums have used before.
    Overwrites,
    /// Exchanges a sum with another lane, which needs all slices.
    Shuffles,
    /// Sums change places.
    Turns,
}

/// Each thread has 16 sums, and adds products of a row of one tile and a column of the other to them, `depth` times a turn, with two barriers in each
/// turn or none.
fn case(depth: usize, waits: bool, between: Between) -> Case<String> {
    let mut turn = String::new();
    for step in 0..depth {
        let _ = writeln!(turn, "ld.shared.v4.f32 {{%a0, %a1, %a2, %a3}}, [%r4+{}];", step * 16);
        let _ = writeln!(turn, "ld.shared.v4.f32 {{%b0, %b1, %b2, %b3}}, [%r5+{}];", step * 256);
        for sum in 0..SUMS {
            let _ = writeln!(turn, "fma.rn.f32 %s{sum}, %a{}, %b{}, %s{sum};", sum / 4, sum % 4);
        }
        match between {
            Between::Stores if step + 1 < depth => {
                let _ = writeln!(turn, "st.shared.f32 [%r6+{}], %s{};", 4096 + step * 4, step % SUMS);
                let _ = writeln!(turn, "ld.shared.f32 %t0, [%r6+{}];", 4096 + step * 4);
                let _ = writeln!(turn, "add.f32 %s{0}, %s{0}, %t0;", (step + 5) % SUMS);
            }
            Between::Overwrites if step + 1 < depth => {
                turn += "ld.shared.v2.f32 {%t0, %t2}, [%r6+4096];\n";
                for sum in 0..SUMS {
                    let _ = writeln!(turn, "fma.rn.f32 %s{sum}, %t{}, %t{}, %s{sum};", sum % 2 * 2, sum % 3 / 2 * 2);
                }
                let _ = writeln!(turn, "mov.f32 %t3, 0f3f{step}00000; st.shared.v2.f32 [%r6+4096], {{%t3, %t3}};");
            }
            Between::Shuffles if step == 0 => {
                turn += "mov.b32 %r8, %s3; shfl.sync.bfly.b32 %r9, %r8, 17, 31, -1; mov.b32 %s3, %r9;\n";
            }
            Between::Turns if step == 0 => {
                turn += "mov.f32 %t0, %s0; mov.f32 %s0, %s7; mov.f32 %s7, %s15; mov.f32 %s15, %t0;\n";
            }
            _ => {}
        }
    }
    let barrier = if waits { "bar.sync 0;" } else { "" };
    // With barriers every turn begins with other tiles.
    let refill =
        if waits { "mul.f32 %t1, %t1, %f2; st.shared.f32 [%r7], %t1; st.shared.f32 [%r7+2048], %t1;" } else { "" };
    let clear: String = (0..SUMS).map(|sum| format!("mov.f32 %s{sum}, 0f00000000;\n")).collect();
    let store: String = (0..SUMS / 2)
        .map(|pair| {
            format!("mov.b64 %rd6, {{%s{}, %s{}}}; st.global.u64 [%rd5+{}], %rd6;\n", 2 * pair, 2 * pair + 1, pair * 8)
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
    .reg .b32 %r<16>;
    .reg .f32 %f<4>;
    .reg .f32 %s<{SUMS}>;
    .reg .f32 %a<4>;
    .reg .f32 %b<4>;
    .reg .f32 %t<4>;
    .reg .b64 %rd<10>;
    .shared .align 16 .b8 tiles[12288];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    mul.wide.u32 %rd3, %r1, {bytes};
    add.s64 %rd5, %rd2, %rd3;
    ld.global.v2.f32 {{%t1, %f2}}, [%rd4];
    mov.u32 %r3, tiles;
    shl.b32 %r7, %r1, 2;
    add.s32 %r7, %r7, %r3;
    st.shared.f32 [%r7], %t1;
    st.shared.f32 [%r7+512], %f2;
    st.shared.f32 [%r7+1024], %t1;
    st.shared.f32 [%r7+1536], %f2;
    st.shared.f32 [%r7+2048], %f2;
    st.shared.f32 [%r7+2560], %t1;
    st.shared.f32 [%r7+3072], %f2;
    st.shared.f32 [%r7+3584], %t1;
    shl.b32 %r8, %r1, 5;
    add.s32 %r8, %r8, %r3;
    st.shared.v2.f32 [%r8+4096], {{%t1, %f2}};
    shr.u32 %r4, %r1, 4;
    shl.b32 %r4, %r4, 6;
    add.s32 %r4, %r4, %r3;
    and.b32 %r5, %r1, 15;
    shl.b32 %r5, %r5, 4;
    add.s32 %r5, %r5, %r3;
    add.s32 %r5, %r5, 2048;
    shl.b32 %r6, %r1, 5;
    add.s32 %r6, %r6, %r3;
    {clear}
    bar.sync 0;
    mov.u32 %r2, 3;
$turn:
    {refill}
    {barrier}
    {turn}
    {barrier}
    sub.s32 %r2, %r2, 1;
    setp.ne.s32 %p1, %r2, 0;
    @%p1 bra $turn;
    {store}
    ret;
}}
",
        bytes = SUMS * 4,
    );
    Case {
        code,
        blocks: 2,
        threads: THREADS,
        input_words: 1,
        output_words: SUMS / 2,
        scratch_words: 0,
        inputs: (0..2 * u64::from(THREADS)).map(pair).collect(),
        checks: vec![Check::Exact; SUMS / 2],
    }
}

/// Two numbers that neither vanish nor grow in a few turns.
fn pair(thread: u64) -> u64 {
    let number = |index: u64| u64::from((0.5 + (index * 37 % 101) as f32 / 64.0).to_bits());
    number(2 * thread) | number(2 * thread + 1) << 32
}

#[test]
fn slices_are_computed_as_the_interpreter_does() {
    let device = Device::new();
    if !device.has_fma() {
        return;
    }
    for between in [Between::Nothing, Between::Stores, Between::Overwrites, Between::Shuffles, Between::Turns] {
        for (depth, waits) in [(1, true), (4, true), (6, false)] {
            let lowered = Lowered::new(case(depth, waits, between)).expect("the text is PTX");
            let name = format!("{depth} steps, waits {waits}, {between:?}");
            lowered.assert_same_everywhere(&device, &[16, 32, THREADS], None, &name);
        }
    }
}
