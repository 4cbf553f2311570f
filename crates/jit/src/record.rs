//! What is kept of a compiled kernel: its object file and what the engine has to know.

use simt_ir::AddressSpace;
use simt_ir::abi::{AccessKind, ExecutionMode, KernelCode};
use simt_ir::instrument::{InstructionClass, Instrumentation, Mark, Site, SiteKind, SiteVariable};

/// First bytes of a file; the last is the version of the layout.
const MAGIC: &[u8; 8] = b"apexknl\x04";

/// A compiled kernel as it is stored.
pub(crate) struct Record {
    pub code: KernelCode,
    pub symbols: Vec<(String, AddressSpace)>,
    pub object: Vec<u8>,
    pub instrumentation: Option<Instrumentation>,
    /// How long the compiler took.
    pub compile_us: u32,
}

const SPACES: [AddressSpace; 6] = [
    AddressSpace::Generic,
    AddressSpace::Global,
    AddressSpace::Const,
    AddressSpace::Shared,
    AddressSpace::Local,
    AddressSpace::Param,
];

impl Record {
    /// The file: magic, hash of the rest, then the fields, little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.object.len() + 256);
        let word = |body: &mut Vec<u8>, value: u32| body.extend_from_slice(&value.to_le_bytes());
        word(&mut body, self.code.mode as u32);
        word(&mut body, self.code.lanes);
        word(&mut body, self.code.frame_bytes);
        word(&mut body, self.code.local_bytes);
        word(&mut body, u32::from(self.code.needs_stack));
        word(&mut body, self.code.shared_bytes);
        word(&mut body, self.compile_us);
        word(&mut body, self.symbols.len() as u32);
        for (name, space) in &self.symbols {
            word(&mut body, SPACES.iter().position(|known| known == space).unwrap_or(0) as u32);
            word(&mut body, name.len() as u32);
            body.extend_from_slice(name.as_bytes());
        }
        word(&mut body, u32::from(self.instrumentation.is_some()));
        if let Some(instrumentation) = &self.instrumentation {
            for value in words_of(instrumentation) {
                word(&mut body, value);
            }
        }
        body.extend_from_slice(&self.object);
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(blake3::hash(&body).as_bytes());
        file.append(&mut body);
        file
    }

    /// Reads a file; `None` if it is not whole and ours.
    pub fn decode(file: &[u8]) -> Option<Record> {
        let rest = file.strip_prefix(MAGIC)?;
        let (hash, mut body) = rest.split_at_checked(blake3::OUT_LEN)?;
        if blake3::hash(body).as_bytes() != hash {
            return None;
        }
        let mut word = || -> Option<u32> {
            let (value, rest) = body.split_first_chunk::<4>()?;
            body = rest;
            Some(u32::from_le_bytes(*value))
        };
        let mode = match word()? {
            0 => ExecutionMode::RunToCompletion,
            1 => ExecutionMode::Suspendable,
            _ => return None,
        };
        let (lanes, frame_bytes, local_bytes) = (word()?, word()?, word()?);
        let needs_stack = word()? != 0;
        let shared_bytes = word()?;
        let compile_us = word()?;
        let count = word()?;
        let mut symbols = Vec::new();
        for _ in 0..count {
            let (space, length) = (take_word(&mut body)?, take_word(&mut body)?);
            let (name, rest) = body.split_at_checked(length as usize)?;
            body = rest;
            symbols.push((String::from_utf8(name.to_vec()).ok()?, *SPACES.get(space as usize)?));
        }
        let instrumentation = match take_word(&mut body)? {
            0 => None,
            _ => Some(take_instrumentation(&mut body)?),
        };
        let code = KernelCode { entry: 0, mode, lanes, frame_bytes, local_bytes, needs_stack, shared_bytes };
        Some(Record { code, symbols, object: body.to_vec(), instrumentation, compile_us })
    }
}

const KINDS: [AccessKind; 3] = [AccessKind::Load, AccessKind::Store, AccessKind::Atomic];

