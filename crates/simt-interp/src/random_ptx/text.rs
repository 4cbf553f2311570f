//! A kernel's text under construction: registers, operands, outputs.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use simt_ir::Type;

use crate::random::{Case, Check, Mix, Rng};

/// Input words of a thread.
pub(super) const INPUT_WORDS: usize = 6;

/// How many of a class's newest registers operands are drawn from.
const RECENT: usize = 14;

/// Registers of one kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Class {
    Predicate,
    B16,
    B32,
    B64,
    F32,
    F64,
}

impl Class {
    const ALL: [Class; 6] = [Class::Predicate, Class::B16, Class::B32, Class::B64, Class::F32, Class::F64];

    fn prefix(self) -> &'static str {
        match self {
            Class::Predicate => "%p",
            Class::B16 => "%h",
            Class::B32 => "%r",
            Class::B64 => "%rd",
            Class::F32 => "%f",
            Class::F64 => "%fd",
        }
    }

    fn ty(self) -> &'static str {
        match self {
            Class::Predicate => ".pred",
            Class::B16 => ".b16",
            Class::B32 => ".b32",
            Class::B64 => ".b64",
            Class::F32 => ".f32",
            Class::F64 => ".f64",
        }
    }

    /// The class of a type written in PTX; 8-bit types live in 16-bit registers.
    pub fn of(ty: &str) -> Class {
        match ty {
            "f32" => Class::F32,
            "f64" => Class::F64,
            "pred" => Class::Predicate,
            "b16" | "u16" | "s16" | "f16" | "bf16" | "b8" | "u8" | "s8" => Class::B16,
            "b64" | "u64" | "s64" => Class::B64,
            _ => Class::B32,
        }
    }

    /// The type of the class's random values.
    fn value_type(self) -> Type {
        match self {
            Class::Predicate => Type::I1,
            Class::B16 => Type::I16,
            Class::B32 => Type::I32,
            Class::B64 => Type::I64,
            Class::F32 => Type::F32,
            Class::F64 => Type::F64,
        }
    }
}

/// A register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Register {
    pub class: Class,
    number: u32,
}

impl Display for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.class.prefix(), self.number)
    }
}

/// A kernel that has its inputs, and stores what it computes.
pub(super) struct Kernel<'r> {
    pub rng: &'r mut Rng,
    mix: Mix,
    blocks: u32,
    pub threads: u32,
    counts: BTreeMap<Class, u32>,
    pool: BTreeMap<Class, Vec<Register>>,
    body: String,
    /// Declarations before the kernel.
    pub globals: String,
    /// Declarations inside the kernel.
    pub locals: String,
    checks: Vec<Check>,
    labels: u32,
    /// Words that threads share, at the start of the output buffer.
    pub scratch_words: usize,
}

/// The registers that every kernel has under these names.
const FIXED: &str = "\
    .reg .b64 %input, %output, %row, %offset;
    .reg .b32 %thread, %index, %block, %width;
";

impl<'r> Kernel<'r> {
    /// A kernel with its inputs in registers of all classes.
    pub fn new(rng: &'r mut Rng, mix: Mix, blocks: u32, threads: u32) -> Self {
        let mut kernel = Self {
            rng,
            mix,
            blocks,
            threads,
            counts: BTreeMap::new(),
            pool: BTreeMap::new(),
            body: String::new(),
            globals: String::new(),
            locals: String::new(),
            checks: Vec::new(),
            labels: 0,
            scratch_words: 0,
        };
        for word in 0..INPUT_WORDS {
            let whole = kernel.register(Class::B64);
            kernel.line(format_args!("ld.global.b64 {whole}, [%input+{}]", 8 * word));
            kernel.add_parts(whole);
        }
        kernel
    }

    fn add_parts(&mut self, whole: Register) {
        let (low, high) = (self.register(Class::B32), self.register(Class::B32));
        self.line(format_args!("mov.b64 {{{low}, {high}}}, {whole}"));
        for half in [low, high] {
            let parts = [self.register(Class::B16), self.register(Class::B16)];
            self.line(format_args!("mov.b32 {{{}, {}}}, {half}", parts[0], parts[1]));
            let (single, predicate) = (self.register(Class::F32), self.register(Class::Predicate));
            self.line(format_args!("mov.b32 {single}, {half}"));
            self.line(format_args!("setp.lt.s16 {predicate}, {}, 3", parts[0]));
            for register in [parts[0], parts[1], single, predicate, half] {
                self.add(register);
            }
        }
        let double = self.register(Class::F64);
        self.line(format_args!("mov.b64 {double}, {whole}"));
        self.add(double);
        self.add(whole);
    }

