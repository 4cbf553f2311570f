//! The handler of `SIGSEGV` and `SIGBUS`.
//!
//! It is installed when the first engine starts and passes on what is not the engine's to the handler that was there before.
//! It only reads memory that is known to be there, takes no lock and calls nothing but `sigaction` and `raise`.

use super::stack::{GUARD_BYTES, STACK_BYTES, frame_of};
use super::{CallFrame, apex_simt_landing};
use crate::lock_order::{EngineRank, LEVELS_OUTSIDE, Lock};
use crate::sys::Mapping;
use std::cell::RefCell;
use std::io;
use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::Once;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A fault that the processor found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HardwareFault {
    /// `SIGSEGV` or `SIGBUS`.
    pub(crate) signal: u32,
    /// The address, as exact as the processor tells it.
    pub(crate) address: u64,
    /// Whether the execution stack ran over.
    pub(crate) is_stack_overflow: bool,
}

/// An address range full of execution stacks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) base: u64,
    pub(super) bytes: u64,
}

/// Engines that can exist at the same time.
const REGIONS_MAX: usize = 64;

/// First address and size of each region; size 0 means none. Written under [`REGISTRATION`], read by the handler.
static REGIONS: [(AtomicU64, AtomicU64); REGIONS_MAX] = [const { (AtomicU64::new(0), AtomicU64::new(0)) }; REGIONS_MAX];
static REGISTRATION: Lock<()> = Lock::at(LEVELS_OUTSIDE + EngineRank::Stacks as u32, ());

pub(super) fn register_region(region: Region) -> io::Result<usize> {
    let _held = REGISTRATION.lock();
    let free = REGIONS.iter().position(|(_, bytes)| bytes.load(Ordering::Relaxed) == 0);
    let index = free.ok_or_else(|| io::Error::other(format!("more than {REGIONS_MAX} engines at a time")))?;
    REGIONS[index].0.store(region.base, Ordering::Release);
    REGIONS[index].1.store(region.bytes, Ordering::Release);
    Ok(index)
}

pub(super) fn unregister_region(index: usize) {
    let _held = REGISTRATION.lock();
    REGIONS[index].1.store(0, Ordering::Release);
}

/// The execution stack (its base) that an address lies in.
fn stack_at(address: u64) -> Option<u64> {
    REGIONS.iter().find_map(|(base, bytes)| {
        let (bytes, base) = (bytes.load(Ordering::Acquire), base.load(Ordering::Acquire));
        let offset = address.wrapping_sub(base);
        (offset < bytes).then(|| base + offset / STACK_BYTES * STACK_BYTES)
    })
}

const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What was installed before, in the order of [`SIGNALS`].
static PREVIOUS: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Installs the handlers, once in a process.
pub(crate) fn install_handlers() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let previous = SIGNALS.map(|signal| {
            // SAFETY: all-zero is a valid `sigaction`; the call only reads the current one.
            unsafe {
                let mut action: libc::sigaction = mem::zeroed();
                libc::sigaction(signal, ptr::null(), &raw mut action);
                action
            }
        });
        // Known before the first handler is active, which may run at once on another thread.
        let _ = PREVIOUS.set(previous);
        for signal in SIGNALS {
            // SAFETY: the handler has the signature that SA_SIGINFO asks for and is async-signal-safe.
            unsafe {
                let mut action: libc::sigaction = mem::zeroed();
                action.sa_sigaction = handle as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigemptyset(&raw mut action.sa_mask);
                libc::sigaction(signal, &raw const action, ptr::null_mut());
            }
        }
    });
}

/// # Safety
/// Called by machine code, or in its place, under the contract of `simt_ir::abi`.
unsafe extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system passes a valid siginfo and ucontext.
    let handled = unsafe { leave_machine_code(signal, &*info, &mut *context.cast::<libc::ucontext_t>()) };
    if !handled {
        // SAFETY: as above; they are passed on unchanged.
        unsafe { pass_on(signal, info, context) };
    }
}

