//! Formats against glibc's `snprintf`, and CUDA's own rules against a table.

use super::{Arguments, MAX_ARGUMENTS, Output, PackedArguments, assertion_text, format};
use std::ffi::{CString, c_char, c_int};

unsafe extern "C" {
    fn snprintf(buffer: *mut c_char, size: usize, format: *const c_char, ...) -> c_int;
}

/// Arguments by hand; strings by number.
struct Listed<'a> {
    values: std::slice::Iter<'a, u64>,
    strings: &'a [&'a str],
}

impl Arguments for Listed<'_> {
    fn next(&mut self, _size: u32) -> Option<u64> {
        self.values.next().copied()
    }

    fn string(&mut self, address: u64) -> Option<Vec<u8>> {
        self.strings.get(address as usize - 1).map(|string| string.as_bytes().to_vec())
    }
}

fn ours(text: &str, values: &[u64], strings: &[&str]) -> String {
    let output = format(text.as_bytes(), &mut Listed { values: values.iter(), strings });
    String::from_utf8(output.text).expect("text")
}

macro_rules! glibc {
    ($format:expr, $($value:expr),*) => {{
        let format = CString::new($format).expect("no zero inside");
        let mut buffer = vec![0u8; 4096];
        // SAFETY: the buffer has the size that is given, and the arguments are those the format names.
        let length = unsafe { snprintf(buffer.as_mut_ptr().cast(), buffer.len(), format.as_ptr(), $($value),*) };
        buffer.truncate(length as usize);
        String::from_utf8(buffer).expect("text")
    }};
}

/// All sets of flags.
fn flag_sets() -> Vec<String> {
    (0..32)
        .map(|set| "-+ 0#".chars().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, c)| c).collect())
        .collect()
}

#[test]
fn integers_as_glibc() {
    for flags in flag_sets() {
        for width in ["", "1", "12"] {
            for precision in ["", ".", ".0", ".5"] {
                for conversion in
                    ["d", "i", "u", "x", "X", "o", "hd", "hhd", "hu", "hhx", "ld", "lld", "llu", "lx", "zu"]
                {
                    let text = std::format!("<%{flags}{width}{precision}{conversion}>");
                    for value in [0u64, 1, 42, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000, 0x1234_5678_9abc_def0, u64::MAX] {
                        let long = conversion.starts_with(['l', 'z']);
                        let expected =
                            if long { glibc!(text.as_str(), value) } else { glibc!(text.as_str(), value as u32) };
                        assert_eq!(ours(&text, &[value], &[]), expected, "{text} {value:#x}");
                    }
                }
            }
        }
    }
}

