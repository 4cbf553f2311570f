//! Wheels: zip files. One member at a time is unpacked; what begins like nothing that is read is left at its first bytes.

use std::io::{Cursor, Read, Write};

use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, Result};
use crate::limits::{MEMBER_BYTES_MAX, MEMBER_IN_MEMORY_BYTES_MAX, MEMBERS_MAX, WHEEL_BYTES_MAX};
use crate::mapped::MappedFile;

/// First bytes of a zip file: of its first member, or of its end where it has none.
pub(crate) const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Bytes that say whether a member is worth unpacking.
const HEAD_BYTES: usize = 64;

/// Calls `visit` with name and bytes of each member whose first bytes are `wanted`, or with what is wrong with it.
pub(crate) fn members(
    bytes: &[u8],
    wanted: impl Fn(&str, &[u8]) -> bool,
    mut visit: impl FnMut(&str, Result<&[u8]>),
) -> Result<()> {
    let mut wheel = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::Wheel(error.to_string()))?;
    if wheel.len() > MEMBERS_MAX {
        return Err(Error::TooMuch { what: "members of the wheel".to_owned(), limit: MEMBERS_MAX as u64 });
    }
    let mut unpacked_bytes = 0;
    for index in 0..wheel.len() {
        let name = wheel.name_for_index(index).and_then(zip::result::ZipResult::ok).map(|name| name.into_owned());
        let name = name.unwrap_or_else(|| format!("member {index}"));
        let result = wheel
            .by_index(index)
            .map_err(|error| Error::Wheel(error.to_string()))
            .and_then(|member| unpack(bytes, &name, member, &wanted));
        match result {
            Ok(Unpacked::Other) => {}
            Ok(Unpacked::InFile(range)) => visit(&name, Ok(&bytes[range])),
            Ok(Unpacked::InMemory(content)) => {
                unpacked_bytes += content.len() as u64;
                visit(&name, Ok(&content));
            }
            Ok(Unpacked::Spilled(content)) => {
                unpacked_bytes += content.bytes().len() as u64;
                visit(&name, Ok(content.bytes()));
            }
            Err(error) => visit(&name, Err(error)),
        }
        if unpacked_bytes > WHEEL_BYTES_MAX {
            return Err(Error::TooMuch { what: "bytes of the wheel, unpacked".to_owned(), limit: WHEEL_BYTES_MAX });
        }
    }
    Ok(())
}

/// A member's bytes.
enum Unpacked {
    /// Nothing that is read.
    Other,
    /// As they lie in the wheel.
    InFile(std::ops::Range<usize>),
    InMemory(Vec<u8>),
    Spilled(MappedFile),
}

fn unpack<R: Read>(
    wheel: &[u8],
    name: &str,
    mut member: zip::read::ZipFile<'_, R>,
    wanted: &impl Fn(&str, &[u8]) -> bool,
) -> Result<Unpacked> {
    let damaged = |error: std::io::Error| Error::Wheel(error.to_string());
    if member.is_dir() || member.is_symlink() {
        return Ok(Unpacked::Other);
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    member.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;
    if !wanted(name, &head) {
        return Ok(Unpacked::Other);
    }
    let too_much = || Error::TooMuch { what: format!("bytes of {name}, unpacked"), limit: MEMBER_BYTES_MAX };
    if member.size() > MEMBER_BYTES_MAX {
        return Err(too_much());
    }
    if member.compression() == CompressionMethod::Stored {
        let start = member.data_start().and_then(|start| usize::try_from(start).ok());
        let end = start.and_then(|start| start.checked_add(usize::try_from(member.size()).ok()?));
        if let (Some(start), Some(end)) = (start, end.filter(|end| *end <= wheel.len())) {
            return Ok(Unpacked::InFile(start..end));
        }
    }
    // The header's size may be wrong, so that no more than the limit is taken in either case.
    if member.size() <= MEMBER_IN_MEMORY_BYTES_MAX {
        let rest = MEMBER_IN_MEMORY_BYTES_MAX.saturating_sub(head.len() as u64);
        let mut content = head;
        member.by_ref().take(rest + 1).read_to_end(&mut content).map_err(damaged)?;
        if content.len() as u64 > MEMBER_IN_MEMORY_BYTES_MAX {
            return Err(Error::Wheel(format!("{name} is longer than its header says")));
        }
        return Ok(Unpacked::InMemory(content));
    }
    let no_room = |error| Error::NoRoom { member: name.to_owned(), error };
    let mut file = tempfile::tempfile().map_err(no_room)?;
    file.write_all(&head).map_err(no_room)?;
    let written = copy(&mut member.take(MEMBER_BYTES_MAX), &mut file).map_err(|error| match error {
        CopyError::Read(error) => damaged(error),
        CopyError::Write(error) => no_room(error),
    })?;
    if written == MEMBER_BYTES_MAX {
        return Err(too_much());
    }
    Ok(Unpacked::Spilled(MappedFile::map(&file).map_err(no_room)?))
}

/// Which side of a copy failed.
enum CopyError {
    Read(std::io::Error),
    Write(std::io::Error),
}

/// As [`std::io::copy`], which does not say which side failed.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => {
                to.write_all(&buffer[..count]).map_err(CopyError::Write)?;
                total += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Read(error)),
        }
    }
}
