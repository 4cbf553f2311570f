//! What the analysis says of values holds for every thread of every block shape, on random integer arithmetic of thread indices.

use super::{Fact, LaunchShape, Shape, Shapes};
use crate::{
    BinaryOp, Function, FunctionBuilder, FunctionKind, IntCondition, Op, Program, SpecialRegister, Terminator, Type,
    Value, number,
};

/// Numbers without a pattern (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

const OPERATIONS: [BinaryOp; 12] = [
    BinaryOp::Add,
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::ShrUnsigned,
    BinaryOp::ShrSigned,
    BinaryOp::MinSigned,
    BinaryOp::MaxSigned,
];

const CONSTANTS: [u64; 18] = [
    0,
    28,
    0xffff_fffc,
    1,
    2,
    3,
    4,
    0x7fff_fff0,
    7,
    8,
    15,
    16,
    31,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0xffff_fff0,
    0x4000_0000,
];

const SPECIALS: [SpecialRegister; 4] =
    [SpecialRegister::TidX, SpecialRegister::TidX, SpecialRegister::TidY, SpecialRegister::TidZ];

/// Indices, constants and operations on them, 32 and 64 bits wide.
fn random_function(numbers: &mut Numbers) -> Function {
    let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
    let mut words: Vec<Value> = SPECIALS.iter().map(|register| builder.push1(Op::Special(*register))).collect();
    let mut wide: Vec<Value> = Vec::new();
    for _ in 0..30 {
        let constant = CONSTANTS[numbers.below(CONSTANTS.len())];
        // What is made of little is regular more often.
        let among = if numbers.below(2) == 0 { words.len().min(8) } else { words.len() };
        let a = words[numbers.below(among)];
        match numbers.below(8) {
            0 => {
                let signed = numbers.below(2) == 0;
                wide.push(builder.push1(Op::Extend { signed, from: Type::I32, to: Type::I64, a }));
            }
            1 if !wide.is_empty() => {
                let (a, b) = (wide[numbers.below(wide.len())], wide[numbers.below(wide.len())]);
                let op = OPERATIONS[numbers.below(7)];
                wide.push(builder.push1(Op::Binary { op, ty: Type::I64, a, b }));
            }
            2 if !wide.is_empty() => {
                let a = wide[numbers.below(wide.len())];
                words.push(builder.push1(Op::Truncate { from: Type::I64, to: Type::I32, a }));
            }
            3 => {
                let b = words[numbers.below(words.len())];
                let condition = [IntCondition::LtSigned, IntCondition::Eq, IntCondition::GeUnsigned][numbers.below(3)];
                let condition = builder.int_compare(condition, a, b);
                words.push(builder.push1(Op::Select { ty: Type::I32, condition, a, b }));
            }
            4 => {
                let b = words[numbers.below(words.len())];
                words.push(builder.binary(OPERATIONS[numbers.below(7)], a, b));
            }
            5 | 6 => {
                // Parts of an index that begins somewhere: rows and columns.
                let start = builder.constant(Type::I32, constant);
                let moved = builder.binary(BinaryOp::Add, words[numbers.below(4)], start);
                let bits = 1 + numbers.below(5) as u64;
                let (op, by) = match numbers.below(5) {
                    0 => (BinaryOp::And, (1 << bits) - 1),
                    1 => (BinaryOp::And, 0xffff_ffff & !((1 << bits) - 1)),
                    2 => (BinaryOp::And, 0xff & !((1 << bits) - 1)),
                    3 => (BinaryOp::ShrUnsigned, bits),
                    _ => (BinaryOp::ShrSigned, bits),
                };
                let by = builder.constant(Type::I32, by);
                words.push(builder.binary(op, moved, by));
            }
            _ => {
                let op = OPERATIONS[numbers.below(OPERATIONS.len())];
                let shifts = matches!(op, BinaryOp::Shl | BinaryOp::ShrUnsigned | BinaryOp::ShrSigned);
                let b = builder.constant(Type::I32, if shifts { constant & 31 } else { constant });
                words.push(builder.binary(op, a, b));
            }
        }
    }
    builder.terminate(Terminator::Exit);
    builder.finish()
}

/// The values of one thread, by value number.
fn values_of(function: &Function, block: [u32; 3], thread: u32) -> Vec<u64> {
    let mut values = vec![0u64; function.value_types.len()];
    for instruction in &function.block(Function::ENTRY).instructions {
        let value = match &instruction.op {
            Op::Special(SpecialRegister::TidX) => u64::from(thread % block[0]),
            Op::Special(SpecialRegister::TidY) => u64::from(thread / block[0] % block[1]),
            Op::Special(_) => u64::from(thread / block[0] / block[1]),
            Op::Const { bits, .. } => *bits,
            op => {
                let operands: Vec<u128> = op.operands().iter().map(|value| values[value.0 as usize].into()).collect();
                number::evaluate(op, &operands).expect("integer operations have a meaning") as u64
            }
        };
        values[instruction.results[0].0 as usize] = value;
    }
    values
}

fn signed(ty: Type, bits: u64) -> i64 {
    let shift = 64 - ty.bits();
    ((bits << shift) as i64) >> shift
}

