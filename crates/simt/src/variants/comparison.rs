//! Whether one of two samples of times is smaller, by ranks: a few launches that were interrupted change nothing.

/// How the times of a new variant compare with those of the old one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Time of the new one in parts of the old one's: the median over all pairs of a launch of each.
    pub ratio: f64,
    /// Share of these pairs in which the new one is faster.
    pub wins: f64,
}

impl Comparison {
    /// Compares; `None` without a launch of each.
    pub(crate) fn of(old: &[f64], new: &[f64]) -> Option<Comparison> {
        let mut ratios: Vec<f64> = old.iter().flat_map(|old| new.iter().map(move |new| new / old)).collect();
        if ratios.is_empty() {
            return None;
        }
        ratios.sort_by(f64::total_cmp);
        let wins = ratios.iter().filter(|ratio| **ratio < 1.0).count() as f64 / ratios.len() as f64;
        Some(Comparison { ratio: ratios[ratios.len() / 2], wins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ratio_is_told() {
        let comparison = Comparison::of(&[10.0, 12.0, 500.0], &[5.0, 6.0, 5.5]).expect("both have launches");
        assert_eq!(comparison.wins, 1.0);
        assert!((0.4..0.6).contains(&comparison.ratio), "{comparison:?}");
        assert_eq!(Comparison::of(&[1.0], &[]), None);
    }
}
