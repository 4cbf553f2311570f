//! Where an address lies: in a space of its own, whatever the instruction calls it.

use simt::AccessEvent;
use simt_ir::abi::AccessSpace;

/// A lane's address, resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Located {
    /// An offset in the block's shared memory.
    Shared(u64),
    /// In the shared memory of some block of the cluster, at a generic address.
    Cluster,
    /// A lane of the warp, and an offset in its local memory.
    Local(u32, u64),
    /// A host address.
    Global(u64),
}

/// Finds out where a lane's address lies.
pub(crate) fn locate(event: &AccessEvent<'_>, lane: u32) -> Located {
    let address = event.addresses[lane as usize];
    let (local, stride) = (event.local.0, u64::from(event.local.1));
    match event.space {
        AccessSpace::Shared => Located::Shared(address),
        AccessSpace::Local => Located::Local(lane, address),
        AccessSpace::Global if (event.shared.0..event.shared.1).contains(&address) => match event.place.clustered {
            true => Located::Cluster,
            false => Located::Shared(address - event.shared.0),
        },
        AccessSpace::Global if stride > 0 && address.wrapping_sub(local) < 32 * stride => {
            let offset = address - local;
            Located::Local((offset / stride) as u32, offset % stride)
        }
        AccessSpace::Global => Located::Global(address),
    }
}

/// The lanes of a mask.
pub(crate) fn lanes_in(mask: u32) -> impl Iterator<Item = u32> {
    (0..32).filter(move |lane| mask >> lane & 1 != 0)
}

/// Index in its block of the thread that a lane is.
pub(crate) fn thread_of(block: [u32; 3], warp: u32, lane: u32) -> [u32; 3] {
    let thread = warp * 32 + lane;
    let [x, y] = [block[0].max(1), block[1].max(1)];
    [thread % x, thread / x % y, thread / x / y]
}

/// Number of a block in its grid.
pub(crate) fn number_of(grid: [u32; 3], block: [u32; 3]) -> u32 {
    let rows = u64::from(block[2]) * u64::from(grid[1]) + u64::from(block[1]);
    (rows * u64::from(grid[0]) + u64::from(block[0])) as u32
}

/// Index of a block in its grid.
pub(crate) fn index_of(grid: [u32; 3], number: u32) -> [u32; 3] {
    thread_of(grid, 0, number)
}
