//! Which version of PTX a driver takes.

use crate::ast::Version;

/// Versions of PTX by the release of CUDA that brought them (PTX ISA, release history): driver version as `cuDriverGetVersion`
/// states it, PTX version.
const RELEASES: &[(u32, u32, u32)] = &[
    (10_000, 6, 3),
    (10_010, 6, 4),
    (10_020, 6, 5),
    (11_000, 7, 0),
    (11_010, 7, 1),
    (11_020, 7, 2),
    (11_030, 7, 3),
    (11_040, 7, 4),
    (11_050, 7, 5),
    (11_060, 7, 6),
    (11_070, 7, 7),
    (11_080, 7, 8),
    (12_000, 8, 0),
    (12_010, 8, 1),
    (12_020, 8, 2),
    (12_030, 8, 3),
    (12_040, 8, 4),
    (12_050, 8, 5),
    (12_070, 8, 6),
    (12_080, 8, 7),
    (12_090, 8, 8),
    (13_000, 9, 0),
    (13_010, 9, 1),
];

/// The newest version of PTX that a driver takes; that of the newest driver known here for later ones, which take more. None for
/// drivers from before CUDA 10.
pub fn version_of_driver(driver: u32) -> Option<Version> {
    let newest = RELEASES.iter().rfind(|(release, ..)| *release <= driver)?;
    Some(Version { major: newest.1, minor: newest.2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_follow_the_releases() {
        let text = |driver| version_of_driver(driver).map(|version| format!("{}.{}", version.major, version.minor));
        assert_eq!(text(13_000).as_deref(), Some("9.0"));
        assert_eq!(text(12_060).as_deref(), Some("8.5"));
        assert_eq!(text(99_000).as_deref(), Some("9.1"));
        assert_eq!(text(9_020), None);
        assert!(RELEASES.is_sorted_by(|a, b| a.0 < b.0 && (a.1, a.2) < (b.1, b.2)));
    }
}
