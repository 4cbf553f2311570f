//! The approximate functions, f32. Each keeps the error bound that the PTX ISA documents for the instruction (9.7.3.14 – 9.7.3.22);
//! polynomials are minimax fits on the stated interval.

use super::FunctionEmitter;
use crate::llvm::{Bin, Cast, FloatPredicate, IntPredicate, Ty, Val};

/// Lanes of a register of 512 bits.
const REGISTER_LANES: u32 = 16;

/// How an instruction of AVX-512 is told to round as the thread does.
const ROUNDING_OF_THREAD: u32 = 4;

impl FunctionEmitter<'_> {
    fn single(&self, shape: Ty, value: f64) -> Val {
        self.ir.float_constant(shape, value)
    }

    fn multiply_add(&self, a: Val, b: Val, c: Val) -> Val {
        self.ir.intrinsic("llvm.fma", &[self.ir.type_of(a)], &[a, b, c])
    }

    /// `c[0] + x * (c[1] + x * …)`.
    fn polynomial(&self, x: Val, coefficients: &[f64]) -> Val {
        let shape = self.ir.type_of(x);
        let mut terms = coefficients.iter().rev();
        let first = self.single(shape, *terms.next().expect("a polynomial has a term"));
        terms.fold(first, |sum, coefficient| self.multiply_add(sum, x, self.single(shape, *coefficient)))
    }

    /// 1/sqrt(x): the machine's estimate improved by one Newton step where there is one.
    pub fn reciprocal_root(&mut self, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let exact = |ir: &crate::llvm::Ir| {
            let root = ir.intrinsic("llvm.sqrt", &[shape], &[a]);
            ir.bin(Bin::FDiv, self.single(shape, 1.0), root)
        };
        if !ir.is_vector(shape) || !self.unit.target.avx512 {
            return exact(ir);
        }
        let chunk = ir.vector(ir.f32(), REGISTER_LANES);
        let all = ir.constant(ir.int(16), 0xffff);
        let estimate = self.by_registers([a], |[part]| {
            ir.intrinsic("llvm.x86.avx512.rsqrt14.ps.512", &[], &[part, ir.zero(chunk), all])
        });
        // y + y/2 * (1 - a*y*y), twice as many bits. For 0, infinities and subnormals the estimate or the exact way is kept.
        let half_estimate = ir.bin(Bin::FMul, estimate, self.single(shape, 0.5));
        let product = ir.bin(Bin::FMul, a, estimate);
        let error = self.multiply_add(ir.fneg(product), estimate, self.single(shape, 1.0));
        let better = self.multiply_add(half_estimate, error, estimate);
        // Whether a is positive, normal and finite, by its bits.
        let word = ir.like(ir.int(32), shape);
        let (least, infinite) = (f32::MIN_POSITIVE.to_bits(), f32::INFINITY.to_bits());
        let distance = ir.sub(ir.cast(Cast::BitCast, a, word), ir.constant(word, least.into()));
        let normal = ir.icmp(IntPredicate::LLVMIntULT, distance, ir.constant(word, (infinite - least).into()));
        let odd = self.any(ir.and(self.mask, ir.not(normal)));
        self.unlikely_instead(odd, better, |this| {
            let magnitude = ir.intrinsic("llvm.fabs", &[shape], &[a]);
            let least = this.single(shape, f64::from(f32::MIN_POSITIVE));
            let tiny = ir.fcmp(FloatPredicate::LLVMRealOLT, magnitude, least);
            let zero = ir.fcmp(FloatPredicate::LLVMRealOEQ, magnitude, ir.zero(shape));
            let rest = ir.select(ir.and(tiny, ir.not(zero)), this.subnormal_root(a), estimate);
            ir.select(normal, better, rest)
        })
    }

    /// What is computed of one register of 16 lanes after the other.
    fn by_registers<const N: usize>(&self, values: [Val; N], compute: impl Fn([Val; N]) -> Val) -> Val {
        let lanes = self.ir.lanes(self.ir.type_of(values[0]));
        let parts = (0..lanes).step_by(REGISTER_LANES as usize).map(|first| {
            let order: Vec<u32> = (first..first + REGISTER_LANES).collect();
            compute(values.map(|value| self.ir.shuffle(value, value, &order)))
        });
        self.concatenate(&parts.collect::<Vec<Val>>())
    }

    /// A value, or if `condition` another one, computed in a block of its own.
    fn unlikely_instead(&mut self, condition: Val, usual: Val, rare: impl FnOnce(&mut Self) -> Val) -> Val {
        let (slow, join) = (self.new_block("rare"), self.new_block("usual"));
        let from = self.ir.current_block();
        self.ir.unlikely_br(condition, slow, join);
        self.ir.position(slow);
        let other = rare(self);
        let slow_end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(join);
        self.ir.phi(self.ir.type_of(usual), &[(usual, from), (other, slow_end)])
    }

    /// 1/sqrt(x) of a subnormal: the machine's estimate takes it for zero.
    fn subnormal_root(&self, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let scaled = ir.bin(Bin::FMul, a, self.single(shape, 2f64.powi(48)));
        let root = ir.intrinsic("llvm.sqrt", &[shape], &[scaled]);
        ir.bin(Bin::FDiv, self.single(shape, 2f64.powi(24)), root)
    }

    /// 2^x: the fraction by polynomial, the integer into the exponent.
    pub fn exponential2(&mut self, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        // Beyond ±151 nothing changes any more.
        let (least, most) = (self.single(shape, -152.0), self.single(shape, 151.0));
        if ir.is_vector(shape) && self.unit.target.avx512 {
            // A NaN stays one.
            let x = ir.select(ir.fcmp(FloatPredicate::LLVMRealOGT, least, a), least, a);
            let x = ir.select(ir.fcmp(FloatPredicate::LLVMRealOLT, most, x), most, x);
            let whole = ir.intrinsic("llvm.roundeven", &[shape], &[x]);
            let value = self.exponential2_of_fraction(ir.bin(Bin::FSub, x, whole));
            let (all, rounding) = (ir.constant(ir.int(16), 0xffff), self.i32(ROUNDING_OF_THREAD));
            return self.by_registers([value, whole], |[value, whole]| {
                let operands = [value, whole, value, all, rounding];
                ir.intrinsic("llvm.x86.avx512.mask.scalef.ps.512", &[], &operands)
            });
        }
        // A NaN becomes a number here, so that there is an integer for it; it is put back in the end.
        let word = ir.like(ir.int(32), shape);
        let x = ir.select(ir.fcmp(FloatPredicate::LLVMRealOGT, a, least), a, least);
        let x = ir.select(ir.fcmp(FloatPredicate::LLVMRealOLT, x, most), x, most);
        let whole = ir.intrinsic("llvm.roundeven", &[shape], &[x]);
        let value = self.exponential2_of_fraction(ir.bin(Bin::FSub, x, whole));
        let nan = ir.fcmp(FloatPredicate::LLVMRealUNO, a, a);
        // In two steps, so that subnormal results come out right. Not the conversion that saturates: LLVM takes that apart into scalars.
        let exponent = ir.cast(Cast::FPToSI, whole, word);
        let half = ir.bin(Bin::AShr, exponent, ir.constant(word, 1));
        let rest = ir.sub(exponent, half);
        let power = |exponent: Val| {
            let biased = ir.add(exponent, ir.constant(word, 127));
            ir.cast(Cast::BitCast, ir.bin(Bin::Shl, biased, ir.constant(word, 23)), shape)
        };
        let result = ir.bin(Bin::FMul, ir.bin(Bin::FMul, value, power(half)), power(rest));
        ir.select(nan, a, result)
    }

    /// 2^x for what is left of a number that was rounded.
    fn exponential2_of_fraction(&self, fraction: Val) -> Val {
        const COEFFICIENTS: [f64; 7] = [
            1.0,
            0.693_147_182_464_6,
            0.240_226_507_186_9,
            0.055_503_272_950_7,
            0.009_618_030_488_5,
            0.001_339_881_541_6,
            0.000_154_697_371_5,
        ];
        self.polynomial(fraction, &COEFFICIENTS)
    }

    /// log2(x): exponent plus polynomial of the mantissa in [sqrt(1/2), sqrt(2)).
    pub fn logarithm2(&mut self, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let word = ir.like(ir.int(32), shape);
        let subnormal = ir.fcmp(FloatPredicate::LLVMRealOLT, a, self.single(shape, f64::from(f32::MIN_POSITIVE)));
        let scaled = ir.bin(Bin::FMul, a, self.single(shape, 2f64.powi(24)));
        let x = ir.select(subnormal, scaled, a);
        let bits = ir.cast(Cast::BitCast, x, word);
        // Subtracting sqrt(1/2)'s bits puts the exponent boundary there.
        let moved = ir.sub(bits, ir.constant(word, 0x3f35_04f3));
        let exponent = ir.bin(Bin::AShr, moved, ir.constant(word, 23));
        let mantissa = ir.sub(bits, ir.bin(Bin::Shl, exponent, ir.constant(word, 23)));
        let m = ir.cast(Cast::BitCast, mantissa, shape);
        // log2(m) = 2/ln2 * atanh(s), s = (m-1)/(m+1).
        let one = self.single(shape, 1.0);
        let s = ir.bin(Bin::FDiv, ir.bin(Bin::FSub, m, one), ir.bin(Bin::FAdd, m, one));
        let square = ir.bin(Bin::FMul, s, s);
        const COEFFICIENTS: [f64; 5] =
            [2.885_390_081_777_9, 0.961_796_693_925_9, 0.577_078_016_355_5, 0.412_198_583_111_1, 0.320_598_897_975_3];
        let logarithm = ir.bin(Bin::FMul, s, self.polynomial(square, &COEFFICIENTS));
        let exponent = ir.cast(Cast::SIToFP, exponent, shape);
        let shift = ir.select(subnormal, self.single(shape, -24.0), ir.zero(shape));
        let result = ir.bin(Bin::FAdd, ir.bin(Bin::FAdd, exponent, shift), logarithm);
        // log2(0) = -inf, of negatives NaN, of +inf +inf, NaN stays.
        let zero = ir.fcmp(FloatPredicate::LLVMRealOEQ, a, ir.zero(shape));
        let negative = ir.fcmp(FloatPredicate::LLVMRealULT, a, ir.zero(shape));
        let infinite = ir.fcmp(FloatPredicate::LLVMRealOEQ, a, self.single(shape, f64::INFINITY));
        let result = ir.select(infinite, a, result);
        let result = ir.select(negative, self.single(shape, f64::NAN), result);
        ir.select(zero, self.single(shape, f64::NEG_INFINITY), result)
    }

    /// sin(x) or cos(x): reduced by multiples of pi/2 in three parts, then a polynomial.
    pub fn sine(&mut self, a: Val, cosine: bool) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let word = ir.like(ir.int(32), shape);
        let turns = ir.bin(Bin::FMul, a, self.single(shape, std::f64::consts::FRAC_2_PI));
        let nearest = ir.intrinsic("llvm.roundeven", &[shape], &[turns]);
        let mut x = a;
        for part in [1.570_796_251_296_997, 7.549_789_415_861_596e-8, 5.390_302_529_957_765e-15] {
            x = self.multiply_add(nearest, self.single(shape, -part), x);
        }
        // Of huge arguments nothing is left after the reduction: any angle is as good.
        let x = self.clamped(x, 1.0);
        let magnitude = ir.intrinsic("llvm.fabs", &[shape], &[nearest]);
        let counts = ir.fcmp(FloatPredicate::LLVMRealOLT, magnitude, self.single(shape, 2f64.powi(30)));
        let quadrant = ir.cast(Cast::FPToSI, ir.select(counts, nearest, ir.zero(shape)), word);
        let quadrant = if cosine { ir.add(quadrant, ir.constant(word, 1)) } else { quadrant };
        let square = ir.bin(Bin::FMul, x, x);
        let odd = self.polynomial(square, &[-0.166_666_546, 0.008_332_160_9, -0.000_195_152_96]);
        let sine = self.multiply_add(ir.bin(Bin::FMul, square, x), odd, x);
        let even = self.polynomial(square, &[0.041_666_645_7, -0.001_388_731_6, 0.000_024_433_157]);
        let cosine_start = self.multiply_add(square, self.single(shape, -0.5), self.single(shape, 1.0));
        let cosine_value = self.multiply_add(ir.bin(Bin::FMul, square, square), even, cosine_start);
        let swap = ir.icmp(IntPredicate::LLVMIntNE, ir.and(quadrant, ir.constant(word, 1)), ir.zero(word));
        let value = ir.select(swap, cosine_value, sine);
        let sign = ir.bin(Bin::Shl, ir.and(quadrant, ir.constant(word, 2)), ir.constant(word, 30));
        let bits = ir.xor(ir.cast(Cast::BitCast, value, word), sign);
        let result = ir.cast(Cast::BitCast, bits, shape);
        // Rounding may leave [-1, 1] by a bit, and beyond 2^23 or so nothing of the argument is left.
        let bounded = self.clamped(result, 1.0);
        let magnitude = ir.intrinsic("llvm.fabs", &[shape], &[a]);
        let finite = ir.fcmp(FloatPredicate::LLVMRealOLT, magnitude, self.single(shape, f64::INFINITY));
        ir.select(finite, bounded, self.single(shape, f64::NAN))
    }

    fn clamped(&self, a: Val, bound: f64) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let high = ir.fcmp(FloatPredicate::LLVMRealOGT, a, self.single(shape, bound));
        let low = ir.fcmp(FloatPredicate::LLVMRealOLT, a, self.single(shape, -bound));
        ir.select(high, self.single(shape, bound), ir.select(low, self.single(shape, -bound), a))
    }

    /// tanh(x) = 1 - 2 / (e^2x + 1), and a polynomial near 0, where that cancels.
    pub fn hyperbolic_tangent(&mut self, a: Val) -> Val {
        let ir = self.ir;
        let shape = ir.type_of(a);
        let magnitude = ir.intrinsic("llvm.fabs", &[shape], &[a]);
        let power = self.exponential2(ir.bin(Bin::FMul, magnitude, self.single(shape, 2.0 * std::f64::consts::LOG2_E)));
        let one = self.single(shape, 1.0);
        let quotient = ir.bin(Bin::FDiv, self.single(shape, 2.0), ir.bin(Bin::FAdd, power, one));
        let large = ir.bin(Bin::FSub, one, quotient);
        let square = ir.bin(Bin::FMul, a, a);
        let small = ir.bin(
            Bin::FMul,
            magnitude,
            self.polynomial(square, &[1.0, -0.333_332_8, 0.133_228_9, -0.052_643_5, 0.016_3]),
        );
        let near = ir.fcmp(FloatPredicate::LLVMRealOLT, magnitude, self.single(shape, 0.5));
        let value = ir.select(near, small, large);
        let signed = ir.intrinsic("llvm.copysign", &[shape], &[value, a]);
        ir.select(ir.fcmp(FloatPredicate::LLVMRealUNO, a, a), a, signed)
    }
}
