//! Loads, stores and read-modify-write operations, in all address spaces.

use simt_ir::{AddressSpace, MemoryOrder, Op, Scope, SymbolId, Type, number};

use super::Context;
use super::lane::Lane;
use crate::windows::{LOCAL_WINDOW, PARAM_WINDOW, SHARED_WINDOW, base, is_within, offset_of, window_of};
use crate::{Access, AccessKind, FaultKind, Space};

/// An access as an instruction names it.
struct Request {
    kind: AccessKind,
    space: AddressSpace,
    /// Offset, or generic address.
    address: u64,
    size: u32,
    order: MemoryOrder,
    scope: Scope,
    line: u32,
}

/// Where an access goes.
#[derive(Clone, Copy)]
enum Place {
    Global(u64),
    Shared(u64),
    /// Shared memory of the block with this rank in the cluster.
    Cluster(usize, u64),
    Local(u64),
    Param(u64),
    /// Shared or local memory of somebody else.
    Foreign(Space),
}

impl Context<'_, '_> {
    /// [`Op::Load`] and [`Op::LoadParam`]: the elements.
    pub fn load(&mut self, lane: &mut Lane, op: &Op, line: u32) -> Result<Vec<u128>, FaultKind> {
        let (request, ty, count) = match *op {
            Op::Load { space, ty, count, order, address, offset, guard } => {
                if guard.is_some_and(|guard| lane.value(guard) & 1 == 0) {
                    return Ok(vec![0; usize::from(count)]);
                }
                let address = (lane.value(address) as u64).wrapping_add_signed(offset);
                let size = ty.bytes() * u32::from(count);
                let kind = AccessKind::Load;
                (Request { kind, space, address, size, order, scope: Scope::System, line }, ty, count)
            }
            Op::LoadParam { ty, offset } => {
                let request = Request {
                    kind: AccessKind::Load,
                    space: AddressSpace::Param,
                    address: u64::from(offset),
                    size: ty.bytes(),
                    order: MemoryOrder::Weak,
                    scope: Scope::System,
                    line,
                };
                (request, ty, 1)
            }
            _ => unreachable!("called for loads"),
        };
        check_alignment(&request)?;
        let mut bytes = vec![0; request.size as usize];
        self.read(lane, &request, &mut bytes)?;
        let width = ty.bytes() as usize;
        Ok((0..usize::from(count)).map(|index| from_bytes(ty, &bytes[index * width..][..width])).collect())
    }

    /// [`Op::Store`].
    pub fn store(&mut self, lane: &mut Lane, op: &Op, line: u32) -> Result<(), FaultKind> {
        let Op::Store { space, ty, order, address, offset, values, guard } = op else {
            unreachable!("called for stores")
        };
        if guard.is_some_and(|guard| lane.value(guard) & 1 == 0) {
            return Ok(());
        }
        let width = ty.bytes() as usize;
        let bytes: Vec<u8> =
            values.iter().flat_map(|value| lane.value(*value).to_le_bytes().into_iter().take(width)).collect();
        let request = Request {
            kind: AccessKind::Store,
            space: *space,
            address: (lane.value(*address) as u64).wrapping_add_signed(*offset),
            size: bytes.len() as u32,
            order: *order,
            scope: Scope::System,
            line,
        };
        check_alignment(&request)?;
        self.write(lane, &request, &bytes)
    }

