//! A thread of a kernel that asks the system for something.

use super::{Child, DeviceRuntime, Family, Order};
use crate::domain::Domain;
use crate::fault::FaultKind;
use crate::queue::Stream;
use crate::runtime::Site;
use std::sync::Arc;

/// A thread that calls, and what it may ask of the engine.
pub struct Caller<'a> {
    pub(crate) site: Site<'a>,
    family: Arc<Family>,
    node: u64,
    /// Number of the thread's lane in its warp.
    pub(crate) lane: u32,
}

impl<'a> Caller<'a> {
    /// The first lane of a warp as a caller.
    pub(crate) fn new(site: Site<'a>, runtime: &Arc<dyn DeviceRuntime>) -> Caller<'a> {
        let family = site.stream.family();
        let node = family.node_of(site.stream.grid(), runtime);
        Caller { site, family, node, lane: 0 }
    }

    /// A number that the grid shares with no other of the process.
    pub fn node(&self) -> u64 {
        self.node
    }

    /// Number of the block in its grid.
    pub fn block(&self) -> u64 {
        let [x, y, z] = self.site.warp.block_index.map(u64::from);
        let [width, height, _] = self.site.launch.grid.map(u64::from);
        (z * height + y) * width + x
    }

    /// Number of the thread in its block.
    pub fn thread(&self) -> u32 {
        self.site.warp.warp_index * simt_ir::WARP_SIZE + self.lane
    }

    /// What the grid fails with.
    pub fn domain(&self) -> &Arc<Domain> {
        self.site.stream.domain()
    }

    /// Hands something to the family.
    pub fn add(&self, order: Order, child: Child) {
        self.family.add(self.node, order, child);
    }

    /// Waits until fewer than `limit` children have yet to begin. False if they do not get fewer.
    pub fn wait_for_room(&self, limit: usize) -> bool {
        self.family.wait_for_room(limit)
    }

    /// Whether bytes at a generic address can be read and written.
    pub fn is_accessible(&self, address: u64, bytes: u64) -> bool {
        self.arena().is_accessible(address, bytes)
    }

    /// Whether an address is in the shared or local memory of the block, which other grids do not see.
    pub fn is_own_memory(&self, address: u64) -> bool {
        let internal = |allocation: crate::arena::Allocation| allocation.purpose == crate::arena::Purpose::Internal;
        self.arena().lookup(address).is_some_and(internal)
    }

    /// Ends the kernel: this thread has failed.
    pub fn fail(&self, kind: FaultKind, text: String) {
        self.site.record(kind, None, Some(self.lane as usize), None, Some(text));
    }

    fn arena(&self) -> &crate::arena::Arena {
        self.site.stream.engine().arena()
    }

    pub(crate) fn stream(&self) -> &Stream {
        self.site.stream
    }
}
