//! Whether two peers computed the same.

use anyhow::{Result, ensure};

use crate::workload::{Buffer, Element, Tolerance};

/// Compares the bytes of a result buffer.
///
/// # Errors
/// When they differ by more than the tolerance: by how much, and where.
pub fn compare(buffer: &Buffer, tolerance: Tolerance, expected: &[u8], got: &[u8]) -> Result<()> {
    ensure!(expected.len() == got.len(), "{} has {} bytes, expected {}", buffer.name, got.len(), expected.len());
    match tolerance {
        Tolerance::Exact => share(buffer, 0.0, expected, got),
        Tolerance::Share(limit) => share(buffer, limit, expected, got),
        Tolerance::Relative(limit) => relative(buffer, limit, expected, got),
    }
}

/// The elements of a buffer as numbers.
fn numbers(element: Element, bytes: &[u8]) -> impl Iterator<Item = f64> + '_ {
    bytes.as_chunks::<4>().0.iter().map(move |&bytes| match element {
        Element::F32 => f64::from(f32::from_le_bytes(bytes)),
        Element::I32 => f64::from(i32::from_le_bytes(bytes)),
        Element::U32 => f64::from(u32::from_le_bytes(bytes)),
    })
}

fn share(buffer: &Buffer, limit: f64, expected: &[u8], got: &[u8]) -> Result<()> {
    let pairs = || numbers(buffer.element, expected).zip(numbers(buffer.element, got));
    let different = pairs().filter(|(expected, got)| expected != got).count();
    let Some((index, (expected, got))) = pairs().enumerate().find(|(_, (expected, got))| expected != got) else {
        return Ok(());
    };
    let part = different as f64 / buffer.count as f64;
    ensure!(
        part <= limit,
        "{different} of {} elements of {} differ, {part:.2e} of all where {limit:.0e} is tolerated; element {index} is \
         {got}, expected {expected}",
        buffer.count,
        buffer.name
    );
    Ok(())
}

fn relative(buffer: &Buffer, limit: f64, expected: &[u8], got: &[u8]) -> Result<()> {
    let squares: f64 = numbers(buffer.element, expected).map(|value| value * value).sum();
    let mean = (squares / buffer.count as f64).sqrt();
    let pairs = numbers(buffer.element, expected).zip(numbers(buffer.element, got));
    for (index, (expected, got)) in pairs.enumerate() {
        let allowed = limit * expected.abs().max(mean);
        // Not a number is more than is allowed, too.
        let near = (expected - got).abs() <= allowed;
        ensure!(
            near,
            "element {index} of {} is {got}, expected {expected} with a tolerance of {allowed:.2e}",
            buffer.name
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Contents;

    fn differs(tolerance: Tolerance, expected: &[f32], got: &[f32]) -> bool {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let buffer = Buffer::input("b", Element::F32, expected.len(), Contents::Zero);
        compare(&buffer, tolerance, &bytes(expected), &bytes(got)).is_err()
    }

    #[test]
    fn differences_are_found_and_tolerated() {
        assert!(!differs(Tolerance::Exact, &[1.0, 2.0], &[1.0, 2.0]));
        assert!(differs(Tolerance::Exact, &[1.0, 2.0], &[1.0, 2.5]));
        assert!(differs(Tolerance::Exact, &[1.0], &[1.0, 2.0]));
        assert!(!differs(Tolerance::Share(0.5), &[1.0, 2.0], &[1.0, 9.0]));
        assert!(differs(Tolerance::Share(0.5), &[1.0, 2.0], &[3.0, 9.0]));
        assert!(!differs(Tolerance::Relative(0.1), &[1.0, 0.0], &[1.05, 0.05]));
        assert!(differs(Tolerance::Relative(0.1), &[1.0, 0.0], &[1.2, 0.0]));
        assert!(differs(Tolerance::Relative(0.1), &[1.0], &[f32::NAN]));
    }
}
