//! Products of matrices that a warp holds together.

use simt_ir::{Arrangement, Combine, Factor, MatrixProduct, Op, Program, Sum, Type, Value};

use super::straight::Straight;
use super::{Case, Family, Rng};

/// Whole warps; few products, because the interpreter takes long for each.
pub(super) fn case(rng: &mut Rng) -> Case<Program> {
    let threads = 32 * (1 + rng.below(2) as u32);
    let mut s = Straight::new(rng, Family::Matrix.mix());
    for _ in 0..6 {
        let product = product(s.rng);
        let op = Op::MatrixProduct {
            product,
            a: operands(&mut s, product.a.register(), product.a_registers()),
            b: operands(&mut s, product.b.register(), product.b_registers()),
            c: operands(&mut s, product.c.register(), product.sum_registers(product.c)),
        };
        s.emit(op);
    }
    s.finish(1, threads)
}

fn operands(s: &mut Straight, ty: Type, count: usize) -> Vec<Value> {
    (0..count).map(|_| s.operand(ty)).collect()
}

/// A product of any kind that PTX has, and of some that it has not.
fn product(rng: &mut Rng) -> MatrixProduct {
    use Factor::{B1, BF16, E2M1, E2M3, E3M2, E4M3, E5M2, F16, F64, S4, S8, TF32, U4, U8};
    const BYTES: [Factor; 5] = [E4M3, E5M2, E3M2, E2M3, E2M1];
    let m = rng.pick(&[8, 16]);
    let plain = MatrixProduct {
        m,
        n: 8,
        k: 0,
        a: F16,
        b: F16,
        c: Sum::F32,
        d: Sum::F32,
        combine: Combine::Multiply,
        saturate: false,
        arrangement: Arrangement::Groups,
    };
    let integers = MatrixProduct { c: Sum::I32, d: Sum::I32, saturate: rng.flag(), ..plain };
    let halves = MatrixProduct { c: rng.pick(&[Sum::F16, Sum::F32]), d: rng.pick(&[Sum::F16, Sum::F32]), ..plain };
    match rng.below(8) {
        0 => MatrixProduct { k: rng.pick(&[8, 16]), ..halves },
        1 => {
            let arrangement = Arrangement::QuadPairs { a_by_rows: rng.flag(), b_by_rows: rng.flag() };
            MatrixProduct { m: 8, k: 4, arrangement, ..halves }
        }
        2 => MatrixProduct { k: rng.pick(&[8, 16]), a: BF16, b: BF16, ..plain },
        3 => MatrixProduct { k: rng.pick(&[4, 8]), a: TF32, b: TF32, ..plain },
        4 => MatrixProduct { k: rng.pick(&[16, 32]), a: rng.pick(&BYTES), b: rng.pick(&BYTES), ..halves },
        5 => MatrixProduct { k: rng.pick(&[4, 8, 16]), a: F64, b: F64, c: Sum::F64, d: Sum::F64, ..plain },
        6 => {
            let pair = rng.pick(&[[S8, U8], [S4, U4]]);
            let k = if pair[0] == S8 { rng.pick(&[16, 32]) } else { rng.pick(&[32, 64]) };
            MatrixProduct { k, a: rng.pick(&pair), b: rng.pick(&pair), ..integers }
        }
        _ => {
            let combine = rng.pick(&[Combine::AndPopCount, Combine::XorPopCount]);
            MatrixProduct { k: rng.pick(&[128, 256]), a: B1, b: B1, combine, saturate: false, ..integers }
        }
    }
}
