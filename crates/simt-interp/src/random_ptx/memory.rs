//! Loads and stores in all spaces: each thread writes what is its own, and after a barrier reads what is anyone's; tables in
//! constant and global memory.

use std::fmt::Write;

use super::convert::check;
use super::text::{Class, Kernel, Register};
use crate::random::Check;

/// Bytes of a thread's row in an array.
const ROW: u32 = 32;

/// Words of a table.
const TABLE_WORDS: usize = 16;

/// An array of rows, one for each thread of the block, or one in all.
#[derive(Clone, Copy)]
struct Array {
    /// `.shared`, `.global` …; empty for generic addresses.
    space: &'static str,
    base: Register,
    /// Rows within reach.
    rows: u32,
    writable: bool,
}

pub(super) fn body(k: &mut Kernel) {
    // The grid has at most two blocks.
    k.scratch_words = (2 * k.threads * ROW / 8) as usize;
    let arrays = arrays(k);
    for array in arrays.iter().filter(|array| array.writable) {
        let row = row(k, *array, None);
        for offset in (0..ROW).step_by(8) {
            k.line(format_args!("st{}.u64 [{row}+{offset}], 0", array.space));
        }
    }
    for _ in 0..2 {
        k.line("bar.sync 0");
        for array in &arrays {
            if array.writable && !k.rng.one_in(3) {
                store(k, *array);
            }
        }
        k.line("bar.sync 0");
        for array in &arrays {
            for _ in 0..2 {
                load(k, *array);
            }
        }
    }
}

fn arrays(k: &mut Kernel) -> Vec<Array> {
    let threads = k.threads;
    let _ = writeln!(k.locals, "    .shared .align 16 .b8 shared_array[{}];", threads * ROW);
    let _ = writeln!(k.locals, "    .local .align 16 .b8 local_array[{ROW}];");
    for (space, name) in [(".const", "const_table"), (".global", "global_table")] {
        let words: Vec<String> = (0..TABLE_WORDS).map(|_| format!("{:#x}", k.rng.bits() as u32)).collect();
        let _ = writeln!(k.globals, "{space} .align 16 .b32 {name}[{TABLE_WORDS}] = {{{}}};", words.join(", "));
    }
    let named = |k: &mut Kernel, name: &str| {
        let base = k.register(Class::B64);
        k.line(format_args!("mov.u64 {base}, {name}"));
        base
    };
    let shared = named(k, "shared_array");
    let local = named(k, "local_array");
    let table_rows = (TABLE_WORDS * 4) as u32 / ROW;
    let (constants, globals) = (named(k, "const_table"), named(k, "global_table"));
    let (first, scratch) = (k.register(Class::B32), k.register(Class::B64));
    k.line(format_args!("mul.lo.u32 {first}, %block, %width"));
    k.line(format_args!("mad.wide.u32 {scratch}, {first}, {ROW}, %output"));
    let mut list = vec![
        Array { space: ".shared", base: shared, rows: threads, writable: true },
        Array { space: ".local", base: local, rows: 1, writable: true },
        Array { space: ".global", base: scratch, rows: threads, writable: true },
        Array { space: ".const", base: constants, rows: table_rows, writable: false },
        Array { space: ".global", base: globals, rows: table_rows, writable: false },
    ];
    for array in list.clone() {
        let generic = k.register(Class::B64);
        k.line(format_args!("cvta{}.u64 {generic}, {}", array.space, array.base));
        list.push(Array { space: "", base: generic, ..array });
    }
    list
}

/// The address of a row: the thread's own, or that of a given index.
fn row(k: &mut Kernel, array: Array, index: Option<Register>) -> Register {
    let address = k.register(Class::B64);
    if array.rows == 1 {
        return array.base;
    }
    match index {
        Some(index) => k.line(format_args!("mad.wide.u32 {address}, {index}, {ROW}, {}", array.base)),
        None => k.line(format_args!("mad.wide.u32 {address}, %index, {ROW}, {}", array.base)),
    }
    address
}

/// Types of memory, with the class of the register; wide ones are not extended.
const TYPES: [(&str, u32, Class); 16] = [
    ("b8", 1, Class::B16),
    ("u8", 1, Class::B16),
    ("s8", 1, Class::B32),
    ("u8", 1, Class::B64),
    ("b16", 2, Class::B16),
    ("u16", 2, Class::B32),
    ("s16", 2, Class::B16),
    ("s16", 2, Class::B64),
    ("b32", 4, Class::B32),
    ("u32", 4, Class::B32),
    ("s32", 4, Class::B64),
    ("f32", 4, Class::F32),
    ("b64", 8, Class::B64),
    ("u64", 8, Class::B64),
    ("s64", 8, Class::B64),
    ("f64", 8, Class::F64),
];

/// A vector suffix, a type, the registers' class, the number of elements, and an offset in a row.
fn shape(k: &mut Kernel) -> (&'static str, &'static str, Class, usize, u32) {
    let (ty, bytes, class) = k.rng.pick(&TYPES);
    let (vector, count) = k.rng.pick(&[("", 1), ("", 1), (".v2", 2), (".v4", 4)]);
    let (vector, count) = if bytes * count > 16 { ("", 1) } else { (vector, count) };
    let size = bytes * count;
    let offset = k.rng.below((ROW / size) as usize) as u32 * size;
    (vector, ty, class, count as usize, offset)
}

fn braced(registers: &[Register]) -> String {
    let names: Vec<String> = registers.iter().map(Register::to_string).collect();
    if names.len() == 1 { names[0].clone() } else { format!("{{{}}}", names.join(", ")) }
}

fn strength(k: &mut Kernel, array: Array, vector: &str) -> &'static str {
    if !vector.is_empty() || !array.writable {
        return "";
    }
    match array.space {
        ".shared" | ".global" | "" => k.rng.pick(&["", "", ".volatile", ".relaxed.cta", ".relaxed.gpu"]),
        _ => "",
    }
}

fn store(k: &mut Kernel, array: Array) {
    let (vector, ty, class, count, offset) = shape(k);
    let address = row(k, array, None);
    let values: Vec<Register> = (0..count).map(|_| k.operand(class)).collect();
    let strength = strength(k, array, vector);
    let guard = guard(k);
    k.line(format_args!("{guard}st{strength}{}{vector}.{ty} [{address}+{offset}], {}", array.space, braced(&values)));
}

/// A guard, now and then.
fn guard(k: &mut Kernel) -> String {
    if !k.rng.one_in(3) {
        return String::new();
    }
    let not = k.rng.pick(&["", "!"]);
    format!("@{not}{} ", k.operand(Class::Predicate))
}

fn load(k: &mut Kernel, array: Array) {
    let (vector, ty, class, count, offset) = shape(k);
    let index = if array.rows == 1 {
        None
    } else {
        let (index, source) = (k.register(Class::B32), k.operand(Class::B32));
        k.line(format_args!("rem.u32 {index}, {source}, {}", array.rows));
        Some(index)
    };
    let address = row(k, array, index);
    let strength = strength(k, array, vector);
    let guard = guard(k);
    // What a load that does not happen leaves.
    let values: Vec<Register> = (0..count).map(|_| k.number_of(class)).collect();
    k.line(format_args!("{guard}ld{strength}{}{vector}.{ty} {}, [{address}+{offset}]", array.space, braced(&values)));
    for value in values {
        k.add(value);
        k.output(value, if class == Class::of(ty) { check(ty) } else { Check::Exact });
    }
}
