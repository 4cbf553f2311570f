//! What an access of a warp costs a card: sectors of 32 bytes in global and local memory, wavefronts in shared memory.
//!
//! The rules are those of NVIDIA's documentation where it gives any (CUDA C++ Programming Guide, memory accesses of each compute
//! capability), and otherwise what an H100 counts for patterns made to tell possible rules apart (`filetests/counters`).

use simt_ir::abi::AccessKind;

/// Lanes of a warp.
const LANES: usize = 32;
/// Bytes of a sector.
const SECTOR_BYTES: u64 = 32;
/// Bytes of a bank's word.
const WORD_BYTES: u64 = 4;
/// Banks of shared memory.
const BANKS: u64 = 32;
/// Bytes that shared memory moves in a wavefront.
const WAVEFRONT_BYTES: u32 = 128;

/// A list on the stack, of at most as many numbers as an access can touch: 32 lanes of 32 bytes in words.
struct List {
    items: [u64; 256],
    length: usize,
}

impl List {
    fn new() -> Self {
        List { items: [0; 256], length: 0 }
    }

    /// Adds a number; what is beyond the size cannot be reached by any access that there is.
    fn push(&mut self, item: u64) {
        if let Some(place) = self.items.get_mut(self.length) {
            *place = item;
            self.length += 1;
        }
    }

    /// The distinct numbers, in order.
    fn distinct(&mut self) -> &[u64] {
        let items = &mut self.items[..self.length];
        items.sort_unstable();
        let mut kept = 0;
        for index in 0..items.len() {
            if index == 0 || items[index] != items[index - 1] {
                items[kept] = items[index];
                kept += 1;
            }
        }
        &self.items[..kept]
    }
}

/// The lanes of a mask, lowest first.
pub(crate) fn lanes_in(mask: u32) -> impl Iterator<Item = usize> {
    (0..LANES).filter(move |lane| mask >> lane & 1 == 1)
}

/// Sectors of global memory that a load or store touches.
pub fn sectors(lanes: u32, addresses: &[u64; LANES], bytes: u32) -> u64 {
    let mut list = List::new();
    for lane in lanes_in(lanes) {
        let first = addresses[lane] / SECTOR_BYTES;
        let last = (addresses[lane] + u64::from(bytes.max(1)) - 1) / SECTOR_BYTES;
        (first..=last).for_each(|sector| list.push(sector));
    }
    list.distinct().len() as u64
}

/// Sectors of global memory that an atomic operation touches: a sector again for each further time that lanes hit one address in it.
pub fn atomic_sectors(lanes: u32, addresses: &[u64; LANES]) -> u64 {
    let mut sorted = [0; LANES];
    let mut count = 0;
    for lane in lanes_in(lanes) {
        sorted[count] = addresses[lane];
        count += 1;
    }
    let sorted = &mut sorted[..count];
    sorted.sort_unstable();
    let (mut total, mut most, mut same) = (0, 0, 0);
    for index in 0..sorted.len() {
        let again = index > 0 && sorted[index] == sorted[index - 1];
        same = if again { same + 1 } else { 1 };
        if index > 0 && sorted[index] / SECTOR_BYTES != sorted[index - 1] / SECTOR_BYTES {
            total += most;
            most = 0;
        }
        most = most.max(same);
    }
    total + most
}

/// Sectors of local memory, where words of the same offset of all lanes lie one behind the other; `offsets` from where each lane's own
/// memory begins.
pub fn local_sectors(lanes: u32, offsets: &[u64; LANES], bytes: u32) -> u64 {
    let mut list = List::new();
    let lanes_a_sector = SECTOR_BYTES / WORD_BYTES;
    let sectors_a_word = LANES as u64 / lanes_a_sector;
    for lane in lanes_in(lanes) {
        let first = offsets[lane] / WORD_BYTES;
        let last = (offsets[lane] + u64::from(bytes.max(1)) - 1) / WORD_BYTES;
        for word in first..=last {
            list.push(word * sectors_a_word + lane as u64 / lanes_a_sector);
        }
    }
    list.distinct().len() as u64
}

/// What an access to shared memory takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wavefronts {
    /// Wavefronts.
    pub taken: u64,
    /// What they would be without bank conflicts.
    pub least: u64,
}

/// Wavefronts of a load or store in shared memory.
///
/// Of 4 bytes or fewer a lane, all lanes go together; of 8 bytes, the lanes of each half of the warp; of 16, those of each quarter. Loads
/// of two such groups go together if in both each lane has the address of its neighbour (1 away, or else 2 away): two halves, or the
/// two quarters of a half. A group takes as many wavefronts as the most words that it needs of any one bank; a word counts once.
pub fn wavefronts(kind: AccessKind, lanes: u32, addresses: &[u64; LANES], bytes: u32) -> Wavefronts {
    let size = (WAVEFRONT_BYTES / bytes.max(4)).max(1) as usize;
    let mut sum = Wavefronts::default();
    let pair = (2 * size).min(LANES);
    for start in (0..LANES).step_by(pair) {
        let joined = pair == size || (kind == AccessKind::Load && are_paired(lanes, addresses, start, pair));
        let length = if joined { pair } else { size };
        for first in (start..start + pair).step_by(length) {
            let taken = conflict_degree(lanes & mask_of(first, length), addresses, bytes);
            sum.taken += taken;
            sum.least += taken.min(1);
        }
    }
    sum
}

fn mask_of(first: usize, length: usize) -> u32 {
    ((u64::from(u32::MAX) >> (LANES - length)) as u32) << first
}

