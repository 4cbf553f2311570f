//! A trial: two variants of a kernel, run by turns on real launches and timed.

use super::comparison::Comparison;
use super::{Outcome, Variant};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Pairs of launches at most. The first pair is not counted: code and its memory are cold.
const PAIRS: usize = 33;
/// Pairs after which a trial ends if every launch of one variant was faster than every one of the other.
const EARLY_PAIRS: usize = 7;
/// Pairs after which a trial ends unless the new variant seems faster and chance alone might have done it.
const USUAL_PAIRS: usize = 17;
/// Launches after which a trial is given up.
const LAUNCHES_MAX: u32 = 4096;
/// The new variant is taken if its time is below this share of the other's, and it wins enough of the comparisons.
const RATIO_MAX: f64 = 0.97;
/// Share of comparisons to win with [`USUAL_PAIRS`] and with [`PAIRS`]: chance alone comes so far in one of a hundred trials.
const WINS_MIN: [f64; 2] = [0.75, 0.68];

/// One of the two variants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Incumbent = 0,
    Challenger = 1,
}

/// A launch's place in a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) side: Side,
    pair: usize,
}

/// Why a launch does not take part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoEntry {
    /// It is of another kind, or there are enough.
    Full,
    /// It is the one that ends a trial without a decision.
    GivenUp,
}

/// Two variants that compete. Launches of about the same size are compared, by the time of a block.
pub(crate) struct Trial {
    variants: [Arc<Variant>; 2],
    /// Kind of the launches that are compared; 0 before the first.
    kind: AtomicU64,
    launches: AtomicU32,
    entered: AtomicU32,
    noted: AtomicU32,
    is_over: AtomicBool,
    /// Time of a block in nanoseconds as bits of an `f64`; 0 while there is none.
    times: [[AtomicU64; PAIRS]; 2],
}

impl Trial {
    pub(super) fn new(incumbent: Arc<Variant>, challenger: Arc<Variant>) -> Trial {
        Trial {
            variants: [incumbent, challenger],
            kind: AtomicU64::new(0),
            launches: AtomicU32::new(0),
            entered: AtomicU32::new(0),
            noted: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
            times: [const { [const { AtomicU64::new(0) }; PAIRS] }; 2],
        }
    }

    pub(super) fn variant(&self, side: Side) -> &Variant {
        &self.variants[side as usize]
    }

    /// Gives a launch a place. Which of a pair goes first is left to chance, since a program may alternate between launches of
    /// two kinds.
    pub(super) fn enter(&self, blocks: u64, dynamic_shared_bytes: u32) -> Result<Entry, NoEntry> {
        if self.launches.load(Ordering::Relaxed) >= LAUNCHES_MAX {
            return Err(NoEntry::Full);
        }
        if self.launches.fetch_add(1, Ordering::Relaxed) == LAUNCHES_MAX - 1 {
            let is_first = !self.is_over.swap(true, Ordering::Relaxed);
            return Err(if is_first { NoEntry::GivenUp } else { NoEntry::Full });
        }
        let kind = u64::from(blocks.max(1).ilog2() + 1) << 32 | u64::from(dynamic_shared_bytes);
        let of_trial =
            self.kind.compare_exchange(0, kind, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|it| it);
        if of_trial != 0 && of_trial != kind {
            return Err(NoEntry::Full);
        }
        let number = self.entered.fetch_add(1, Ordering::Relaxed) as usize;
        let pair = number / 2;
        if pair >= PAIRS {
            return Err(NoEntry::Full);
        }
        let side = if (number % 2 == 0) == coin(pair as u64) { Side::Challenger } else { Side::Incumbent };
        Ok(Entry { side, pair })
    }

    /// Notes the time of a launch; what follows from it, if it is the one that decides.
    pub(super) fn note(&self, entry: Entry, elapsed_ns: u64, blocks: u64) -> Option<Outcome> {
        let time = elapsed_ns.max(1) as f64 / blocks.max(1) as f64;
        self.times[entry.side as usize][entry.pair].store(time.to_bits(), Ordering::Release);
        let noted = self.noted.fetch_add(1, Ordering::AcqRel) as usize + 1;
        if ![EARLY_PAIRS, USUAL_PAIRS, PAIRS].map(|pairs| 2 * pairs).contains(&noted) {
            return None;
        }
        let comparison = Comparison::of(&self.times_of(Side::Incumbent), &self.times_of(Side::Challenger))?;
        let is_taken = decide(comparison, noted / 2)?;
        if self.is_over.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(if is_taken { Outcome::Taken(comparison) } else { Outcome::Refused(comparison) })
    }

