//! Several pieces of machine code for one kernel, of which launches run one or the other.
//!
//! A kernel begins with one *variant* and may be given others, each a right translation of the same program. What a launch runs is decided when
//! it starts, by a look at two pointers: nothing is locked, and nothing that runs is touched. While two variants
//! compete in a [`Trial`], launches run one or the other and are timed.
//!
//! A kernel may begin with *provisional* code, which was made in little time. A launch that began with it takes up what has replaced it, between
//! two blocks, so that one long launch is not slow to its end.
//!
//! Variants and trials live as long as their kernel; of both there are a few at most.

mod comparison;
mod trial;

pub use comparison::Comparison;
pub(crate) use trial::{Entry, Trial};

use crate::lock_order::{EngineRank, Lock};
use crate::queue::Padded;
use simt_ir::abi::KernelCode;
use std::any::Any;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// Most variants of a kernel.
pub const VARIANTS_MAX: usize = 8;

/// A launch that took less is timed once in [`BRIEF_SHARE`] launches: looking at the clock would cost more than a little of it.
const BRIEF_NS: u64 = 4_000;
/// See there; a power of two.
const BRIEF_SHARE: u64 = 16;

/// Machine code of a kernel.
pub(crate) struct Variant {
    pub(crate) code: KernelCode,
    /// Keeps the code in memory.
    _owner: Arc<dyn Any + Send + Sync>,
}

/// Who decides which variants a kernel is to have. Called by threads that carry out commands, so that it must be brief.
pub trait Tuner: Send + Sync {
    /// The kernel's launches have taken the time that was asked for by [`Kernel::notify_after`](crate::Kernel::notify_after).
    fn is_due(&self);

    /// A trial is over; the kernel runs what was faster from now on.
    fn decided(&self, outcome: Outcome);
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The new variant is faster, and taken.
    Taken(Comparison),
    /// It is not, or not by enough.
    Refused(Comparison),
    /// There were too few launches alike.
    Undecided,
}

/// What a launch runs, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) code: *const KernelCode,
    /// When the launch began, if it is timed.
    pub(crate) started_ns: Option<u64>,
    /// What it stands for in a trial, if it takes part in one.
    pub(crate) entry: Option<(*const Trial, Entry)>,
    /// Whether the code is provisional.
    pub(crate) is_provisional: bool,
}

/// The variants of a kernel.
pub(crate) struct Variants {
    /// What launches run.
    current: AtomicPtr<Variant>,
    /// The trial under way; null if there is none.
    trial: AtomicPtr<Trial>,
    /// Whether what launches run is provisional.
    is_provisional: AtomicBool,
    tuner: Option<Arc<dyn Tuner>>,
    clock: Padded<Clock>,
    kept: Lock<Kept>,
}

/// How long launches have taken.
#[derive(Default)]
struct Clock {
    spent_ns: AtomicU64,
    /// When `spent_ns` reaches it, the tuner hears of it; `u64::MAX` for never.
    due_ns: AtomicU64,
    /// Whether the last launch that was timed was brief.
    is_brief: AtomicBool,
}

/// What the pointers above point to.
#[derive(Default)]
struct Kept {
    variants: Vec<Arc<Variant>>,
    trials: Vec<Arc<Trial>>,
}

impl Variants {
    pub(crate) fn new(code: KernelCode, owner: Arc<dyn Any + Send + Sync>, tuner: Option<Arc<dyn Tuner>>) -> Variants {
        let first = Arc::new(Variant { code, _owner: owner });
        let clock = Clock { due_ns: AtomicU64::new(u64::MAX), ..Clock::default() };
        Variants {
            current: AtomicPtr::new(Arc::as_ptr(&first).cast_mut()),
            trial: AtomicPtr::default(),
            is_provisional: AtomicBool::new(false),
            tuner,
            clock: Padded(clock),
            kept: Lock::new(EngineRank::Variants, Kept { variants: vec![first], trials: Vec::new() }),
        }
    }

    /// The code that launches run unless a trial is under way.
    pub(crate) fn code(&self) -> &KernelCode {
        // SAFETY: the variant is among those kept, as long as `self` lives.
        unsafe { &(*self.current.load(Ordering::Acquire)).code }
    }

    /// What a launch of `blocks` blocks runs. `number` counts launches.
    pub(crate) fn choose(&self, blocks: u64, dynamic_shared_bytes: u32, number: u64) -> Choice {
        // Before the code: code that has just replaced provisional code may be taken for such, but not the other way round.
        let is_provisional = self.is_provisional.load(Ordering::Acquire);
        let plain = Choice { code: self.code(), started_ns: None, entry: None, is_provisional };
        if self.tuner.is_none() {
            return plain;
        }
        let trial = self.trial.load(Ordering::Acquire);
        if !trial.is_null() {
            return self.choose_in_trial(trial, blocks, dynamic_shared_bytes).unwrap_or(plain);
        }
        let clock = &self.clock.0;
        // Once nobody waits for it, launches are not timed any more.
        let is_timed = clock.due_ns.load(Ordering::Relaxed) != u64::MAX
            && (is_provisional || number.is_multiple_of(BRIEF_SHARE) || !clock.is_brief.load(Ordering::Relaxed));
        Choice { started_ns: is_timed.then(stdx::clock::monotonic_ns), ..plain }
    }

