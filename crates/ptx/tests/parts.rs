//! What video instructions and conversions of narrow floats become, as text.

#[path = "common/golden.rs"]
mod golden;

use expect_test::expect;
use golden::check;

#[test]
fn parts_are_widened_and_merged() {
    check(
        "vadd.s32.u32.s32.sat %r1.h1, %r2.b3, %r3.h0, %r4;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: i32 = const i32 0x18
          %2: i32 = shr_unsigned i32 %0, %1
          %3: i8 = truncate i32 to i8 %2
          %4: i64 = extend zero i8 to i64 %3
          %5: i16 = truncate i32 to i16 %0
          %6: i64 = extend signed i16 to i64 %5
          %7: i64 = add i64 %4, %6
          %8: i64 = const i64 0xffffffffffff8000
          %9: i64 = max_signed i64 %7, %8
          %10: i64 = const i64 0x7fff
          %11: i64 = min_signed i64 %9, %10
          %12: i32 = truncate i64 to i32 %11
          %13: i32 = const i32 0x10
          %14: i32 = shl i32 %12, %13
          %15: i32 = const i32 0xffff0000
          %16: i32 = and i32 %14, %15
          %17: i32 = const i32 0xffff
          %18: i32 = and i32 %0, %17
          %19: i32 = or i32 %16, %18
          return
        }
    "#]],
    );
}

#[test]
fn a_second_operation_has_all_bits_of_the_first() {
    check(
        "vset.s32.u32.lt.max %r1, %r2, 5, %r3;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: i64 = extend signed i32 to i64 %0
          %2: i32 = const i32 0x5
          %3: i64 = extend zero i32 to i64 %2
          %4: i1 = compare lt_signed i64 %1, %3
          %5: i64 = extend zero i1 to i64 %4
          %6: i64 = extend zero i32 to i64 %0
          %7: i64 = max_signed i64 %5, %6
          %8: i32 = truncate i64 to i32 %7
          return
        }
    "#]],
    );
}

#[test]
fn a_product_is_negated_and_scaled() {
    check(
        "vmad.s32.u32.u32.sat.shr7 %r1, -%r2.b1, %r3, %r4;",
        expect![[r#"
        b0:
          %0: i32 = const i32 0x0
          %1: i32 = const i32 0x8
          %2: i32 = shr_unsigned i32 %0, %1
          %3: i8 = truncate i32 to i8 %2
          %4: i64 = extend zero i8 to i64 %3
          %5: i64 = extend zero i32 to i64 %0
          %6: i64 = mul i64 %4, %5
          %7: i64 = not i64 %6
          %8: i64 = extend signed i32 to i64 %0
          %9: i64 = add i64 %7, %8
          %10: i64 = const i64 0x1
          %11: i64 = add i64 %9, %10
          %12: i32 = const i32 0x7
          %13: i64 = shr_signed i64 %11, %12
          %14: i64 = const i64 0xffffffff80000000
          %15: i64 = max_signed i64 %13, %14
          %16: i64 = const i64 0x7fffffff
          %17: i64 = min_signed i64 %15, %16
          %18: i64 = const i64 0x0
          %19: i64 = const i64 0xffffffff80000000
          %20: i1 = compare lt_signed i64 %6, %18
          %21: i64 = select i64 %20, %19, %17
          %22: i32 = truncate i64 to i32 %21
          return
        }
    "#]],
    );
}

#[test]
fn lanes_are_chosen_and_masked() {
    check(
        "vadd2.u32.u32.u32 %r1.h1, %r2.h21, %r3.h00, %r4;",
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
          %9: i32 = extend zero i16 to i32 %4
          %10: i32 = extend zero i16 to i32 %5
          %11: i32 = extend zero i16 to i32 %1
          %12: i32 = extend zero i16 to i32 %1
          %13: i32 = add i32 %9, %11
          %14: i32 = add i32 %10, %12
          %15: i16 = truncate i32 to i16 %0
          %16: i32 = const i32 0x10
          %17: i32 = shr_unsigned i32 %0, %16
          %18: i16 = truncate i32 to i16 %17
          %19: i16 = truncate i32 to i16 %14
          %20: i32 = concat i16 %15, %19
          return
        }
    "#]],
    );
}

