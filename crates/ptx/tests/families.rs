//! What instructions of each family become, as text.

#[path = "common/golden.rs"]
mod golden;

use expect_test::expect;
use golden::check;

#[test]
fn arithmetic() {
    check(
        "add.sat.s32 %r1, %r2, -1; mad.wide.u16 %r3, %h1, 5, %r1;",
        expect![[r#"
        b0:
          %3: i16 = const i16 0x0
          %0: i32 = const i32 0x0
          %1: i32 = const i32 0xffffffff
          %2: i32 = add_saturate_signed i32 %0, %1
          %4: i16 = const i16 0x5
          %5: i32 = extend zero i16 to i32 %3
          %6: i32 = extend zero i16 to i32 %4
          %7: i32 = mul i32 %5, %6
          %8: i32 = add i32 %7, %2
          return
        }
    "#]],
    );
    check(
        "mul24.hi.s32 %r1, %r2, %r3;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: i32 = const i32 0x8
          %2: i32 = shl i32 %0, %1
          %3: i32 = const i32 0x8
          %4: i32 = shr_signed i32 %2, %3
          %5: i32 = const i32 0x8
          %6: i32 = shl i32 %0, %5
          %7: i32 = const i32 0x8
          %8: i32 = shr_signed i32 %6, %7
          %9: i64 = extend signed i32 to i64 %4
          %10: i64 = extend signed i32 to i64 %8
          %11: i64 = mul i64 %9, %10
          %12: i32 = const i32 0x10
          %13: i64 = shr_signed i64 %11, %12
          %14: i32 = truncate i64 to i32 %13
          return
        }
    "#]],
    );
    check(
        "max.relu.s16x2 %r1, %r2, %r3;",
        expect![[r#"
            b0:
              %0: i32 = const i32 0x0
              %1: i32 = halves max_signed %0, %0
              %2: i32 = const i32 0x0
              %3: i32 = halves max_signed %1, %2
              return
            }
        "#]],
    );
}

#[test]
fn carry_chains() {
    check(
        "add.cc.u32 %r1, %r2, %r3; addc.cc.u32 %r4, %r5, %r6; subc.u32 %r7, %r1, %r4;",
        expect![[r#"
            b0:
              %0: i32 = const i32 0x0
              %1: i32 = add i32 %0, %0
              %2: i1 = compare lt_unsigned i32 %1, %0
              %3: i32 = add i32 %0, %0
              %4: i1 = compare lt_unsigned i32 %3, %0
              %5: i32 = extend zero i1 to i32 %2
              %6: i32 = add i32 %3, %5
              %7: i1 = compare lt_unsigned i32 %6, %3
              %8: i1 = or i1 %4, %7
              %9: i32 = sub i32 %1, %6
              %10: i1 = not i1 %8
              %11: i32 = extend zero i1 to i32 %10
              %12: i32 = sub i32 %9, %11
              return
            }
        "#]],
    );
}

#[test]
fn guards() {
    // Results are selected, memory operations take the guard, everything else goes around.
    check(
        "@%p1 add.s32 %r1, %r2, %r3; @!%p2 ld.global.u32 %r1, [%q1+4]; @%p1 st.shared.u8 [%r1], %h1;",
        expect![[r#"
        b0:
          %8: i16 = const i16 0x0
          %5: i64 = const i64 0x0
          %1: i32 = const i32 0x0
          %0: i1 = const i1 0x0
          %2: i32 = add i32 %1, %1
          %3: i32 = select i32 %0, %2, %1
          %4: i1 = not i1 %0
          %6: i32 = load global i32 x1 weak offset 4 guarded %5, %4
          %7: i32 = select i32 %4, %6, %3
          %9: i8 = truncate i16 to i8 %8
          %10: i64 = extend signed i32 to i64 %7
          store shared i8 weak offset 0 guarded %10, %9, %0
          return
        }
    "#]],
    );
    check(
        "@%p1 bar.sync 0; @%p1 shfl.sync.idx.b32 %r1|%p2, %r1, 0, 31, -1; @%p2 ret; trap;",
        expect![[r#"
        b0:
          %4: i32 = const i32 0x0
          %0: i1 = const i1 0x0
          branch_if %0 b2 else b3
        b1:
          trap
        b2:
          %1: i32 = const i32 0x0
          barrier sync %1
          branch b3
        b3:
          branch_if %0 b4 else b5
        b4:
          %5: i32 = const i32 0x0
          %6: i32 = const i32 0x1f
          %7: i32 = const i32 0xffffffff
          %8: i32, %9: i1 = shuffle index %4, %5, %6, %7
          branch b5
        b5:
          %10: i1 = phi b3: %0, b4: %9
          branch_if %10 b6 else b1
        b6:
          return
        }
    "#]],
    );
}

#[test]
fn floats() {
    check(
        "fma.rz.ftz.sat.f32 %f1, %f2, 0f3F800000, %f3; min.xorsign.abs.f32 %f1, %f1, %f2;",
        expect![[r#"
        b0:
          %0: f32 = const f32 0x0
          %1: f32 = const f32 0x3f800000
          %2: f32 = fma f32 toward_zero ftz sat %0, %1, %0
          %3: f32 = float_abs f32 nearest_even %2
          %4: f32 = float_abs f32 nearest_even %0
          %5: f32 = float_min f32 nearest_even %3, %4
          %6: i32 = bitcast f32 to i32 %2
          %7: i32 = bitcast f32 to i32 %0
          %8: i32 = bitcast f32 to i32 %5
          %9: i32 = xor i32 %6, %7
          %10: i32 = const i32 0x80000000
          %11: i32 = and i32 %9, %10
          %12: i32 = or i32 %8, %11
          %13: f32 = bitcast i32 to f32 %12
          %14: i1 = float_compare unordered f32 %5, %5
          %15: f32 = select f32 %14, %5, %13
          return
        }
    "#]],
    );
    check(
        "add.f32 %r1, %r2, %r3; mul.f32 %r1, %r1, %r1;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: f32 = bitcast i32 to f32 %0
          %2: f32 = bitcast i32 to f32 %0
          %3: f32 = float_add f32 nearest_even %1, %2
          %4: i32 = bitcast f32 to i32 %3
          %5: f32 = float_mul f32 nearest_even %3, %3
          %6: i32 = bitcast f32 to i32 %5
          return
        }
    "#]],
    );
    check(
        "fma.rn.relu.bf16x2 %r1, %r2, %r3, %r4;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: i16 = truncate i32 to i16 %0
          %2: i32 = const i32 0x10
          %3: i32 = shr_unsigned i32 %0, %2
          %4: i16 = truncate i32 to i16 %3
          %5: i16 = truncate i32 to i16 %0
          %6: i32 = const i32 0x10
          %7: i32 = shr_unsigned i32 %0, %6
          %8: i16 = truncate i32 to i16 %7
          %9: i16 = truncate i32 to i16 %0
          %10: i32 = const i32 0x10
          %11: i32 = shr_unsigned i32 %0, %10
          %12: i16 = truncate i32 to i16 %11
          %13: bf16 = bitcast i16 to bf16 %1
          %14: bf16 = bitcast i16 to bf16 %5
          %15: bf16 = bitcast i16 to bf16 %9
          %16: bf16 = fma bf16 nearest_even relu %13, %14, %15
          %17: bf16 = bitcast i16 to bf16 %4
          %18: bf16 = bitcast i16 to bf16 %8
          %19: bf16 = bitcast i16 to bf16 %12
          %20: bf16 = fma bf16 nearest_even relu %17, %18, %19
          %21: i16 = bitcast bf16 to i16 %16
          %22: i16 = bitcast bf16 to i16 %20
          %23: i32 = concat i16 %21, %22
          return
        }
    "#]],
    );
    check(
        "testp.normal.f32 %p1, %f1;",
        expect![[r#"
        b0:
          %0: f32 = const f32 0x0
          %1: i32 = bitcast f32 to i32 %0
          %2: i32 = const i32 0x7fffffff
          %3: i32 = and i32 %1, %2
          %4: i32 = const i32 0x0
          %5: i1 = compare eq i32 %3, %4
          %6: i32 = const i32 0x800000
          %7: i1 = compare ge_unsigned i32 %3, %6
          %8: i32 = const i32 0x7f800000
          %9: i1 = compare lt_unsigned i32 %3, %8
          %10: i1 = and i1 %7, %9
          %11: i1 = or i1 %5, %10
          return
        }
    "#]],
    );
}

#[test]
fn comparisons() {
    check(
        "setp.lt.and.s16 %p1|%p2, %h1, 3, !%p3; set.gtu.f32.f64 %f1, %d1, %d2;",
        expect![[r#"
        b0:
          %9: f64 = const f64 0x0
          %3: i1 = const i1 0x0
          %0: i16 = const i16 0x0
          %1: i16 = const i16 0x3
          %2: i1 = compare lt_signed i16 %0, %1
          %4: i1 = not i1 %3
          %5: i1 = and i1 %2, %4
          %6: i1 = not i1 %2
          %7: i1 = not i1 %3
          %8: i1 = and i1 %6, %7
          %10: i1 = float_compare gt_or_nan f64 %9, %9
          %11: f32 = const f32 0x3f800000
          %12: f32 = const f32 0x0
          %13: f32 = select f32 %10, %11, %12
          return
        }
    "#]],
    );
    check(
        "slct.u64.f32 %q1, %q2, %q3, %f1;",
        expect![[r#"
        b0:
          %1: f32 = const f32 0x0
          %0: i64 = const i64 0x0
          %2: f32 = const f32 0x0
          %3: i1 = float_compare ge f32 %1, %2
          %4: i64 = select i64 %3, %0, %0
          return
        }
    "#]],
    );
}

#[test]
fn logic() {
    check(
        "lop3.or.b32 %r1|%p1, %r2, %r3, %r4, 0xe8, %p2; shf.l.clamp.b32 %r1, %r2, %r3, 40;",
        expect![[r#"
        b0:
          %2: i1 = const i1 0x0
          %0: i32 = const i32 0x0
          %1: i32 = lop3 0xe8 %0, %0, %0
          %3: i32 = const i32 0x0
          %4: i1 = compare eq i32 %1, %3
          %5: i1 = not i1 %4
          %6: i1 = or i1 %5, %2
          %7: i32 = const i32 0x28
          %8: i32 = funnel_shift left clamp %0, %0, %7
          return
        }
    "#]],
    );
    check(
        "bfind.shiftamt.u64 %r1, %q1; bmsk.clamp.b32 %r1, %r2, 33; cnot.b16 %h1, %h1;",
        expect![[r#"
        b0:
          %18: i16 = const i16 0x0
          %7: i32 = const i32 0x0
          %0: i64 = const i64 0x0
          %1: i32 = find_msb_unsigned i64 %0
          %2: i32 = const i32 0xffffffff
          %3: i32 = const i32 0x3f
          %4: i1 = compare ne i32 %1, %2
          %5: i32 = sub i32 %3, %1
          %6: i32 = select i32 %4, %5, %2
          %8: i32 = const i32 0x21
          %9: i32 = const i32 0x20
          %10: i32 = min_unsigned i32 %7, %9
          %11: i32 = const i32 0x20
          %12: i32 = min_unsigned i32 %8, %11
          %13: i32 = const i32 0x1
          %14: i32 = shl i32 %13, %12
          %15: i32 = const i32 0x1
          %16: i32 = sub i32 %14, %15
          %17: i32 = shl i32 %16, %10
          %19: i16 = const i16 0x0
          %20: i1 = compare eq i16 %18, %19
          %21: i16 = extend zero i1 to i16 %20
          return
        }
    "#]],
    );
}

#[test]
fn conversions() {
    check(
        "cvt.sat.u8.s32 %h1, %r1; cvt.s64.s8 %q1, %h1; cvt.rni.ftz.s16.f32 %r2, %f1;",
        expect![[r#"
        b0:
          %9: f32 = const f32 0x0
          %0: i32 = const i32 0x0
          %1: i32 = const i32 0x0
          %2: i32 = max_signed i32 %0, %1
          %3: i32 = const i32 0xff
          %4: i32 = min_signed i32 %2, %3
          %5: i8 = truncate i32 to i8 %4
          %6: i16 = extend zero i8 to i16 %5
          %7: i8 = truncate i16 to i8 %6
          %8: i64 = extend signed i8 to i64 %7
          %10: i16 = float_to_int f32 to i16 nearest_even signed ftz %9
          %11: i32 = extend signed i16 to i32 %10
          return
        }
    "#]],
    );
    check(
        "cvt.rn.ftz.f16.f32 %h1, %f1; cvt.rn.f16x2.f32 %r1, %f1, %f2; cvt.rna.tf32.f32 %r1, %f1;",
        expect![[r#"
        b0:
          %0: f32 = const f32 0x0
          %1: f32 = float_to_float f32 to f32 nearest_even ftz %0
          %2: f16 = float_to_float f32 to f16 nearest_even %1
          %3: i16 = bitcast f16 to i16 %2
          %4: f16 = float_to_float f32 to f16 nearest_even %0
          %5: f16 = float_to_float f32 to f16 nearest_even %0
          %6: i16 = bitcast f16 to i16 %4
          %7: i16 = bitcast f16 to i16 %5
          %8: i32 = concat i16 %6, %7
          %9: i32 = bitcast f32 to i32 %0
          %10: i32 = const i32 0x1000
          %11: i32 = add i32 %9, %10
          %12: i32 = const i32 0xffffe000
          %13: i32 = and i32 %11, %12
          %14: i1 = float_compare unordered f32 %0, %0
          %15: i32 = const i32 0xffffe000
          %16: i32 = and i32 %9, %15
          %17: i32 = select i32 %14, %16, %13
          return
        }
    "#]],
    );
}

#[test]
fn moves() {
    check(
        "mov.b64 {%r1, _}, %q1; mov.b32 %r2, {%h1, %h2}; mov.u32 %r3, %tid.y; mov.u64 %q2, variable+4;",
        expect![[r#"
        b0:
          %5: i16 = const i16 0x0
          %0: i64 = const i64 0x0
          %1: i32 = truncate i64 to i32 %0
          %2: i32 = const i32 0x20
          %3: i64 = shr_unsigned i64 %0, %2
          %4: i32 = truncate i64 to i32 %3
          %6: i32 = concat i16 %5, %5
          %7: i32 = special tid_y
          %8: i64 = symbol_address @0
          %9: i64 = const i64 0x4
          %10: i64 = add i64 %8, %9
          return
        }
    "#]],
    );
    check(
        "mov.f32 %f1, 0d3FF8000000000000; .reg .b128 %b; mov.b128 %b, {%q1, %q2}; mov.b128 {%q3, %q4}, %b;",
        expect![[r#"
        b0:
          %1: i64 = const i64 0x0
          %0: f32 = const f32 0x3fc00000
          %2: i128 = concat i64 %1, %1
          %3: i64 = truncate i128 to i64 %2
          %4: i32 = const i32 0x40
          %5: i128 = shr_unsigned i128 %2, %4
          %6: i64 = truncate i128 to i64 %5
          return
        }
    "#]],
    );
}

#[test]
fn memory() {
    check(
        "ld.param.u64 %q1, [p]; ld.param.v2.u32 {%r1, %r2}, [s+4]; ld.param.s8 %r3, [s];",
        expect![[r#"
        b0:
          %0: i64 = load_param i64 [0]
          %1: i32 = load_param i32 [12]
          %2: i32 = load_param i32 [16]
          %3: i8 = load_param i8 [8]
          %4: i32 = extend signed i8 to i32 %3
          return
        }
    "#]],
    );
    check(
        "ld.relaxed.gpu.global.v4.f32 {%f1, _, %f2, %f3}, [%q1]; st.volatile.v2.u8 [%q1], {%h1, %h2};",
        expect![[r#"
        b0:
          %5: i16 = const i16 0x0
          %0: i64 = const i64 0x0
          %1: f32, %2: f32, %3: f32, %4: f32 = load global f32 x4 relaxed offset 0 %0
          %6: i8 = truncate i16 to i8 %5
          %7: i8 = truncate i16 to i8 %5
          store generic i8 volatile offset 0 %0, %6, %7
          return
        }
    "#]],
    );
    check(
        "atom.acq_rel.sys.cas.b32 %r1, [%q1+8], %r2, %r3; red.shared.add.f32 [%r1], 1.0;",
        expect![[r#"
        b0:
          %1: i32 = const i32 0x0
          %0: i64 = const i64 0x0
          %2: i32 = atomic compare_exchange generic i32 acquire_release system offset 8 %0, %1, %1
          %3: i64 = extend signed i32 to i64 %2
          %4: f32 = const f32 0x3f800000
          atomic add_float shared f32 relaxed device offset 0 no_result %3, %4
          return
        }
    "#]],
    );
    check(
        "cvta.to.shared.u64 %q1, %q2; isspacep.local %p1, %q2; prefetch.L2 [%q1];",
        expect![[r#"
        b0:
          %0: i64 = const i64 0x0
          %1: i64 = from_generic shared %0
          %2: i1 = is_in_space local %0
          return
        }
    "#]],
    );
}

#[test]
fn values_of_128_bits() {
    check(
        ".reg .b128 %b<3>; ld.global.v2.b128 {%b1, %b2}, [%q1]; st.shared.b128 [%r1], %b2; ld.param.b128 %b1, [p];",
        expect![[r#"
            b0:
              %7: i32 = const i32 0x0
              %0: i64 = const i64 0x0
              %1: i64, %2: i64, %3: i64, %4: i64 = load global i64 x4 weak offset 0 %0
              %5: i128 = concat i64 %1, %2
              %6: i128 = concat i64 %3, %4
              %8: i64 = extend signed i32 to i64 %7
              %9: i64 = truncate i128 to i64 %6
              %10: i32 = const i32 0x40
              %11: i128 = shr_unsigned i128 %6, %10
              %12: i64 = truncate i128 to i64 %11
              store shared i64 weak offset 0 %8, %9, %12
              %13: i64 = load_param i64 [0]
              %14: i64 = load_param i64 [8]
              %15: i128 = concat i64 %13, %14
              return
            }
        "#]],
    );
}

#[test]
fn asynchronous_copies() {
    check(
        "cp.async.cg.shared.global [%r1], [%q1], 16; cp.async.commit_group; cp.async.wait_group 0;",
        expect![[r#"
        b0:
          %2: i64 = const i64 0x0
          %0: i32 = const i32 0x0
          %1: i64 = extend signed i32 to i64 %0
          %3: i64, %4: i64 = load global i64 x2 weak offset 0 %2
          store shared i64 weak offset 0 %1, %3, %4
          return
        }
    "#]],
    );
    check(
        "cp.async.ca.shared.global [%r1], [%q1], 4, %r2;",
        expect![[r#"
        b0:
          %2: i64 = const i64 0x0
          %0: i32 = const i32 0x0
          %1: i64 = extend signed i32 to i64 %0
          %3: i32 = const i32 0x4
          %4: i1 = compare ge_unsigned i32 %0, %3
          %5: i32 = load global i32 x1 weak offset 0 guarded %2, %4
          store shared i32 weak offset 0 %1, %5
          %6: i32 = const i32 0x0
          %7: i1 = compare ne i32 %0, %6
          %8: i1 = not i1 %4
          %9: i1 = and i1 %7, %8
          branch_if %9 b1 else b2
        b1:
          %10: i32 = const i32 0x0
          %11: i1 = compare gt_unsigned i32 %0, %10
          %12: i8 = load global i8 x1 weak offset 0 guarded %2, %11
          store shared i8 weak offset 0 %1, %12
          %13: i32 = const i32 0x1
          %14: i1 = compare gt_unsigned i32 %0, %13
          %15: i8 = load global i8 x1 weak offset 1 guarded %2, %14
          store shared i8 weak offset 1 %1, %15
          %16: i32 = const i32 0x2
          %17: i1 = compare gt_unsigned i32 %0, %16
          %18: i8 = load global i8 x1 weak offset 2 guarded %2, %17
          store shared i8 weak offset 2 %1, %18
          %19: i32 = const i32 0x3
          %20: i1 = compare gt_unsigned i32 %0, %19
          %21: i8 = load global i8 x1 weak offset 3 guarded %2, %20
          store shared i8 weak offset 3 %1, %21
          branch b2
        b2:
          return
        }
    "#]],
    );
    check(
        "mbarrier.arrive.shared.b64 %q1, [%r1]; mbarrier.test_wait.parity.shared.b64 %p1, [%r1], 1;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: i64 = extend signed i32 to i64 %0
          %2: i64 = const i64 0x1
          %3: i64 = const i64 0x0
          %4: i64 = load shared i64 x1 relaxed offset 0 %1
          branch b1
        b1:
          %5: i64 = phi b0: %4, b1: %41
          %6: i32 = const i32 0x14
          %7: i64 = shr_unsigned i64 %5, %6
          %8: i64 = const i64 0xfffff
          %9: i64 = and i64 %7, %8
          %10: i64 = const i64 0xfffff
          %11: i64 = and i64 %5, %10
          %12: i32 = const i32 0x28
          %13: i64 = shr_unsigned i64 %5, %12
          %14: i64 = const i64 0x3fffff
          %15: i64 = and i64 %13, %14
          %16: i64 = sub i64 %11, %2
          %17: i64 = add i64 %15, %3
          %18: i64 = const i64 0x3fffff
          %19: i64 = and i64 %17, %18
          %20: i64 = or i64 %16, %19
          %21: i64 = const i64 0x0
          %22: i1 = compare eq i64 %20, %21
          %23: i64 = select i64 %22, %9, %16
          %24: i64 = const i64 0xfffff
          %25: i64 = and i64 %23, %24
          %26: i64 = const i64 0xfffff
          %27: i64 = and i64 %9, %26
          %28: i64 = const i64 0x8000000000000000
          %29: i64 = and i64 %5, %28
          %30: i64 = extend zero i1 to i64 %22
          %31: i32 = const i32 0x3f
          %32: i64 = shl i64 %30, %31
          %33: i64 = xor i64 %29, %32
          %34: i32 = const i32 0x14
          %35: i64 = shl i64 %27, %34
          %36: i32 = const i32 0x28
          %37: i64 = shl i64 %19, %36
          %38: i64 = or i64 %25, %35
          %39: i64 = or i64 %38, %37
          %40: i64 = or i64 %39, %33
          %41: i64 = atomic compare_exchange shared i64 acquire_release block offset 0 %1, %40, %5
          %42: i1 = compare eq i64 %41, %5
          branch_if %42 b2 else b1
        b2:
          %44: i64 = extend signed i32 to i64 %0
          %45: i64 = load shared i64 x1 acquire offset 0 %44
          %46: i32 = const i32 0x3f
          %47: i64 = shr_unsigned i64 %45, %46
          %48: i32 = const i32 0x1
          %49: i64 = extend zero i32 to i64 %48
          %50: i64 = const i64 0x1
          %51: i64 = and i64 %49, %50
          %52: i1 = compare ne i64 %47, %51
          return
        }
    "#]],
    );
}

#[test]
fn warp() {
    check(
        "vote.sync.ballot.b32 %r1, !%p1, -1; vote.any.pred %p2, %p1; activemask.b32 %r2;",
        expect![[r#"
        b0:
          %0: i1 = const i1 0x0
          %1: i1 = not i1 %0
          %2: i32 = const i32 0xffffffff
          %3: i32 = vote ballot %1, %2
          %4: i32 = active_mask
          %5: i1 = vote any %0, %4
          %6: i32 = active_mask
          return
        }
    "#]],
    );
    check(
        "match.all.sync.b64 %r1|%p1, %q1, %r2; redux.sync.max.s32 %r3, %r1, -1; elect.sync _|%p2, -1;",
        expect![[r#"
        b0:
          %1: i32 = const i32 0x0
          %0: i64 = const i64 0x0
          %2: i32, %3: i1 = match all i64 %0, %1
          %4: i32 = const i32 0xffffffff
          %5: i32 = reduce max_signed %2, %4
          %6: i32 = const i32 0xffffffff
          %7: i32, %8: i1 = elect %6
          return
        }
    "#]],
    );
}

#[test]
fn barriers() {
    check(
        "bar.red.popc.u32 %r1, 2, 64, %p1; barrier.sync 1; bar.warp.sync %r1; membar.gl; fence.acq_rel.cta;",
        expect![[r#"
        b0:
          %2: i1 = const i1 0x0
          %0: i32 = const i32 0x2
          %1: i32 = const i32 0x40
          %3: i32 = barrier reduce_pop_count counted %0, %1, %2
          %4: i32 = const i32 0x1
          barrier sync %4
          warp_sync %3
          fence sequentially_consistent device
          fence acquire_release block
          return
        }
    "#]],
    );
}

#[test]
fn control_flow() {
    check(
        "L0: add.s32 %r1, %r1, 1; setp.lt.s32 %p1, %r1, 10; @%p1 bra L0; st.global.u32 [variable], %r1;",
        expect![[r#"
        b0:
          %5: i32 = const i32 0x0
          branch b1
        b1:
          %0: i32 = phi b0: %5, b1: %2
          %1: i32 = const i32 0x1
          %2: i32 = add i32 %0, %1
          %3: i32 = const i32 0xa
          %4: i1 = compare lt_signed i32 %2, %3
          branch_if %4 b1 else b2
        b2:
          %6: i64 = symbol_address @0
          store global i32 weak offset 0 %6, %2
          return
        }
    "#]],
    );
    check(
        "t: .branchtargets A, B, A; brx.idx %r1, t; A: mov.u32 %r2, 1; ret; B: exit;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          switch %0 b1 b2 b1
        b1:
          %1: i32 = const i32 0x1
          return
        b2:
          exit
        }
    "#]],
    );
    // What a block declares has no value at its beginning, whatever an earlier turn left.
    check(
        "L: { .reg .b32 t; @%p1 mov.u32 t, 7; add.s32 %r1, %r1, t; } @%p2 bra L;",
        expect![[r#"
        b0:
          %7: i1 = const i1 0x0
          %0: i32 = const i32 0x0
          branch b1
        b1:
          %4: i32 = phi b0: %0, b1: %5
          %2: i32 = const i32 0x7
          %3: i32 = select i32 %7, %2, %0
          %5: i32 = add i32 %4, %3
          branch_if %7 b1 else b2
        b2:
          return
        }
    "#]],
    );
}

#[test]
fn what_is_not_implemented_is_named() {
    check(
        "tcgen05.fence::before_thread_sync; frobnicate.u32 %r1, %r2; add.u33 %r1, %r2, %r3;",
        expect![[r#"
        b0:
          unsupported "line 9: `tcgen05.fence::before_thread_sync;`: `tcgen05` is not implemented"
          unsupported "line 9: `frobnicate.u32 %r1, %r2;`: `frobnicate` is not a known instruction"
          unsupported "line 9: `add.u33 %r1, %r2, %r3;`: `add.u33`: `.u33` is not accepted here"
          return
        }
    "#]],
    );
}
