//! Copies and sets that kernels ask for.

use super::error::DeviceError;
use super::{ModuleRuntime, Outcome};
use crate::machine::Machine;
use simt::{Caller, Child, FaultKind};
use simt_ir::DeviceCall;

/// `cudaMemcpyDeviceToDevice` and `cudaMemcpyDefault`; kernels copy in no other direction.
const DIRECTIONS: [u32; 2] = [3, 4];

/// Bytes in rows and slices.
#[derive(Clone, Copy)]
struct Area {
    start: u64,
    /// From one row to the next, and from one slice to the next.
    pitch: [u64; 2],
}

/// What is to be done.
#[derive(Clone, Copy)]
struct Transfer {
    to: Area,
    source: Source,
    /// Bytes of a row, rows, slices.
    extent: [u64; 3],
}

#[derive(Clone, Copy)]
enum Source {
    Memory(Area),
    Byte(u8),
}

/// `cudaMemcpy3DParms`: arrays, positions, pitched pointers, extent.
#[repr(C)]
#[derive(Clone, Copy)]
struct Copy3d {
    from_array: u64,
    from_position: [u64; 3],
    from: Pitched,
    to_array: u64,
    to_position: [u64; 3],
    to: Pitched,
    extent: [u64; 3],
    direction: u32,
}

/// `cudaPitchedPtr`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Pitched {
    start: u64,
    pitch: u64,
    _width: u64,
    height: u64,
}

impl Pitched {
    fn area(&self, position: [u64; 3]) -> Area {
        let slice = self.pitch.wrapping_mul(self.height);
        let [x, y, z] = position;
        let offset = z.wrapping_mul(slice).wrapping_add(y.wrapping_mul(self.pitch)).wrapping_add(x);
        Area { start: self.start.wrapping_add(offset), pitch: [self.pitch, slice] }
    }
}

impl Area {
    fn row(&self, row: u64, slice: u64) -> u64 {
        self.start.wrapping_add(row.wrapping_mul(self.pitch[0])).wrapping_add(slice.wrapping_mul(self.pitch[1]))
    }
}

impl ModuleRuntime {
    pub(super) fn transfer(&self, caller: &Caller<'_>, call: DeviceCall, arguments: &[u64]) -> Outcome {
        let flat = |start, pitch| Area { start, pitch: [pitch, 0] };
        let (transfer, direction, stream) = match (call, arguments) {
            (DeviceCall::MemcpyAsync, &[to, from, bytes, direction, stream]) => {
                let source = Source::Memory(flat(from, 0));
                (Transfer { to: flat(to, 0), source, extent: [bytes, 1, 1] }, direction as u32, stream)
            }
            (DeviceCall::Memcpy2DAsync, &[to, to_pitch, from, from_pitch, width, height, direction, stream]) => {
                if width > to_pitch || width > from_pitch {
                    return Err(DeviceError::INVALID_VALUE);
                }
                let source = Source::Memory(flat(from, from_pitch));
                (Transfer { to: flat(to, to_pitch), source, extent: [width, height, 1] }, direction as u32, stream)
            }
            (DeviceCall::Memcpy3DAsync, &[place, stream]) => {
                let copy: Copy3d = Self::get(caller, place)?;
                if copy.from_array != 0 || copy.to_array != 0 {
                    return Err(DeviceError::NOT_SUPPORTED);
                }
                let source = Source::Memory(copy.from.area(copy.from_position));
                let to = copy.to.area(copy.to_position);
                (Transfer { to, source, extent: copy.extent }, copy.direction, stream)
            }
            (DeviceCall::MemsetAsync, &[to, value, bytes, stream]) => {
                (set(flat(to, 0), value, [bytes, 1, 1]), DIRECTIONS[0], stream)
            }
            (DeviceCall::Memset2DAsync, &[to, pitch, value, width, height, stream]) => {
                (set(flat(to, pitch), value, [width, height, 1]), DIRECTIONS[0], stream)
            }
            (DeviceCall::Memset3DAsync, &[start, pitch, width, rows, value, x, y, z, stream]) => {
                let to = Pitched { start, pitch, _width: width, height: rows }.area([0; 3]);
                (set(to, value, [x, y, z]), DIRECTIONS[0], stream)
            }
            _ => return Err(DeviceError::NOT_SUPPORTED),
        };
        if !DIRECTIONS.contains(&direction) {
            return Err(DeviceError::INVALID_MEMCPY_DIRECTION);
        }
        // Shared and local memory end with the block, and the copy may come later.
        let from = match transfer.source {
            Source::Memory(from) => from.start,
            Source::Byte(_) => 0,
        };
        if caller.is_own_memory(transfer.to.start) || caller.is_own_memory(from) {
            return Err(DeviceError::INVALID_VALUE);
        }
        let order = self.order_of(caller, stream)?;
        if !caller.wait_for_room(self.state.pending_limit()) {
            return Err(DeviceError::LAUNCH_PENDING_COUNT_EXCEEDED);
        }
        let domain = caller.domain().clone();
        let job = move || {
            if let Err(address) = transfer.run() {
                let text = format!("a copy or set that a kernel asked for reaches {address:#x}, which is not memory");
                domain.fail(FaultKind::IllegalAddress, call.name(), text);
            }
            None
        };
        caller.add(order, Child::Job(Box::new(job)));
        Ok(())
    }
}

fn set(to: Area, value: u64, extent: [u64; 3]) -> Transfer {
    Transfer { to, source: Source::Byte(value as u8), extent }
}

impl Transfer {
    /// Carries it out, row by row.
    ///
    /// # Errors
    /// The first address of a row that is not memory.
    fn run(&self) -> Result<(), u64> {
        let [bytes, rows, slices] = self.extent;
        for slice in 0..slices {
            for row in 0..rows {
                self.run_row(row, slice, bytes)?;
            }
        }
        Ok(())
    }

    fn run_row(&self, row: u64, slice: u64, bytes: u64) -> Result<(), u64> {
        if bytes == 0 {
            return Ok(());
        }
        let arena = Machine::get().map_err(|_| 0u64)?.arena();
        let check =
            |address: u64| if arena.is_accessible(address, bytes) { Ok(address as usize) } else { Err(address) };
        let to = std::ptr::with_exposed_provenance_mut::<u8>(check(self.to.row(row, slice))?);
        match self.source {
            Source::Memory(from) => {
                let from = std::ptr::with_exposed_provenance::<u8>(check(from.row(row, slice))?);
                // SAFETY: both rows were found to be memory; they may overlap.
                unsafe { std::ptr::copy(from, to, bytes as usize) };
            }
            // SAFETY: the row was found to be memory.
            Source::Byte(value) => unsafe { to.write_bytes(value, bytes as usize) },
        }
        Ok(())
    }
}
