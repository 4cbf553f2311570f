//! Textures and surfaces.

use simt_ir::texture::{Misuse, Resource, SurfaceReduction, TextureOp, World, execute};
use simt_ir::{MemoryOrder, Scope, Value};

use super::Context;
use super::lane::Lane;
use crate::{Access, AccessKind, FaultKind, Space};

/// Bytes of images as other accesses see them.
struct Images<'i, 'c, 'a> {
    context: &'i mut Context<'c, 'a>,
    lane: &'i Lane,
    line: u32,
    /// Why an access did not succeed.
    fault: Option<FaultKind>,
}

impl Images<'_, '_, '_> {
    fn access(&mut self, kind: AccessKind, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        let outcome = self.context.access_global(self.lane, kind, address, bytes, self.line);
        outcome.map_err(|fault| {
            self.fault.get_or_insert(fault);
            Misuse::Memory { address }
        })
    }
}

impl World for Images<'_, '_, '_> {
    fn resource(&mut self, handle: u64) -> Option<Resource> {
        self.context.machine.memory.resource(handle)
    }

    fn word(&mut self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        if address % 8 != 0 {
            return None;
        }
        let outcome = self.context.access_global(self.lane, AccessKind::Load, address, &mut bytes, self.line);
        outcome.ok().map(|()| u64::from_le_bytes(bytes))
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        self.access(AccessKind::Load, address, bytes)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        let mut copy = [0; 32];
        let copy = &mut copy[..bytes.len()];
        copy.copy_from_slice(bytes);
        self.access(AccessKind::Store, address, copy)
    }

    fn reduce(&mut self, address: u64, op: SurfaceReduction, wide: bool, operand: u64) -> Result<(), Misuse> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..if wide { 8 } else { 4 }];
        self.access(AccessKind::Load, address, bytes)?;
        let mut old = [0; 8];
        old[..bytes.len()].copy_from_slice(bytes);
        let new = op.apply(wide, u64::from_le_bytes(old), operand);
        bytes.copy_from_slice(&new.to_le_bytes()[..bytes.len()]);
        self.access(AccessKind::Store, address, bytes)
    }
}

impl Context<'_, '_> {
    /// [`simt_ir::Op::Texture`]: the results.
    pub fn texture(
        &mut self,
        lane: &Lane,
        op: &TextureOp,
        operands: &[Value],
        line: u32,
    ) -> Result<Vec<u128>, FaultKind> {
        let operands: Vec<u64> = operands.iter().map(|operand| lane.value(*operand) as u64).collect();
        let mut images = Images { context: self, lane, line, fault: None };
        let outcome = execute(op, &operands, &mut images);
        let fault = images.fault.take();
        match outcome {
            Ok(words) => Ok(words.iter().take(op.result_count()).map(|word| u128::from(*word)).collect()),
            Err(misuse) => Err(fault.unwrap_or_else(|| FaultKind::Texture(format!("{misuse:?}")))),
        }
    }

    /// An access to global memory.
    fn access_global(
        &mut self,
        lane: &Lane,
        kind: AccessKind,
        address: u64,
        bytes: &mut [u8],
        line: u32,
    ) -> Result<(), FaultKind> {
        let size = bytes.len() as u32;
        let (order, scope, block, thread) = (MemoryOrder::Weak, Scope::System, self.block.index, lane.index);
        let access = Access { kind, address, size, order, scope, line, block, thread };
        let outcome = match kind {
            AccessKind::Store => self.machine.memory.write(&access, bytes),
            AccessKind::Load | AccessKind::Atomic => self.machine.memory.read(&access, bytes),
        };
        outcome.map_err(|reason| {
            let space = Space::Global;
            FaultKind::OutOfBounds { access: kind, space, address, size, reason }
        })
    }
}
