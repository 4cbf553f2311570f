//! A program: one kernel and all it can reach.

use crate::{AddressSpace, Function};

/// A function of a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// A symbol of a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SymbolId(pub u32);

/// A named piece of memory.
///
/// Global and const symbols are resolved when a program is launched: the module's owner supplies the address of each by
/// name. Shared and local symbols are laid out already: `offset` is their address in their space.
#[derive(Clone, PartialEq, Debug)]
pub struct Symbol {
    /// Name in the module, unique in the program among global and const symbols.
    pub name: String,
    /// Global, const, shared or local.
    pub space: AddressSpace,
    /// Offset in shared or local space; 0 otherwise.
    pub offset: u32,
    /// What the address of a global or const symbol is a multiple of, a power of two; of others the offset says it.
    pub align: u32,
    /// Size in bytes; 0 for `extern .shared` arrays, which begin where static shared memory ends.
    pub size: u64,
}

/// One kernel with every function it can reach, directly or through a pointer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    /// Functions; the first is the kernel.
    pub functions: Vec<Function>,
    /// For each function its ordinal in the module, which makes its address the same in all kernels of that module.
    pub ordinals: Vec<u32>,
    /// Symbols.
    pub symbols: Vec<Symbol>,
    /// Bytes of static shared memory; dynamic shared memory begins here.
    pub shared_bytes: u32,
    /// Alignment of shared memory, at least 16.
    pub shared_align: u32,
}

impl Program {
    /// The kernel.
    pub fn kernel(&self) -> &Function {
        &self.functions[0]
    }

    /// A function.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// The functions that a call through a pointer may reach: all but the kernel.
    pub fn indirect_candidates(&self) -> impl Iterator<Item = FunctionId> + '_ {
        (1..self.functions.len() as u32).map(FunctionId)
    }

    /// The device address of a function of this program.
    pub fn address_of(&self, id: FunctionId) -> u64 {
        function_address(self.ordinals[id.0 as usize])
    }
}

/// Where the addresses of functions begin.
const FUNCTION_ADDRESSES: u64 = 0x00c0_de00_0000_0000;

/// The device address of the module's function number `ordinal`.
///
/// Code is not memory on this device: the number lies outside every allocation, is never 0, and is the same in each
/// kernel of a module, so that it can be stored (virtual function tables) and called later.
pub const fn function_address(ordinal: u32) -> u64 {
    FUNCTION_ADDRESSES | ((ordinal as u64 + 1) << 4)
}

/// The number of the function with a device address, if it is one.
pub const fn function_ordinal(address: u64) -> Option<u32> {
    let number = (address ^ FUNCTION_ADDRESSES) >> 4;
    let is_one = address & 0xf == 0 && number != 0 && number <= u32::MAX as u64;
    if is_one { Some((number - 1) as u32) } else { None }
}
