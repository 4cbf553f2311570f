//! Rounds of AES that are found, and what is none.

use super::*;
use crate::analysis::LaunchShape;
use crate::{BinaryOp, FunctionBuilder, FunctionKind, SpecialRegister, Terminator};

/// What code is made with.
struct Code {
    builder: FunctionBuilder,
    key: Value,
}

impl Code {
    fn word(&mut self, bits: u64) -> Value {
        self.builder.constant(Type::I32, bits)
    }

    /// An element of the table at 0 that a byte of a word chooses, rotated up.
    fn element(&mut self, word: Value, byte: u64, up: u64) -> Value {
        let (places, mask, amount) = (self.word(8 * byte), self.word(0xff), self.word(8 * up));
        let two = self.word(2);
        let index = self.builder.binary(BinaryOp::ShrUnsigned, word, places);
        let index = self.builder.binary(BinaryOp::And, index, mask);
        let distance = self.builder.binary(BinaryOp::Shl, index, two);
        let address = self.builder.resize(false, Type::I64, distance);
        let (space, ty, order) = (AddressSpace::Shared, Type::I32, MemoryOrder::Weak);
        let element = self.builder.push1(Op::Load { space, ty, count: 1, order, address, offset: 0, guard: None });
        self.builder.push1(Op::FunnelShift { left: true, clamp: false, low: element, high: element, amount })
    }

    /// The columns of a round, with the lowest byte first; `up` says by how many bytes each row is rotated.
    fn round(&mut self, words: [Value; 4], up: [u64; 4]) -> [Value; 4] {
        [0, 1, 2, 3].map(|column| {
            let elements: Vec<Value> =
                (0..4).map(|row| self.element(words[(column + row) % 4], row as u64, up[row])).collect();
            elements.into_iter().fold(self.key, |sum, element| self.builder.binary(BinaryOp::Xor, sum, element))
        })
    }
}

/// The rounds of a kernel that makes words of four words, and stores what is made.
fn rounds(make: impl Fn(&mut Code, [Value; 4]) -> [Value; 4]) -> Vec<AesRounds> {
    let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
    let thread = builder.push1(Op::Special(SpecialRegister::TidX));
    let block = builder.push1(Op::Special(SpecialRegister::CtaidX));
    let words = [3, 5, 7, 11].map(|factor| {
        let factor = builder.constant(Type::I32, (0x9e37_79b9 * factor) & 0xffff_ffff);
        let product = builder.binary(BinaryOp::Mul, thread, factor);
        builder.binary(BinaryOp::Add, product, block)
    });
    let key = builder.push1(Op::LoadParam { ty: Type::I32, offset: 8 });
    let address = builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
    let mut code = Code { builder, key };
    let values = make(&mut code, words).to_vec();
    let mut builder = code.builder;
    let (space, order) = (AddressSpace::Global, MemoryOrder::Weak);
    builder.push(Op::Store { space, ty: Type::I32, order, address, offset: 0, values, guard: None });
    builder.terminate(Terminator::Return(Vec::new()));
    let program = Program { functions: vec![builder.finish()], shared_bytes: 1024, ..Program::default() };
    let launch = LaunchShape { block: Some([64, 1, 1]), ..LaunchShape::default() };
    let shapes = Shapes::new(&program, program.kernel(), launch);
    Tables::new(&program, program.kernel(), &shapes).rounds().to_vec()
}

#[test]
fn rounds_that_follow_each_other_are_found_together() {
    let found = rounds(|code, words| {
        let first = code.round(words, [0, 1, 2, 3]);
        code.round(first, [0, 1, 2, 3])
    });
    let [all] = &found[..] else { panic!("{found:?}") };
    assert_eq!((all.rounds.len(), all.is_high_first, all.table), (2, false, 0));
    assert_eq!(all.rounds[1].words, all.rounds[0].makes);
    assert!(all.rounds.iter().all(|round| !round.is_last && round.others.iter().all(|others| others.len() == 1)));
    assert_eq!(all.wanted.len(), 4, "what the last one makes");
    assert!(all.wanted.iter().all(|word| all.rounds[1].makes.contains(word)));
}

#[test]
fn words_that_are_used_elsewhere_are_told() {
    let found = rounds(|code, words| {
        let first = code.round(words, [0, 1, 2, 3]);
        let mut second = code.round(first, [0, 1, 2, 3]);
        second[3] = code.builder.binary(BinaryOp::Add, second[3], first[1]);
        second
    });
    let [all] = &found[..] else { panic!("{found:?}") };
    assert_eq!(all.wanted.len(), 5);
    assert!(all.wanted.contains(&all.rounds[0].makes[1]));
}

#[test]
fn rotations_tell_which_byte_is_first() {
    let found = rounds(|code, [a, b, c, d]| code.round([d, c, b, a], [1, 2, 3, 0]));
    let [all] = &found[..] else { panic!("{found:?}") };
    assert!(all.is_high_first);
}

#[test]
fn what_is_no_round_is_none() {
    assert_eq!(rounds(|code, words| code.round(words, [0, 1, 3, 2])), [], "rotated by something else");
    assert_eq!(rounds(|code, words| code.round(words, [2, 3, 0, 1])), [], "of another table");
    assert_eq!(rounds(|code, [a, b, c, _]| code.round([a, b, c, c], [0, 1, 2, 3])), [], "of three words");
    let of_others = rounds(|code, [a, b, c, d]| {
        let mut made = code.round([a, b, c, d], [0, 1, 2, 3]);
        made[2] = code.round([a, c, b, d], [0, 1, 2, 3])[1];
        made
    });
    assert!(of_others.iter().all(|rounds| rounds.wanted.len() < 4), "{of_others:?}");
    let with_thread = rounds(|code, words| {
        let key = std::mem::replace(&mut code.key, words[0]);
        let made = code.round(words, [0, 1, 2, 3]);
        code.key = key;
        made
    });
    assert_eq!(with_thread, [], "what is added differs from lane to lane, first of all");
}