    /// A register that nothing uses yet.
    pub fn register(&mut self, class: Class) -> Register {
        let count = self.counts.entry(class).or_default();
        *count += 1;
        Register { class, number: *count }
    }

    /// The register of input word `index` as a whole.
    pub fn input(&self, index: usize) -> Register {
        Register { class: Class::B64, number: index as u32 + 1 }
    }

    /// Lets a register be an operand.
    pub fn add(&mut self, register: Register) {
        self.pool.entry(register.class).or_default().push(register);
    }

    /// An operand: a register, or a new one with a random constant.
    pub fn operand(&mut self, class: Class) -> Register {
        let known = self.pool.get(&class).map_or(0, Vec::len);
        let choice = self.rng.below(8);
        if choice == 0 || known == 0 {
            return self.constant(class);
        }
        let from = if choice < 6 { known.saturating_sub(RECENT) } else { 0 };
        let index = from + self.rng.below(known - from);
        self.pool[&class][index]
    }

    /// A register or, now and then, an immediate. Not for predicates.
    pub fn operand_or_immediate(&mut self, class: Class) -> String {
        if self.rng.one_in(6) { self.immediate(class) } else { self.operand(class).to_string() }
    }

    fn immediate(&mut self, class: Class) -> String {
        let bits = self.rng.value(class.value_type());
        let bits = self.without_nans(class, bits);
        match class {
            Class::F32 => format!("0f{bits:08X}"),
            Class::F64 => format!("0d{bits:016X}"),
            // Signed, so that the number fits whatever the instruction's type.
            Class::B16 => format!("{}", bits as i16),
            Class::B32 => format!("{}", bits as i32),
            Class::B64 => format!("{}", bits as i64),
            Class::Predicate => unreachable!("predicates have no immediates"),
        }
    }

    /// A constant that is no NaN for any instruction of the family: what NVIDIA's assembler makes of a constant NaN is not
    /// what the card makes of the same NaN in a register. One exponent bit less makes it a number.
    fn without_nans(&self, class: Class, bits: u64) -> u64 {
        let is_nan = |format: u32, fraction: u32, bits: u64| {
            let infinity = (1u64 << (format - 1)) - (1 << fraction);
            bits & ((1 << (format - 1)) - 1) > infinity
        };
        let halves = matches!(self.mix, Mix::Half | Mix::All);
        match class {
            Class::F64 if is_nan(64, 52, bits) => bits & !(1 << 62),
            Class::F32 if is_nan(32, 23, bits) => bits & !(1 << 30),
            // f16 has bf16's NaNs, and more.
            Class::B16 | Class::B32 if halves => [0, 16].into_iter().fold(bits, |bits, shift| {
                if is_nan(16, 10, bits >> shift & 0xffff) { bits & !(0x4000 << shift) } else { bits }
            }),
            _ => bits,
        }
    }

    fn constant(&mut self, class: Class) -> Register {
        let register = self.register(class);
        if class == Class::Predicate {
            let value = self.rng.below(2);
            self.line(format_args!("setp.ne.u32 {register}, {value}, 0"));
        } else {
            let value = self.immediate(class);
            self.line(format_args!("mov{} {register}, {value}", class.ty()));
        }
        register
    }

    /// A new register with a given number in it.
    pub fn number(&mut self, class: Class, value: u64) -> Register {
        let register = self.register(class);
        self.line(format_args!("mov{} {register}, {value}", class.ty()));
        register
    }

    /// A label that is not used yet.
    pub fn label(&mut self) -> String {
        self.labels += 1;
        format!("L{}", self.labels)
    }

    /// Places a label.
    pub fn place(&mut self, label: &str) {
        let _ = writeln!(self.body, "{label}:");
    }

    /// Appends an instruction.
    pub fn line(&mut self, text: impl Display) {
        let _ = writeln!(self.body, "    {text};");
    }