    /// [`Op::Atomic`]: the value before; 0 where the guard is false.
    pub fn atomic(&mut self, lane: &mut Lane, op: &Op, line: u32) -> Result<u128, FaultKind> {
        let Op::Atomic { op, space, ty, order, scope, address, offset, operand, compare, guard, .. } = op else {
            unreachable!("called for read-modify-write operations")
        };
        if guard.is_some_and(|guard| lane.value(guard) & 1 == 0) {
            return Ok(0);
        }
        let request = Request {
            kind: AccessKind::Atomic,
            space: *space,
            address: (lane.value(*address) as u64).wrapping_add_signed(*offset),
            size: ty.bytes(),
            order: *order,
            scope: *scope,
            line,
        };
        check_alignment(&request)?;
        let mut bytes = vec![0; request.size as usize];
        self.read(lane, &request, &mut bytes)?;
        let old = from_bytes(*ty, &bytes);
        let operand = lane.value(*operand);
        let compare = compare.map_or(0, |compare| lane.value(compare));
        let flush = matches!(self.place(lane, *space, request.address), Place::Global(_));
        let new = number::atomic(*op, *ty, flush, old, operand, compare)
            .ok_or_else(|| FaultKind::Unsupported(format!("atomic {op:?} on {ty}")))?;
        bytes.copy_from_slice(&new.to_le_bytes()[..request.size as usize]);
        self.write(lane, &request, &bytes)?;
        Ok(old)
    }

    /// Bytes at a generic address, for the device runtime.
    pub fn read_generic(
        &mut self,
        lane: &mut Lane,
        address: u64,
        bytes: &mut [u8],
        line: u32,
    ) -> Result<(), FaultKind> {
        let request = Request {
            kind: AccessKind::Load,
            space: AddressSpace::Generic,
            address,
            size: bytes.len() as u32,
            order: MemoryOrder::Weak,
            scope: Scope::System,
            line,
        };
        self.read(lane, &request, bytes)
    }

    /// Writes bytes at a generic address, for operations of more than one element.
    pub fn write_generic(&mut self, lane: &mut Lane, address: u64, bytes: &[u8], line: u32) -> Result<(), FaultKind> {
        let request = Request {
            kind: AccessKind::Store,
            space: AddressSpace::Generic,
            address,
            size: bytes.len() as u32,
            order: MemoryOrder::Weak,
            scope: Scope::System,
            line,
        };
        self.write(lane, &request, bytes)
    }

    /// Whether these bytes lie in the shared memory of one block of the cluster.
    pub fn is_in_cluster(&self, address: u64, bytes: u64) -> bool {
        window_of(address) == SHARED_WINDOW
            && self
                .rank_of(address)
                .is_some_and(|rank| offset_of(address).saturating_add(bytes) <= self.cluster_shared[rank].len() as u64)
    }

    fn read(&mut self, lane: &mut Lane, request: &Request, bytes: &mut [u8]) -> Result<(), FaultKind> {
        let place = self.place(lane, request.space, request.address);
        match place {
            Place::Global(address) => {
                let access = self.global_access(lane, request, address);
                let outcome = self.machine.memory.read(&access, bytes);
                return outcome.map_err(|reason| out_of_bounds(request, place, reason));
            }
            Place::Shared(offset) => {
                bytes.copy_from_slice(slice(&self.cluster_shared[self.rank], request, place, offset)?);
            }
            Place::Cluster(rank, offset) => {
                bytes.copy_from_slice(slice(&self.cluster_shared[rank], request, place, offset)?);
            }
            Place::Param(offset) => bytes.copy_from_slice(slice(&self.machine.launch.params, request, place, offset)?),
            Place::Local(offset) => {
                self.touch_local(lane, request, offset)?;
                bytes.copy_from_slice(slice(&lane.local, request, place, offset)?);
            }
            Place::Foreign(_) => return Err(out_of_bounds(request, place, FOREIGN.into())),
        }
        Ok(())
    }

