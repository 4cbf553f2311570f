//! Versions of symbols: sections `.gnu.version`, `.gnu.version_d` and `.gnu.version_r`.

use object::LittleEndian;
use object::elf::{VER_FLG_BASE, Versym};

use super::{ENDIAN, Sections, damaged, text_at};
use crate::error::{Error, Result};

/// Versions have numbers of 15 bits, so that more entries than that say nothing new.
const ENTRIES_MAX: usize = 1 << 15;

/// A version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) name: &'a [u8],
    /// The library that it is of, for an imported one.
    pub(super) file: Option<&'a [u8]>,
}

/// The versions of a file.
#[derive(Default)]
pub(super) struct Versions<'a> {
    by_symbol: &'a [Versym<LittleEndian>],
    /// By number.
    versions: Vec<Option<Version<'a>>>,
}

impl<'a> Versions<'a> {
    /// Reads them.
    pub(super) fn read(sections: &Sections<'a>, bytes: &'a [u8], strings: &'a [u8]) -> Result<Self> {
        let Some((by_symbol, _)) = sections.gnu_versym(ENDIAN, bytes).map_err(damaged)? else {
            return Ok(Self::default());
        };
        let mut versions = Self { by_symbol, versions: Vec::new() };
        versions.read_defined(sections, bytes, strings)?;
        versions.read_required(sections, bytes, strings)?;
        Ok(versions)
    }

    fn read_defined(&mut self, sections: &Sections<'a>, bytes: &'a [u8], strings: &'a [u8]) -> Result<()> {
        let Some((mut definitions, _)) = sections.gnu_verdef(ENDIAN, bytes).map_err(damaged)? else { return Ok(()) };
        for _ in 0..ENTRIES_MAX {
            let Some((definition, mut names)) = definitions.next().map_err(damaged)? else { return Ok(()) };
            // The base version is the file itself: symbols of it have no version.
            if definition.vd_flags.get(ENDIAN).contains(VER_FLG_BASE) {
                continue;
            }
            if let Some(name) = names.next().map_err(damaged)? {
                let name = text_at(strings, name.vda_name.get(ENDIAN) as usize)?;
                self.set(usize::from(definition.vd_ndx.get(ENDIAN).0), Version { name, file: None });
            }
        }
        Err(too_many())
    }

    fn read_required(&mut self, sections: &Sections<'a>, bytes: &'a [u8], strings: &'a [u8]) -> Result<()> {
        let Some((mut files, _)) = sections.gnu_verneed(ENDIAN, bytes).map_err(damaged)? else { return Ok(()) };
        let mut entries = 0;
        while let Some((file, mut required)) = files.next().map_err(damaged)? {
            let file = text_at(strings, file.vn_file.get(ENDIAN) as usize)?;
            while let Some(version) = required.next().map_err(damaged)? {
                let name = text_at(strings, version.vna_name.get(ENDIAN) as usize)?;
                self.set(usize::from(version.vna_other(ENDIAN).index().0), Version { name, file: Some(file) });
                entries += 1;
                if entries > ENTRIES_MAX {
                    return Err(too_many());
                }
            }
            entries += 1;
            if entries > ENTRIES_MAX {
                return Err(too_many());
            }
        }
        Ok(())
    }

    fn set(&mut self, number: usize, version: Version<'a>) {
        // Numbers have 15 bits, so that the table stays small whatever the file says.
        let number = number & (ENTRIES_MAX - 1);
        if self.versions.len() <= number {
            self.versions.resize(number + 1, None);
        }
        self.versions[number] = Some(version);
    }

    /// The version of a symbol.
    pub(super) fn of(&self, symbol: usize) -> Option<Version<'a>> {
        let number = self.by_symbol.get(symbol)?.0.get(ENDIAN).index();
        *self.versions.get(usize::from(number.0))?
    }
}

fn too_many() -> Error {
    Error::Elf(format!("more than {ENTRIES_MAX} versions of symbols"))
}