#[test]
fn narrow_floats() {
    check(
        "cvt.rn.satfinite.relu.e2m1x2.f32 %c1, %f1, %f2;",
        expect![[r#"
        b0:
          %0: f32 = const f32 0x0
          %1: i32 = bitcast f32 to i32 %0
          %2: i32 = const i32 0x7fffffff
          %3: i32 = and i32 %1, %2
          %4: i32 = const i32 0x7f800000
          %5: i1 = compare gt_unsigned i32 %3, %4
          %6: i32 = const i32 0x40c00000
          %7: i32 = min_unsigned i32 %3, %6
          %8: i32 = const i32 0x16
          %9: i32 = shr_unsigned i32 %7, %8
          %10: i32 = const i32 0x1
          %11: i32 = and i32 %9, %10
          %12: i32 = const i32 0x1fffff
          %13: i32 = add i32 %7, %12
          %14: i32 = add i32 %13, %11
          %15: i32 = const i32 0x16
          %16: i32 = shr_unsigned i32 %14, %15
          %17: i32 = const i32 0xfc
          %18: i32 = sub i32 %16, %17
          %19: f32 = const f32 0x4a800000
          %20: f32 = bitcast i32 to f32 %7
          %21: f32 = float_add f32 nearest_even %20, %19
          %22: i32 = bitcast f32 to i32 %21
          %23: i32 = const i32 0x4a800000
          %24: i32 = sub i32 %22, %23
          %25: i32 = const i32 0x3f800000
          %26: i1 = compare lt_unsigned i32 %7, %25
          %27: i32 = select i32 %26, %24, %18
          %28: i32 = const i32 0x0
          %29: i1 = compare lt_signed i32 %1, %28
          %30: i32 = select i32 %29, %28, %27
          %31: i32 = const i32 0x7
          %32: i32 = select i32 %5, %31, %30
          %33: i32 = bitcast f32 to i32 %0
          %34: i32 = const i32 0x7fffffff
          %35: i32 = and i32 %33, %34
          %36: i32 = const i32 0x7f800000
          %37: i1 = compare gt_unsigned i32 %35, %36
          %38: i32 = const i32 0x40c00000
          %39: i32 = min_unsigned i32 %35, %38
          %40: i32 = const i32 0x16
          %41: i32 = shr_unsigned i32 %39, %40
          %42: i32 = const i32 0x1
          %43: i32 = and i32 %41, %42
          %44: i32 = const i32 0x1fffff
          %45: i32 = add i32 %39, %44
          %46: i32 = add i32 %45, %43
          %47: i32 = const i32 0x16
          %48: i32 = shr_unsigned i32 %46, %47
          %49: i32 = const i32 0xfc
          %50: i32 = sub i32 %48, %49
          %51: f32 = const f32 0x4a800000
          %52: f32 = bitcast i32 to f32 %39
          %53: f32 = float_add f32 nearest_even %52, %51
          %54: i32 = bitcast f32 to i32 %53
          %55: i32 = const i32 0x4a800000
          %56: i32 = sub i32 %54, %55
          %57: i32 = const i32 0x3f800000
          %58: i1 = compare lt_unsigned i32 %39, %57
          %59: i32 = select i32 %58, %56, %50
          %60: i32 = const i32 0x0
          %61: i1 = compare lt_signed i32 %33, %60
          %62: i32 = select i32 %61, %60, %59
          %63: i32 = const i32 0x7
          %64: i32 = select i32 %37, %63, %62
          %65: i32 = const i32 0x4
          %66: i32 = shl i32 %64, %65
          %67: i32 = or i32 %32, %66
          %68: i8 = truncate i32 to i8 %67
          return
        }
    "#]],
    );
    check(
        "cvt.rn.f16x2.e4m3x2 %r1, %h1;",
        expect![[r#"
        b0:
          %0: i16 = const i16 0x0
          %1: i32 = const i32 0x8
          %2: i16 = shr_unsigned i16 %0, %1
          %3: i16 = const i16 0x7f
          %4: i16 = and i16 %0, %3
          %5: i32 = const i32 0x7
          %6: i16 = shl i16 %4, %5
          %7: f16 = bitcast i16 to f16 %6
          %8: f16 = const f16 0x5c00
          %9: f16 = float_mul f16 nearest_even %7, %8
          %10: i16 = bitcast f16 to i16 %9
          %11: i16 = const i16 0x80
          %12: i16 = and i16 %0, %11
          %13: i32 = const i32 0x8
          %14: i16 = shl i16 %12, %13
          %15: i16 = or i16 %10, %14
          %16: i16 = const i16 0x7e
          %17: i16 = const i16 0x7fff
          %18: i1 = compare gt_unsigned i16 %4, %16
          %19: i16 = select i16 %18, %17, %15
          %20: i16 = const i16 0x7f
          %21: i16 = and i16 %2, %20
          %22: i32 = const i32 0x7
          %23: i16 = shl i16 %21, %22
          %24: f16 = bitcast i16 to f16 %23
          %25: f16 = const f16 0x5c00
          %26: f16 = float_mul f16 nearest_even %24, %25
          %27: i16 = bitcast f16 to i16 %26
          %28: i16 = const i16 0x80
          %29: i16 = and i16 %2, %28
          %30: i32 = const i32 0x8
          %31: i16 = shl i16 %29, %30
          %32: i16 = or i16 %27, %31
          %33: i16 = const i16 0x7e
          %34: i16 = const i16 0x7fff
          %35: i1 = compare gt_unsigned i16 %21, %33
          %36: i16 = select i16 %35, %34, %32
          %37: i32 = concat i16 %19, %36
          return
        }
    "#]],
    );
    check(
        "cvt.rn.bf16x2.ue8m0x2 %r1, %h1;",
        expect![[r#"
        b0:
          %0: i16 = const i16 0x0
          %1: i8 = truncate i16 to i8 %0
          %2: i32 = const i32 0x8
          %3: i16 = shr_unsigned i16 %0, %2
          %4: i8 = truncate i16 to i8 %3
          %5: i16 = extend zero i8 to i16 %1
          %6: i32 = const i32 0x7
          %7: i16 = shl i16 %5, %6
          %8: i16 = const i16 0x40
          %9: i16 = const i16 0x7f80
          %10: i16 = const i16 0x7fff
          %11: i16 = max_unsigned i16 %7, %8
          %12: i1 = compare eq i16 %11, %9
          %13: i16 = select i16 %12, %10, %11
          %14: i16 = extend zero i8 to i16 %4
          %15: i32 = const i32 0x7
          %16: i16 = shl i16 %14, %15
          %17: i16 = const i16 0x40
          %18: i16 = const i16 0x7f80
          %19: i16 = const i16 0x7fff
          %20: i16 = max_unsigned i16 %16, %17
          %21: i1 = compare eq i16 %20, %18
          %22: i16 = select i16 %21, %19, %20
          %23: i32 = concat i16 %13, %22
          return
        }
    "#]],
    );
}

#[test]
fn wrong_selectors_are_named() {
    for (instruction, reason) in [
        ("vadd.u32.u32.u32 %r1, %r2.h2, %r3;", "a selector is .b0 .b1 .b2 .b3 .h0 or .h1 here"),
        ("vadd.u32.u32.u32 %r1.b0, %r2, %r3;", "a result that is a part of a register is merged into a fourth operand"),
        ("vmad.u32.u32.u32.po %r1, -%r2, %r3, %r4;", "with .po no operand is negated"),
        ("vadd4.u32.u32.u32 %r1.b12, %r2, %r3, %r4;", "the mask names lanes of the result, the highest first"),
        ("vadd4.u32.u32.u32 %r1, %r2.b12, %r3, %r4;", "a selector names as many lanes as there are"),
        ("add.u32 %r1, %r2.h0, %r3;", "expected a register or a constant of type .u32"),
    ] {
        let error = golden::lower(instruction).expect_err(instruction);
        assert!(error.contains(reason), "{instruction}: {error}");
    }
}
