//! Double SHA-256 of a header with many nonces: integer arithmetic and rotations, everything in registers.

use crate::random::mix;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const NONCES: u32 = 256 << 10;
const BLOCK: u32 = 256;
const BLOCKS: u32 = NONCES / BLOCK;

/// The benchmark.
pub fn workload() -> Workload {
    let buffers = (0..3).map(Argument::Buffer);
    Workload {
        name: "sha256d",
        about: "the smallest double SHA-256 of 256 Ki nonces",
        buffers: vec![
            Buffer::input("middle", Element::U32, 8, Contents::Table(middle)),
            // What is left of the header, but for the nonce.
            Buffer::input("tail", Element::U32, 3, Contents::U32(|i| header_word(16 + i))),
            // 64 bits a block: nonce, hash.
            Buffer::output("best", Element::U32, 2 * BLOCKS as usize, Tolerance::Exact),
        ],
        launches: vec![Launch {
            kernel: "sha256d",
            grid: [BLOCKS, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: buffers.clone().collect(),
        }],
        native: std::iter::once(Argument::I32(BLOCKS as i32)).chain(buffers).collect(),
        work: Work::Items(f64::from(NONCES)),
    }
}

fn header_word(index: u32) -> u32 {
    mix(index)
}

/// The state after the first 64 bytes of the header.
fn middle() -> Vec<u32> {
    let primes = primes();
    compress(first_state(&primes), std::array::from_fn(|i| header_word(i as u32)), &primes).to_vec()
}

/// The first 64 primes.
fn primes() -> Vec<u32> {
    (2..).filter(|&number| (2..number).all(|factor| number % factor > 0)).take(64).collect()
}

/// The state before the first block: the first 32 bits after the point of the primes' square roots.
fn first_state(primes: &[u32]) -> [u32; 8] {
    std::array::from_fn(|i| (u128::from(primes[i]) << 64).isqrt() as u32)
}

/// What SHA-256 does with a block of 64 bytes. Its constants come from the first primes.
fn compress(state: [u32; 8], block: [u32; 16], primes: &[u32]) -> [u32; 8] {
    let mut words = block.to_vec();
    for i in 16..64 {
        let (w15, w2) = (words[i - 15], words[i - 2]);
        let s0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ w15 >> 3;
        let s1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ w2 >> 10;
        words.push(words[i - 16].wrapping_add(s0).wrapping_add(words[i - 7]).wrapping_add(s1));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for (word, prime) in words.iter().zip(primes) {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t1 = [s1, (e & f) ^ (!e & g), cube_root_fraction(*prime), *word].into_iter().fold(h, u32::wrapping_add);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    let changes = [a, b, c, d, e, f, g, h];
    std::array::from_fn(|i| state[i].wrapping_add(changes[i]))
}

/// The first 32 bits after the point of a cube root, exactly.
fn cube_root_fraction(number: u32) -> u32 {
    let scaled = u128::from(number) << 96;
    // Of the largest prime, 311, the root is below 8.
    let mut root = 0u128;
    for bit in (0..35).rev() {
        let next = root | 1 << bit;
        if next * next * next <= scaled {
            root = next;
        }
    }
    root as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_compression_are_those_of_the_standard() {
        let primes = primes();
        assert_eq!(cube_root_fraction(primes[0]), 0x428a_2f98);
        assert_eq!(cube_root_fraction(primes[63]), 0xc671_78f2);
        let mut abc = [0; 16];
        (abc[0], abc[15]) = (0x6162_6380, 24);
        let hash = compress(first_state(&primes), abc, &primes);
        assert_eq!((hash[0], hash[7]), (0xba78_16bf, 0xf200_15ad));
    }
}
