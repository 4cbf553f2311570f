//! The layer: a driver in front of another.

use crate::captures::Captures;
use crate::facts::Facts;
use crate::graphs::Graphs;
use cuda_abi::{CUfunction, CUresult};
use driver_api::op::{Definition, Op, Token};
use driver_api::{Driver, Observer};
use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most observers of a layer.
const OBSERVERS_MAX: usize = 2;
/// Most functions whose block was set for the launches of before CUDA 4. Further ones count as having no block.
const LEGACY_FUNCTIONS_MAX: usize = 4096;

/// A driver that shows observers what is asked of the one below it.
pub struct Observed {
    pub(crate) below: &'static dyn Driver,
    observers: Vec<&'static dyn Observer>,
    /// Something of ours panicked: nothing is observed any more.
    is_broken: AtomicBool,
    pub(crate) facts: Facts,
    pub(crate) captures: Captures,
    pub(crate) graphs: Graphs,
    /// Block and dynamic shared memory by function (`cuFuncSetBlockShape`, `cuFuncSetSharedSize`).
    legacy: Mutex<HashMap<usize, ([u32; 3], u32)>>,
}

/// A call that is observed.
pub(crate) struct Call {
    pub(crate) op: Op,
    tokens: [Token; OBSERVERS_MAX],
}

impl Observed {
    /// Puts a layer over a driver.
    ///
    /// # Panics
    /// For more than two observers.
    pub fn over(below: &'static dyn Driver, observers: Vec<&'static dyn Observer>) -> Observed {
        assert!(observers.len() <= OBSERVERS_MAX, "{} observers", observers.len());
        Observed {
            below,
            observers,
            is_broken: AtomicBool::new(false),
            facts: Facts::new(),
            captures: Captures::default(),
            graphs: Graphs::new(),
            legacy: Mutex::default(),
        }
    }

    /// Tells observers of a definition.
    pub(crate) fn definer(&self) -> impl Fn(Definition<'_>) {
        |definition| self.observers.iter().for_each(|observer| observer.define(definition))
    }

    /// Runs code of ours such that nothing of it reaches the program: a panic ends the observation. The library's panic hook tells it.
    #[inline(always)]
    pub(crate) fn shielded<T>(&self, ours: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.is_broken.load(Ordering::Relaxed) {
            return None;
        }
        catch_unwind(AssertUnwindSafe(ours)).unwrap_or_else(|_| {
            self.is_broken.store(true, Ordering::Relaxed);
            None
        })
    }

    /// Before a call: makes the op, where it stays, and shows it. Answers whether there is one.
    #[inline(always)]
    pub(crate) fn begin(&self, place: &mut MaybeUninit<Call>, op: impl FnOnce(&Self) -> Option<Op>) -> bool {
        let begun = self.shielded(|| {
            let op = op(self)?;
            self.show(place.write(Call { op, tokens: [Token::default(); OBSERVERS_MAX] }));
            Some(())
        });
        begun.is_some()
    }

    /// Shows an op that is about to be done.
    #[inline(always)]
    fn show(&self, call: &mut Call) {
        for (observer, token) in self.observers.iter().zip(&mut call.tokens) {
            *token = observer.before(&call.op);
        }
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
                self.show_again(call, result);
            }
            Some(())
        });
    }

    /// Shows an op that was done.
    #[inline(always)]
    pub(crate) fn show_again(&self, call: &Call, result: CUresult) {
        for (observer, token) in self.observers.iter().zip(&call.tokens) {
            observer.after(*token, &call.op, result);
        }
    }

    /// Tells observers that contexts are about to be destroyed.
    pub(crate) fn contexts_go(&self) -> Option<Op> {
        self.observers.iter().for_each(|observer| observer.contexts_go());
        None
    }

    /// Shows the other ops of a call that is several: `op` makes them, from the second on. The first has taken the call's time, these take
    /// none.
    pub(crate) fn show_others(&self, result: CUresult, op: impl Fn(u32) -> Option<Op>) {
        for op in (1..).map_while(op) {
            let mut call = Call { op, tokens: [Token::default(); OBSERVERS_MAX] };
            self.show(&mut call);
            self.show_again(&call, result);
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
