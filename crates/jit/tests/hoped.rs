//! Addresses that lie in order unless an index wraps around, kept over waits: where one does, compiled code finds each lane's in the warp's frame, and gives
//! what the interpreter gives (`simt-llvm/src/emit/frame.rs`).

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check};

/// Threads of a block: of each row of four the indices follow each other.
const THREADS: u32 = 128;

/// What becomes of the two addresses from turn to turn.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// Both move on by the same in all lanes.
    On,
    /// They change places.
    Turns,
    /// One is taken anew, by another index, in some turns.
    Anew,
    /// One becomes what the other is.
    Follows,
    /// One is taken anew in every turn; where it was is read once more in the next, ahead of the barriers.
    Late,
    /// One lane's load is left out, and what it has moves on elsewhere.
    Apart,
}

/// Adds up bytes of a table in turns, with barriers between them, from where two 16-bit indices point, and from there once more behind the loop.
/// The indices begin where the input says.
fn case(next: Next, starts: [u16; 3]) -> Case<String> {
    let next = match next {
        Next::On => "add.s64 %rd4, %rd4, %rd8; sub.s64 %rd5, %rd5, 5;",
        Next::Turns => "add.s64 %rd7, %rd4, %rd8; mov.u64 %rd4, %rd5; mov.u64 %rd5, %rd7;",
        Next::Anew => {
            "add.s64 %rd4, %rd4, %rd8; setp.eq.s32 %p2, %r9, 2; @%p2 bra $anew; add.s64 %rd5, %rd5, 3; bra $on;
             $anew: add.u16 %h5, %h2, %h9; cvt.u64.u16 %rd5, %h5; add.s64 %rd5, %rd3, %rd5; $on:"
        }
        Next::Follows => "mov.u64 %rd7, %rd5; add.s64 %rd5, %rd4, %rd8; add.s64 %rd4, %rd7, 1;",
        Next::Late => {
            "mov.u64 %rd11, %rd4; add.s32 %r10, %r10, 0x11000; cvt.u16.u32 %h5, %r10; add.u16 %h5, %h5, %h2; add.u16 %h5, %h5, %h9;
             cvt.u64.u16 %rd4, %h5; add.s64 %rd4, %rd3, %rd4;"
        }
        Next::Apart => {
            "setp.eq.s32 %p2, %r1, 33; @%p2 bra $on; ld.global.u8 %r5, [%rd4+1]; add.s32 %r4, %r4, %r5; $on:
             add.s64 %rd4, %rd4, %rd8;"
        }
    };
    let code = format!(
        "
.version 8.0
.target sm_75
.address_size 64
.global .align 16 .b8 table[65920];
.visible .entry k(.param .u64 input, .param .u64 output)
{{
    .reg .pred %p<3>;
    .reg .b16 %h<10>;
    .reg .b32 %r<12>;
    .reg .b64 %rd<12>;
    .shared .align 16 .b8 sums[512];
    mov.u32 %r1, %tid.x;
    ld.param.u64 %rd1, [input];
    ld.param.u64 %rd2, [output];
    mov.u64 %rd3, table;
    mul.wide.u32 %rd9, %r1, 8;
    add.s64 %rd9, %rd9, %rd3;
    mov.u32 %r2, 0;
    mul.lo.u32 %r3, %r1, 0x9e3779b1;
$fill:
    mad.lo.u32 %r3, %r3, 0x41c64e6d, 12345;
    st.global.v2.u32 [%rd9], {{%r3, %r2}};
    add.s64 %rd9, %rd9, 1024;
    add.s32 %r2, %r2, 1;
    setp.lt.s32 %p1, %r2, 64;
    @%p1 bra $fill;
    bar.sync 0;
    add.s64 %rd3, %rd3, 64;
    ld.global.v4.u16 {{%h1, %h8, %h9, %h7}}, [%rd1];
    shr.u32 %r3, %r1, 2;
    mul.lo.u32 %r3, %r3, 4096;
    and.b32 %r2, %r1, 3;
    add.s32 %r2, %r2, %r3;
    cvt.u16.u32 %h2, %r2;
    add.u16 %h3, %h2, %h1;
    add.u16 %h4, %h2, %h8;
    cvt.u64.u16 %rd4, %h3;
    cvt.u64.u16 %rd5, %h4;
    add.s64 %rd4, %rd3, %rd4;
    add.s64 %rd5, %rd3, %rd5;
    cvt.u64.u16 %rd8, %h7;
    mov.u32 %r6, sums;
    mad.lo.u32 %r6, %r1, 4, %r6;
    mov.u32 %r4, 0;
    mov.u32 %r9, 0;
    mov.u32 %r10, 0;
    mov.u64 %rd11, %rd5;
$turn:
    ld.global.u8 %r5, [%rd4];
    mad.lo.u32 %r4, %r4, 31, %r5;
    ld.global.u8 %r5, [%rd5+16];
    mad.lo.u32 %r4, %r4, 31, %r5;
    ld.global.u8 %r5, [%rd11+8];
    mad.lo.u32 %r4, %r4, 31, %r5;
    st.shared.u32 [%r6], %r4;
    bar.sync 0;
    ld.shared.u32 %r5, [sums+132];
    add.s32 %r4, %r4, %r5;
    bar.sync 0;
    {next}
    add.s32 %r9, %r9, 1;
    setp.lt.s32 %p1, %r9, 4;
    @%p1 bra $turn;
    st.shared.u32 [%r6], %r4;
    bar.sync 0;
    ld.shared.u32 %r5, [sums+136];
    ld.global.u8 %r7, [%rd5];
    ld.global.u8 %r8, [%rd4];
    mad.lo.u32 %r4, %r4, 31, %r5;
    mad.lo.u32 %r4, %r4, 31, %r7;
    mad.lo.u32 %r4, %r4, 31, %r8;
    cvt.u64.u32 %rd9, %r4;
    mul.wide.u32 %rd10, %r1, 8;
    add.s64 %rd10, %rd10, %rd2;
    st.global.u64 [%rd10], %rd9;
    ret;
}}
"
    );
    let [first, second, third] = starts.map(u64::from);
    let input = first | second << 16 | third << 32 | 32 << 48;
    Case {
        code,
        blocks: 1,
        threads: THREADS,
        input_words: 1,
        output_words: 1,
        scratch_words: 0,
        inputs: vec![input; THREADS as usize],
        checks: vec![Check::Exact],
    }
}

#[test]
fn lanes_that_wrap_around_are_found_behind_waits() {
    let device = Device::new();
    let quick = Device::new().quickly();
    for next in [Next::On, Next::Turns, Next::Anew, Next::Follows, Next::Late, Next::Apart] {
        // None wraps, one of them, all.
        for starts in [[64, 300, 1000], [65534, 300, 1000], [64, 65533, 1000], [64, 300, 65534], [65533, 65535, 65534]]
        {
            let lowered = Lowered::new(case(next, starts)).expect("the text is PTX");
            let name = format!("{next:?} from {starts:?}");
            lowered.assert_same_everywhere(&device, &[32, THREADS], None, &name);
            lowered.assert_same_everywhere(&quick, &[32], None, &name);
        }
    }
}
