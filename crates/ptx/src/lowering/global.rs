//! Global and constant variables: their layout and initial values, for whoever puts them into memory.

use simt_ir::AddressSpace;
use simt_ir::texture::{Opaque, variable};

use super::context::immediate_bits;
use super::library::{Inner, Library, VariablePlace};
use super::{LowerError, opaque};
use crate::ast::{Declarator, Initializer, Linkage, Module, ScalarType, Space, SymbolAddress, Variables};

/// A `.global` or `.const` variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalSymbol {
    /// The name that symbols of programs have. For a variable at the scope of a single module, that of the text; a variable
    /// of a function has the function's name and `$` before its own.
    pub name: String,
    /// Global or const.
    pub space: AddressSpace,
    /// Size in bytes.
    pub size: u64,
    /// Alignment in bytes.
    pub align: u64,
    /// Initial bytes; what is missing at the end is zero.
    pub data: Vec<u8>,
    /// Places in `data` that hold addresses.
    pub relocations: Vec<Relocation>,
    /// Declared `.extern`, and no module defines it.
    pub is_extern: bool,
    /// Whether other modules and the host see it.
    pub is_visible: bool,
    /// `.attribute(.managed)`: the host accesses it too.
    pub is_managed: bool,
    /// For a `.texref`, `.samplerref` or `.surfref` variable: which of them it is.
    pub opaque: Option<Opaque>,
}

/// An address within an initial value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Byte offset in the data.
    pub offset: u64,
    /// Bytes of the address that are stored.
    pub bytes: u32,
    /// What it is the address of.
    pub target: RelocationTarget,
    /// Added to the address.
    pub addend: i64,
    /// How far the address is shifted down before its low bytes are stored: `0xff00(symbol)` is a byte shifted by 8
    /// (PTX ISA 5.4.4).
    pub shift: u32,
}

/// What an address in an initial value refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelocationTarget {
    /// The variable with this [`GlobalSymbol::name`].
    Variable(String),
    /// A function: its device address, the same in all kernels.
    Function(u64),
}

/// A variable may be this large.
const VARIABLE_BYTES_MAX: u64 = 1 << 40;

/// Initial bytes may be stated up to here: rows of an array may be left out, so that a short text could ask for any size.
const IMAGE_BYTES_MAX: u64 = 1 << 30;

/// The global and const variables at the scope of one module. A variable whose initial value is wrong is left out: kernels
/// that use it are refused by [`Library::lower`] with the reason.
pub fn global_symbols(module: &Module) -> Vec<GlobalSymbol> {
    match Library::new(vec![module.clone()]) {
        Ok(library) => library.all_globals().filter_map(Result::ok).collect(),
        // A name defined twice: no kernel can be lowered.
        Err(_) => Vec::new(),
    }
}

impl Library {
    /// The global and const variables at module scope.
    ///
    /// # Errors
    /// An initial value that does not fit its variable, or that names something without an address.
    pub fn globals(&self) -> Result<Vec<GlobalSymbol>, LowerError> {
        self.all_globals().collect()
    }

    fn all_globals(&self) -> impl Iterator<Item = Result<GlobalSymbol, LowerError>> {
        let inner = &self.inner;
        let in_memory = |place: &&VariablePlace| address_space(inner.variable(place).0.space).is_some();
        inner.variables.iter().filter(in_memory).map(|place| inner.global(place))
    }
}

/// The space of a variable that lives as long as its module.
pub(super) fn address_space(space: Space) -> Option<AddressSpace> {
    match space {
        Space::Global | Space::Texture => Some(AddressSpace::Global),
        Space::Const => Some(AddressSpace::Const),
        _ => None,
    }
}

impl Inner {
    /// A variable at module scope.
    pub fn global(&self, place: &VariablePlace) -> Result<GlobalSymbol, LowerError> {
        let (declaration, declarator) = self.variable(place);
        self.global_symbol(place.module, place.name.to_string(), declaration, declarator)
    }

    /// A variable declared by a module, at its scope or in a function.
    pub fn global_symbol(
        &self,
        module: usize,
        name: String,
        declaration: &Variables,
        declarator: &Declarator,
    ) -> Result<GlobalSymbol, LowerError> {
        let fail = |reason: String| LowerError::Initializer { variable: declarator.name.to_string(), reason };
        let is_extern = declaration.linkage == Some(Linkage::Extern);
        if let Some(opaque) = opaque::kind(declaration) {
            let word = opaque::word(opaque, declarator.initializer.as_ref()).map_err(fail)?;
            return Ok(GlobalSymbol {
                name,
                space: AddressSpace::Global,
                size: variable::BYTES,
                align: variable::BYTES,
                data: word.to_le_bytes().to_vec(),
                relocations: Vec::new(),
                is_extern,
                is_visible: declaration.linkage.is_some(),
                is_managed: false,
                opaque: Some(opaque),
            });
        }
        let size = declarator.elements().or(is_extern.then_some(0));
        let size = size.and_then(|count| count.checked_mul(declaration.element_bytes()));
        let size = size.filter(|size| *size <= VARIABLE_BYTES_MAX);
        let size = size.ok_or_else(|| fail("the size of the variable is not stated, or too large".into()))?;
        let mut image = Image { inner: self, module, ty: declaration.ty, data: Vec::new(), relocations: Vec::new() };
        if let Some(initializer) = &declarator.initializer {
            image.fill(initializer, &shape(declaration, declarator), 0).map_err(fail)?;
        }
        Ok(GlobalSymbol {
            name,
            space: address_space(declaration.space).unwrap_or(AddressSpace::Global),
            size,
            align: declaration.alignment(),
            data: image.data,
            relocations: image.relocations,
            is_extern,
            is_visible: declaration.linkage.is_some(),
            is_managed: declaration.attributes.iter().any(|attribute| attribute.name == "managed"),
            opaque: None,
        })
    }
}

