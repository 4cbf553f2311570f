//! The lines of a module: their text, and the places in CUDA source that debug lines (`.file`, `.loc`) lead to.

use crate::copies::{Groups, Step};
use std::collections::BTreeMap;

/// A place in CUDA source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SourcePlace {
    /// The file as the compiler names it.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// A line of PTX.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Line {
    /// Its text.
    pub text: String,
    /// Where it comes from; none without debug lines (`nvcc -lineinfo`).
    pub source: Option<SourcePlace>,
    /// Where the function was called that the line was inlined from, from the inside out.
    pub called_from: Vec<SourcePlace>,
}

impl Line {
    /// Whether the access is meant to be seen by other threads while they run: stronger than weak.
    pub fn is_strong(&self) -> bool {
        const WORDS: [&str; 7] = [".volatile", ".relaxed", ".acquire", ".release", ".acq_rel", ".mmio", "mbarrier"];
        WORDS.iter().any(|word| self.text.contains(word))
    }

    /// The instruction without its guard.
    fn instruction(&self) -> &str {
        let words =
            self.text.strip_prefix('@').and_then(|rest| rest.split_once(' ')).map_or(&*self.text, |(_, rest)| rest);
        words.trim_start()
    }

    /// Whether its accesses to memory, but for that of an mbarrier, are done by the hardware while the thread goes on.
    pub fn is_copy(&self) -> bool {
        let words = self.instruction();
        words.starts_with("cp.async.") || words.starts_with("cp.reduce.async.")
    }

    /// Whether an mbarrier is waited for.
    pub fn waits_for_mbarrier(&self) -> bool {
        self.text.contains("test_wait") || self.text.contains("try_wait")
    }

    /// What is done with groups of copies.
    pub fn copy_step(&self) -> Option<(Groups, Step)> {
        let words = self.instruction().strip_prefix("cp.async.")?;
        let (groups, words) = match words.strip_prefix("bulk.") {
            Some(rest) => (Groups::Bulk, rest),
            None => (Groups::Plain, words),
        };
        let count = |words: &str| {
            let digits = words.split_whitespace().next()?.trim_end_matches(';');
            digits.parse().ok()
        };
        let step = if words.starts_with("commit_group") {
            Step::Commit
        } else if words.starts_with("wait_all") {
            Step::WaitAll
        } else if let Some(rest) = words.strip_prefix("wait_group") {
            Step::WaitBut(count(rest.strip_prefix(".read").unwrap_or(rest))?)
        } else {
            return None;
        };
        Some((groups, step))
    }

    /// Whether several bytes are moved at once, as compilers do with the padding of structures.
    pub fn moves_padding(&self) -> bool {
        (self.text.contains(".v2.") || self.text.contains(".v4."))
            && (self.text.contains(".u8") || self.text.contains(".b8"))
    }

    /// Whether a barrier wants all threads of a warp to arrive together.
    pub fn is_aligned_barrier(&self) -> bool {
        let words = self.instruction();
        words.starts_with("bar.") || words.contains(".aligned")
    }
}

/// Calls that one line was inlined through, at most.
const CALLS_MAX: usize = 8;

/// A place as `.loc` names it: file, line, column.
type Position = [u32; 3];

/// What stands at some lines of a module.
pub(crate) fn lines_of(program: &str, wanted: impl Fn(u32) -> bool) -> BTreeMap<u32, Line> {
    let files: BTreeMap<u32, String> = program.lines().filter_map(file_of).collect();
    let named = |[file, line, _]: Position| Some(SourcePlace { file: files.get(&file)?.clone(), line });
    let (mut lines, mut place) = (BTreeMap::new(), None);
    let mut callers: BTreeMap<Position, Position> = BTreeMap::new();
    for (number, text) in (1..).zip(program.lines()) {
        let text = text.trim();
        if text.contains(".entry") || text.contains(".func") {
            place = None;
        }
        if let Some(rest) = text.strip_prefix(".loc") {
            let (own, caller) = rest.split_once("inlined_at").map_or((rest, ""), |(own, caller)| (own, caller));
            // Line 0 is code that the compiler made by itself.
            place = position(own).filter(|[_, line, _]| *line != 0);
            if let (Some(place), Some(caller)) = (place, position(caller)) {
                callers.insert(place, caller);
            } else if let Some(place) = place {
                callers.remove(&place);
            }
        } else if wanted(number) {
            let calls = std::iter::successors(place, |place| callers.get(place).copied()).skip(1).take(CALLS_MAX);
            let called_from = calls.filter_map(named).collect();
            lines.insert(number, Line { text: text.to_owned(), source: place.and_then(named), called_from });
        }
    }
    lines
}

/// The numbers that a place begins with.
fn position(text: &str) -> Option<Position> {
    let mut numbers = text.split_ascii_whitespace().map(|word| word.trim_end_matches([',', ';']).parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// The number and name that a `.file` directive joins.
fn file_of(line: &str) -> Option<(u32, String)> {
    let (number, rest) = line.trim().strip_prefix(".file")?.trim_start().split_once(char::is_whitespace)?;
    let name = rest.trim_start().strip_prefix('"')?.split('"').next()?;
    Some((number.parse().ok()?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_lines_lead_to_the_source() {
        let program = ".visible .entry k()\n{\n.loc 1 7 3\nld.volatile.u32 %r1, [%rd1];\n.loc 2 9 1, function_name $L, inlined_at 1 8 0\n\
                       @%p1 bar.sync 0;\n}\n.visible .entry m()\nret;\n.file 1 \"/a/b.cu\"\n.file\t2 \"/a/c.h\"\n";
        let lines = lines_of(program, |_| true);
        assert_eq!(lines[&4].source, Some(SourcePlace { file: "/a/b.cu".to_owned(), line: 7 }));
        assert_eq!(lines[&6].source, Some(SourcePlace { file: "/a/c.h".to_owned(), line: 9 }));
        assert_eq!(lines[&6].called_from, [SourcePlace { file: "/a/b.cu".to_owned(), line: 8 }]);
        assert_eq!(lines[&9].source, None, "another function");
        assert!(lines[&4].is_strong() && !lines[&6].is_strong());
        assert!(lines[&6].is_aligned_barrier() && !lines[&4].is_aligned_barrier());
    }

    #[test]
    fn steps_of_copies_are_told_apart() {
        let line = |text: &str| Line { text: text.to_owned(), ..Line::default() };
        let step = |text| line(text).copy_step();
        assert_eq!(step("cp.async.commit_group;"), Some((Groups::Plain, Step::Commit)));
        assert_eq!(step("@%p3 cp.async.wait_group 2;"), Some((Groups::Plain, Step::WaitBut(2))));
        assert_eq!(step("cp.async.wait_all;"), Some((Groups::Plain, Step::WaitAll)));
        assert_eq!(step("cp.async.bulk.wait_group.read 0;"), Some((Groups::Bulk, Step::WaitBut(0))));
        assert_eq!(step("cp.async.ca.shared.global [%r1], [%rd1], 4;"), None);
        assert!(line("cp.async.ca.shared.global [%r1], [%rd1], 4;").is_copy());
        assert!(!line("mbarrier.try_wait.shared.b64 %p1, [%r1], %rd2;").is_copy());
        assert!(line("mbarrier.try_wait.shared.b64 %p1, [%r1], %rd2;").waits_for_mbarrier());
    }
}
