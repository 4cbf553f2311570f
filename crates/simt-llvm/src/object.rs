//! Places an object file in memory: sections one behind the other in one mapping, relocations applied, then made executable.
//!
//! The objects come from our own code generator and have no undefined symbols but a few library functions, which LLVM may call by itself.

use std::collections::HashMap;

use half::f16;
use object::elf::{R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionIndex, SectionKind};

use crate::Error;

/// Executable memory holding one object file. It is unmapped when dropped.
#[derive(Debug)]
pub struct Loaded {
    base: *mut u8,
    length: usize,
    entry: usize,
}

// SAFETY: the memory is never written after `load` and is owned by this value alone.
unsafe impl Send for Loaded {}
// SAFETY: as above; shared references only give addresses.
unsafe impl Sync for Loaded {}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `load` with this length and is unmapped once.
        unsafe { libc::munmap(self.base.cast(), self.length) };
    }
}

impl Loaded {
    /// Address of the function that was asked for.
    pub fn entry(&self) -> usize {
        self.entry
    }

    /// The mapped range, for attributing instruction addresses.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.base as usize..self.base as usize + self.length
    }
}

fn fail<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Object(text.into()))
}

/// Loads `bytes` and finds the function `entry` in it.
pub fn load(bytes: &[u8], entry: &str) -> Result<Loaded, Error> {
    let file = ElfFile64::<object::Endianness>::parse(bytes).map_err(|error| Error::Object(error.to_string()))?;
    let mut places: HashMap<SectionIndex, usize> = HashMap::new();
    let mut length = 0usize;
    for section in file.sections() {
        let wanted = matches!(
            section.kind(),
            SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString | SectionKind::Data
        );
        if wanted && section.size() > 0 {
            length = length.next_multiple_of(section.align().max(64) as usize);
            places.insert(section.index(), length);
            length += section.size() as usize;
        }
    }
    if length == 0 {
        return fail("no code");
    }
    let mut bridges: HashMap<String, usize> = HashMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.is_undefined()) {
        if let Some(name) = symbol.name().ok().filter(|name| library_function(name).is_some()) {
            length = length.next_multiple_of(BRIDGE_BYTES);
            bridges.insert(name.to_string(), length);
            length += BRIDGE_BYTES;
        }
    }
    let length = length.next_multiple_of(4096);
    // SAFETY: a fresh private mapping; the result is checked.
    let base = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    if base == libc::MAP_FAILED {
        return fail("no memory for code");
    }
    let mut loaded = Loaded { base: base.cast(), length, entry: 0 };
    // SAFETY: the mapping is ours, of this length, and nobody else knows it yet.
    let image = unsafe { std::slice::from_raw_parts_mut(loaded.base, length) };
    for (index, place) in &places {
        let section = file.section_by_index(*index).map_err(|error| Error::Object(error.to_string()))?;
        let data = section.data().map_err(|error| Error::Object(error.to_string()))?;
        let Some(target) = image.get_mut(*place..*place + data.len()) else { return fail("section out of range") };
        target.copy_from_slice(data);
    }
    for (name, place) in &bridges {
        put(image, *place, &BRIDGE)?;
        put(image, *place + BRIDGE.len(), &library_function(name).unwrap_or_default().to_le_bytes())?;
    }
    for (index, place) in &places {
        relocate(&file, *index, *place, &places, &bridges, loaded.base as usize, image)?;
    }
    for symbol in file.symbols().filter(|symbol| symbol.name() == Ok(entry)) {
        if let Some(place) = symbol.section_index().and_then(|index| places.get(&index)) {
            loaded.entry = loaded.base as usize + place + symbol.address() as usize;
        }
    }
    if loaded.entry == 0 {
        return fail(format!("no function {entry}"));
    }
    // SAFETY: the whole mapping, which nobody writes any more.
    if unsafe { libc::mprotect(loaded.base.cast(), length, libc::PROT_READ | libc::PROT_EXEC) } != 0 {
        return fail("the system allows no executable memory");
    }
    Ok(loaded)
}

/// A jump to the address behind it, on the way to a function that may lie further away than a call reaches.
const BRIDGE: [u8; 6] = [0xff, 0x25, 0, 0, 0, 0];

/// Of a bridge and its address.
const BRIDGE_BYTES: usize = 16;

/// Functions of the C library and of compilers' own libraries that LLVM may call on its own.
fn library_function(name: &str) -> Option<usize> {
    Some(match name {
        "memcpy" => libc::memcpy as *const () as usize,
        "memset" => libc::memset as *const () as usize,
        "memmove" => libc::memmove as *const () as usize,
        "fma" => fused_double as *const () as usize,
        "fmaf" => fused_single as *const () as usize,
        "__extendhfsf2" => half_to_single as *const () as usize,
        "__truncsfhf2" => single_to_half as *const () as usize,
        "__truncdfhf2" => double_to_half as *const () as usize,
        _ => return None,
    })
}

/// Fused products and sums, for processors without FMA.
extern "C" fn fused_double(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

/// As above.
extern "C" fn fused_single(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// Conversions of half precision, for processors without F16C. A half comes and goes in the low bits of a register for singles.
extern "C" fn half_to_single(half: f32) -> f32 {
    f16::from_bits(half.to_bits() as u16).to_f32()
}

/// As above.
extern "C" fn single_to_half(single: f32) -> f32 {
    f32::from_bits(f16::from_f32(single).to_bits().into())
}

/// As above.
extern "C" fn double_to_half(double: f64) -> f32 {
    f32::from_bits(f16::from_f64(double).to_bits().into())
}

fn relocate(
    file: &ElfFile64<'_>,
    index: SectionIndex,
    place: usize,
    places: &HashMap<SectionIndex, usize>,
    bridges: &HashMap<String, usize>,
    base: usize,
    image: &mut [u8],
) -> Result<(), Error> {
    let section = file.section_by_index(index).map_err(|error| Error::Object(error.to_string()))?;
    for (offset, relocation) in section.relocations() {
        let RelocationTarget::Symbol(symbol) = relocation.target() else { return fail("relocation without a symbol") };
        let symbol = file.symbol_by_index(symbol).map_err(|error| Error::Object(error.to_string()))?;
        let name = symbol.name().unwrap_or("");
        let target = match symbol.section_index().and_then(|index| places.get(&index)) {
            Some(at) => base + at + symbol.address() as usize,
            None => match bridges.get(name) {
                Some(at) => base + at,
                None => return fail(format!("machine code refers to {name:?}, which does not exist")),
            },
        };
        let at = place + offset as usize;
        let value = (target as i64).wrapping_add(relocation.addend());
        let RelocationFlags::Elf { r_type } = relocation.flags() else { return fail("not an ELF relocation") };
        match r_type {
            R_X86_64_64 => put(image, at, &value.to_le_bytes())?,
            R_X86_64_PC32 | R_X86_64_PLT32 => {
                let distance = value.wrapping_sub((base + at) as i64);
                let Ok(short) = i32::try_from(distance) else { return fail(format!("{name:?} is too far away")) };
                put(image, at, &short.to_le_bytes())?;
            }
            other => return fail(format!("relocation type {other}")),
        }
    }
    Ok(())
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), Error> {
    match image.get_mut(at..at + bytes.len()) {
        Some(target) => {
            target.copy_from_slice(bytes);
            Ok(())
        }
        None => fail("relocation out of range"),
    }
}