/// If the signal comes from machine code, makes the interrupted call return a fault. True if so.
///
/// # Safety
/// Called from the signal handler with what it got.
unsafe fn leave_machine_code(signal: libc::c_int, info: &libc::siginfo_t, context: &mut libc::ucontext_t) -> bool {
    let registers = &mut context.uc_mcontext.gregs;
    let Some(stack) = stack_at(registers[libc::REG_RSP as usize] as u64) else { return false };
    let frame: *mut CallFrame = frame_of(stack);
    // SAFETY: registered stacks have a frame; its atomics may be used from a handler.
    let state = unsafe { &*frame };
    // A signal that a process sent (si_code <= 0) says nothing about the code it interrupts.
    let from_processor = info.si_code > 0;
    if !from_processor || state.active.load(Ordering::Acquire) == 0 || state.in_runtime.load(Ordering::Acquire) != 0 {
        return false;
    }
    // SAFETY: SIGSEGV and SIGBUS from the processor carry an address.
    let address = unsafe { info.si_addr() } as u64;
    let overflow = address.wrapping_sub(stack) < GUARD_BYTES;
    state.fault_address.store(address, Ordering::Relaxed);
    state.fault_is_overflow.store(u32::from(overflow), Ordering::Relaxed);
    state.fault_signal.store(signal as u32, Ordering::Relaxed);
    registers[libc::REG_RBX as usize] = frame as i64;
    // The landing switches stacks at once; until then the pointer must be good for another signal.
    registers[libc::REG_RSP as usize] = state.stack_top as i64;
    registers[libc::REG_RIP as usize] = apex_simt_landing as *const () as i64;
    true
}

/// Does what would have happened without this handler.
///
/// # Safety
/// Called from the signal handler with what it got.
unsafe fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = usize::from(signal != libc::SIGSEGV);
    let Some(previous) = PREVIOUS.get().map(|all| &all[index]) else { return };
    let address = previous.sa_sigaction;
    if address == libc::SIG_IGN || address == libc::SIG_DFL {
        // SAFETY: puts the earlier action back. A fault happens again when the handler returns, and then has its
        // ordinary end; a signal that was sent is sent again.
        unsafe {
            let sent = (*info).si_code <= 0;
            if sent && address == libc::SIG_IGN {
                return;
            }
            libc::sigaction(signal, previous, ptr::null_mut());
            if sent {
                libc::raise(signal);
            }
        }
        return;
    }
    if previous.sa_flags & libc::SA_SIGINFO != 0 {
        type Handler = unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: with SA_SIGINFO the address is that of a handler with three parameters.
        unsafe { mem::transmute::<usize, Handler>(address)(signal, info, context) };
    } else {
        // SAFETY: without SA_SIGINFO the address is that of a handler with one parameter.
        unsafe { mem::transmute::<usize, unsafe extern "C" fn(libc::c_int)>(address)(signal) };
    }
}

/// Gives the calling thread a stack for signal handlers, if it has none: a stack overflow in machine code could not be
/// handled on the stack that ran over.
pub(crate) fn ensure_signal_stack() {
    thread_local! {
        /// Without a destructor: exit handlers of the main thread may still wait for kernels.
        static OWN: RefCell<ManuallyDrop<Option<SignalStack>>> = const { RefCell::new(ManuallyDrop::new(None)) };
        static THREAD_END: ThreadEnd = const { ThreadEnd };
    }
    struct ThreadEnd;
    impl Drop for ThreadEnd {
        fn drop(&mut self) {
            if !stdx::is_main_thread() {
                drop(OWN.with_borrow_mut(|own| own.take()));
            }
        }
    }
    OWN.with_borrow_mut(|own| {
        if own.is_none() {
            **own = SignalStack::install();
            // A thread that ends already keeps it.
            let _ = THREAD_END.try_with(|_| ());
        }
    });
}

/// A signal stack of this crate, taken away again when the thread ends. Without memory if the thread had one already.
struct SignalStack(Option<Mapping>);

impl SignalStack {
    fn install() -> Option<SignalStack> {
        const BYTES: u64 = 64 << 10;
        // SAFETY: all-zero is a valid stack_t; the call only reads the current one.
        let current = unsafe {
            let mut current: libc::stack_t = mem::zeroed();
            libc::sigaltstack(ptr::null(), &raw mut current);
            current
        };
        if current.ss_flags & libc::SS_DISABLE == 0 {
            return Some(SignalStack(None));
        }
        let mapping = Mapping::reserve(BYTES, crate::sys::PAGE).ok()?;
        mapping.commit(mapping.base(), BYTES).ok()?;
        let stack = libc::stack_t { ss_sp: mapping.base() as *mut libc::c_void, ss_flags: 0, ss_size: BYTES as usize };
        // SAFETY: the memory lives until the thread ends, when `drop` takes the stack away first.
        let status = unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
        (status == 0).then_some(SignalStack(Some(mapping)))
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        if let Some(mapping) = &self.0 {
            let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: only a stack that is still this one is taken away.
            unsafe {
                let mut current: libc::stack_t = mem::zeroed();
                libc::sigaltstack(ptr::null(), &raw mut current);
                if current.ss_sp as u64 == mapping.base() {
                    libc::sigaltstack(&raw const none, ptr::null_mut());
                }
            }
        }
    }
}
