//! Decompression of image payloads, bounded.

use std::borrow::Cow;
use std::io::Read;

use crate::container::Compression;
use crate::error::{Error, Result};

/// The largest decompressed image that is accepted, in bytes. The largest seen in NVIDIA's own
/// libraries is below 64 MiB.
pub const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// An LZ4 block expands by at most 255 bytes for a byte of input.
const LZ4_MAX_RATIO: u64 = 255;

/// The bytes of an image: `stored` itself, or what it decompresses to.
///
/// `expected` is the decompressed length by the header; nothing beyond it is ever allocated.
pub(crate) fn decompress(stored: &[u8], compression: Compression, expected: u64) -> Result<Cow<'_, [u8]>> {
    if compression != Compression::None && expected > MAX_IMAGE_BYTES {
        return Err(Error::TooLarge(expected));
    }
    match compression {
        Compression::None => Ok(Cow::Borrowed(stored)),
        Compression::Lz4 => lz4(stored, expected).map(Cow::Owned),
        Compression::Zstd => zstd(stored, expected).map(Cow::Owned),
    }
}

fn lz4(stored: &[u8], expected: u64) -> Result<Vec<u8>> {
    if expected > (stored.len() as u64).saturating_mul(LZ4_MAX_RATIO) {
        return Err(Error::TooLarge(expected));
    }
    // `decompress` has bounded it by MAX_IMAGE_BYTES.
    let mut output = vec![0; expected as usize];
    let written = lz4_flex::block::decompress_into(stored, &mut output)
        .map_err(|error| Error::Decompress { algorithm: "LZ4", message: error.to_string() })?;
    check_length("LZ4", expected, written as u64)?;
    Ok(output)
}

fn zstd(stored: &[u8], expected: u64) -> Result<Vec<u8>> {
    let damaged = |message: String| Error::Decompress { algorithm: "zstd", message };
    let decoder = ruzstd::decoding::StreamingDecoder::new(stored).map_err(|error| damaged(error.to_string()))?;
    // The vector grows with the data really decoded, so a false length costs nothing.
    let mut output = Vec::new();
    decoder.take(expected + 1).read_to_end(&mut output).map_err(|error| damaged(error.to_string()))?;
    check_length("zstd", expected, output.len() as u64)?;
    Ok(output)
}

fn check_length(algorithm: &'static str, expected: u64, actual: u64) -> Result<()> {
    if actual == expected { Ok(()) } else { Err(Error::LengthMismatch { algorithm, expected, actual }) }
}