/// The dimensions of a variable, a vector being the innermost; empty for a scalar.
fn shape(declaration: &Variables, declarator: &Declarator) -> Vec<Option<u64>> {
    let mut shape = declarator.dimensions.clone();
    if declaration.vector > 1 {
        shape.push(Some(u64::from(declaration.vector)));
    }
    shape
}

/// An initial value under construction.
struct Image<'a> {
    inner: &'a Inner,
    module: usize,
    ty: ScalarType,
    data: Vec<u8>,
    relocations: Vec<Relocation>,
}

impl Image<'_> {
    /// Puts an initialiser for an array of this shape at `offset`.
    fn fill(&mut self, initializer: &Initializer, shape: &[Option<u64>], offset: u64) -> Result<(), String> {
        match (initializer, shape) {
            (Initializer::List(list), [length, inner @ ..]) => {
                if length.is_some_and(|length| list.len() as u64 > length) {
                    return Err(format!("{} values for {} elements", list.len(), length.unwrap_or_default()));
                }
                let elements = inner.iter().try_fold(1u64, |product, length| product.checked_mul((*length)?));
                let stride = elements.and_then(|elements| elements.checked_mul(u64::from(self.ty.bytes())));
                let stride = stride.ok_or("the size of an inner dimension is not stated")?;
                for (index, element) in list.iter().enumerate() {
                    let at = stride.checked_mul(index as u64).and_then(|at| at.checked_add(offset));
                    self.fill(element, inner, at.ok_or("the variable is too large")?)?;
                }
                Ok(())
            }
            // `{5}` for a scalar.
            (Initializer::List(list), []) => match list.as_slice() {
                [single] => self.fill(single, shape, offset),
                _ => Err("a list for a variable that is no array".into()),
            },
            (Initializer::Value(value), _) => {
                let bits = immediate_bits(*value, self.ty);
                self.put(offset, &bits.to_le_bytes()[..(self.ty.bytes() as usize).min(8)])
            }
            (Initializer::Symbol(address), _) => self.address(address, offset),
            (Initializer::Property(name, _), _) => Err(format!("`{name}` of a variable that is no texture")),
        }
    }

    fn put(&mut self, offset: u64, value: &[u8]) -> Result<(), String> {
        let end = offset.saturating_add(value.len() as u64);
        if end > IMAGE_BYTES_MAX {
            return Err(format!("it reaches beyond the first {IMAGE_BYTES_MAX} bytes"));
        }
        let end = end as usize;
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        self.data[offset as usize..end].copy_from_slice(value);
        Ok(())
    }

    fn address(&mut self, address: &SymbolAddress, offset: u64) -> Result<(), String> {
        let target = self.target(&address.symbol)?;
        let bytes = self.ty.bytes();
        if bytes > 8 {
            return Err(format!("an address in an element of type {}", self.ty));
        }
        self.put(offset, &[0; 8][..bytes as usize])?;
        let shift = match address.mask {
            None => 0,
            // Storing the element cuts off what is above the mask.
            Some(mask) => match mask.trailing_zeros() {
                shift if shift < 64 && u128::from(mask >> shift) == (1 << (bytes * 8)) - 1 => shift,
                _ => {
                    return Err(format!("the mask {mask:#x} does not select the {bytes} bytes of an element"));
                }
            },
        };
        self.relocations.push(Relocation { offset, bytes, target, addend: address.offset, shift });
        Ok(())
    }

    fn target(&self, symbol: &str) -> Result<RelocationTarget, String> {
        let unit = &self.inner.modules[self.module];
        if let Some(index) = unit.names.variable_index(symbol) {
            let place = &self.inner.variables[unit.variables[index]];
            let space = self.inner.variable(place).0.space;
            return match space {
                Space::Global | Space::Const => Ok(RelocationTarget::Variable(place.name.to_string())),
                _ => Err(format!("the address of `{symbol}`, which is in {space} space")),
            };
        }
        match self.inner.find_function(self.module, symbol) {
            Some(index) => Ok(RelocationTarget::Function(simt_ir::function_address(index as u32))),
            None => Err(format!("`{symbol}` is not defined")),
        }
    }
}
