//! Files built here: wheels around given members, and what a C compiler makes.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

use binary::{Options, Result, Scan, SymbolChoice, scan_bytes};

/// A fatbin of nvcc's: PTX and machine code, compressed.
pub const FATBIN: &[u8] = include_bytes!("../../../fatbin/tests/data/compress-balance.fatbin");
/// Relocatable device code.
pub const RELOCATABLE: &[u8] = include_bytes!("../../../fatbin/tests/data/relocatable.fatbin");
/// Several images in one compressed entry.
pub const CONCATENATED: &[u8] = include_bytes!("../../../fatbin/tests/data/concatenated.fatbin");
/// Machine code that stands for itself.
pub const CUBIN: &[u8] = include_bytes!("../../../fatbin/tests/data/sm_86.cubin");
/// PTX that stands for itself.
pub const PTX: &[u8] = b"// a comment\n.version 9.0\n.target sm_120a\n.address_size 64\n.visible .entry k() { ret; }\n";

/// Scans with all symbols listed.
pub fn scan_all(bytes: &[u8]) -> Result<Scan> {
    let options = Options { driver_functions: &[("cuInit", 2000)], symbols: SymbolChoice::All, ..Options::default() };
    scan_bytes("test", bytes, None, &options)
}

/// Compiles a C source.
pub fn cc(folder: &Path, name: &str, source: &str, options: &[&str]) -> PathBuf {
    let input = folder.join(format!("{name}.c"));
    std::fs::write(&input, source).unwrap();
    let output = folder.join(name);
    let status =
        Command::new("cc").current_dir(folder).arg("-o").arg(&output).arg(&input).args(options).status().unwrap();
    assert!(status.success());
    output
}

/// A member of a wheel on its way there.
pub struct Entry<'a> {
    pub name: &'a str,
    /// 0: stored, 8: deflated.
    pub method: u16,
    /// The bytes as they are to lie in the file.
    pub stored: &'a [u8],
    /// What the headers state.
    pub bytes: u32,
    pub crc: u32,
}

impl<'a> Entry<'a> {
    /// A member without compression.
    pub fn stored(name: &'a str, content: &'a [u8]) -> Self {
        Self { name, method: 0, stored: content, bytes: content.len() as u32, crc: crc(content) }
    }
}

/// CRC-32 as zip files have it.
pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// Deflates without compressing: blocks of at most 65 535 bytes as they are.
pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut blocks = content.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend((block.len() as u16).to_le_bytes());
        stream.extend((!(block.len() as u16)).to_le_bytes());
        stream.extend(block);
    }
    stream
}

/// A zip file with these members.
pub fn wheel(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = file.len() as u32;
        let mut common = Vec::new();
        common.extend(20u16.to_le_bytes());
        common.extend([0; 2]);
        common.extend(entry.method.to_le_bytes());
        common.extend([0, 0, 0x21, 0]);
        common.extend(entry.crc.to_le_bytes());
        common.extend((entry.stored.len() as u32).to_le_bytes());
        common.extend(entry.bytes.to_le_bytes());
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(entry.name.as_bytes());
        file.extend(entry.stored);
        directory.extend(b"PK\x01\x02");
        directory.extend(20u16.to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}
