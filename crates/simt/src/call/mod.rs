//! Calls of machine code: on a stack of their own, and with a way back when the code faults.
//!
//! [`CallFrame::enter`] saves what the caller needs, switches to an execution stack and calls. When the code touches memory
//! that it must not, the signal handler ([`signal`]) makes the call return [`Status::Fault`](simt_ir::abi::Status::Fault) as if
//! the entry function had done so. A stack of its own means that a kernel never depends on how much stack the calling
//! thread has left, and that the handler can tell machine code from everything else by the stack pointer alone.

mod signal;
mod stack;

pub(crate) use signal::{HardwareFault, ensure_signal_stack, install_handlers};
pub(crate) use stack::ExecutionStacks;

use simt_ir::abi::{LaunchContext, WarpContext};
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("machine code is entered by a routine for x86-64 Linux");

/// State of a call, at the top of the execution stack that it runs on, where the signal handler finds it.
#[repr(C, align(64))]
pub(crate) struct CallFrame {
    /// Stack pointer of the caller, under its saved registers.
    caller_sp: u64,
    entry: u64,
    launch: *const LaunchContext,
    warp: *mut WarpContext,
    first: u64,
    count: u64,
    stack_top: u64,
    /// 1 while machine code, or what it called, runs.
    active: AtomicU32,
    /// 1 while a runtime function runs: a fault in there is a defect of the engine, not of the kernel.
    in_runtime: AtomicU32,
    /// The signal that ended the call; 0 when none did.
    fault_signal: AtomicU32,
    /// 1 if the fault hit the stack's guard.
    fault_is_overflow: AtomicU32,
    /// What the system gave as the address of the fault.
    fault_address: AtomicU64,
}

unsafe extern "C" {
    /// Calls `frame.entry(launch, warp, first, count)` on the frame's stack.
    fn apex_simt_enter(frame: *mut CallFrame) -> u32;
    /// Where a call goes on after a fault, with the frame in `rbx`. Not a function: only its address is used.
    fn apex_simt_landing();
}

// The floating-point control register is part of a thread's state that a program may have changed (flush to zero, rounding);
// machine code wants the default, and the caller gets its own back.
std::arch::global_asm!(
    ".text",
    ".p2align 4",
    ".hidden apex_simt_enter",
    ".globl apex_simt_enter",
    ".type apex_simt_enter,@function",
    "apex_simt_enter:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    ".cfi_offset rbx, -24",
    ".cfi_offset r12, -32",
    ".cfi_offset r13, -40",
    ".cfi_offset r14, -48",
    ".cfi_offset r15, -56",
    "sub rsp, 8",
    "stmxcsr [rsp]",
    "mov rbx, rdi",
    "mov [rbx + {caller_sp}], rsp",
    "mov rsp, [rbx + {stack_top}]",
    "mov dword ptr [rbx + {active}], 1",
    "ldmxcsr [rip + 4f]",
    "mov rax, [rbx + {entry}]",
    "mov rdi, [rbx + {launch}]",
    "mov rsi, [rbx + {warp}]",
    "mov rdx, [rbx + {first}]",
    "mov rcx, [rbx + {count}]",
    "call rax",
    "2:",
    "mov dword ptr [rbx + {active}], 0",
    "mov rsp, [rbx + {caller_sp}]",
    "ldmxcsr [rsp]",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".hidden apex_simt_landing",
    ".globl apex_simt_landing",
    "apex_simt_landing:",
    "cld",
    "mov eax, {fault}",
    "jmp 2b",
    ".p2align 2",
    "4: .long 0x1f80",
    ".cfi_endproc",
    ".size apex_simt_enter, . - apex_simt_enter",
    caller_sp = const offset_of!(CallFrame, caller_sp),
    stack_top = const offset_of!(CallFrame, stack_top),
    active = const offset_of!(CallFrame, active),
    entry = const offset_of!(CallFrame, entry),
    launch = const offset_of!(CallFrame, launch),
    warp = const offset_of!(CallFrame, warp),
    first = const offset_of!(CallFrame, first),
    count = const offset_of!(CallFrame, count),
    fault = const simt_ir::abi::Status::Fault as u32,
);

impl CallFrame {
    fn new(stack_top: u64) -> Self {
        Self {
            caller_sp: 0,
            entry: 0,
            launch: ptr::null(),
            warp: ptr::null_mut(),
            first: 0,
            count: 0,
            stack_top,
            active: AtomicU32::new(0),
            in_runtime: AtomicU32::new(0),
            fault_signal: AtomicU32::new(0),
            fault_is_overflow: AtomicU32::new(0),
            fault_address: AtomicU64::new(0),
        }
    }

