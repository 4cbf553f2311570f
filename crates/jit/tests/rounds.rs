//! Warps that go on one after the other without the engine (`simt-llvm/src/emit/round.rs`): barriers at several places, of several kinds, and warps
//! that end, in turns as the interpreter takes them.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Each turn every thread hands a word to one of the next warp. Odd warps wait at a barrier of their own, and now and then all do at
/// one with another number and count threads at a third. Warps end by and by, the last of them first, or in the middle of a turn.
const TURNS: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry k(.param .u64 input, .param .u64 output)
{
    .reg .pred %p<9>;
    .reg .b32 %r<24>;
    .reg .b64 %rd<16>;
    .shared .align 4 .b8 words[4096];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ntid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mul.wide.u32 %rd3, %r1, 8;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
    ld.global.u32 %r3, [%rd4];
    shr.u32 %r4, %r1, 5;
    and.b32 %r5, %r4, 1;
    setp.ne.s32 %p1, %r5, 0;
    mov.u32 %r6, words;
    shl.b32 %r7, %r1, 2;
    add.s32 %r7, %r6, %r7;
    add.s32 %r8, %r1, 33;
    rem.u32 %r8, %r8, %r2;
    shl.b32 %r8, %r8, 2;
    add.s32 %r8, %r6, %r8;
    mov.u32 %r9, 0;
    mov.u32 %r10, 0;
    st.shared.u32 [%r7], %r3;
    bar.sync 0;
    LEAVE
$turn:
    mad.lo.s32 %r11, %r3, 3, %r9;
    st.shared.u32 [%r7], %r11;
    @%p1 bra $odd;
    bar.sync 0;
    ld.shared.u32 %r12, [%r8];
    xor.b32 %r3, %r3, %r12;
    bra.uni $met;
$odd:
    mul.lo.s32 %r3, %r3, 5;
    bar.sync 0;
    ld.shared.u32 %r12, [%r8];
    add.s32 %r3, %r3, %r12;
$met:
    MIDDLE
    bar.sync 0;
    add.s32 %r9, %r9, 1;
    st.global.u32 [%rd5], %r3;
    setp.lt.s32 %p3, %r9, %r13;
    @%p3 bra $turn;
    cvt.u64.u32 %rd6, %r3;
    cvt.u64.u32 %rd7, %r10;
    shl.b64 %rd7, %rd7, 32;
    or.b64 %rd6, %rd6, %rd7;
    st.global.u64 [%rd5], %rd6;
    ret;
}
";

/// Every thread takes as many turns.
const TOGETHER: &str = "mov.u32 %r13, COUNT;";

/// The later the warp, the fewer turns.
const LATER_FEWER: &str = "mov.u32 %r13, COUNT; sub.s32 %r13, %r13, %r4;";

/// The earlier the warp, the fewer turns.
const EARLIER_FEWER: &str = "add.s32 %r13, %r4, COUNT;";

/// The first warp ends at once, and so do some lanes of the others.
const SOME_NEVER: &str = "mov.u32 %r13, COUNT;
    setp.lt.u32 %p4, %r1, 35;
    @%p4 ret;";

/// In every third turn all wait at barrier 1, and in every fourth they count themselves.
const OTHERS: &str = "rem.u32 %r14, %r9, 3;
    setp.ne.s32 %p5, %r14, 0;
    @%p5 bra $no_other;
    bar.sync 1;
$no_other:
    rem.u32 %r14, %r9, 4;
    setp.ne.s32 %p5, %r14, 0;
    @%p5 bra $no_count;
    and.b32 %r15, %r3, 1;
    setp.ne.s32 %p6, %r15, 0;
    bar.red.popc.u32 %r15, 0, %p6;
    add.s32 %r10, %r10, %r15;
$no_count:
";

fn case(leave: &str, middle: &str, count: u32, threads: u32) -> Case<String> {
    let leave = leave.replace("COUNT", &count.to_string());
    Case {
        code: TURNS.replace("LEAVE", &leave).replace("MIDDLE", middle),
        blocks: 1,
        threads,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: (0..u64::from(threads)).map(|word| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(word + 1)).collect(),
        checks: vec![Check::Exact],
    }
}

#[test]
fn warps_take_turns_as_the_interpreter_lets_them() {
    let device = Device::new();
    for (leave_name, leave) in [
        ("together", TOGETHER),
        ("later warps end first", LATER_FEWER),
        ("earlier warps end first", EARLIER_FEWER),
        ("some lanes never begin", SOME_NEVER),
    ] {
        for (middle_name, middle) in [("one barrier", ""), ("several", OTHERS)] {
            for threads in [64, 150, 1024] {
                let lowered = Lowered::new(case(leave, middle, 13, threads)).expect("the text is PTX");
                let name = format!("{leave_name}, {middle_name}, {threads} threads");
                lowered.assert_same_everywhere(&device, &[threads], None, &name);
            }
        }
    }
}

/// More turns than the engine gives a block before it looks after others.
#[test]
fn a_round_ends_in_time_for_others() {
    let lowered = Lowered::new(case(TOGETHER, "", 9000, 64)).expect("the text is PTX");
    lowered.assert_same_everywhere(&Device::new(), &[64], None, "many turns");
}

/// The third warp's tenth lane goes astray in the fourth turn.
#[test]
fn a_fault_is_that_of_the_warp_that_made_it() {
    let astray = "setp.eq.s32 %p7, %r9, 3;
    setp.eq.and.s32 %p7, %r1, 74, %p7;
    mov.u64 %rd9, 4096;
    @%p7 ld.global.u32 %r16, [%rd9];
    add.s32 %r3, %r3, %r16;";
    let lowered = Lowered::new(case(TOGETHER, astray, 9, 128)).expect("the text is PTX");
    let fault = lowered.run(&Device::new(), true).expect_err("an access fails");
    assert!(fault.contains("thread: Some([74, 0, 0])"), "{fault}");
}
