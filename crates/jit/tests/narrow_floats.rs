//! Conversions to and from floats of 8, 6 and 4 bits, compared with a search for the nearest number of the format.
//!
//! A card that has all of these is not at hand; the rules are the PTX ISA's.

mod common;

use common::{Device, Lowered};
use simt_interp::random::{Case, Check, NanRule};

/// A format of sign, exponent and fraction.
#[derive(Clone, Copy)]
struct Format {
    name: &'static str,
    exponent_bits: u32,
    fraction_bits: u32,
    bias: i32,
    /// The largest finite number.
    largest: u32,
    /// What a NaN becomes.
    nan: u32,
}

const FORMATS: [Format; 5] = [
    Format { name: "e4m3x2", exponent_bits: 4, fraction_bits: 3, bias: 7, largest: 0x7e, nan: 0x7f },
    Format { name: "e5m2x2", exponent_bits: 5, fraction_bits: 2, bias: 15, largest: 0x7b, nan: 0x7f },
    Format { name: "e2m3x2", exponent_bits: 2, fraction_bits: 3, bias: 1, largest: 0x1f, nan: 0x1f },
    Format { name: "e3m2x2", exponent_bits: 3, fraction_bits: 2, bias: 3, largest: 0x1f, nan: 0x1f },
    Format { name: "e2m1x2", exponent_bits: 2, fraction_bits: 1, bias: 1, largest: 0x7, nan: 0x7 },
];

impl Format {
    /// Bits of a number without its sign.
    fn magnitude_bits(self) -> u32 {
        self.exponent_bits + self.fraction_bits
    }

    /// Bits between the numbers of a pair, and their register.
    fn place(self) -> (u32, &'static str) {
        if self.name == "e2m1x2" { (4, "%c") } else { (8, "%h") }
    }

    /// The value of a finite number without sign.
    fn value(self, code: u32) -> f64 {
        let fraction = f64::from(code & ((1 << self.fraction_bits) - 1)) / f64::from(1 << self.fraction_bits);
        match (code >> self.fraction_bits) as i32 {
            0 => fraction * f64::from(1 - self.bias).exp2(),
            exponent => (1.0 + fraction) * f64::from(exponent - self.bias).exp2(),
        }
    }

    /// The nearest number, of two equally near ones the even one; what is too large becomes the largest.
    fn nearest(self, x: f32, relu: bool) -> u32 {
        if x.is_nan() {
            return self.nan;
        }
        let distance = |code: &u32| (self.value(*code) - f64::from(x.abs()).min(self.value(self.largest))).abs();
        let nearer = |a: &u32, b: &u32| distance(a).total_cmp(&distance(b)).then((a & 1).cmp(&(b & 1)));
        let code = (0..=self.largest).min_by(nearer).expect("there are numbers");
        match (x.is_sign_negative(), relu) {
            (false, _) => code,
            (true, true) => 0,
            (true, false) => code | 1 << self.magnitude_bits(),
        }
    }

    /// The bits of a number in half precision.
    fn half(self, code: u32, relu: bool) -> u64 {
        let magnitude = code & ((1 << self.magnitude_bits()) - 1);
        let negative = code >> self.magnitude_bits() & 1 == 1;
        let has_infinity = self.name == "e5m2x2";
        if magnitude > self.largest && !(has_infinity && magnitude == self.largest + 1) {
            return 0x7fff;
        }
        if negative && relu {
            return 0;
        }
        let bits = if magnitude > self.largest {
            0x7c00
        } else {
            // Every number of every format is one of half precision.
            (0..0x7c00).find(|bits| half_value(*bits) == self.value(magnitude)).expect("half precision has it")
        };
        bits | u64::from(negative) << 15
    }
}

/// The value of a finite number of half precision without sign.
fn half_value(bits: u64) -> f64 {
    let fraction = (bits & 0x3ff) as f64 / 1024.0;
    match (bits >> 10) as i32 {
        0 => fraction * f64::from(-14).exp2(),
        exponent => (1.0 + fraction) * f64::from(exponent - 15).exp2(),
    }
}