    #[cold]
    fn choose_in_trial(&self, trial: *const Trial, blocks: u64, dynamic_shared_bytes: u32) -> Option<Choice> {
        // SAFETY: the trial is among those kept, as long as `self` lives.
        let that = unsafe { &*trial };
        match that.enter(blocks, dynamic_shared_bytes) {
            Ok(entry) => Some(Choice {
                code: &raw const that.variant(entry.side).code,
                started_ns: Some(stdx::clock::monotonic_ns()),
                entry: Some((trial, entry)),
                is_provisional: false,
            }),
            Err(trial::NoEntry::Full) => None,
            Err(trial::NoEntry::GivenUp) => {
                self.end(that, Outcome::Undecided);
                None
            }
        }
    }

    /// Notes that a launch with this choice has ended well.
    pub(crate) fn note(&self, choice: &Choice, blocks: u64) {
        let Some(started_ns) = choice.started_ns else { return };
        let elapsed_ns = stdx::clock::monotonic_ns() - started_ns;
        if let Some((trial, entry)) = choice.entry {
            // SAFETY: the trial is among those kept, as long as `self` lives.
            let trial = unsafe { &*trial };
            if let Some(outcome) = trial.note(entry, elapsed_ns, blocks) {
                self.end(trial, outcome);
            }
        }
        let clock = &self.clock.0;
        let is_brief = elapsed_ns < BRIEF_NS;
        let weight = if is_brief && !choice.is_provisional { BRIEF_SHARE } else { 1 };
        clock.is_brief.store(is_brief, Ordering::Relaxed);
        self.tell_when_due(elapsed_ns * weight + clock.spent_ns.fetch_add(elapsed_ns * weight, Ordering::Relaxed));
    }

    /// Looks, in the midst of a launch, whether it has taken so long that the tuner is to hear of it.
    pub(crate) fn look_at_clock(&self, choice: &Choice) {
        let Some(started_ns) = choice.started_ns else { return };
        if self.clock.0.due_ns.load(Ordering::Relaxed) != u64::MAX {
            self.tell_when_due(self.spent_ns() + (stdx::clock::monotonic_ns() - started_ns));
        }
    }

    /// Calls the tuner if the time has come that it wanted to hear of.
    fn tell_when_due(&self, spent_ns: u64) {
        let due_ns = &self.clock.0.due_ns;
        if spent_ns >= due_ns.load(Ordering::Relaxed)
            && due_ns.swap(u64::MAX, Ordering::Relaxed) != u64::MAX
            && let Some(tuner) = &self.tuner
        {
            tuner.is_due();
        }
    }

    /// Takes the present code for provisional until it is replaced.
    pub(crate) fn make_provisional(&self) {
        self.is_provisional.store(true, Ordering::Release);
    }

    /// Time that launches have taken, about, while the tuner waited for a time or a trial was under way.
    pub(crate) fn spent_ns(&self) -> u64 {
        self.clock.0.spent_ns.load(Ordering::Relaxed)
    }

    /// Has the tuner called when launches have taken `ns` from now on.
    pub(crate) fn notify_after(&self, ns: u64) {
        self.clock.0.due_ns.store(self.spent_ns().saturating_add(ns), Ordering::Relaxed);
    }

    /// Puts other code in place of what launches run. False if there are too many variants already.
    pub(crate) fn replace(&self, code: KernelCode, owner: Arc<dyn Any + Send + Sync>) -> bool {
        let mut kept = self.kept.lock();
        let Some(variant) = kept.add(code, owner) else { return false };
        self.current.store(Arc::as_ptr(&variant).cast_mut(), Ordering::Release);
        self.is_provisional.store(false, Ordering::Release);
        true
    }

    /// Begins a trial of other code. False if one is under way, or there are too many variants already.
    pub(crate) fn compete(&self, code: KernelCode, owner: Arc<dyn Any + Send + Sync>) -> bool {
        let mut kept = self.kept.lock();
        if !self.trial.load(Ordering::Relaxed).is_null() {
            return false;
        }
        let current = self.current.load(Ordering::Relaxed);
        let Some(incumbent) = kept.variants.iter().find(|known| ptr::eq(Arc::as_ptr(known), current)).cloned() else {
            return false;
        };
        let Some(challenger) = kept.add(code, owner) else { return false };
        let trial = Arc::new(Trial::new(incumbent, challenger));
        self.trial.store(Arc::as_ptr(&trial).cast_mut(), Ordering::Release);
        kept.trials.push(trial);
        true
    }

    #[cold]
    fn end(&self, trial: &Trial, outcome: Outcome) {
        if matches!(outcome, Outcome::Taken(_)) {
            self.current.store(ptr::from_ref(trial.variant(trial::Side::Challenger)).cast_mut(), Ordering::Release);
        }
        self.trial.store(ptr::null_mut(), Ordering::Release);
        if let Some(tuner) = &self.tuner {
            tuner.decided(outcome);
        }
    }
}

impl Kept {
    fn add(&mut self, code: KernelCode, owner: Arc<dyn Any + Send + Sync>) -> Option<Arc<Variant>> {
        if self.variants.len() >= VARIANTS_MAX {
            return None;
        }
        let variant = Arc::new(Variant { code, _owner: owner });
        self.variants.push(variant.clone());
        Some(variant)
    }
}