/// Segments with their marks, then sites: line, what it is, of accesses kind, space and size, and the variable.
fn words_of(instrumentation: &Instrumentation) -> Vec<u32> {
    let mut words = vec![instrumentation.segments.len() as u32];
    for marks in &instrumentation.segments {
        words.push(marks.len() as u32);
        words.extend(marks.iter().flat_map(|mark| [mark.line, mark.class as u32]));
    }
    words.push(instrumentation.sites.len() as u32);
    for site in &instrumentation.sites {
        words.push(site.line);
        match site.kind {
            SiteKind::Branch => words.push(0),
            SiteKind::Barrier => words.push(1),
            SiteKind::Members => words.push(3),
            SiteKind::Access { kind, space, bytes } => {
                let space = SPACES.iter().position(|known| *known == space).unwrap_or(0);
                words.extend([2, kind as u32, space as u32, bytes]);
            }
        }
        match site.variable {
            None => words.push(0),
            Some(SiteVariable { symbol, offset, bytes }) => words.extend([1, symbol, offset, bytes]),
        }
    }
    words
}

fn take_instrumentation(body: &mut &[u8]) -> Option<Instrumentation> {
    let mut instrumentation = Instrumentation::default();
    for _ in 0..take_word(body)? {
        let mut marks = Vec::new();
        for _ in 0..take_word(body)? {
            let (line, class) = (take_word(body)?, take_word(body)?);
            marks.push(Mark { line, class: *InstructionClass::ALL.get(class as usize)? });
        }
        instrumentation.segments.push(marks);
    }
    for _ in 0..take_word(body)? {
        let line = take_word(body)?;
        let kind = match take_word(body)? {
            0 => SiteKind::Branch,
            1 => SiteKind::Barrier,
            3 => SiteKind::Members,
            _ => SiteKind::Access {
                kind: *KINDS.get(take_word(body)? as usize)?,
                space: *SPACES.get(take_word(body)? as usize)?,
                bytes: take_word(body)?,
            },
        };
        let variable = match take_word(body)? {
            0 => None,
            _ => Some(SiteVariable { symbol: take_word(body)?, offset: take_word(body)?, bytes: take_word(body)? }),
        };
        instrumentation.sites.push(Site { line, kind, variable });
    }
    Some(instrumentation)
}

fn take_word(body: &mut &[u8]) -> Option<u32> {
    let (value, rest) = body.split_first_chunk::<4>()?;
    *body = rest;
    Some(u32::from_le_bytes(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        Record {
            code: KernelCode {
                entry: 0,
                mode: ExecutionMode::Suspendable,
                lanes: 32,
                frame_bytes: 64,
                local_bytes: 16,
                needs_stack: true,
                shared_bytes: 4096,
            },
            symbols: vec![("a".into(), AddressSpace::Global), ("tile".into(), AddressSpace::Shared)],
            object: vec![1, 2, 3],
            instrumentation: Some(Instrumentation {
                segments: vec![vec![Mark { line: 7, class: InstructionClass::Load }], Vec::new()],
                sites: vec![
                    Site { line: 8, kind: SiteKind::Branch, variable: None },
                    Site {
                        line: 9,
                        kind: SiteKind::Access { kind: AccessKind::Atomic, space: AddressSpace::Shared, bytes: 8 },
                        variable: Some(SiteVariable { symbol: 1, offset: 16, bytes: 64 }),
                    },
                    Site { line: 10, kind: SiteKind::Barrier, variable: None },
                    Site { line: 11, kind: SiteKind::Members, variable: None },
                ],
            }),
            compile_us: 1234,
        }
    }

    #[test]
    fn a_record_is_read_back() {
        let record = Record::decode(&sample().encode()).expect("it is whole");
        assert_eq!(record.symbols, sample().symbols);
        assert_eq!(record.object, sample().object);
        assert_eq!(record.instrumentation, sample().instrumentation);
        assert_eq!((record.code.frame_bytes, record.compile_us), (64, 1234));
        assert!(record.code.needs_stack);
    }

    #[test]
    fn damage_is_noticed() {
        let file = sample().encode();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert!(Record::decode(&damaged).is_none(), "byte {at}");
            assert!(Record::decode(&file[..at]).is_none(), "cut at {at}");
        }
    }
}