/// What is wrong with what is said of a value that the lanes have.
fn contradiction(ty: Type, fact: &Fact, lanes: &[u64]) -> Option<String> {
    let low_bits = |bits: u64| bits & (u64::MAX >> (64 - ty.bits()));
    let at = |base: u64, distance: i64| low_bits(base.wrapping_add(distance as u64));
    // Each lane as the progression says, from the lanes that it counts from.
    let follows = |stride: i64, length: usize| {
        lanes.chunks(length).all(|part| {
            part.iter().enumerate().all(|(lane, value)| *value == at(part[0], stride.wrapping_mul(lane as i64)))
        })
    };
    let holds = match fact.shape {
        Shape::Uniform => follows(0, lanes.len()),
        Shape::Affine { speculative: true, .. } | Shape::Segmented { speculative: true, .. } | Shape::Varying => true,
        Shape::Affine { stride, .. } => follows(stride, lanes.len()),
        Shape::Segmented { stride, length, outer, .. } => {
            let firsts: Vec<u64> = lanes.iter().step_by(length.into()).copied().collect();
            let steps = |outer: i64| {
                let step = |(index, first): (usize, &u64)| *first == at(firsts[0], outer.wrapping_mul(index as i64));
                firsts.iter().enumerate().all(step)
            };
            follows(stride, length.into()) && outer.is_none_or(steps)
        }
    };
    if !holds {
        return Some(format!("{:?} of {lanes:x?}", fact.shape));
    }
    let (low, high) = fact.range;
    if let Some(value) = lanes.iter().map(|bits| signed(ty, *bits)).find(|value| !(low..=high).contains(value)) {
        return Some(format!("{value} is outside {:?}", fact.range));
    }
    let zeros = |value: u64| if value == 0 { 64 } else { value.trailing_zeros() };
    if zeros(lanes[0]) < u32::from(fact.align).min(ty.bits()) && fact.shape != Shape::Varying {
        return Some(format!("lane 0 has {:#x}, aligned {}", lanes[0], fact.align));
    }
    let worst = lanes.iter().map(|value| zeros(*value)).min().unwrap_or(64);
    if worst < u32::from(fact.lanes_align).min(ty.bits()) {
        return Some(format!("{lanes:x?} aligned {}", fact.lanes_align));
    }
    fact.constant
        .filter(|constant| lanes.iter().any(|value| value != constant))
        .map(|constant| format!("{constant:#x}"))
}

/// `tid << 2 & 124`, as compilers write the offset of a word by lane.
#[test]
fn a_mask_need_not_have_bits_that_no_lane_has() {
    let mut builder = FunctionBuilder::new("kernel", FunctionKind::Kernel, Vec::new(), Vec::new());
    let thread = builder.push1(Op::Special(SpecialRegister::TidX));
    let [two, mask] = [2, 124].map(|number| builder.constant(Type::I32, number));
    let bytes = builder.binary(BinaryOp::Shl, thread, two);
    let within = builder.binary(BinaryOp::And, bytes, mask);
    builder.terminate(Terminator::Exit);
    let program = Program { functions: vec![builder.finish()], ..Program::default() };
    let launch = LaunchShape { block: Some([256, 1, 1]), small_grid: true, lanes: 32 };
    let fact = Shapes::new(&program, program.kernel(), launch).fact(within);
    assert_eq!(fact.shape, Shape::Affine { stride: 4, speculative: false });
}

#[test]
fn what_is_said_of_values_holds_for_every_thread() {
    let blocks: [[u32; 3]; 10] = [
        [256, 1, 1],
        [16, 16, 1],
        [8, 8, 4],
        [32, 8, 1],
        [64, 4, 1],
        [48, 16, 1],
        [24, 32, 1],
        [4, 64, 1],
        [16, 3, 16],
        [128, 2, 2],
    ];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut regular, mut of_rows) = (0, 0);
    for round in 0..2000 {
        let function = random_function(&mut numbers);
        let program = Program { functions: vec![function], ..Program::default() };
        let function = program.kernel();
        let block = blocks[round % blocks.len()];
        let threads: u32 = block.iter().product();
        let all: Vec<Vec<u64>> = (0..threads).map(|thread| values_of(function, block, thread)).collect();
        for lanes in [32u32, 64, 128, 256].into_iter().filter(|lanes| threads.is_multiple_of(*lanes)) {
            let launch = LaunchShape { block: Some(block), small_grid: true, lanes };
            let shapes = Shapes::new(&program, function, launch);
            for index in 0..function.value_types.len() {
                let value = Value(index as u32);
                let fact = shapes.fact(value);
                regular += usize::from(fact.shape != Shape::Varying);
                of_rows += usize::from(matches!(fact.shape, Shape::Segmented { .. }));
                for team in all.chunks(lanes as usize) {
                    let seen: Vec<u64> = team.iter().map(|values| values[index]).collect();
                    if let Some(text) = contradiction(function.ty(value), &fact, &seen) {
                        panic!("round {round}, blocks of {block:?}, {lanes} lanes: {value}: {text}\n{program}");
                    }
                }
            }
        }
    }
    assert!(regular > 1000 && of_rows > 500, "{regular} values are regular, {of_rows} within rows");
}
