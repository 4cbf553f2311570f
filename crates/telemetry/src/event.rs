//! An event as it lies in a ring: a cache line.

use crate::records::flags;

/// What an event is of: the records that it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Launch,
    Copy,
    Set,
    Memory,
    Sync,
    Load,
    GraphLaunch,
    Execution,
}

/// Grid, block and memory of a launch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LaunchShape {
    /// Blocks by dimension.
    pub grid: [u32; 3],
    /// Threads of a block by dimension. More than 65535 are kept as 65535: no device takes more than 1024.
    pub block: [u32; 3],
    /// Dynamic shared memory of a block, in bytes.
    pub dynamic_shared: u32,
    /// Blocks of a cluster; 0 where the launch does not say.
    pub cluster: u32,
}

impl LaunchShape {
    /// Whether blocks and clusters are of a size that is kept as it is.
    #[inline(always)]
    fn is_narrow(&self) -> bool {
        let [x, y, z] = self.block;
        x | y | z | self.cluster <= 0xffff
    }

    #[cold]
    fn narrowed(&self) -> LaunchShape {
        let narrow = |number: u32| number.min(0xffff);
        LaunchShape { block: self.block.map(narrow), cluster: narrow(self.cluster), ..*self }
    }

    /// A shape that [is narrow](LaunchShape::is_narrow) as words of an event.
    #[inline(always)]
    fn payload(&self) -> [u64; 3] {
        let ([x, y, z], cluster) = (self.block.map(u64::from), u64::from(self.cluster));
        [
            u64::from(self.grid[0]) | u64::from(self.grid[1]) << 32,
            u64::from(self.grid[2]) | x << 32 | y << 48,
            u64::from(self.dynamic_shared) | z << 32 | cluster << 48,
        ]
    }
}

/// Something that a program asked for. Begun with the constructor of its kind; the other methods add to it.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    /// The number of the context in the recording.
    pub(crate) context: u16,
    /// The kernel's or the graph's number, or the kind of the kind.
    pub(crate) id: u32,
    /// The stream, or another handle.
    pub(crate) handle: u64,
    pub(crate) payload: [u64; 3],
    pub(crate) result: u16,
    pub(crate) start: u64,
    /// In ticks; 48 bits, which last for a day.
    pub(crate) duration: u64,
    pub(crate) correlation: u64,
}

/// An event in a ring.
pub(crate) type Slot = [u64; 8];

/// Where the parts of a launch's event lie in its slot, in bytes, for code that is written by hand.
pub mod at {
    /// Bytes of a slot.
    pub const BYTES: usize = size_of::<super::Slot>();
    /// Kind, which is 0 for a launch, and flags, of 8 bits each; above them the context's number, of 16, and the kernel's.
    pub const HEAD: usize = 0;
    /// Which bit of the head says that the end is estimated.
    pub const END_ESTIMATED_BIT: u32 = super::Event::END_ESTIMATED;
    /// The begin, in ticks.
    pub const START: usize = 8;
    /// Ticks up to the end, and above 48 bits of it what the driver answered.
    pub const ENDING: usize = 16;
    /// The stream.
    pub const STREAM: usize = 24;
    /// Blocks, of 4 bytes by dimension.
    pub const GRID: usize = 32;
    /// Threads by the first two dimensions, of 2 bytes each.
    pub const BLOCK_XY: usize = 44;
    /// Dynamic shared memory, of 4 bytes.
    pub const DYNAMIC_SHARED: usize = 48;
    /// Threads by the third dimension, of 2 bytes, and blocks of a cluster, likewise.
    pub const BLOCK_Z: usize = 52;
}

impl Event {
    #[inline(always)]
    fn new(kind: Kind, id: u32, payload: [u64; 3]) -> Event {
        Event { kind, flags: 0, context: 0, id, handle: 0, payload, result: 0, start: 0, duration: 0, correlation: 0 }
    }

