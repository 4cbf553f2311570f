//! The limits of the machine, to hold times of kernels against: bandwidth of memory and peak of arithmetic.

use std::ptr;
use std::time::Instant;

use anyhow::{Context, Result};
use libloading::Library;
use serde::{Deserialize, Serialize};

use crate::child;
use crate::compile;
use crate::environment::{self, Environment};
use crate::memory::Memory;
use crate::random;
use crate::statistics::summary;

/// Floats of each array: far more than any cache holds.
const COUNT: usize = 32 << 20;
/// Multiply-and-adds in a row, for each vector register: as many as take about as long as a kernel that is held against them, some 10 ms, as do the passes over
/// the arrays. What takes a moment falls between what else the machine does, and what takes longer does not.
const ROUNDS: usize = 6_000_000;

/// What was seen at one time, or of several times.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Limits {
    /// The sum of an array.
    pub read_gb_per_s: f64,
    /// `a = b + s c`: bytes read and written, with plain stores or with stores past the caches, whichever is faster.
    pub triad_gb_per_s: f64,
    /// `a = a + s b`: bytes read and written.
    pub update_gb_per_s: f64,
    /// `float` multiplications and additions, in registers.
    pub peak_gflop_per_s: f64,
    /// `a = b + s c` on one core.
    pub triad_one_core_gb_per_s: f64,
    /// `float` multiplications and additions on one core.
    pub peak_one_core_gflop_per_s: f64,
}

impl Limits {
    /// The largest of each that was seen.
    pub fn best(seen: &[Self]) -> Self {
        Self::of_each(seen, |values| values.iter().copied().fold(0.0, f64::max))
    }

    /// The median of each.
    pub fn median(seen: &[Self]) -> Self {
        Self::of_each(seen, |values| summary(values).map_or(0.0, |summary| summary.median))
    }

    fn of_each(seen: &[Self], of: impl Fn(&[f64]) -> f64) -> Self {
        let of = |field: fn(&Self) -> f64| of(&seen.iter().map(field).collect::<Vec<f64>>());
        Self {
            read_gb_per_s: of(|limits| limits.read_gb_per_s),
            triad_gb_per_s: of(|limits| limits.triad_gb_per_s),
            update_gb_per_s: of(|limits| limits.update_gb_per_s),
            peak_gflop_per_s: of(|limits| limits.peak_gflop_per_s),
            triad_one_core_gb_per_s: of(|limits| limits.triad_one_core_gb_per_s),
            peak_one_core_gflop_per_s: of(|limits| limits.peak_one_core_gflop_per_s),
        }
    }
}

/// A request to measure once. The answer is [`Limits`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Measure {}

type Triad = unsafe extern "C" fn(*mut f32, *const f32, *const f32, f32, usize);
type Update = unsafe extern "C" fn(*mut f32, *const f32, f32, usize);
type ReadAll = unsafe extern "C" fn(*const f32, usize) -> f32;
type UseThreads = unsafe extern "C" fn(i32);
type MultiplyAdd = unsafe extern "C" fn(usize, f32, *mut f32) -> f64;

/// Serves measurements of the limits, until stdin ends.
///
/// # Errors
/// When the compiler fails.
pub fn serve(environment: &Environment) -> Result<()> {
    let path = compile::shared_object(environment, &environment::sources().join("limits/limits.c"), &[])?;
    // SAFETY: the object was just made of our own source; it and OpenMP have harmless initialisers.
    let library = unsafe { Library::new(&path) }.with_context(|| format!("cannot load {}", path.display()))?;
    // SAFETY: limits.c defines the functions with these types.
    let (triad, triad_past_caches, update, read_all, multiply_add, use_threads) = unsafe {
        let missing = || "limits.c lacks a function";
        (
            *library.get::<Triad>(b"triad\0").with_context(missing)?,
            *library.get::<Triad>(b"triad_past_caches\0").with_context(missing)?,
            *library.get::<Update>(b"update\0").with_context(missing)?,
            *library.get::<ReadAll>(b"read_all\0").with_context(missing)?,
            *library.get::<MultiplyAdd>(b"multiply_add\0").with_context(missing)?,
            *library.get::<UseThreads>(b"use_threads\0").with_context(missing)?,
        )
    };
    let values: Vec<u8> = (0..COUNT as u32).flat_map(|index| random::unit(index).to_le_bytes()).collect();
    let arrays = [Memory::with(&values)?, Memory::with(&values)?, Memory::with(&values)?];
    drop(values);
    let [a, b, c] = arrays.each_ref().map(|memory| memory.start().cast::<f32>());

    let mut sink = 0.0;
    let mut measure = || {
        let bytes = (COUNT * 4) as f64;
        // SAFETY: the arrays are aligned to pages and have that many elements; they and the sink are ours alone.
        unsafe {
            use_threads(0);
            let triads_s = || {
                let plain_s = seconds(|| triad(a, b, c, 0.5, COUNT));
                plain_s.min(seconds(|| triad_past_caches(a, b, c, 0.5, COUNT)))
            };
            let triad_s = triads_s();
            let update_s = seconds(|| update(a, b, 0.5, COUNT));
            let read_s = seconds(|| sink += read_all(b, COUNT));
            let mut peak = || {
                let mut operations = 0.0;
                let multiply_s = seconds(|| operations = multiply_add(ROUNDS, 0.5, ptr::from_mut(&mut sink)));
                operations / multiply_s / 1e9
            };
            let peak_gflop_per_s = peak();
            use_threads(1);
            let triad_one_core_s = triads_s();
            let peak_one_core_gflop_per_s = peak();
            Limits {
                read_gb_per_s: bytes / read_s / 1e9,
                triad_gb_per_s: 3.0 * bytes / triad_s / 1e9,
                update_gb_per_s: 3.0 * bytes / update_s / 1e9,
                peak_gflop_per_s,
                triad_one_core_gb_per_s: 3.0 * bytes / triad_one_core_s / 1e9,
                peak_one_core_gflop_per_s,
            }
        }
    };
    // Pages and threads exist after a first time.
    measure();
    child::answer(&Limits::default())?;
    child::serve(|Measure {}| Ok(measure()))
}

fn seconds(act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_secs_f64()
}