    /// Calls machine code: a [`RunBlocks`](simt_ir::abi::RunBlocks) with blocks `first .. first + count`, or a
    /// [`RunWarp`](simt_ir::abi::RunWarp), which ignores them. Returns a status as a number.
    ///
    /// # Safety
    /// `frame` is the frame of a stack that no other call uses; `entry` is the address of such a function; the contexts are
    /// as the contract (`simt_ir::abi`) wants them; the calling thread has a signal stack.
    pub(crate) unsafe fn enter(
        frame: *mut CallFrame,
        entry: usize,
        launch: *const LaunchContext,
        warp: *mut WarpContext,
        first: u64,
        count: u64,
    ) -> u32 {
        // SAFETY: the caller owns the frame. The routine keeps to the C calling convention towards both sides.
        unsafe {
            (*frame).entry = entry as u64;
            (*frame).launch = launch;
            (*frame).warp = warp;
            (*frame).first = first;
            (*frame).count = count;
            apex_simt_enter(frame)
        }
    }

    /// The hardware fault that ended the last call, if one did.
    pub(crate) fn take_fault(&self) -> Option<HardwareFault> {
        match self.fault_signal.swap(0, Ordering::Relaxed) {
            0 => None,
            signal => Some(HardwareFault {
                signal,
                address: self.fault_address.load(Ordering::Relaxed),
                is_stack_overflow: self.fault_is_overflow.load(Ordering::Relaxed) != 0,
            }),
        }
    }

    /// Marks the time of a runtime function.
    pub(crate) fn set_in_runtime(&self, inside: bool) {
        self.in_runtime.store(u32::from(inside), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::arch::asm;

    unsafe extern "C" fn add(_: *const LaunchContext, _: *mut WarpContext, first: u64, count: u64) -> u32 {
        (first + count) as u32
    }

    unsafe extern "C" fn touch(_: *const LaunchContext, _: *mut WarpContext, address: u64, _: u64) -> u32 {
        // SAFETY: not sound at all: that is the point of the test.
        unsafe { asm!("mov dword ptr [{0}], 1", in(reg) address) };
        0
    }

    #[allow(unconditional_recursion, reason = "the test overflows the stack")]
    #[allow(clippy::only_used_in_recursion, reason = "the signature is that of an entry function")]
    unsafe extern "C" fn recurse(launch: *const LaunchContext, warp: *mut WarpContext, depth: u64, sum: u64) -> u32 {
        let local = std::hint::black_box([depth; 64]);
        // SAFETY: overflows the execution stack, which the engine survives.
        unsafe { recurse(launch, warp, depth + 1, sum + local[5]) + local[1] as u32 }
    }

    type Function = unsafe extern "C" fn(*const LaunchContext, *mut WarpContext, u64, u64) -> u32;

    fn call(stacks: &ExecutionStacks, function: Function, first: u64, count: u64) -> u32 {
        // SAFETY: the functions above ignore the contexts.
        unsafe { CallFrame::enter(stacks.frame(0), function as usize, ptr::null(), ptr::null_mut(), first, count) }
    }

    #[test]
    fn calls_return_and_faults_come_back() {
        install_handlers();
        ensure_signal_stack();
        let stacks = ExecutionStacks::new(1).unwrap();
        // SAFETY: the frame lives as long as `stacks`.
        let frame = unsafe { &*stacks.frame(0) };
        assert_eq!(call(&stacks, add, 40, 2), 42);
        assert!(frame.take_fault().is_none());
        for address in [16, 0xdead_0000] {
            assert_eq!(call(&stacks, touch, address, 0), 1);
            let fault = frame.take_fault().unwrap();
            assert_eq!((fault.address, fault.is_stack_overflow), (address, false));
        }
        assert_eq!(call(&stacks, recurse, 0, 0), 1);
        assert!(frame.take_fault().unwrap().is_stack_overflow);
        assert_eq!(call(&stacks, add, 1, 2), 3);
    }

    #[test]
    fn the_rounding_of_the_host_is_neither_used_nor_lost() {
        unsafe extern "C" fn control(_: *const LaunchContext, _: *mut WarpContext, _: u64, _: u64) -> u32 {
            let mut value = 0u32;
            // SAFETY: stores the control register to a local.
            unsafe { asm!("stmxcsr [{0}]", in(reg) &raw mut value) };
            value & 0xffc0
        }
        let stacks = ExecutionStacks::new(1).unwrap();
        let (flush_to_zero, default) = (0x9f80u32, 0x1f80u32);
        // SAFETY: sets flush-to-zero for this thread.
        unsafe { asm!("ldmxcsr [{0}]", in(reg) &raw const flush_to_zero) };
        let seen = call(&stacks, control, 0, 0);
        let mut after = 0u32;
        // SAFETY: reads the register, then sets the default again.
        unsafe { asm!("stmxcsr [{0}]", "ldmxcsr [{1}]", in(reg) &raw mut after, in(reg) &raw const default) };
        assert_eq!((seen, after & 0xffc0), (0x1f80, 0x9f80));
    }
}
