//! Static libraries (`.a`).

use object::read::archive::ArchiveFile;

use crate::error::{Error, Result};
use crate::limits::MEMBERS_MAX;

/// First bytes of an archive.
pub(crate) const MAGIC: &[u8] = b"!<arch>\n";

/// Calls `visit` with name and bytes of each member.
pub(crate) fn members(bytes: &[u8], mut visit: impl FnMut(&str, &[u8])) -> Result<()> {
    let damaged = |error: object::Error| Error::Archive(error.to_string());
    let archive = ArchiveFile::parse(bytes).map_err(damaged)?;
    for (index, member) in archive.members().enumerate() {
        if index == MEMBERS_MAX {
            return Err(Error::TooMuch { what: "members of the archive".to_owned(), limit: MEMBERS_MAX as u64 });
        }
        let member = member.map_err(damaged)?;
        visit(&String::from_utf8_lossy(member.name()), member.data(bytes).map_err(damaged)?);
    }
    Ok(())
}
