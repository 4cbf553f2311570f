//! `cuLaunchKernel`, recorded in front of NVIDIA's driver, in the usual case: written by hand.
//!
//! A launch of NVIDIA's is thousands of instructions, after which nothing of ours is in the processor's nearest caches. So what recording costs is
//! lines of code, and compiled code ([`plain::launch`](super::plain)), which does the same, has more than twice as many. What is done here is no more than: find what is
//! usual of the function ([`Recorded::USUAL`]) and the calling thread's end of its ring ([`ring`]), check that there is room, put the event down, call NVIDIA's
//! function, and publish the event. Anything else goes to the compiled code, with all arguments as they were.
//!
//! The test `tests/launches.rs` compares its events with the compiled code's.

use super::plain::{self, Recorded};
use super::{SLOTS, Slots, slot_at};
use core::ffi::c_void;
use core::mem::offset_of;
use cuda_abi::*;
use layer_observe::UsualLayout;
use recorder::RecordObserver;
use telemetry::Quick;
use telemetry::layout::{event, open_event, pace, ring};

/// From the beginning of the slots.
const LAYER: usize = offset_of!(Slots, layer);
const USUAL: UsualLayout = Recorded::USUAL;
const OWNERS: usize = LAYER + Recorded::OBSERVER_AT + RecordObserver::QUICK_AT;

/// How far a product with [`stdx::hash::FACTOR`] is shifted to be the offset of a place, below which bits are cleared.
const fn shift(places: usize, place_bytes: usize) -> u32 {
    assert!(places.is_power_of_two() && place_bytes.is_power_of_two());
    u32::BITS - places.ilog2() - place_bytes.ilog2()
}

const _: () = {
    assert!(USUAL.entries < 64 && USUAL.generation < 64 && event::BYTES == 64 && event::HEAD == 0);
    assert!(open_event::NONE == 0 && open_event::OPEN == 1 && open_event::OPEN_WITHOUT_END == 2);
    assert!(event::END_ESTIMATED_BIT < 16 && ring::THREAD == 0);
};

/// The highest handle of a default stream, [`CU_STREAM_PER_THREAD`]: constants cannot ask it for its number.
pub(super) const DEFAULT_STREAM_MAX: usize = 2;

// The section begins with a page, as `plain` says of its own, so that the function begins with a line.
core::arch::global_asm!(".pushsection apex_launch_usual, \"ax\", @progbits", ".p2align 12, , 1", ".popsection");

/// Finds the thread's end of its ring, in `rdx`, if it is where it belongs: then it is equal.
macro_rules! own_end {
    () => {
        concat!(
            "xor eax, eax\n",
            "mov rax, fs:[rax]\n",
            "imul edx, eax, {factor}\n",
            "shr edx, {owners_shift}\n",
            "and edx, -{ring_bytes}\n",
            "add rdx, [r10 + {owners}]\n",
            "cmp [rdx], rax",
        )
    };
}

unsafe extern "C" {
    /// Where the slot of `cuLaunchKernel` leads once launches are recorded, and not before: within its code, so that both are in the same lines.
    pub(super) fn apex_recorded_launch();
}