#[test]
fn floats_as_glibc() {
    let values = [
        0.0,
        -0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        -3.25,
        0.1,
        9.999_999_5,
        999_999.5,
        1e-4,
        9.9e-5,
        123_456.0,
        1_234_567.0,
        1e100,
        -1e-100,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        std::f64::consts::PI,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
        f64::from_bits(0x3fff_ffff_ffff_ffff),
        f64::from_bits(0x3ff0_8000_0000_0000),
        f64::from_bits(0x3ff1_8000_0000_0000),
    ];
    for flags in flag_sets() {
        for width in ["", "1", "30"] {
            for precision in ["", ".", ".0", ".1", ".3", ".12", ".20"] {
                for conversion in ["e", "E", "f", "F", "g", "G", "a", "A"] {
                    let text = std::format!("<%{flags}{width}{precision}{conversion}>");
                    for value in values {
                        // glibc loses the zeros that `#` asks for when %g rounds up to the next power of ten.
                        if flags.contains('#') && conversion.eq_ignore_ascii_case("g") && value == 999_999.5 {
                            continue;
                        }
                        let expected = glibc!(text.as_str(), value);
                        assert_eq!(ours(&text, &[value.to_bits()], &[]), expected, "{text} {value:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn random_floats_as_glibc() {
    let mut bits = 0x1234_5678u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = f64::from_bits(bits);
        for text in ["%g", "%e", "%a", "%.3g", "%.17g", "%.5a"] {
            assert_eq!(ours(text, &[bits], &[]), glibc!(text, value), "{text} {bits:#x}");
        }
        let small = (bits >> 40) as f64 / 1024.0;
        assert_eq!(ours("%f %.2f %g", &[small.to_bits(); 3], &[]), glibc!("%f %.2f %g", small, small, small));
    }
}

#[test]
fn characters_strings_pointers() {
    let hello = c"hello";
    for text in ["<%s>", "<%10s>", "<%-10s>", "<%.2s>", "<%-7.3s>", "<%.0s>", "<%010s>"] {
        assert_eq!(ours(text, &[1], &["hello"]), glibc!(text, hello.as_ptr()), "{text}");
    }
    for text in ["<%c>", "<%5c>", "<%-5c>"] {
        assert_eq!(ours(text, &[u64::from(b'x')], &[]), glibc!(text, c_int::from(b'x')));
    }
    for text in ["<%p>", "<%20p>", "<%-20p>", "<%020p>"] {
        for value in [0usize, 0x7f00_1234_5600] {
            assert_eq!(ours(text, &[value as u64], &[]), glibc!(text, value as *const u8), "{text} {value:#x}");
        }
    }
    assert_eq!(ours("<%s>", &[0], &[]), "<(null)>");
    assert_eq!(ours("<%*d|%-*d|%.*f>", &[6, 42, 6, 42, 2, 1.005f64.to_bits()], &[]), "<    42|42    |1.00>");
    assert_eq!(ours("<%*d|%.*d>", &[(-6i64) as u64, 42, (-1i64) as u64, 7], &[]), "<42    |7>");
}

#[test]
fn what_is_no_conversion_stands_for_itself() {
    assert_eq!(ours("100%", &[], &[]), "100%");
    assert_eq!(ours("100%%, %5%", &[], &[]), "100%, %");
    assert_eq!(ours("%y %n %-", &[], &[]), "%y %n %-");
    assert_eq!(ours("%d %d", &[1], &[]), "1 ");
}

#[test]
fn at_most_32_arguments() {
    let text = "%d".repeat(34);
    let values: Vec<u64> = (0..34).collect();
    let output = format(text.as_bytes(), &mut Listed { values: values.iter(), strings: &[] });
    assert_eq!(output.arguments, MAX_ARGUMENTS);
    assert!(output.text.ends_with(b"3031%d%d"));
}

/// The layout of CUDA's argument buffer: each argument at a multiple of its size.
#[test]
fn packed_arguments() {
    let mut memory = [0u8; 64];
    memory[0..4].copy_from_slice(&7u32.to_le_bytes());
    memory[8..16].copy_from_slice(&1.5f64.to_le_bytes());
    memory[16..20].copy_from_slice(&u32::from(b'!').to_le_bytes());
    memory[24..32].copy_from_slice(&40u64.to_le_bytes());
    memory[40..43].copy_from_slice(b"abc");
    let mut read = |address: u64, bytes: &mut [u8]| {
        let start = address as usize - 0x1000 * usize::from(address >= 0x1000);
        memory.get(start..start + bytes.len()).map(|source| bytes.copy_from_slice(source)).is_some()
    };
    let output = format(b"%d %g%c %s\n", &mut PackedArguments::new(0x1000, &mut read));
    assert_eq!(output, Output { text: b"7 1.5! abc\n".to_vec(), arguments: 4 });
    let unreadable = format(b"[%d]", &mut PackedArguments::new(0x2000, &mut read));
    assert_eq!(unreadable, Output { text: b"[]".to_vec(), arguments: 1 });
}

#[test]
fn widths_are_bounded() {
    let output = ours("%2000000000d", &[1], &[]);
    assert_eq!(output.len(), super::MAX_WIDTH);
}

#[test]
fn assertions() {
    let text = assertion_text(b"i < n", b"a.cu", 12, b"void k(int)", [1, 0, 0], [31, 2, 0]);
    assert_eq!(text, "a.cu:12: void k(int): block: [1,0,0], thread: [31,2,0] Assertion `i < n` failed.\n");
}
