//! The layer: a driver in front of another.

use crate::captures::{Captures, Unusual};
use crate::facts::Facts;
use crate::graphs::Graphs;
use crate::usual::{Usual, UsualLayout};
use cuda_abi::{CUfunction, CUresult};
use driver_api::op::{Definition, Op, Token};
use driver_api::{Driver, Observer};
use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most functions whose block was set for the launches of before CUDA 4. Further ones count as having no block.
const LEGACY_FUNCTIONS_MAX: usize = 4096;

/// A driver that shows an observer what is asked of the one below it.
///
/// A program that does a lot between calls leaves nothing of ours in the processor's caches. So what a launch looks at lies together at the
/// beginning, in one cache line, and driver and observer are types of their own, whose code becomes one with the layer's.
#[repr(C, align(64))]
pub struct Observed<D, O> {
    pub(crate) unusual: Unusual,
    /// Raised whenever another context may have become current in some thread.
    context_changes: AtomicU32,
    pub(crate) observer: O,
    pub(crate) facts: Facts,
    pub(crate) below: D,
    pub(crate) captures: Captures,
    pub(crate) graphs: Graphs,
    /// Block and dynamic shared memory by function (`cuFuncSetBlockShape`, `cuFuncSetSharedSize`).
    legacy: Mutex<HashMap<usize, ([u32; 3], u32)>>,
}

/// A call that is observed.
pub(crate) struct Call {
    pub(crate) op: Op,
    token: Token,
}

/// A driver of which nothing is known but that it is one.
pub struct AnyDriver(pub &'static dyn Driver);

impl Driver for AnyDriver {
    fn next(&self) -> Option<&dyn Driver> {
        Some(self.0)
    }
}

impl<D: Driver, O: Observer> Observed<D, O> {
    /// Puts a layer over a driver.
    pub fn over(below: D, observer: O) -> Observed<D, O> {
        Observed {
            unusual: Unusual::default(),
            context_changes: AtomicU32::new(1),
            observer,
            facts: Facts::new(),
            below,
            captures: Captures::default(),
            graphs: Graphs::new(),
            legacy: Mutex::default(),
        }
    }

    /// Tells the observer of a definition.
    pub(crate) fn definer(&self) -> impl Fn(Definition<'_>) {
        |definition| self.observer.define(definition)
    }

    /// Where a number lies, of 4 bytes, that is to be raised whenever another context may become current in some thread.
    pub const CONTEXT_CHANGES_AT: usize = std::mem::offset_of!(Self, context_changes);
    /// Where the observer lies.
    pub const OBSERVER_AT: usize = std::mem::offset_of!(Self, observer);
    /// Where it lies what is usual of functions' launches.
    pub const USUAL: UsualLayout =
        Usual::layout(std::mem::offset_of!(Self, facts) + std::mem::offset_of!(Facts, usual));
    /// How many bytes from the beginning a launch looks at.
    pub const LAUNCH_BYTES: usize = std::mem::offset_of!(Self, facts) + Facts::LAUNCH_BYTES;

    /// Handles of contexts may come to name others.
    pub(crate) fn forget_contexts(&self) {
        self.facts.forget_contexts();
        self.context_changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The layer was out of the way of calls: what handles name may be something else now.
    pub fn comes_back(&self) {
        self.forget_contexts();
    }

    /// A note that a context is current.
    #[inline(always)]
    pub(crate) fn note_of(&self, context: u16) -> u64 {
        u64::from(self.context_changes.load(Ordering::Relaxed)) << 16 | u64::from(context)
    }

    /// Runs code of ours such that nothing of it reaches the program: a panic ends the observation. The library's panic hook tells it.
    #[inline(always)]
    pub(crate) fn shielded<T>(&self, ours: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.unusual.is_broken() {
            return None;
        }
        catch_unwind(AssertUnwindSafe(ours)).unwrap_or_else(|_| {
            self.unusual.break_off(&self.facts.usual);
            None
        })
    }

    /// Before a call: makes the op, where it stays, and shows it. Answers whether there is one.
    #[inline(always)]
    pub(crate) fn begin(&self, place: &mut MaybeUninit<Call>, op: impl FnOnce(&Self) -> Option<Op>) -> bool {
        let begun = self.shielded(|| {
            let op = op(self)?;
            let token = self.observer.before(&op);
            place.write(Call { op, token });
            Some(())
        });
        begun.is_some()
    }

    /// After a call: completes the op and shows it again.
    #[inline(always)]
    pub(crate) fn end(
        &self,
        call: Option<&mut Call>,
        result: CUresult,
        complete: impl FnOnce(&Self, Option<&mut Call>, CUresult),
    ) {
        self.shielded(|| {
            let mut call = call;
            complete(self, call.as_deref_mut(), result);
            if let Some(call) = call {
                self.observer.after(call.token, &call.op, result);
            }
            Some(())
        });
    }

    /// Tells the observer that contexts are about to be destroyed.
    pub(crate) fn contexts_go(&self) -> Option<Op> {
        self.observer.contexts_go();
        None
    }

    /// Shows the other ops of a call that is several: `op` makes them, from the second on. The first has taken the call's time, these take
    /// none.
    pub(crate) fn show_others(&self, result: CUresult, op: impl Fn(u32) -> Option<Op>) {
        for op in (1..).map_while(op) {
            let token = self.observer.before(&op);
            self.observer.after(token, &op, result);
        }
    }

    /// Notes what was set for a function's legacy launches.
    pub(crate) fn set_legacy(&self, function: CUfunction, set: impl FnOnce(&mut ([u32; 3], u32))) {
        let mut legacy = self.legacy.lock().unwrap_or_else(PoisonError::into_inner);
        if legacy.len() < LEGACY_FUNCTIONS_MAX || legacy.contains_key(&function.addr()) {
            set(legacy.entry(function.addr()).or_default());
        }
    }

    /// Block and dynamic shared memory of a function's legacy launches.
    pub(crate) fn legacy_shape(&self, function: CUfunction) -> ([u32; 3], u32) {
        let legacy = self.legacy.lock().unwrap_or_else(PoisonError::into_inner);
        legacy.get(&function.addr()).copied().unwrap_or_default()
    }
}