    /// A launch of a kernel, by its number in the recording.
    #[inline(always)]
    pub fn launch(kernel: u32, shape: &LaunchShape) -> Event {
        Event::narrow_launch(kernel, shape)
            .unwrap_or_else(|| Event::narrow_launch(kernel, &shape.narrowed()).expect("narrow"))
    }

    /// A launch whose blocks and clusters are of sizes that are kept as they are, as all are that a device takes.
    #[inline(always)]
    pub fn narrow_launch(kernel: u32, shape: &LaunchShape) -> Option<Event> {
        shape.is_narrow().then(|| Event::new(Kind::Launch, kernel, shape.payload()))
    }

    /// The shape of a launch.
    pub(crate) fn shape(&self) -> LaunchShape {
        let [grid, block, memory] = self.payload;
        LaunchShape {
            grid: [grid as u32, (grid >> 32) as u32, block as u32],
            block: [(block >> 32) as u32 & 0xffff, (block >> 48) as u32, (memory >> 32) as u32 & 0xffff],
            dynamic_shared: memory as u32,
            cluster: (memory >> 48) as u32,
        }
    }

    /// A launch of a graph, by its number in the recording; 0 where that is not known.
    pub fn graph_launch(graph: u32) -> Event {
        Event::new(Kind::GraphLaunch, graph, [0; 3])
    }

    /// A copy; `kind` is one of [`COPIES`](crate::records::COPIES).
    #[inline(always)]
    pub fn copy(kind: u32, bytes: u64) -> Event {
        Event::new(Kind::Copy, kind, [bytes, 0, 0])
    }

    /// A memory set.
    #[inline(always)]
    pub fn set(bytes: u64) -> Event {
        Event::new(Kind::Set, 0, [bytes, 0, 0])
    }

    /// An allocation; `kind` is one of [`MEMORIES`](crate::records::MEMORIES).
    pub fn allocation(kind: u32, address: u64, bytes: u64) -> Event {
        Event::new(Kind::Memory, kind, [address, bytes, 0])
    }

    /// A free.
    pub fn free(kind: u32, address: u64) -> Event {
        Event::new(Kind::Memory, kind, [address, 0, 0]).with_flags(flags::RELEASE)
    }

    /// A synchronisation; `kind` is one of [`SYNCS`](crate::records::SYNCS).
    #[inline(always)]
    pub fn sync(kind: u32) -> Event {
        Event::new(Kind::Sync, kind, [0; 3])
    }

    /// A load; `kind` is one of [`LOADS`](crate::records::LOADS).
    pub fn load(kind: u32, handle: u64, bytes: u64) -> Event {
        Event::new(Kind::Load, kind, [handle, bytes, 0])
    }

    /// What the device did for the launch with a correlation id; times are [`ticks`](crate::clock::ticks).
    pub fn execution(correlation: u64, start: u64, end: u64) -> Event {
        let duration = end.saturating_sub(start);
        Event { start, duration, correlation, ..Event::new(Kind::Execution, 0, [0; 3]) }
    }

    /// Adds [`flags`].
    #[inline(always)]
    pub fn with_flags(mut self, flags: u64) -> Event {
        self.flags |= flags as u8;
        self
    }

    /// Where it went: the number of the context in the recording, and a stream or another handle.
    #[inline(always)]
    pub fn at(mut self, context: u16, handle: u64) -> Event {
        (self.context, self.handle) = (context, handle);
        self
    }

    /// What the driver answered.
    #[inline(always)]
    pub fn with_result(mut self, result: u32) -> Event {
        self.result = result.min(0xffff) as u16;
        self
    }

    /// Which bit of the first word of an event's slot is [`flags::END_ESTIMATED`].
    pub(crate) const END_ESTIMATED: u32 = 8 + flags::END_ESTIMATED.trailing_zeros();

    /// The first word of an event's slot.
    #[inline(always)]
    pub(crate) fn head(&self) -> u64 {
        let head = u64::from(self.kind as u8) | u64::from(self.flags) << 8 | u64::from(self.context) << 16;
        head | u64::from(self.id) << 32
    }