    fn write(&mut self, lane: &mut Lane, request: &Request, bytes: &[u8]) -> Result<(), FaultKind> {
        let place = self.place(lane, request.space, request.address);
        match place {
            Place::Global(address) => {
                let access = self.global_access(lane, request, address);
                let outcome = self.machine.memory.write(&access, bytes);
                return outcome.map_err(|reason| out_of_bounds(request, place, reason));
            }
            Place::Shared(offset) => {
                slice_mut(&mut self.cluster_shared[self.rank], request, place, offset)?.copy_from_slice(bytes);
            }
            Place::Cluster(rank, offset) => {
                slice_mut(&mut self.cluster_shared[rank], request, place, offset)?.copy_from_slice(bytes);
            }
            Place::Param(_) => return Err(out_of_bounds(request, place, "parameters cannot be written".into())),
            Place::Local(offset) => {
                self.touch_local(lane, request, offset)?;
                slice_mut(&mut lane.local, request, place, offset)?.copy_from_slice(bytes);
            }
            Place::Foreign(_) => return Err(out_of_bounds(request, place, FOREIGN.into())),
        }
        Ok(())
    }

    /// Grows the lane's local memory over an access, within the limit.
    fn touch_local(&self, lane: &mut Lane, request: &Request, offset: u64) -> Result<(), FaultKind> {
        let limit = self.machine.launch.limits.local_bytes;
        let end = offset.saturating_add(u64::from(request.size));
        if end > u64::from(limit) {
            let reason = format!("a lane has {limit} bytes");
            return Err(out_of_bounds(request, Place::Local(offset), reason));
        }
        if lane.local.len() < end as usize {
            lane.local.resize(end as usize, 0);
        }
        Ok(())
    }

    fn global_access(&self, lane: &Lane, request: &Request, address: u64) -> Access {
        Access {
            kind: request.kind,
            address,
            size: request.size,
            order: request.order,
            scope: request.scope,
            line: request.line,
            block: self.block.index,
            thread: lane.index,
        }
    }

    fn place(&self, lane: &Lane, space: AddressSpace, address: u64) -> Place {
        match space {
            AddressSpace::Global | AddressSpace::Const => Place::Global(address),
            AddressSpace::Shared => Place::Shared(address),
            AddressSpace::Local => Place::Local(address),
            AddressSpace::Param => Place::Param(address),
            AddressSpace::Generic => match window_of(address) {
                SHARED_WINDOW if self.owns(lane, SHARED_WINDOW, address) => {
                    Place::Shared(address.wrapping_sub(self.window_base(lane, SHARED_WINDOW)))
                }
                SHARED_WINDOW => match self.rank_of(address) {
                    Some(rank) => Place::Cluster(rank, offset_of(address)),
                    None => Place::Foreign(Space::Shared),
                },
                LOCAL_WINDOW if self.owns(lane, LOCAL_WINDOW, address) => {
                    Place::Local(address.wrapping_sub(self.window_base(lane, LOCAL_WINDOW)))
                }
                LOCAL_WINDOW => Place::Foreign(Space::Local),
                PARAM_WINDOW => Place::Param(address.wrapping_sub(self.window_base(lane, PARAM_WINDOW))),
                _ => Place::Global(address),
            },
        }
    }

    fn owner(&self, lane: &Lane, window: u64) -> u64 {
        match window {
            SHARED_WINDOW => self.block.linear,
            LOCAL_WINDOW => self.thread_number(lane),
            _ => 0,
        }
    }

    fn window_base(&self, lane: &Lane, window: u64) -> u64 {
        base(window, self.owner(lane, window))
    }

    fn owns(&self, lane: &Lane, window: u64, address: u64) -> bool {
        is_within(window, self.owner(lane, window), address)
    }

    /// [`Op::SymbolAddress`].
    pub fn symbol_address(&self, lane: &Lane, id: SymbolId) -> u128 {
        let symbol = &self.machine.program.symbols[id.0 as usize];
        u128::from(match symbol.space {
            AddressSpace::Local => u64::from(lane.frame().local_base) + u64::from(symbol.offset),
            AddressSpace::Shared => u64::from(symbol.offset),
            _ => self.machine.symbols[id.0 as usize],
        })
    }

    /// The block of the cluster in whose shared memory a generic address lies ([`Op::RankOf`]).
    pub fn rank_of(&self, address: u64) -> Option<usize> {
        (0..self.cluster_shared.len()).find(|rank| is_within(SHARED_WINDOW, self.block_of_rank(*rank), address))
    }