/// Runs `body` for each word of `inputs`, which it finds in `%q1`; it leaves its result in `%r1`.
fn run(body: &str, inputs: Vec<u64>) -> Vec<u64> {
    let threads = 64;
    let blocks = inputs.len().div_ceil(threads) as u32;
    let mut inputs = inputs;
    inputs.resize(blocks as usize * threads, 0);
    let code = format!(
        ".version 9.0\n.target sm_120a\n.address_size 64\n\
         .visible .entry k(.param .u64 input, .param .u64 output)\n{{\n\
         .reg .b8 %c<3>; .reg .b16 %h<3>; .reg .b32 %r<8>; .reg .b64 %q<6>; .reg .f32 %f<3>;\n\
         ld.param.u64 %q2, [input]; ld.param.u64 %q3, [output];\n\
         mov.u32 %r5, %ctaid.x; mov.u32 %r6, %ntid.x; mov.u32 %r7, %tid.x; mad.lo.u32 %r5, %r5, %r6, %r7;\n\
         mul.wide.u32 %q4, %r5, 8; add.u64 %q2, %q2, %q4; add.u64 %q3, %q3, %q4;\n\
         ld.global.b64 %q1, [%q2];\n{body}\ncvt.u64.u32 %q5, %r1; st.global.b64 [%q3], %q5; ret;\n}}\n"
    );
    let checks = vec![Check::Exact];
    let (input_words, output_words, scratch_words, threads) = (1, 1, 0, threads as u32);
    let case = Case { code, blocks, threads, input_words, output_words, scratch_words, inputs, checks };
    let lowered = Lowered::new(case).unwrap_or_else(|error| panic!("{error}"));
    let expected = lowered.interpret().unwrap_or_else(|error| panic!("{error}"));
    let actual = lowered.run(&Device::new(), true).unwrap_or_else(|error| panic!("{error}"));
    lowered.case().compare(&expected, &actual, NanRule::Exact).unwrap_or_else(|mismatch| panic!("{body}: {mismatch}"));
    actual
}

/// Numbers of single precision at, between and beside those of a format, and others.
fn singles(format: Format) -> Vec<f32> {
    let mut singles = vec![0.0, f32::MAX, f32::INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, 3e-39, 447.9, 1e30];
    for code in 0..=format.largest {
        let (here, next) = (format.value(code), format.value(code + 1));
        for value in [here, f64::midpoint(here, next)].map(|value| value as f32) {
            singles.extend([value, value.next_up(), value.next_down()]);
        }
    }
    singles.extend(singles.clone().into_iter().map(|value| -value));
    singles
}

#[test]
fn singles_become_the_nearest_numbers() {
    for format in FORMATS {
        for relu in [false, true] {
            let singles = singles(format);
            let mut pairs: Vec<[f32; 2]> = singles.iter().map(|single| [*single, -*single]).collect();
            pairs.extend(singles.windows(2).map(|pair| [pair[0], pair[1]]));
            let inputs = pairs.iter().map(|[a, b]| u64::from(a.to_bits()) << 32 | u64::from(b.to_bits())).collect();
            let ((apart, register), name) = (format.place(), format.name);
            let body = format!(
                "mov.b64 {{%r2, %r3}}, %q1; mov.b32 %f1, %r2; mov.b32 %f2, %r3;\n\
                 cvt.rn.satfinite{}.{name}.f32 {register}1, %f2, %f1; cvt.u32.u{} %r1, {register}1;",
                if relu { ".relu" } else { "" },
                2 * apart
            );
            for (pair, actual) in pairs.iter().zip(run(&body, inputs)) {
                let [a, b] = pair.map(|single| u64::from(format.nearest(single, relu)));
                assert_eq!(actual, a << apart | b, "{name} {pair:?} {relu}: {actual:#x}");
            }
        }
    }
}