    /// Appends text as it is.
    pub fn block(&mut self, text: &str) {
        let _ = writeln!(self.body, "    {text}");
    }

    /// A new register with something in it, to be written under a guard.
    pub fn number_of(&mut self, class: Class) -> Register {
        match class {
            Class::F32 | Class::F64 => self.constant(class),
            _ => self.number(class, 0),
        }
    }

    /// Appends an instruction with one result in a new register, which becomes an operand and an output. `instruction` is
    /// opcode and types, `operands` what follows the result.
    pub fn result(&mut self, class: Class, instruction: &str, operands: &[String]) -> Register {
        self.result_as(class, instruction, operands, Check::Exact)
    }

    /// As [`Kernel::result`], with the output's check.
    pub fn result_as(&mut self, class: Class, instruction: &str, operands: &[String], check: Check) -> Register {
        let register = self.register(class);
        self.line(format_args!("{instruction} {register}, {}", operands.join(", ")));
        self.add(register);
        self.output(register, check);
        register
    }

    /// Stores a register in the thread's next output word.
    pub fn output(&mut self, register: Register, check: Check) {
        let word = self.word(register);
        self.line(format_args!("st.global.b64 [%row+{}], {word}", 8 * self.checks.len()));
        self.checks.push(check);
    }

    /// A register's bits in 64.
    fn word(&mut self, register: Register) -> Register {
        if register.class == Class::B64 {
            return register;
        }
        let word = self.register(Class::B64);
        match register.class {
            Class::Predicate => self.line(format_args!("selp.b64 {word}, 1, 0, {register}")),
            Class::B16 => self.line(format_args!("cvt.u64.u16 {word}, {register}")),
            Class::B32 => self.line(format_args!("cvt.u64.u32 {word}, {register}")),
            Class::F32 => {
                let bits = self.register(Class::B32);
                self.line(format_args!("mov.b32 {bits}, {register}"));
                self.line(format_args!("cvt.u64.u32 {word}, {bits}"));
            }
            Class::F64 => self.line(format_args!("mov.b64 {word}, {register}")),
            Class::B64 => unreachable!("returned above"),
        }
        word
    }

    /// The whole module, and inputs for its grid.
    pub fn finish(self) -> Case<String> {
        let mut registers = String::new();
        for class in Class::ALL {
            let count = self.counts.get(&class).copied().unwrap_or(0) + 1;
            let _ = writeln!(registers, "    .reg {} {}<{count}>;", class.ty(), class.prefix());
        }
        let input_bytes = 8 * INPUT_WORDS;
        let output_bytes = 8 * self.checks.len();
        let scratch_bytes = 8 * self.scratch_words;
        let Kernel { globals, locals, body, .. } = &self;
        let code = format!(
            "\
.version 8.4
.target sm_90
.address_size 64

{globals}
.visible .entry k(.param .u64 input, .param .u64 output)
{{
{FIXED}{registers}{locals}
    ld.param.u64 %input, [input];
    cvta.to.global.u64 %input, %input;
    ld.param.u64 %output, [output];
    cvta.to.global.u64 %output, %output;
    mov.u32 %index, %tid.x;
    mov.u32 %block, %ctaid.x;
    mov.u32 %width, %ntid.x;
    mad.lo.u32 %thread, %block, %width, %index;
    mul.wide.u32 %offset, %thread, {input_bytes};
    add.u64 %input, %input, %offset;
    mul.wide.u32 %offset, %thread, {output_bytes};
    add.u64 %row, %output, %offset;
    add.u64 %row, %row, {scratch_bytes};
{body}    ret;
}}
"
        );
        let words = (self.blocks * self.threads) as usize * INPUT_WORDS;
        let inputs = (0..words).map(|_| self.rng.word(self.mix)).collect();
        Case {
            code,
            blocks: self.blocks,
            threads: self.threads,
            input_words: INPUT_WORDS,
            output_words: self.checks.len(),
            scratch_words: self.scratch_words,
            inputs,
            checks: self.checks,
        }
    }
}

/// Operands as text.
pub(super) fn list<const N: usize>(operands: [&dyn Display; N]) -> Vec<String> {
    operands.iter().map(|operand| operand.to_string()).collect()
}