    fn times_of(&self, side: Side) -> Vec<f64> {
        let counted = self.times[side as usize][1..].iter().map(|time| time.load(Ordering::Acquire));
        counted.filter(|bits| *bits != 0).map(f64::from_bits).collect()
    }
}

/// Whether the new variant is to be taken, after so many pairs; `None` if more are needed.
fn decide(comparison: Comparison, pairs: usize) -> Option<bool> {
    let Comparison { ratio, wins } = comparison;
    let seems_faster = ratio <= RATIO_MAX;
    match pairs {
        EARLY_PAIRS if wins == 0.0 => Some(false),
        EARLY_PAIRS => (seems_faster && wins == 1.0).then_some(true),
        USUAL_PAIRS if !seems_faster => Some(false),
        USUAL_PAIRS => (wins >= WINS_MIN[0]).then_some(true),
        _ => Some(seems_faster && wins >= WINS_MIN[1]),
    }
}

/// A bit that looks like chance and is the same in each run.
fn coin(number: u64) -> bool {
    // The finishing steps of splitmix64.
    let mut mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use simt_ir::abi::{ExecutionMode, KernelCode};

    fn trial() -> Trial {
        let code = KernelCode {
            entry: 0,
            mode: ExecutionMode::RunToCompletion,
            lanes: 32,
            frame_bytes: 0,
            local_bytes: 0,
            needs_stack: false,
            shared_bytes: 0,
        };
        let variant = || Arc::new(Variant { code, _owner: Arc::new(()) });
        Trial::new(variant(), variant())
    }

    /// Runs launches whose time is told by side and number until one decides; how many it took, and what was decided.
    fn run(time_ns: impl Fn(Side, usize) -> u64) -> (usize, Option<Outcome>) {
        let trial = trial();
        for number in 0..100 {
            let Ok(entry) = trial.enter(64, 0) else { continue };
            let outcome = trial.note(entry, time_ns(entry.side, number), 64);
            if outcome.is_some() {
                return (number + 1, outcome);
            }
        }
        (100, None)
    }

    fn is_taken(outcome: Option<Outcome>) -> bool {
        matches!(outcome, Some(Outcome::Taken(_)))
    }

    #[test]
    fn what_is_clearly_faster_is_taken_early() {
        let (launches, outcome) = run(|side, _| if side == Side::Challenger { 700 } else { 1000 });
        assert!(is_taken(outcome) && launches == 2 * EARLY_PAIRS, "{launches} {outcome:?}");
        let (launches, outcome) = run(|side, _| if side == Side::Challenger { 1300 } else { 1000 });
        assert!(!is_taken(outcome) && launches == 2 * EARLY_PAIRS, "{launches} {outcome:?}");
    }

    #[test]
    fn a_program_that_alternates_misleads_nobody() {
        for period in [2, 3, 4, 8] {
            let (_, outcome) = run(|_, number| if number % period == 0 { 5000 } else { 1000 });
            assert!(outcome.is_some() && !is_taken(outcome), "period {period}: {outcome:?}");
        }
    }

    #[test]
    fn a_few_interruptions_do_not_matter() {
        let interrupted = |number: usize| if number % 7 == 3 { 100_000 } else { 0 };
        let (_, outcome) = run(|side, number| interrupted(number) + if side == Side::Challenger { 800 } else { 1000 });
        assert!(is_taken(outcome), "{outcome:?}");
        let (_, outcome) = run(|_, number| interrupted(number) + 1000 + number as u64 % 5);
        assert!(!is_taken(outcome), "{outcome:?}");
    }

    #[test]
    fn what_might_be_chance_is_looked_at_for_longer() {
        let comparison = |ratio, wins| Comparison { ratio, wins };
        assert_eq!(decide(comparison(0.9, 0.7), USUAL_PAIRS), None);
        assert_eq!(decide(comparison(0.9, 0.8), USUAL_PAIRS), Some(true));
        assert_eq!(decide(comparison(0.98, 0.8), USUAL_PAIRS), Some(false));
        assert_eq!(decide(comparison(0.9, 0.7), PAIRS), Some(true));
        assert_eq!(decide(comparison(0.9, 0.6), PAIRS), Some(false));
    }

    #[test]
    fn launches_of_other_sizes_are_left_out_and_end_the_trial_at_last() {
        let trial = trial();
        assert!(trial.enter(64, 0).is_ok());
        assert!(trial.enter(100, 0).is_ok(), "half as many again is about the same");
        assert_eq!(trial.enter(1000, 0), Err(NoEntry::Full));
        assert_eq!(trial.enter(64, 512), Err(NoEntry::Full));
        let ends = (0..2 * LAUNCHES_MAX).filter(|_| trial.enter(1000, 0) == Err(NoEntry::GivenUp)).count();
        assert_eq!(ends, 1);
    }
}
