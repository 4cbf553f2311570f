//! A case: code, inputs, and what its outputs may be.

use std::fmt;

use simt_ir::{Op, Program, Type, number};

use crate::{Allocations, CapturedRuntime, Error, Launch, Summary, run};

/// Code with its inputs. `C` is a [`Program`], or PTX text.
#[derive(Clone, PartialEq, Debug)]
pub struct Case<C> {
    /// The code. Its kernel has two 64-bit parameters: input and output address.
    pub code: C,
    /// Blocks of the grid, in x.
    pub blocks: u32,
    /// Threads of a block, in x.
    pub threads: u32,
    /// Input words of one thread.
    pub input_words: usize,
    /// Output words of one thread.
    pub output_words: usize,
    /// Words at the start of the output buffer that threads share.
    pub scratch_words: usize,
    /// The inputs of all threads.
    pub inputs: Vec<u64>,
    /// For each of a thread's output words, what it may be.
    pub checks: Vec<Check>,
}

/// What an output word may be.
#[derive(Clone, PartialEq, Debug)]
pub enum Check {
    /// What the reference says, bit for bit.
    Exact,
    /// A float of this type: as [`Check::Exact`], but see [`NanRule`].
    Float(Type),
    /// Two packed floats of this type, likewise.
    FloatPair(Type),
    /// A result of this approximate operation on the low bits of these words of the thread's input, within the bound.
    Approximate {
        /// The operation.
        op: Op,
        /// Indices of input words and how far each is shifted right to get the operand.
        operands: Vec<(usize, u32)>,
    },
}

/// How NaNs are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NanRule {
    /// As all bits.
    Exact,
    /// In words that are known to hold floats, a NaN is as good as another.
    AnyNan,
    /// As [`NanRule::AnyNan`] for f64, as [`NanRule::Exact`] for all others: which of several f64 NaNs comes out of an
    /// operation, and with what sign, is the choice of who orders its operands.
    AnyDoubleNan,
}

/// The first word that differs.
#[derive(Clone, PartialEq, Debug)]
pub struct Mismatch {
    /// Thread of the grid; `None` for the words that threads share.
    pub thread: Option<usize>,
    /// Word of the thread's output, or of the shared words.
    pub word: usize,
    /// What the reference says.
    pub expected: u64,
    /// What came out.
    pub actual: u64,
    /// The thread's inputs.
    pub inputs: Vec<u64>,
    /// What the word may be.
    pub check: Check,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { word, expected, actual, check, .. } = self;
        match self.thread {
            Some(thread) => write!(f, "thread {thread}, output word {word}")?,
            None => write!(f, "shared word {word}")?,
        }
        write!(f, ": {actual:#x}, expected {expected:#x} ({check:?}); the thread's inputs are {:#x?}", self.inputs)
    }
}

impl std::error::Error for Mismatch {}

impl<C> Case<C> {
    /// Threads of the grid.
    pub fn grid_threads(&self) -> usize {
        self.blocks as usize * self.threads as usize
    }

    /// Words of the output buffer, which begins as zeros.
    pub fn output_len(&self) -> usize {
        self.scratch_words + self.grid_threads() * self.output_words
    }

    /// Compares an output with that of the reference.
    ///
    /// # Errors
    ///
    /// The first difference. Buffers of the wrong size differ from their end on.
    pub fn compare(&self, expected: &[u64], actual: &[u64], nan: NanRule) -> Result<(), Box<Mismatch>> {
        for index in 0..self.output_len() {
            let expected_word = expected.get(index).copied().unwrap_or(0);
            let actual_word = actual.get(index).copied().unwrap_or(!expected_word);
            let thread = index.checked_sub(self.scratch_words).map(|index| index / self.output_words);
            let word = thread.map_or(index, |_| (index - self.scratch_words) % self.output_words);
            let check = thread.map_or(&Check::Exact, |_| &self.checks[word]);
            let first_input = thread.unwrap_or(0) * self.input_words;
            let inputs = &self.inputs[first_input..][..self.input_words];
            if !check.accepts(inputs, expected_word, actual_word, nan) {
                return Err(Box::new(Mismatch {
                    thread,
                    word,
                    expected: expected_word,
                    actual: actual_word,
                    inputs: inputs.to_vec(),
                    check: check.clone(),
                }));
            }
        }
        Ok(())
    }
}

impl Check {
    fn accepts(&self, inputs: &[u64], expected: u64, actual: u64, nan: NanRule) -> bool {
        if expected == actual {
            return true;
        }
        let is_nan = |ty, bits| {
            let any = match nan {
                NanRule::Exact => false,
                NanRule::AnyNan => true,
                NanRule::AnyDoubleNan => ty == Type::F64,
            };
            any && is_nan(ty, bits)
        };
        match self {
            Check::Exact => false,
            Check::Float(ty) => is_nan(*ty, expected) && is_nan(*ty, actual),
            Check::FloatPair(ty) => [0, 16].into_iter().all(|shift| {
                let (expected, actual) = (expected >> shift & 0xffff, actual >> shift & 0xffff);
                expected == actual || (is_nan(*ty, expected) && is_nan(*ty, actual))
            }),
            Check::Approximate { op, operands } => {
                let operands: Vec<u128> =
                    operands.iter().map(|(word, shift)| u128::from(inputs[*word] >> shift)).collect();
                number::is_allowed_result(op, &operands, u128::from(actual)) == Some(true)
            }
        }
    }
}

fn is_nan(ty: Type, bits: u64) -> bool {
    let condition = simt_ir::FloatCondition::Unordered;
    let value = simt_ir::Value(0);
    let op = Op::FloatCompare { condition, ty, flush: false, a: value, b: value };
    number::evaluate(&op, &[u128::from(bits); 2]) == Some(1)
}

impl Case<Program> {
    /// The output, by the interpreter.
    ///
    /// # Errors
    ///
    /// The interpreter's; a case of [`super::program`] has none.
    pub fn interpret(&self) -> Result<Vec<u64>, Error> {
        interpret(&self.code, self, &[])
    }
}

/// Runs a program on a case's inputs; `case` may be of another form of the same code (PTX text that was lowered to `program`).
/// `symbols` are the global and const variables, by name, with their initial values.
///
/// # Errors
///
/// The interpreter's.
pub fn interpret<C>(program: &Program, case: &Case<C>, symbols: &[(String, Vec<u8>)]) -> Result<Vec<u64>, Error> {
    interpret_counted(program, case, symbols).map(|(output, _)| output)
}

/// As [`interpret`], with what the run tells beside its output.
///
/// # Errors
///
/// The interpreter's.
pub fn interpret_counted<C>(
    program: &Program,
    case: &Case<C>,
    symbols: &[(String, Vec<u8>)],
) -> Result<(Vec<u64>, Summary), Error> {
    let mut memory = Allocations::default();
    let input = memory.insert(case.inputs.iter().flat_map(|word| word.to_le_bytes()).collect());
    let output = memory.allocate(8 * case.output_len());
    let symbols = symbols.iter().map(|(name, bytes)| (name.clone(), memory.insert(bytes.clone()))).collect();
    let launch = Launch {
        grid: [case.blocks, 1, 1],
        block: [case.threads, 1, 1],
        params: [input.to_le_bytes(), output.to_le_bytes()].concat(),
        symbols,
        ..Launch::default()
    };
    let summary = run(program, &launch, &mut memory, &mut CapturedRuntime::default())?;
    let bytes = memory.bytes(output).unwrap_or_default();
    let words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("8 bytes")));
    Ok((words.collect(), summary))
}
