//! The counters of one kernel: what its code and its sites add to a tally, and what the tally means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use simt::{AccessEvent, KernelObserver, LaunchInfo, MeetingEvent};
use simt_ir::AddressSpace;
use simt_ir::abi::{AccessKind, AccessSpace};
use simt_ir::instrument::{InstructionClass, Instrumentation, SEGMENT_WORDS, SiteKind};

use crate::collector::{Collector, Launch};
use crate::counts::{Access, Counts, Instructions, Space};
use crate::memory::{self, lanes_in};

/// Words of a space at a site: requests, threads, sectors or wavefronts, and the least that they could be.
const SPACE_WORDS: usize = 4;
/// The spaces that an address can turn out to lie in; accesses to constant memory say so themselves.
const SPACES: [Space; 3] = [Space::Global, Space::Shared, Space::Local];
/// Words of a site. A branch uses the first alone.
const SITE_WORDS: usize = SPACE_WORDS * SPACES.len();

/// The counters of a kernel, for code that was made for blocks of one size.
pub struct KernelCounters {
    name: String,
    /// Tells modules apart that have kernels of one name.
    module: u64,
    meaning: Arc<Instrumentation>,
    /// The text of each line that is counted.
    texts: BTreeMap<u32, String>,
    collector: Weak<Collector>,
    sum: Mutex<Sum>,
}

/// The sum of all launches.
#[derive(Default)]
struct Sum {
    launches: u64,
    failed: u64,
    tally: Vec<u64>,
}

impl KernelCounters {
    /// Counters that the collector knows of. `program` is the text of the module, and `module` its number.
    pub fn new(
        collector: &Arc<Collector>,
        name: &str,
        module: u64,
        meaning: Arc<Instrumentation>,
        program: &str,
    ) -> Arc<KernelCounters> {
        let marks = meaning.segments.iter().flatten().map(|mark| mark.line);
        let lines: BTreeSet<u32> = marks.chain(meaning.sites.iter().map(|site| site.line)).collect();
        let numbered = (1..).zip(program.lines()).filter(|(number, _)| lines.contains(number));
        let texts = numbered.map(|(number, text)| (number, text.trim().to_owned())).collect();
        let sum = Mutex::new(Sum { tally: vec![0; words_of(&meaning)], ..Sum::default() });
        let (name, kept_by) = (name.to_owned(), Arc::downgrade(collector));
        let counters = Arc::new(KernelCounters { name, module, meaning, texts, collector: kept_by, sum });
        collector.add_kernel(counters.clone());
        counters
    }

    /// The kernel's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module's number.
    pub(crate) fn module(&self) -> u64 {
        self.module
    }

    /// The text of a line.
    pub(crate) fn text(&self, line: u32) -> &str {
        self.texts.get(&line).map_or("", String::as_str)
    }

    /// Launches so far, those of them that failed, and what all of them counted.
    pub(crate) fn totals(&self) -> (u64, u64, BTreeMap<u32, Counts>) {
        let sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        (sum.launches, sum.failed, self.lines_of(&sum.tally))
    }

    /// What a tally says of each line.
    pub(crate) fn lines_of(&self, tally: &[u64]) -> BTreeMap<u32, Counts> {
        let mut lines: BTreeMap<u32, Counts> = BTreeMap::new();
        let words = tally.chunks_exact(SEGMENT_WORDS);
        for (marks, words) in self.meaning.segments.iter().zip(words) {
            let executed = Instructions { warps: words[0], threads: words[1] };
            for mark in marks.iter().filter(|_| executed.warps > 0) {
                *lines.entry(mark.line).or_default().instructions.entry(mark.class).or_default() += executed;
            }
        }
        let sites = tally.get(self.meaning.segment_words()..).unwrap_or_default().chunks_exact(SITE_WORDS);
        for (site, words) in self.meaning.sites.iter().zip(sites) {
            match site.kind {
                SiteKind::Access { kind, space, bytes } => {
                    for (place, words) in SPACES.into_iter().zip(words.chunks_exact(SPACE_WORDS)) {
                        if words[0] == 0 {
                            continue;
                        }
                        let place = if space == AddressSpace::Const { Space::Const } else { place };
                        *lines.entry(site.line).or_default().access_mut(place, kind) += Access {
                            requests: words[0],
                            threads: words[1],
                            bytes: words[1] * u64::from(bytes),
                            units: words[2],
                            least: words[3],
                        };
                    }
                }
                // Loops of which one instruction is made, and guards of other instructions, are no branches of the program.
                SiteKind::Branch if words[0] > 0 => {
                    if let Some(counts) = lines.get_mut(&site.line)
                        && counts.instructions.contains_key(&InstructionClass::Branch)
                    {
                        counts.divergent_branches += words[0];
                    }
                }
                SiteKind::Branch | SiteKind::Barrier | SiteKind::Members => {}
            }
        }
        lines
    }

