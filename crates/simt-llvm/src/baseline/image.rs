//! Code as an ELF object file, as LLVM's comes.

use object::write::{Object, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};

/// An object with one section of constants and code, in which the function `name` begins at `at`.
pub fn object(image: &[u8], name: &str, at: usize) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let section = object.add_section(Vec::new(), b".text".to_vec(), SectionKind::Text);
    object.append_section_data(section, image, 64);
    object.add_symbol(Symbol {
        name: name.as_bytes().to_vec(),
        value: at as u64,
        size: 0,
        kind: SymbolKind::Text,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    });
    object.write().expect("a section and a symbol make an object")
}
