//! The shape of sparse matrices and graphs: rows of random lengths, one after the other.

use crate::random::mix;

/// Where each row begins, and at the end how many entries there are. Rows have from none to `2 * mean` entries, every
/// 64th has eight times as many.
pub fn row_starts(rows: u32, mean: u32) -> Vec<u32> {
    let length = |row: u32| {
        let random = mix(row.rotate_left(16));
        let short = random % (2 * mean + 1);
        if (random >> 16) % 64 == 0 { 8 * short } else { short }
    };
    let mut starts = vec![0];
    let mut sum = 0;
    for row in 0..rows {
        sum += length(row);
        starts.push(sum);
    }
    starts
}

/// How many entries all rows have together.
pub fn entries(rows: u32, mean: u32) -> u32 {
    row_starts(rows, mean).last().copied().unwrap_or_default()
}
