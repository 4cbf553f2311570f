//! Loads and stores of all widths, in all spaces: each thread writes what is its own and reads it back with nothing between, through
//! addresses of the space and generic ones, and after a barrier reads what is anyone's.

use simt_ir::{AddressSpace, BinaryOp, MemoryOrder, Op, Program, SpecialRegister, Type, Value};

use super::straight::Straight;
use super::{Case, Family, Rng};

/// Bytes of a thread's row in an array.
const ROW: u32 = 32;

/// Accesses of a thread to its own rows, one after the other.
const OWN_ACCESSES: usize = 10;

const TYPES: [Type; 9] =
    [Type::I8, Type::I16, Type::I32, Type::I64, Type::I128, Type::F16, Type::BF16, Type::F32, Type::F64];

/// An array of rows, one for each thread of the block, or one in all.
#[derive(Clone, Copy)]
struct Array {
    space: AddressSpace,
    /// The start of the block's part, as an address in `space`.
    base: Value,
    /// Whether there is a row for each thread of the block, all within reach.
    common: bool,
    writable: bool,
}

pub(super) fn case(rng: &mut Rng) -> Case<Program> {
    let threads = 1 + rng.below(70) as u32;
    let blocks = 1 + rng.below(2) as u32;
    let mut s = Straight::new(rng, Family::Memory.mix());
    s.scratch_words = (blocks * threads * ROW / 8) as usize;
    let tid = s.builder.push1(Op::Special(SpecialRegister::TidX));
    let mut arrays = arrays(&mut s, tid, threads);
    let generic: Vec<Array> = arrays.iter().map(|array| as_generic(&mut s, *array)).collect();
    arrays.extend(generic);
    barrier(&mut s);
    for _ in 0..2 {
        for array in arrays.clone() {
            if array.writable && !s.rng.one_in(3) {
                store(&mut s, array, tid);
            }
        }
        // Of one row, by both kinds of address, so that many of them overlap.
        let writable: Vec<usize> = (0..arrays.len() / 2).filter(|index| arrays[*index].writable).collect();
        let own = s.rng.pick(&writable);
        for _ in 0..OWN_ACCESSES {
            let array = s.rng.pick(&[arrays[own], arrays[own + arrays.len() / 2]]);
            if s.rng.flag() { store(&mut s, array, tid) } else { load(&mut s, array, tid) }
        }
        barrier(&mut s);
        for array in arrays.clone() {
            let thread = any_thread(&mut s, tid, threads);
            load(&mut s, array, thread);
        }
        barrier(&mut s);
    }
    // What is in shared and local memory in the end; that in global memory is compared by itself.
    for array in arrays.into_iter().filter(|array| [AddressSpace::Shared, AddressSpace::Local].contains(&array.space)) {
        let row = if array.common { s.element(array.base, tid, u64::from(ROW)) } else { array.base };
        for offset in (0..i64::from(ROW)).step_by(8) {
            let word = s.load(array.space, Type::I64, 1, row, offset)[0];
            s.output(word);
        }
    }
    s.finish(blocks, threads)
}

/// Shared memory, local memory, the words that threads share in global memory, and the inputs.
fn arrays(s: &mut Straight, tid: Value, threads: u32) -> Vec<Array> {
    let shared = s.shared_array(threads * ROW);
    let local = s.local_array(ROW);
    let own = s.element(shared, tid, u64::from(ROW));
    s.clear(AddressSpace::Shared, own, ROW);
    s.clear(AddressSpace::Local, local, ROW);
    let first = s.builder.binary(BinaryOp::Sub, s.thread, tid);
    let global = s.element(s.output, first, u64::from(ROW));
    let input = s.builder.push1(Op::LoadParam { ty: Type::I64, offset: 0 });
    vec![
        Array { space: AddressSpace::Shared, base: shared, common: true, writable: true },
        Array { space: AddressSpace::Local, base: local, common: false, writable: true },
        Array { space: AddressSpace::Global, base: global, common: true, writable: true },
        Array { space: AddressSpace::Global, base: input, common: true, writable: false },
    ]
}

fn as_generic(s: &mut Straight, array: Array) -> Array {
    let base = s.builder.push1(Op::ToGeneric { space: array.space, a: array.base });
    Array { space: AddressSpace::Generic, base, ..array }
}

fn barrier(s: &mut Straight) {
    let id = s.builder.constant(Type::I32, 0);
    s.builder.push(Op::Barrier { kind: simt_ir::BarrierKind::Sync, id, threads: None, predicate: None });
}

/// A type, a number of elements, and an offset in a row that suits them.
fn shape(s: &mut Straight) -> (Type, u8, i64) {
    let ty = s.rng.pick(&TYPES);
    let most = 16 / ty.bytes();
    let count = s.rng.pick(&[1u32, 2, 4]).min(most).min(4);
    let size = ty.bytes() * count;
    let offset = s.rng.below((ROW / size) as usize) as u32 * size;
    (ty, count as u8, i64::from(offset))
}

/// Where `offset` is in the row of a thread. Now and then the place in the row differs from thread to thread as well.
fn place(s: &mut Straight, array: Array, thread: Value, size: u32, offset: i64) -> (Value, i64) {
    let row = if array.common { s.element(array.base, thread, u64::from(ROW)) } else { array.base };
    if !s.rng.one_in(3) {
        return (row, offset);
    }
    let index = s.operand(Type::I32);
    let count = s.builder.constant(Type::I32, u64::from(ROW / size));
    let index = s.builder.binary(BinaryOp::RemUnsigned, index, count);
    (s.element(row, index, u64::from(size)), 0)
}

fn guard(s: &mut Straight) -> Option<Value> {
    if s.rng.one_in(3) { Some(s.operand(Type::I1)) } else { None }
}

fn order(s: &mut Straight, ty: Type, count: u8) -> MemoryOrder {
    // Only what is accessed as a whole can be strong.
    if ty == Type::I128 || count > 1 {
        return MemoryOrder::Weak;
    }
    s.rng.pick(&[MemoryOrder::Weak, MemoryOrder::Volatile, MemoryOrder::Relaxed])
}

fn store(s: &mut Straight, array: Array, tid: Value) {
    let (ty, count, offset) = shape(s);
    let (address, offset) = place(s, array, tid, ty.bytes() * u32::from(count), offset);
    let values = (0..count).map(|_| s.operand(ty)).collect();
    let (guard, order) = (guard(s), order(s, ty, count));
    s.builder.push(Op::Store { space: array.space, ty, order, address, offset, values, guard });
}

/// The thread itself, a neighbour, or anyone.
fn any_thread(s: &mut Straight, tid: Value, threads: u32) -> Value {
    let other = match s.rng.below(3) {
        0 => return tid,
        1 => {
            let distance = s.rng.below(threads as usize) as u64;
            let distance = s.builder.constant(Type::I32, distance);
            s.builder.binary(BinaryOp::Add, tid, distance)
        }
        _ => s.operand(Type::I32),
    };
    let count = s.builder.constant(Type::I32, u64::from(threads));
    s.builder.binary(BinaryOp::RemUnsigned, other, count)
}

/// Loads from the row of a thread.
fn load(s: &mut Straight, array: Array, thread: Value) {
    let (ty, count, offset) = shape(s);
    let (address, offset) = place(s, array, thread, ty.bytes() * u32::from(count), offset);
    let (guard, order) = (guard(s), order(s, ty, count));
    for value in s.builder.push(Op::Load { space: array.space, ty, count, order, address, offset, guard }) {
        s.add(value);
        s.output(value);
    }
}
