//! The limits of the machine, to hold times of kernels against: bandwidth of memory and peak of arithmetic.

use std::ptr;
use std::time::Instant;

use anyhow::{Context, Result};
use libloading::Library;
use serde::{Deserialize, Serialize};

use crate::child;
use crate::compile;
use crate::environment::{self, Environment};
use crate::statistics::summary;

/// Floats of each array: far more than any cache holds.
const COUNT: usize = 32 << 20;
/// Multiply-and-adds in a row, for each vector register.
const ROUNDS: usize = 4_000_000;

/// What was measured in one round, or the medians of all.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Limits {
    /// `a = b + s c` with stores past the caches: bytes read and written.
    pub triad_gb_per_s: f64,
    /// The sum of an array.
    pub read_gb_per_s: f64,
    /// `float` multiplications and additions, in registers.
    pub peak_gflop_per_s: f64,
}

impl Limits {
    /// The medians of several rounds.
    pub fn median(rounds: &[Self]) -> Option<Self> {
        let median = |value: fn(&Self) -> f64| {
            summary(&rounds.iter().map(value).collect::<Vec<f64>>()).map(|summary| summary.median)
        };
        Some(Self {
            triad_gb_per_s: median(|limits| limits.triad_gb_per_s)?,
            read_gb_per_s: median(|limits| limits.read_gb_per_s)?,
            peak_gflop_per_s: median(|limits| limits.peak_gflop_per_s)?,
        })
    }
}

type Triad = unsafe extern "C" fn(*mut f32, *const f32, *const f32, f32, usize);
type ReadAll = unsafe extern "C" fn(*const f32, usize) -> f32;
type MultiplyAdd = unsafe extern "C" fn(usize, f32, *mut f32) -> f64;

/// Serves measurements of the limits, until stdin ends.
///
/// # Errors
/// When the compiler fails.
pub fn serve(environment: &Environment) -> Result<()> {
    let path = compile::shared_object(environment, &environment::sources().join("limits/limits.c"))?;
    // SAFETY: the object was just made of our own source; it and OpenMP have harmless initialisers.
    let library = unsafe { Library::new(&path) }.with_context(|| format!("cannot load {}", path.display()))?;
    // SAFETY: limits.c defines the functions with these types.
    let (triad, read_all, multiply_add) = unsafe {
        let missing = || "limits.c lacks a function";
        (
            *library.get::<Triad>(b"triad\0").with_context(missing)?,
            *library.get::<ReadAll>(b"read_all\0").with_context(missing)?,
            *library.get::<MultiplyAdd>(b"multiply_add\0").with_context(missing)?,
        )
    };
    let mut arrays: Vec<Vec<f32>> = (1..4u8).map(|value| vec![f32::from(value); COUNT + 16]).collect();
    let [a, b, c] = arrays.as_mut_slice() else { unreachable!("three arrays were made") };
    let (a, b, c) = (aligned(a), aligned(b), aligned(c));

    let mut sink = 0.0;
    let mut measure = || {
        let bytes = (COUNT * 4) as f64;
        // SAFETY: the arrays are aligned as the functions want it and have that many elements; `a` is no other's.
        let (triad_s, read_s) = unsafe {
            (
                seconds(|| triad(a.as_mut_ptr(), b.as_ptr(), c.as_ptr(), 0.5, COUNT)),
                seconds(|| sink += read_all(b.as_ptr(), COUNT)),
            )
        };
        let mut operations = 0.0;
        // SAFETY: the sink is a float of ours.
        let multiply_s = seconds(|| operations = unsafe { multiply_add(ROUNDS, 0.5, ptr::from_mut(&mut sink)) });
        Limits {
            triad_gb_per_s: 3.0 * bytes / triad_s / 1e9,
            read_gb_per_s: bytes / read_s / 1e9,
            peak_gflop_per_s: operations / multiply_s / 1e9,
        }
    };
    // Pages and threads exist after a first time.
    measure();
    child::answer(&Limits::default())?;
    child::serve(|request: child::Request| {
        let rounds: Vec<Limits> = (0..request.runs_min).map(|_| measure()).collect();
        Limits::median(&rounds).context("a request for no measurement")
    })
}

/// The part of an array that begins at a multiple of a vector's size.
fn aligned(array: &mut [f32]) -> &mut [f32] {
    let offset = array.as_ptr().align_offset(64);
    &mut array[offset..offset + COUNT]
}

fn seconds(act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_secs_f64()
}
