//! Variables of a module: their places and initial values.

use super::complain;
use crate::answer::Answer;
use crate::device::Device;
use crate::lock_order::{Lock, Order};
use crate::machine::Machine;
use crate::memory::Kind;
use cuda_abi::CUresult;
use jit::{AddressSpace, GlobalSymbol, Relocation, RelocationTarget};
use std::collections::BTreeMap;
use std::ptr;

/// Variables begin at multiples of this at least, as CUDA promises for allocations.
const ALIGN_MIN: u64 = 16;

/// A variable that has a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) address: u64,
    pub(crate) bytes: u64,
}

/// The variables of a module in a context.
pub(crate) struct Globals {
    placed: Lock<State>,
    /// Bytes of the variables in constant memory.
    pub(crate) constant_bytes: u64,
    owner: (u64, usize),
    device: &'static Device,
}

#[derive(Default)]
struct State {
    by_name: BTreeMap<String, Placed>,
    /// First addresses of the allocations.
    allocations: Vec<u64>,
}

impl Globals {
    /// Gives the variables of a program places, and their initial values; those of `shared` have theirs already.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn place(
        machine: &Machine,
        device: &'static Device,
        owner: (u64, usize),
        symbols: &[GlobalSymbol],
        shared: Option<&Globals>,
    ) -> Answer<Globals> {
        let constants = symbols.iter().filter(|symbol| symbol.space == AddressSpace::Const);
        let constant_bytes = constants.map(|symbol| symbol.size).sum();
        let by_name = shared.map_or_else(BTreeMap::new, |shared| shared.placed.lock().by_name.clone());
        let placed = Lock::new(Order::Globals, State { by_name, allocations: Vec::new() });
        let globals = Globals { placed, constant_bytes, owner, device };
        globals.add(machine, symbols).inspect_err(|_| globals.free(machine))?;
        Ok(globals)
    }

    /// Places variables that are not placed yet, such as those inside a function that is compiled now.
    ///
    /// # Errors
    /// When there is no memory.
    pub(crate) fn add(&self, machine: &Machine, symbols: &[GlobalSymbol]) -> Answer {
        let mut state = self.placed.lock();
        let mut new: Vec<&GlobalSymbol> = Vec::new();
        for symbol in symbols {
            if !symbol.is_extern && !state.by_name.contains_key(&symbol.name) {
                new.push(symbol);
            }
        }
        let (managed, ordinary): (Vec<_>, Vec<_>) = new.iter().copied().partition(|symbol| symbol.is_managed);
        self.allocate(machine, &mut state, &ordinary, Kind::Module)?;
        for symbol in managed {
            self.allocate(machine, &mut state, &[symbol], Kind::Managed)?;
        }
        for symbol in new {
            initialise(&state, symbol);
        }
        Ok(())
    }

    /// Gives variables places in one allocation.
    fn allocate(&self, machine: &Machine, state: &mut State, symbols: &[&GlobalSymbol], kind: Kind) -> Answer {
        let mut offsets = Vec::with_capacity(symbols.len());
        let mut total: u64 = 0;
        for symbol in symbols {
            let align = symbol.align.max(ALIGN_MIN).next_power_of_two().min(4096);
            let offset = total.checked_next_multiple_of(align).ok_or(CUresult::CUDA_ERROR_OUT_OF_MEMORY)?;
            offsets.push(offset);
            total = offset.checked_add(symbol.size.max(1)).ok_or(CUresult::CUDA_ERROR_OUT_OF_MEMORY)?;
        }
        if total == 0 {
            return Ok(());
        }
        let base = machine.allocations.allocate(machine, self.device, self.owner, total, kind)?;
        // SAFETY: just allocated; nobody else has the address.
        unsafe { ptr::write_bytes(base as *mut u8, 0, total as usize) };
        state.allocations.push(base);
        for (symbol, offset) in symbols.iter().zip(offsets) {
            let placed = Placed { address: base + offset, bytes: symbol.size };
            state.by_name.insert(symbol.name.clone(), placed);
        }
        Ok(())
    }

    /// A variable by its name. The host finds those too that other modules do not see: `static` variables of a program are
    /// registered by name.
    pub(crate) fn find(&self, name: &str) -> Option<Placed> {
        self.placed.lock().by_name.get(name).copied()
    }

    /// All variables that have places, for who checks accesses to them.
    pub(crate) fn variables(&self) -> Vec<checkers::Variable> {
        let state = self.placed.lock();
        let variables = state.by_name.iter();
        variables
            .map(|(name, placed)| checkers::Variable {
                name: name.clone(),
                address: placed.address,
                bytes: placed.bytes,
            })
            .collect()
    }

    /// Gives the memory back.
    pub(crate) fn free(&self, machine: &Machine) {
        let state = std::mem::take(&mut *self.placed.lock());
        for base in state.allocations {
            if let Some(info) = machine.allocations.take(base, |info| info.context_id == self.owner.0) {
                machine.allocations.release(machine, &info);
            }
        }
    }
}

/// Writes the initial value of a variable that has a place.
fn initialise(state: &State, symbol: &GlobalSymbol) {
    let Some(placed) = state.by_name.get(&symbol.name) else { return };
    let bytes = symbol.data.len().min(placed.bytes as usize);
    // SAFETY: the variable has so many bytes, and nobody uses it yet.
    unsafe { ptr::copy_nonoverlapping(symbol.data.as_ptr(), placed.address as *mut u8, bytes) };
    for relocation in &symbol.relocations {
        let target = match &relocation.target {
            RelocationTarget::Function(address) => Some(*address),
            RelocationTarget::Variable(name) => state.by_name.get(name).map(|target| target.address),
        };
        match target {
            Some(address) => relocate(placed, relocation, address),
            None => complain(format_args!("{}: its initial value refers to a variable that is not there", symbol.name)),
        }
    }
}

/// Writes an address into an initial value.
fn relocate(placed: &Placed, relocation: &Relocation, target: u64) {
    let end = relocation.offset.checked_add(u64::from(relocation.bytes));
    if end.is_none_or(|end| end > placed.bytes) || relocation.bytes > 8 {
        return;
    }
    let value = target.wrapping_add_signed(relocation.addend) >> relocation.shift.min(63);
    let place = (placed.address + relocation.offset) as *mut u8;
    // SAFETY: within the variable, as was checked above.
    unsafe { ptr::copy_nonoverlapping(value.to_le_bytes().as_ptr(), place, relocation.bytes as usize) };
}