    fn words_at<'a>(&self, tally: &'a mut [u64], site: u32) -> Option<&'a mut [u64]> {
        let start = self.meaning.segment_words() + site as usize * SITE_WORDS;
        tally.get_mut(start..start + SITE_WORDS)
    }

    /// Which of the lanes access which space, with addresses as that space counts them.
    fn split(&self, event: &AccessEvent<'_>, mut each: impl FnMut(usize, u32, &[u64; 32])) {
        let site = self.meaning.sites.get(event.site as usize).map(|site| site.kind);
        match event.space {
            AccessSpace::Shared => return each(Space::Shared as usize, event.lanes, event.addresses),
            AccessSpace::Local => return each(Space::Local as usize, event.lanes, event.addresses),
            AccessSpace::Global => {}
        }
        if !matches!(site, Some(SiteKind::Access { space: AddressSpace::Generic, .. })) {
            return each(Space::Global as usize, event.lanes, event.addresses);
        }
        let mut addresses = *event.addresses;
        let mut masks = [0u32; SPACES.len()];
        for lane in lanes_in(event.lanes) {
            let address = addresses[lane];
            let (local, stride) = event.local;
            let space = if (event.shared.0..event.shared.1).contains(&address) {
                addresses[lane] = address - event.shared.0;
                Space::Shared
            } else if address.wrapping_sub(local) < u64::from(stride) * 32 {
                addresses[lane] = (address - local).wrapping_sub(lane as u64 * u64::from(stride));
                Space::Local
            } else {
                Space::Global
            };
            masks[space as usize] |= 1 << lane;
        }
        for (space, mask) in masks.into_iter().enumerate() {
            each(space, mask, &addresses);
        }
    }
}

fn words_of(meaning: &Instrumentation) -> usize {
    meaning.segment_words() + meaning.sites.len() * SITE_WORDS
}

impl KernelObserver for KernelCounters {
    fn tally_words(&self) -> usize {
        words_of(&self.meaning)
    }

    fn access(&self, tally: &mut [u64], event: &AccessEvent<'_>) {
        let Some(words) = self.words_at(tally, event.site) else { return };
        self.split(event, |space, lanes, addresses| {
            if lanes == 0 {
                return;
            }
            let (units, least) = match (SPACES[space], event.kind) {
                (Space::Global | Space::Const, AccessKind::Atomic) => (memory::atomic_sectors(lanes, addresses), 0),
                (Space::Global | Space::Const, _) => (memory::sectors(lanes, addresses, event.bytes), 0),
                (Space::Local, _) => (memory::local_sectors(lanes, addresses, event.bytes), 0),
                // How a card combines atomic operations in shared memory is not documented.
                (Space::Shared, AccessKind::Atomic) => (0, 0),
                (Space::Shared, kind) => {
                    let wavefronts = memory::wavefronts(kind, lanes, addresses, event.bytes);
                    (wavefronts.taken, wavefronts.least)
                }
            };
            let more = [1, u64::from(lanes.count_ones()), units, least];
            for (word, more) in words[space * SPACE_WORDS..].iter_mut().zip(more) {
                *word += more;
            }
        });
    }

    fn branch(&self, tally: &mut [u64], site: u32, lanes: u32, taken: u32) {
        let taken = taken & lanes;
        if let (Some(words), true) = (self.words_at(tally, site), taken != 0 && taken != lanes) {
            words[0] += 1;
        }
    }

