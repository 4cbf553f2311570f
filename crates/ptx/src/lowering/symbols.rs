//! Symbols of a module and their initial values.

use std::collections::HashMap;

use simt_ir::{AddressSpace, function_address};

use crate::ast::{Initializer, Linkage, Module, ScalarType, Space, Variables};

/// A `.global` or `.const` variable of a module, as the driver has to place it.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalSymbol {
    /// Name; unique in the module (variables inside functions are prefixed with the function's name).
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
    /// Declared `.extern`: defined by another module.
    pub is_extern: bool,
    /// Whether other modules and the host see it.
    pub is_visible: bool,
    /// `.attribute(.managed)`: the host may access it as well.
    pub is_managed: bool,
}

/// An address within an initial value.
#[derive(Clone, Debug, PartialEq)]
pub struct Relocation {
    /// Offset in the data.
    pub offset: u64,
    /// Bytes of the address that are stored: 8, 4, or 1 for `mask()`.
    pub bytes: u32,
    /// What it is the address of.
    pub target: RelocationTarget,
    /// Added to the address.
    pub addend: i64,
    /// `mask()`: how far the address is shifted down before its low byte is stored.
    pub shift: u32,
}

/// What an address in an initial value refers to.
#[derive(Clone, Debug, PartialEq)]
pub enum RelocationTarget {
    /// A variable, by name.
    Variable(String),
    /// A function: its device address, which is the same in all kernels of the module.
    Function(u64),
}

/// Name of a variable declared inside a function.
pub(super) fn scoped_name(function: &str, variable: &str) -> String {
    format!("{function}${variable}")
}

/// The ordinal of each function of a module, by name: its first mention counts.
pub(super) fn ordinals(module: &Module) -> HashMap<String, u32> {
    let mut map = HashMap::new();
    for function in module.functions() {
        let next = map.len() as u32;
        map.entry(function.name.to_string()).or_insert(next);
    }
    map
}

/// The global and const variables at module scope. Those inside functions are found when the function is lowered
/// (`Program::symbols` names them; [`crate::lowering::lower_kernel`] returns them).
pub fn global_symbols(module: &Module) -> Vec<GlobalSymbol> {
    let ordinals = ordinals(module);
    let mut list: Vec<GlobalSymbol> = Vec::new();
    for variables in module.variables() {
        let Some(space) = global_space(variables.space) else { continue };
        for symbol in symbols_of(variables, space, None, &ordinals) {
            match list.iter_mut().find(|known| known.name == symbol.name) {
                // A definition after a declaration.
                Some(known) if known.is_extern => *known = symbol,
                Some(_) => {}
                None => list.push(symbol),
            }
        }
    }
    list
}

/// The space of variables that the driver places, if it does.
pub(super) fn global_space(space: Space) -> Option<AddressSpace> {
    match space {
        Space::Global | Space::Texture => Some(AddressSpace::Global),
        Space::Const => Some(AddressSpace::Const),
        _ => None,
    }
}

/// The symbols of one declaration.
pub(super) fn symbols_of(
    variables: &Variables,
    space: AddressSpace,
    function: Option<&str>,
    ordinals: &HashMap<String, u32>,
) -> Vec<GlobalSymbol> {
    let is_managed = variables.attributes.iter().any(|attribute| attribute.name == "managed");
    variables
        .names
        .iter()
        .map(|name| {
            let elements = if name.dimensions.is_empty() { Some(1) } else { name.elements() };
            let mut data = Vec::new();
            let mut relocations = Vec::new();
            if let Some(initializer) = &name.initializer {
                let strides = strides(variables, &name.dimensions);
                let mut writer = Writer { variables, ordinals, data: &mut data, relocations: &mut relocations };
                writer.write(initializer, 0, &strides);
            }
            GlobalSymbol {
                name: function.map_or_else(|| name.name.to_string(), |function| scoped_name(function, &name.name)),
                space,
                size: variables.element_bytes() * elements.unwrap_or(0),
                align: variables.alignment(),
                data,
                relocations,
                is_extern: variables.linkage == Some(Linkage::Extern),
                is_visible: variables.linkage.is_some(),
                is_managed,
            }
        })
        .collect()
}

/// Bytes from one element to the next at each level of nesting, outermost first; the last is the scalar.
fn strides(variables: &Variables, dimensions: &[Option<u64>]) -> Vec<u64> {
    let mut list = vec![u64::from(variables.ty.bytes())];
    if variables.vector > 1 {
        list.insert(0, variables.element_bytes());
    }
    for dimension in dimensions.iter().skip(1).rev() {
        list.insert(0, list[0] * dimension.unwrap_or(1));
    }
    if dimensions.is_empty() && variables.vector == 1 {
        list.insert(0, u64::from(variables.ty.bytes()));
    }
    list
}

struct Writer<'a> {
    variables: &'a Variables,
    ordinals: &'a HashMap<String, u32>,
    data: &'a mut Vec<u8>,
    relocations: &'a mut Vec<Relocation>,
}

impl Writer<'_> {
    fn write(&mut self, initializer: &Initializer, offset: u64, strides: &[u64]) {
        let bytes = self.variables.ty.bytes();
        match initializer {
            Initializer::List(items) => {
                let stride = strides.first().copied().unwrap_or(u64::from(bytes));
                let rest = if strides.len() > 1 { &strides[1..] } else { strides };
                for (index, item) in items.iter().enumerate() {
                    self.write(item, offset + index as u64 * stride, rest);
                }
            }
            Initializer::Value(value) => {
                let bits = immediate_bits(*value, self.variables.ty);
                self.put(offset, &bits.to_le_bytes()[..bytes as usize]);
            }
            Initializer::Symbol(address) => {
                self.put(offset, &vec![0; bytes as usize]);
                let name = address.symbol.to_string();
                let target = match self.ordinals.get(&name) {
                    Some(ordinal) => RelocationTarget::Function(function_address(*ordinal)),
                    None => RelocationTarget::Variable(name),
                };
                let shift = address.mask.map_or(0, u64::trailing_zeros);
                let bytes = if address.mask.is_some() { 1 } else { bytes };
                self.relocations.push(Relocation { offset, bytes, target, addend: address.offset, shift });
            }
        }
    }

    fn put(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset as usize + bytes.len();
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        self.data[offset as usize..end].copy_from_slice(bytes);
    }
}

/// The bits of a constant as a value of a type.
pub(crate) fn immediate_bits(value: crate::ast::Immediate, ty: ScalarType) -> u64 {
    use crate::ast::Immediate;
    match (value, ty) {
        (Immediate::Signed(value), ScalarType::F32) => u64::from((value as f32).to_bits()),
        (Immediate::Unsigned(value), ScalarType::F32) => u64::from((value as f32).to_bits()),
        (Immediate::Signed(value), ScalarType::F64) => (value as f64).to_bits(),
        (Immediate::Unsigned(value), ScalarType::F64) => (value as f64).to_bits(),
        (Immediate::Signed(value), _) => value.cast_unsigned(),
        (Immediate::Unsigned(value), _) => value,
        (Immediate::F32(bits), ScalarType::F64) => f64::from(f32::from_bits(bits)).to_bits(),
        (Immediate::F32(bits), _) => u64::from(bits),
        (Immediate::F64(bits), ScalarType::F32) => u64::from((f64::from_bits(bits) as f32).to_bits()),
        (Immediate::F64(bits), _) => bits,
    }
}