/// `cuLaunchKernel` of the CUDA driver API: a jump as all others, and behind it what it leads to while launches are recorded.
///
/// # Safety
/// The arguments are as the driver API documents them for this function.
#[unsafe(no_mangle)]
#[unsafe(naked)]
#[unsafe(link_section = "apex_launch_usual")]
pub unsafe extern "C" fn cuLaunchKernel(
    _: CUfunction,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: CUstream,
    _: *mut *mut c_void,
    _: *mut *mut c_void,
) -> CUresult {
    // The frame: [rbp + 8] the way back, [rbp + 16] threads in z, + 24 dynamic shared memory, + 32 the stream, + 40 parameters, + 48 extra;
    // [rbp - 8] the caller's rbx, - 16 blocks in y (rdx), - 24 and - 32 the begin (upper and lower half), - 40 the thread's end of its ring.
    // rdi, esi, ecx, r8d and r9d stay what the caller has put there. r10: the slots. What is not as usual jumps to 2, in short jumps by way
    // of 22. All up to `.p2align` is four lines.
    core::arch::naked_asm!(
        ".cfi_startproc",
        "mov r11d, {row}",
        "jmp qword ptr [rip + {slots} + {slot}]",
        ".globl apex_recorded_launch",
        ".hidden apex_recorded_launch",
        "apex_recorded_launch:",
        "lea r10, [rip + {slots}]",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        ".cfi_offset rbx, -24",
        "push rdx",
        // The clock first: a processor may read it only once it has what it asked of memory before.
        "rdtsc",
        "push rdx",
        "push rax",
        // rdx: where the function is in the table; rax: its generation, which is read first, and the table's last.
        "imul edx, edi, {factor}",
        "shr edx, {usual_shift}",
        "and edx, -{usual_bytes}",
        "add rdx, [r10 + {entries}]",
        "mov rax, [rdx + {entry_generation}]",
        "cmp [rdx + {function}], rdi",
        "jne 22f",
        // rbx: the stream; r11: what is known of the function.
        "mov rbx, [rbp + 32]",
        "mov r11, [rdx + {launch}]",
        "cmp [rdx + {usual_stream}], rbx",
        "jne 3f",
        "cmp rax, [r10 + {generation}]",
        "jne 22f",
        // rdx: the thread's end of its ring.
        own_end!(),
        "jne 22f",
        "4:",
        "mov eax, r8d",
        "or eax, r9d",
        "or eax, [rbp + 16]",
        "shr eax, 16",
        "jne 22f",
        "cmp byte ptr [rdx + {open}], {none}",
        "22:",
        "jne 2f",
        "mov rax, [rdx + {put}]",
        "cmp rax, [rdx + {put_max}]",
        "je 2f",
        // rax: the event's slot.
        "and eax, [rdx + {mask}]",
        "shl rax, {event_bits}",
        "add rax, [rdx + {events}]",
        "mov [rax + {stream}], rbx",
        "mov [rax + {grid}], esi",
        "mov ebx, [rbp - 16]",
        "mov [rax + {grid} + 4], ebx",
        "mov [rax + {grid} + 8], ecx",
        "mov [rax + {block_xy}], r8w",
        "mov [rax + {block_xy} + 2], r9w",
        "mov ebx, [rbp + 24]",
        "mov [rax + {dynamic_shared}], ebx",
        "mov ebx, [rbp + 16]",
        "mov [rax + {block_z}], ebx",
        "mov ebx, [rbp - 24]",
        "mov [rax + {start} + 4], ebx",
        "mov ebx, [rbp - 32]",
        "mov [rax + {start}], ebx",
        // bl: 1 if the end is left out.
        "shr ebx, {pace_unit}",
        "mov r10d, ebx",
        "sub bx, [rdx + {pace}]",
        "mov [rdx + {pace}], r10w",
        "cmp bx, {close_units} + 1",
        "sbb ebx, ebx",
        "and bl, [rdx + {sampled}]",
        "and bl, [rdx + {put}]",
        "setne bl",
        // bl: how it is open, 1 or 2.
        "inc ebx",
        "mov [rdx + {open}], bl",
        "and ebx, 2",
        "shl ebx, {estimated_bit} - 1",
        "or r11, rbx",
        "mov [rax], r11",
        "prefetchw [rax + {event_bytes}]",
        // From here to the way back is one line: it is far away again when NVIDIA's function returns.
        ".p2align 6",
        "push rdx",
        "mov edx, [rbp - 16]",
        "push qword ptr [rbp + 48]",
        "push qword ptr [rbp + 40]",
        "push qword ptr [rbp + 32]",
        "push qword ptr [rbp + 24]",
        "push qword ptr [rbp + 16]",
        "call qword ptr [rip + {slots} + {next}]",
        "mov rdx, [rbp - 40]",
        "test eax, eax",
        "jne 7f",
        "cmp byte ptr [rdx + {open}], {is_open_without_end}",
        "jne 6f",
        "5:",
        "mov [rdx + {open}], al",
        "inc qword ptr [rdx + {put}]",
        "mov rbx, [rbp - 8]",
        "leave",
        ".cfi_remember_state",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_restore_state",
        // The end is wanted. What came in between may have moved the event.
        "6:",
        "mov rcx, rdx",
        "rdtsc",
        "shl rdx, 32",
        "or rax, rdx",
        "mov edx, [rcx + {put}]",
        "and edx, [rcx + {mask}]",
        "shl rdx, {event_bits}",
        "add rdx, [rcx + {events}]",
        "sub rax, [rdx + {start}]",
        "mov [rdx + {ending}], rax",
        "mov rdx, rcx",
        "shr rax, 32",
        "je 5b",
        // It is too long to be put down like that, or the driver answered with an error.
        "xor eax, eax",
        "7:",
        "mov rdi, rdx",
        "mov esi, eax",
        "call {end}",
        "mov rbx, [rbp - 8]",
        "leave",
        ".cfi_remember_state",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_restore_state",
        // A default stream is of the context that the thread's note says is current.
        "3:",
        "cmp rbx, {default_max}",
        "ja 2f",
        "cmp rax, [r10 + {generation}]",
        "jne 2f",
        own_end!(),
        "jne 2f",
        "mov eax, [r10 + {context_changes}]",
        "shl rax, 16",
        "mov ebx, r11d",
        "shr ebx, 16",
        "or rax, rbx",
        "mov rbx, [rbp + 32]",
        "cmp rax, [rdx + {note}]",
        "je 4b",
        // Another way.
        "2:",
        "mov rdx, [rbp - 16]",
        "mov rbx, [rbp - 8]",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "jmp {further}",
        ".cfi_endproc",
        slots = sym SLOTS,
        slot = const slot_at(Row::cuLaunchKernel as usize),
        factor = const stdx::hash::FACTOR as i32,
        usual_shift = const shift(USUAL.places, USUAL.entry_bytes),
        usual_bytes = const USUAL.entry_bytes,
        entries = const LAYER + USUAL.entries,
        entry_generation = const USUAL.entry_generation,
        function = const USUAL.function,
        launch = const USUAL.launch,
        usual_stream = const USUAL.stream,
        generation = const LAYER + USUAL.generation,
        owners_shift = const shift(Quick::PLACES, ring::BYTES),
        ring_bytes = const ring::BYTES,
        owners = const OWNERS,
        open = const ring::OPEN,
        none = const open_event::NONE,
        put = const ring::PUT,
        put_max = const ring::PUT_MAX,
        mask = const ring::MASK,
        event_bits = const event::BYTES.ilog2(),
        events = const ring::SLOTS,
        stream = const event::STREAM,
        grid = const event::GRID,
        block_xy = const event::BLOCK_XY,
        dynamic_shared = const event::DYNAMIC_SHARED,
        block_z = const event::BLOCK_Z,
        start = const event::START,
        ending = const event::ENDING,
        pace_unit = const pace::UNIT,
        pace = const ring::PACE,
        close_units = const pace::CLOSE_UNITS,
        sampled = const ring::SAMPLED,
        estimated_bit = const event::END_ESTIMATED_BIT,
        event_bytes = const event::BYTES,
        next = const offset_of!(Slots, launches) + plain::Launches::LAUNCH_AT,
        is_open_without_end = const open_event::OPEN_WITHOUT_END,
        end = sym plain::end,
        context_changes = const LAYER + Recorded::CONTEXT_CHANGES_AT,
        default_max = const DEFAULT_STREAM_MAX,
        note = const ring::NOTE,
        row = const Row::cuLaunchKernel as usize,
        further = sym plain::launch,
    )
}