    fn meeting(&self, _tally: &mut [u64], _event: &MeetingEvent<'_>) {}

    fn finish(&self, info: &LaunchInfo, tally: &[u64]) {
        {
            let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
            sum.launches += 1;
            sum.failed += u64::from(info.failed);
            for (sum, word) in sum.tally.iter_mut().zip(tally) {
                *sum += word;
            }
        }
        if let Some(collector) = self.collector.upgrade() {
            let launch = Launch { kernel: self.name.clone(), module: self.module, info: *info };
            collector.add_launch(launch, tally, self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simt::Place;
    use simt_ir::instrument::{Mark, Site};

    const PROGRAM: &str = "first line\n  ld.u32 %r1, [%rd1];\n@%p1 bra done;\n";

    /// A generic load at line 2, with a branch at line 3 and one that is no branch of the program at line 2.
    fn counters(collector: &Arc<Collector>) -> Arc<KernelCounters> {
        let mark = |line, class| Mark { line, class };
        let access = SiteKind::Access { kind: AccessKind::Load, space: AddressSpace::Generic, bytes: 4 };
        let meaning = Instrumentation {
            segments: vec![vec![mark(2, InstructionClass::Load), mark(3, InstructionClass::Branch)]],
            sites: vec![
                Site { line: 2, kind: access, variable: None },
                Site { line: 3, kind: SiteKind::Branch, variable: None },
                Site { line: 2, kind: SiteKind::Branch, variable: None },
            ],
        };
        KernelCounters::new(collector, "kernel", 7, Arc::new(meaning), PROGRAM)
    }

    fn info(sequence: u64) -> LaunchInfo {
        LaunchInfo { grid_id: 1, stream: 0, sequence, grid: [1; 3], block: [32, 1, 1], failed: false }
    }

    #[test]
    fn an_access_counts_where_its_addresses_lie() {
        let collector = Collector::new();
        let counters = counters(&collector);
        let mut tally = vec![0; counters.tally_words()];
        // As code does: one warp, of which 16 lanes are active.
        tally[..2].copy_from_slice(&[1, 16]);
        let mut addresses = [0u64; 32];
        for (lane, address) in addresses.iter_mut().enumerate() {
            *address = match lane {
                0..4 => 0x1_0000 + 4 * lane as u64,
                4..8 => 0x2_0000 + 128 * lane as u64,
                _ => 0x3_0000 + 64 * lane as u64 + 8,
            };
        }
        let event = AccessEvent {
            site: 0,
            lanes: 0xffff,
            addresses: &addresses,
            bytes: 4,
            kind: AccessKind::Load,
            space: AccessSpace::Global,
            shared: (0x2_0000, 0x2_1000),
            local: (0x3_0000, 64),
            place: Place {
                grid_id: 1,
                grid: [1; 3],
                block: [32, 1, 1],
                clustered: false,
                shared_bytes: 0x1000,
                block_index: [0; 3],
                warp: 0,
                exited: 0,
                slot: 0,
            },
        };
        counters.access(&mut tally, &event);
        counters.branch(&mut tally, 1, 0xffff, 0x00ff);
        counters.branch(&mut tally, 1, 0xffff, 0xffff);
        counters.branch(&mut tally, 2, 0xffff, 0x00ff);
        counters.finish(&info(0), &tally);
        let (launches, failed, lines) = counters.totals();
        assert_eq!((launches, failed), (1, 0));
        let load = &lines[&2];
        let [global, shared, local] =
            [Space::Global, Space::Shared, Space::Local].map(|space| load.access(space, AccessKind::Load));
        assert_eq!(global, Access { requests: 1, threads: 4, bytes: 16, units: 1, least: 0 });
        assert_eq!(shared, Access { requests: 1, threads: 4, bytes: 16, units: 4, least: 1 });
        assert_eq!(local, Access { requests: 1, threads: 8, bytes: 32, units: 1, least: 0 });
        assert_eq!(load.divergent_branches, 0, "no branch of the program");
        assert_eq!(lines[&3].divergent_branches, 1);
        assert_eq!(load.of_class(InstructionClass::Load), Instructions { warps: 1, threads: 16 });
    }

    #[test]
    fn launches_are_added_up_and_kept() {
        let collector = Collector::new();
        let counters = counters(&collector);
        let mut tally = vec![0; counters.tally_words()];
        tally[..2].copy_from_slice(&[3, 96]);
        assert_eq!(collector.table(), "", "nothing was launched");
        counters.finish(&info(1), &tally);
        counters.finish(&info(0), &tally);
        let table = collector.table();
        assert!(table.lines().nth(1).is_some_and(|line| line.starts_with("kernel ")), "{table}");
        let json = collector.json();
        assert!(json.contains("\"text\": \"ld.u32 %r1, [%rd1];\""), "{json}");
        let first = json.find("\"sequence\": 0").expect("the launch is there");
        assert!(json.find("\"sequence\": 1").is_some_and(|second| second > first), "launches stand in their order");
        assert!(json.contains("\"threads\": 384"), "two instructions of two launches:\n{json}");
    }

    #[test]
    fn what_is_out_of_place_is_passed_over() {
        let counters = counters(&Collector::new());
        let mut tally = vec![0; counters.tally_words()];
        counters.branch(&mut tally, 99, 1, 1);
        counters.branch(&mut tally[..3], 1, 3, 1);
        assert!(tally.iter().all(|word| *word == 0));
    }
}
