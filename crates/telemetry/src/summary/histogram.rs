//! Distributions in bounded memory.

/// Buckets to a doubling.
const PARTS: u64 = 8;

/// How often values of which size came, to an eighth of a doubling.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: vec![0; (64 * PARTS) as usize], count: 0, sum: 0, most: 0 }
    }
}

/// The bucket of a value: below 8 the value itself, then eight to a doubling.
fn bucket(value: u64) -> usize {
    match value.checked_ilog2() {
        None | Some(..=2) => value as usize,
        Some(log) => (u64::from(log - 2) * PARTS + (value >> (log - 3)) - PARTS) as usize,
    }
}

/// The middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return bucket;
    }
    let shift = bucket / PARTS - 1;
    let (first, width) = ((bucket % PARTS + PARTS) << shift, 1 << shift);
    first + width / 2
}

impl Histogram {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.most = self.most.max(value);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The largest.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// The value that this part of the values, from 0 to 1, is not above; right to a sixteenth. 0 where there are none.
    pub fn quantile(&self, part: f64) -> u64 {
        let wanted = (self.count as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return middle(bucket).min(self.most);
            }
        }
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|value| histogram.add(value));
        for (part, exact) in [(0.1, 1000.0), (0.5, 5000.0), (0.9, 9000.0), (0.99, 9900.0), (1.0, 10_000.0)] {
            let found = histogram.quantile(part) as f64;
            assert!((found / exact - 1.0).abs() < 0.07, "{part}: {found}");
        }
        assert_eq!((histogram.count(), histogram.sum(), histogram.most()), (10_000, 50_005_000, 10_000));
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn every_value_has_a_bucket_around_it() {
        for value in (0..2000).chain((11..64).map(|bit| 1 << bit)).chain([u64::MAX]) {
            let around = middle(bucket(value));
            assert!(around.abs_diff(value) <= value / 8, "{value} is put near {around}");
        }
    }
}
