//! Tensors.

use simt_ir::Value;
use simt_ir::tensor::{MAP_BYTES, Misuse, TensorOp, Update, World, execute};

use super::Context;
use super::lane::Lane;
use crate::FaultKind;

/// Memory as other accesses see it.
struct Memories<'i, 'c, 'a> {
    context: &'i mut Context<'c, 'a>,
    lane: &'i mut Lane,
    line: u32,
    /// Why an access did not succeed.
    fault: Option<FaultKind>,
}

impl Memories<'_, '_, '_> {
    fn told(&mut self, address: u64, bytes: usize, outcome: Result<(), FaultKind>) -> Result<(), Misuse> {
        outcome.map_err(|fault| {
            self.fault.get_or_insert(fault);
            Misuse::Memory { address, bytes: bytes as u64, shared: false }
        })
    }

    fn load(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        let outcome = self.context.read_generic(self.lane, address, bytes, self.line);
        self.told(address, bytes.len(), outcome)
    }

    fn store(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        let outcome = self.context.write_generic(self.lane, address, bytes, self.line);
        self.told(address, bytes.len(), outcome)
    }
}

impl World for Memories<'_, '_, '_> {
    fn read_map(&mut self, address: u64, bytes: &mut [u8; MAP_BYTES]) -> Result<(), Misuse> {
        self.load(address, bytes)
    }

    fn write_map(&mut self, address: u64, bytes: &[u8; MAP_BYTES]) -> Result<(), Misuse> {
        self.store(address, bytes)
    }

    fn check_shared(&mut self, address: u64, bytes: u64) -> Result<(), Misuse> {
        if self.context.is_in_cluster(address, bytes) {
            Ok(())
        } else {
            Err(Misuse::Memory { address, bytes, shared: true })
        }
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        self.load(address, bytes)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        self.store(address, bytes)
    }

    fn update(&mut self, address: u64, update: &Update) -> Result<(), Misuse> {
        let mut word = [0; 8];
        let width = update.bytes() as usize;
        self.load(address, &mut word[..width])?;
        word = update.apply(u64::from_le_bytes(word)).to_le_bytes();
        self.store(address, &word[..width])
    }

    fn read_shared(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Misuse> {
        self.load(address, bytes)
    }

    fn write_shared(&mut self, address: u64, bytes: &[u8]) -> Result<(), Misuse> {
        self.store(address, bytes)
    }
}

impl Context<'_, '_> {
    /// [`simt_ir::Op::Tensor`]: the results.
    pub fn tensor(
        &mut self,
        lane: &mut Lane,
        op: &TensorOp,
        operands: &[Value],
        line: u32,
    ) -> Result<Vec<u128>, FaultKind> {
        let operands: Vec<u64> = operands.iter().map(|operand| lane.value(*operand) as u64).collect();
        let mut memories = Memories { context: self, lane, line, fault: None };
        let outcome = execute(op, &operands, &mut memories);
        let fault = memories.fault.take();
        match outcome {
            Ok(bytes) => Ok(vec![bytes.into(); op.result_count()]),
            Err(misuse) => Err(fault.unwrap_or_else(|| FaultKind::Tensor(misuse.to_string()))),
        }
    }
}