/// Whether each active lane of a range has the address of its neighbour, if that is active.
fn are_paired(lanes: u32, addresses: &[u64; LANES], first: usize, length: usize) -> bool {
    let agree = |distance: usize| {
        (first..first + length).all(|lane| {
            let other = lane ^ distance;
            let both = lanes >> lane & 1 == 1 && lanes >> other & 1 == 1;
            !both || addresses[lane] == addresses[other]
        })
    };
    agree(1) || agree(2)
}

/// The most distinct words that lanes need of one bank.
fn conflict_degree(lanes: u32, addresses: &[u64; LANES], bytes: u32) -> u64 {
    let mut list = List::new();
    for lane in lanes_in(lanes) {
        let first = addresses[lane] / WORD_BYTES;
        let last = (addresses[lane] + u64::from(bytes.max(1)) - 1) / WORD_BYTES;
        (first..=last).for_each(|word| list.push(word));
    }
    let mut banks = [0u64; BANKS as usize];
    for word in list.distinct() {
        banks[(word % BANKS) as usize] += 1;
    }
    banks.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(address: impl Fn(u64) -> u64) -> [u64; LANES] {
        std::array::from_fn(|lane| address(lane as u64))
    }

    #[test]
    fn sectors_are_counted_once() {
        assert_eq!(sectors(u32::MAX, &by(|lane| 4096 + 4 * lane), 4), 4);
        assert_eq!(sectors(u32::MAX, &by(|lane| 4100 + 4 * lane), 4), 5);
        assert_eq!(sectors(u32::MAX, &by(|_| 4096), 4), 1);
        assert_eq!(sectors(u32::MAX, &by(|lane| 4096 + 128 * lane), 4), 32);
        assert_eq!(sectors(u32::MAX, &by(|lane| 4096 + 16 * lane), 16), 16);
        assert_eq!(sectors(0b11, &by(|lane| 4096 + 4 * lane), 4), 1);
        assert_eq!(sectors(0, &by(|lane| lane), 4), 0);
    }

    #[test]
    fn atomics_on_one_address_take_a_sector_again() {
        assert_eq!(atomic_sectors(u32::MAX, &by(|lane| 4 * lane)), 4);
        assert_eq!(atomic_sectors(u32::MAX, &by(|lane| 4 * (lane % 16))), 4);
        assert_eq!(atomic_sectors(u32::MAX, &by(|_| 64)), 32);
    }

    #[test]
    fn local_words_of_neighbours_are_neighbours() {
        assert_eq!(local_sectors(u32::MAX, &by(|_| 16), 4), 4);
        assert_eq!(local_sectors(u32::MAX, &by(|_| 16), 8), 8);
        assert_eq!(local_sectors(u32::MAX, &by(|lane| 4 * lane), 4), 32);
    }

    /// What an H100 counts for loads of 8 and 16 bytes, and stores of 16, 8 and 4, of element `map(lane)`.
    #[test]
    fn wavefronts_are_a_card_s() {
        type Map = fn(u64) -> u64;
        let recorded: [(Map, [u64; 5]); 12] = [
            (|lane| lane, [2, 4, 4, 2, 1]),
            (|_| 0, [1, 2, 4, 2, 1]),
            (|lane| lane / 2, [1, 2, 4, 2, 1]),
            (|lane| lane & 15, [2, 4, 4, 2, 1]),
            (|lane| lane & 7, [2, 4, 4, 2, 1]),
            (|lane| 16 * lane, [32, 32, 32, 32, 16]),
            (|lane| if lane < 16 { 0 } else { 16 + lane }, [2, 3, 4, 2, 2]),
            (|lane| (lane * 7 + 3) % 32, [2, 4, 4, 2, 1]),
            (|lane| 32 * (lane & 3) + lane / 4, [8, 16, 16, 8, 4]),
            (|lane| if lane & 1 == 1 { lane + 16 } else { lane }, [2, 4, 4, 2, 1]),
            (|lane| (lane & 1) * 64 + lane / 2, [4, 8, 8, 4, 2]),
            (|lane| (lane * 37 + 11) % 1024, [2, 4, 4, 2, 1]),
        ];
        let ways = [
            (AccessKind::Load, 8),
            (AccessKind::Load, 16),
            (AccessKind::Store, 16),
            (AccessKind::Store, 8),
            (AccessKind::Store, 4),
        ];
        for (number, (map, expected)) in recorded.into_iter().enumerate() {
            let counted = ways
                .map(|(kind, bytes)| wavefronts(kind, u32::MAX, &by(|lane| map(lane) * u64::from(bytes)), bytes).taken);
            assert_eq!(counted, expected, "map {number}");
        }
    }

    #[test]
    fn conflicts_are_what_is_beyond_the_least() {
        let columns = wavefronts(AccessKind::Load, u32::MAX, &by(|lane| 128 * lane), 4);
        assert_eq!(columns, Wavefronts { taken: 32, least: 1 });
        let padded = wavefronts(AccessKind::Load, u32::MAX, &by(|lane| 132 * lane), 4);
        assert_eq!(padded, Wavefronts { taken: 1, least: 1 });
        let bytes = wavefronts(AccessKind::Store, u32::MAX, &by(|lane| lane), 1);
        assert_eq!(bytes, Wavefronts { taken: 1, least: 1 });
        assert_eq!(wavefronts(AccessKind::Load, 0, &by(|lane| lane), 4), Wavefronts::default());
    }
}
