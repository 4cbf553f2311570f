//! Whether the core that a short measurement ran on was its own.
//!
//! On a rented machine the other half of a core may belong to somebody else, who comes and goes. Code that keeps a whole
//! core busy then takes up to twice as long, which no statistics of the operating system show. So such a measurement is put
//! between two runs of a loop of our own that keeps a core just as busy, and its figure is the median where neither of the two
//! took much longer than the fastest.

use std::hint::black_box;
use std::time::Instant;

use crate::launch_part::Enqueue;
use crate::statistics::summary;

/// A control may take so much longer than the fastest one.
const TOLERANCE: f64 = 1.06;
/// Turns of the loop: about a microsecond.
const TURNS: u64 = 600;

/// Times with those of the controls around them.
#[derive(Debug, Default)]
pub struct Controlled(Vec<(f64, f64)>);

impl Controlled {
    /// Adds what `measure` returns.
    pub fn add<E>(&mut self, measure: impl FnOnce() -> Result<f64, E>) -> Result<(), E> {
        let before = control_ns();
        let value = measure()?;
        let control = before.max(control_ns());
        self.0.push((value, control));
        Ok(())
    }

    /// Medians of all and of those that were not disturbed; nothing of nothing.
    pub fn summary(&self) -> Option<Enqueue> {
        let fastest = self.0.iter().map(|&(_, control)| control).min_by(f64::total_cmp)?;
        let is_undisturbed = |&&(_, control): &&(f64, f64)| control <= fastest * TOLERANCE;
        let kept: Vec<f64> = self.0.iter().filter(is_undisturbed).map(|&(value, _)| value).collect();
        let all: Vec<f64> = self.0.iter().map(|&(value, _)| value).collect();
        Some(Enqueue {
            undisturbed_ns: summary(&kept)?.median,
            all_ns: summary(&all)?.median,
            undisturbed_share: kept.len() as f64 / all.len() as f64,
        })
    }
}

/// The time of a loop of four independent chains of additions and rotations, as many as a core can do at once.
fn control_ns() -> f64 {
    let start = Instant::now();
    let mut chains = black_box([1u64, 2, 3, 4]);
    for turn in 0..TURNS {
        for chain in &mut chains {
            *chain ^= chain.rotate_left(5).wrapping_add(turn);
        }
    }
    black_box(chains);
    start.elapsed().as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbed_measurements_are_left_out() {
        assert!(Controlled::default().summary().is_none());
        let times = Controlled(vec![(10.0, 1.0), (30.0, 1.5), (12.0, 1.04), (11.0, 1.0), (40.0, 2.0)]);
        let summary = times.summary().unwrap();
        assert_eq!((summary.undisturbed_ns, summary.all_ns, summary.undisturbed_share), (11.0, 12.0, 0.6));
    }
}