/// All numbers of half precision, and of bfloat16, as the single-precision numbers that they are.
#[test]
fn halves_become_what_singles_become() {
    for format in FORMATS {
        for (from, widen) in [("f16", "cvt.f32.f16 %f1, %h2;"), ("bf16", "cvt.f32.bf16 %f1, %h2;")] {
            let ((_, register), name) = (format.place(), format.name);
            // The difference of the two ways.
            let body = format!(
                "cvt.u32.u64 %r2, %q1; mov.b32 {{%h1, %h2}}, %r2; cvt.rn.satfinite.{name}.{from}x2 {register}1, %r2;\n\
                 cvt.u32.u{} %r1, {register}1; {widen} cvt.rn.satfinite.{name}.f32 {register}2, %f1, %f1;\n\
                 cvt.u32.u{} %r3, {register}2; xor.b32 %r1, %r1, %r3; shr.u32 %r1, %r1, {};",
                2 * format.place().0,
                2 * format.place().0,
                format.place().0
            );
            let differences = run(&body, (0..0x10000).map(|bits: u64| bits << 16).collect());
            let place = differences.iter().position(|difference| *difference != 0);
            assert_eq!(place, None, "{name} of {from}");
        }
    }
}

#[test]
fn numbers_become_halves() {
    for format in FORMATS {
        for relu in [false, true] {
            let ((apart, register), name) = (format.place(), format.name);
            let codes = 1u64 << (format.magnitude_bits() + 1);
            let inputs: Vec<u64> = (0..codes).map(|code| code << apart | (codes - 1 - code)).collect();
            let body = format!(
                "cvt.u32.u64 %r2, %q1; cvt.u{}.u32 {register}1, %r2; cvt.rn{}.f16x2.{name} %r1, {register}1;",
                2 * apart,
                if relu { ".relu" } else { "" },
            );
            for (code, actual) in (0u32..).zip(run(&body, inputs.clone()).into_iter().take(inputs.len())) {
                let expected = format.half(code, relu) << 16 | format.half(codes as u32 - 1 - code, relu);
                assert_eq!(actual, expected, "{name} {code:#x} {relu}: {actual:#x}, not {expected:#x}");
            }
        }
    }
}

/// The power of two that stands for a number.
fn scale(x: f32, up: bool, finite: bool) -> u64 {
    let magnitude = f64::from(x.abs());
    if magnitude.is_nan() {
        return 0xff;
    }
    let power = |code: u64| f64::from(code as i32 - 127).exp2();
    let code = if up {
        (0..0xff).find(|code| power(*code) >= magnitude).unwrap_or(0xff)
    } else {
        (0..=0xff).rev().find(|code| power(*code) <= magnitude).unwrap_or(0)
    };
    if finite { code.min(0xfe) } else { code }
}

#[test]
fn scales_are_powers_of_two() {
    let mut singles: Vec<f32> =
        [0.0, 1.0, 1.5, f32::MAX, f32::INFINITY, f32::NAN, 1e-45, 3e-39, 5.877_472e-39].to_vec();
    for exponent in 0..255u32 {
        singles.extend([0, 1, 0x7f_ffff, 0x40_0000, 0x40_0001].map(|bits| f32::from_bits(exponent << 23 | bits)));
    }
    singles.extend(singles.clone().into_iter().map(|value| -value));
    for (rounding, up) in [("rz", false), ("rp", true)] {
        for (satfinite, finite) in [("", false), (".satfinite", true)] {
            let body = format!(
                "cvt.u32.u64 %r2, %q1; mov.b32 %f1, %r2; mov.b32 %f2, 0f40400000;\n\
                 cvt.{rounding}{satfinite}.ue8m0x2.f32 %h1, %f1, %f2; cvt.u32.u16 %r1, %h1;"
            );
            let inputs = singles.iter().map(|single| u64::from(single.to_bits())).collect();
            for (single, actual) in singles.iter().zip(run(&body, inputs)) {
                let expected = scale(*single, up, finite) << 8 | scale(3.0, up, finite);
                assert_eq!(actual, expected, "{rounding}{satfinite} {single:e}: {actual:#x}, not {expected:#x}");
            }
        }
    }
    let back = run("cvt.u16.u64 %h1, %q1; cvt.rn.bf16x2.ue8m0x2 %r1, %h1;", (0..256).map(|code| code << 8).collect());
    for (code, actual) in (0u64..).zip(back) {
        let expected = match code {
            0 => 0x0040,
            255 => 0x7fff,
            code => code << 7,
        };
        assert_eq!(actual, expected << 16 | 0x0040, "{code}");
    }
}
