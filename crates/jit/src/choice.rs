//! Which of several shapes of code was found fastest for a kernel, as it is kept on disk beside the code.

use simt_llvm::Options;

/// First bytes of a file; the last is the version of the layout.
const MAGIC: &[u8; 8] = b"apexcho\x01";

/// What differs between right translations of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct CodeShape {
    /// Lanes that are computed together.
    pub lanes: u32,
}

impl CodeShape {
    /// Options that ask for this shape.
    pub fn options(self, others: Options) -> Options {
        Options { lanes: Some(self.lanes), ..others }
    }
}

impl std::fmt::Display for CodeShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} lanes", self.lanes)
    }
}

/// What was found by timing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Choice {
    /// The fastest shape, if it is not the compiler's own choice.
    pub shape: Option<CodeShape>,
    /// Its time in parts of that of the compiler's own choice.
    pub ratio: f64,
}

impl Choice {
    /// The file: magic, hash of the rest, lanes (0 for the compiler's own choice), ratio.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let lanes = self.shape.map_or(0, |shape| shape.lanes);
        let mut body = lanes.to_le_bytes().to_vec();
        body.extend(self.ratio.to_le_bytes());
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(blake3::hash(&body).as_bytes());
        file.append(&mut body);
        file
    }

    /// Reads a file; `None` if it is not whole and ours.
    pub(crate) fn decode(file: &[u8]) -> Option<Choice> {
        let (hash, body) = file.strip_prefix(MAGIC)?.split_at_checked(blake3::OUT_LEN)?;
        if blake3::hash(body).as_bytes() != hash {
            return None;
        }
        let (lanes, rest) = body.split_first_chunk::<4>()?;
        let ratio = f64::from_le_bytes(rest.try_into().ok()?);
        let lanes = u32::from_le_bytes(*lanes);
        Some(Choice { shape: (lanes != 0).then_some(CodeShape { lanes }), ratio })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_back_and_damage_noticed() {
        let own = Choice { shape: None, ratio: 1.0 };
        assert_eq!(Choice::decode(&own.encode()), Some(own));
        let choice = Choice { shape: Some(CodeShape { lanes: 128 }), ratio: 0.75 };
        let file = choice.encode();
        assert_eq!(Choice::decode(&file), Some(choice));
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert_eq!(Choice::decode(&damaged), None, "byte {at}");
            assert_eq!(Choice::decode(&file[..at]), None, "cut at {at}");
        }
    }
}
