//! Bytes of a file.

use super::{BLOCK_BYTES_MAX, BLOCK_MAGIC, BLOCK_ROWS_MAX, MAGIC, VERSION};
use crate::records::Record;

/// The file's header.
pub fn header() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// Appends rows as blocks, as many as it takes; none for no rows.
pub fn encode_block<R: Record>(rows: &[R], out: &mut Vec<u8>) {
    for rows in rows.chunks(BLOCK_ROWS_MAX) {
        let mut raw = Vec::new();
        R::encode(rows, &mut raw);
        if raw.len() > BLOCK_BYTES_MAX && rows.len() > 1 {
            // Long texts.
            let (first, second) = rows.split_at(rows.len() / 2);
            encode_block(first, out);
            encode_block(second, out);
        } else {
            put_block(R::KIND, rows.len(), &raw, out);
        }
    }
}

fn put_block(kind: u8, rows: usize, raw: &[u8], out: &mut Vec<u8>) {
    let compressed = lz4_flex::block::compress(raw);
    let (coding, payload) = if compressed.len() < raw.len() { (1, &compressed[..]) } else { (0, raw) };
    let start = out.len();
    out.extend_from_slice(&BLOCK_MAGIC);
    out.extend_from_slice(&[kind, coding, 0, 0]);
    for number in [rows, payload.len(), raw.len()] {
        // Rows and bytes are limited far below 4 G.
        out.extend_from_slice(&(number as u32).to_le_bytes());
    }
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&out[start..]);
    checksum.update(payload);
    out.extend_from_slice(&checksum.finalize().to_le_bytes());
    out.extend_from_slice(payload);
}