    /// [`Op::MapToRank`].
    pub fn map_to_rank(&self, address: u64, rank: u32) -> u64 {
        base(SHARED_WINDOW, self.block_of_rank(rank as usize)) | offset_of(address)
    }

    /// [`Op::ToGeneric`].
    pub fn to_generic(&self, lane: &Lane, space: AddressSpace, address: u64) -> u64 {
        window_of_space(space).map_or(address, |window| self.window_base(lane, window).wrapping_add(address))
    }

    /// [`Op::FromGeneric`].
    pub fn generic_to(&self, lane: &Lane, space: AddressSpace, address: u64) -> u64 {
        window_of_space(space).map_or(address, |window| address.wrapping_sub(self.window_base(lane, window)))
    }

    /// [`Op::IsInSpace`]. Constant memory is what const symbols occupy; global memory is what is nothing else.
    pub fn is_in_space(&self, lane: &Lane, space: AddressSpace, address: u64) -> bool {
        let is_const = || {
            let symbols = self.machine.program.symbols.iter().zip(&self.machine.symbols);
            let mut constants = symbols.filter(|(symbol, _)| symbol.space == AddressSpace::Const);
            constants.any(|(symbol, start)| (*start..start.saturating_add(symbol.size)).contains(&address))
        };
        match window_of_space(space) {
            Some(window) => self.owns(lane, window, address),
            None => match space {
                AddressSpace::Const => is_const(),
                AddressSpace::Global => window_of(address) == 0 && !is_const(),
                _ => true,
            },
        }
    }
}

const FOREIGN: &str = "it belongs to another block or thread";

fn window_of_space(space: AddressSpace) -> Option<u64> {
    match space {
        AddressSpace::Shared => Some(SHARED_WINDOW),
        AddressSpace::Local => Some(LOCAL_WINDOW),
        AddressSpace::Param => Some(PARAM_WINDOW),
        AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const => None,
    }
}

fn check_alignment(request: &Request) -> Result<(), FaultKind> {
    if request.address % u64::from(request.size) == 0 {
        return Ok(());
    }
    Err(FaultKind::Misaligned { access: request.kind, address: request.address, size: request.size })
}

fn out_of_bounds(request: &Request, place: Place, reason: String) -> FaultKind {
    let space = match place {
        Place::Global(_) => Space::Global,
        Place::Shared(_) | Place::Cluster(..) => Space::Shared,
        Place::Local(_) => Space::Local,
        Place::Param(_) => Space::Param,
        Place::Foreign(space) => space,
    };
    FaultKind::OutOfBounds { access: request.kind, space, address: request.address, size: request.size, reason }
}

/// The accessed part of a memory.
fn slice<'m>(memory: &'m [u8], request: &Request, place: Place, offset: u64) -> Result<&'m [u8], FaultKind> {
    let bounds = bounds(memory.len(), request, place, offset)?;
    Ok(&memory[bounds])
}

fn slice_mut<'m>(
    memory: &'m mut [u8],
    request: &Request,
    place: Place,
    offset: u64,
) -> Result<&'m mut [u8], FaultKind> {
    let bounds = bounds(memory.len(), request, place, offset)?;
    Ok(&mut memory[bounds])
}

fn bounds(length: usize, request: &Request, place: Place, offset: u64) -> Result<std::ops::Range<usize>, FaultKind> {
    let end = offset.saturating_add(u64::from(request.size));
    if end > length as u64 {
        return Err(out_of_bounds(request, place, format!("there are {length} bytes")));
    }
    Ok(offset as usize..end as usize)
}

fn from_bytes(ty: Type, bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    wide[..bytes.len()].copy_from_slice(bytes);
    let bits = u128::from_le_bytes(wide);
    // A predicate takes a byte in memory, and its lowest bit counts.
    if ty == Type::I1 { bits & 1 } else { bits }
}