    /// The third word of the slot of an event that took this long, with this answer.
    #[cold]
    #[inline(never)]
    pub(crate) fn ending(duration: u64, result: u32) -> u64 {
        // A clock may go back.
        let duration = if (duration as i64) < 0 { 0 } else { duration };
        let [_, _, ending, ..] =
            Event { duration, ..Event::new(Kind::Launch, 0, [0; 3]) }.with_result(result).to_slot();
        ending
    }

    #[inline(always)]
    pub(crate) fn to_slot(self) -> Slot {
        [
            self.head(),
            self.start,
            (self.duration.min((1 << 48) - 1)) | u64::from(self.result) << 48,
            self.handle,
            self.payload[0],
            self.payload[1],
            self.payload[2],
            self.correlation,
        ]
    }

    pub(crate) fn from_slot(slot: &Slot) -> Event {
        const KINDS: [Kind; 8] = [
            Kind::Launch,
            Kind::Copy,
            Kind::Set,
            Kind::Memory,
            Kind::Sync,
            Kind::Load,
            Kind::GraphLaunch,
            Kind::Execution,
        ];
        Event {
            kind: KINDS[slot[0] as usize & 7],
            flags: (slot[0] >> 8) as u8,
            context: (slot[0] >> 16) as u16,
            id: (slot[0] >> 32) as u32,
            start: slot[1],
            duration: slot[2] & ((1 << 48) - 1),
            result: (slot[2] >> 48) as u16,
            handle: slot[3],
            payload: [slot[4], slot[5], slot[6]],
            correlation: slot[7],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_out_of_its_slot() {
        let shape =
            LaunchShape { grid: [u32::MAX, 65535, 70_000], block: [1024, 2, 64], dynamic_shared: 232_448, cluster: 16 };
        let mut event = Event::launch(7, &shape).at(9, 0xdead_beef_0123).with_flags(3).with_result(719);
        (event.start, event.duration, event.correlation) = (u64::MAX, 12_345_678_901, 1 << 50);
        let back = Event::from_slot(&event.to_slot());
        assert_eq!(format!("{back:?}"), format!("{event:?}"));
        assert_eq!(back.shape(), shape);
    }

    #[test]
    fn a_launch_lies_as_is_said() {
        let shape = LaunchShape { grid: [1, 2, 3], block: [4, 5, 6], dynamic_shared: 7, cluster: 0 };
        let event = Event { start: 9, ..Event::launch(11, &shape).at(12, 8) };
        let slot = event.to_slot();
        let bytes: Vec<u8> = slot.iter().flat_map(|word| word.to_le_bytes()).collect();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        assert_eq!([word(at::GRID), word(at::GRID + 4), word(at::GRID + 8), word(at::DYNAMIC_SHARED)], [1, 2, 3, 7]);
        assert_eq!([word(at::BLOCK_XY), word(at::BLOCK_Z)], [4 | 5 << 16, 6]);
        assert_eq!([word(at::STREAM), word(at::START), word(at::ENDING)], [8, 9, 0]);
        assert_eq!(slot[at::HEAD / 8], 12 << 16 | 11 << 32);
        let estimated = event.with_flags(flags::END_ESTIMATED).to_slot();
        assert_eq!(estimated[at::HEAD / 8], slot[at::HEAD / 8] | 1 << at::END_ESTIMATED_BIT);
    }

    #[test]
    fn kinds_keep_their_numbers() {
        let events = [
            Event::launch(0, &LaunchShape::default()),
            Event::copy(0, 0),
            Event::set(0),
            Event::free(0, 0),
            Event::sync(0),
            Event::load(0, 0, 0),
            Event::graph_launch(0),
            Event::execution(0, 0, 0),
        ];
        for event in events {
            assert_eq!(Event::from_slot(&event.to_slot()).kind, event.kind);
        }
    }

    #[test]
    fn what_does_not_fit_is_kept_at_its_limit() {
        let shape = LaunchShape { block: [70_000, 1, 1], ..LaunchShape::default() };
        assert_eq!(Event::launch(0, &shape).shape().block, [65535, 1, 1]);
    }
}
