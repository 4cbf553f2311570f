// Denormals kept and flushed (PTX with and without .ftz), NaN handling of min, max and comparisons, signed zeros,
// saturation and conversions out of range.
#include "case.h"

__device__ unsigned bits(float x) { return __float_as_uint(x); }

__global__ void denormals(unsigned* r, float tiny, float half, float smallest_normal) {
    float kept, flushed;
    asm("mul.f32 %0, %1, %2;" : "=f"(kept) : "f"(smallest_normal), "f"(half));
    asm("mul.ftz.f32 %0, %1, %2;" : "=f"(flushed) : "f"(smallest_normal), "f"(half));
    r[0] = bits(kept);
    r[1] = bits(flushed);
    asm("add.f32 %0, %1, %2;" : "=f"(kept) : "f"(tiny), "f"(tiny));
    asm("add.ftz.f32 %0, %1, %2;" : "=f"(flushed) : "f"(tiny), "f"(tiny));
    r[2] = bits(kept);
    r[3] = bits(flushed);
    asm("mul.ftz.f32 %0, %1, %2;" : "=f"(flushed) : "f"(-tiny), "f"(1.0f));
    r[4] = bits(flushed);  // minus zero: the sign survives
    asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(kept) : "f"(tiny), "f"(half), "f"(tiny));
    asm("fma.rn.ftz.f32 %0, %1, %2, %3;" : "=f"(flushed) : "f"(tiny), "f"(half), "f"(smallest_normal));
    r[5] = bits(kept);
    r[6] = bits(flushed);
    unsigned less, less_ftz;
    asm("{ .reg .pred p; setp.gt.f32 p, %1, 0f00000000; selp.u32 %0, 1, 0, p; }" : "=r"(less) : "f"(tiny));
    asm("{ .reg .pred p; setp.gt.ftz.f32 p, %1, 0f00000000; selp.u32 %0, 1, 0, p; }" : "=r"(less_ftz) : "f"(tiny));
    r[7] = less * 10 + less_ftz;
    asm("cvt.ftz.f64.f32 %0, %1;" : "=d"(*reinterpret_cast<double*>(r + 8)) : "f"(tiny));
    asm("cvt.f64.f32 %0, %1;" : "=d"(*reinterpret_cast<double*>(r + 10)) : "f"(tiny));
}

__global__ void nans(unsigned* r, float nan, float one, float zero) {
    r[0] = bits(fminf(nan, one));
    r[1] = bits(fmaxf(one, nan));
    r[2] = bits(fminf(nan, nan)) == 0x7fffffff;
    r[3] = bits(nan + one) == 0x7fffffff;
    r[4] =
        (nan == nan) | (nan != nan) << 1 | (nan < one) << 2 | (nan >= one) << 3 | (!(nan <= one) && !(nan > one)) << 4;
    r[5] = bits(fminf(-zero, zero));
    r[6] = bits(fmaxf(-zero, zero));
    r[7] = bits(-zero) | (-zero == zero);
    r[8] = bits(__saturatef(nan));
    r[9] = bits(__saturatef(one * 3));
    r[10] = bits(__saturatef(-one));
    r[11] = static_cast<unsigned>(__float2int_rn(nan));
    r[12] = static_cast<unsigned>(__float2int_rz(one * 1e20f));
    r[13] = __float2uint_rn(-one);
    r[14] = bits(copysignf(nan, -one)) >> 31;
    r[15] = bits(zero * -one);
    r[16] = __isinff(one / zero) | __isnanf(zero / zero) << 1 | signbit(-zero) << 2;
    unsigned greater_or_unordered, ordered;
    asm("{ .reg .pred p; setp.gtu.f32 p, %1, %2; selp.u32 %0, 1, 0, p; }"
        : "=r"(greater_or_unordered)
        : "f"(nan), "f"(one));
    asm("{ .reg .pred p; setp.num.f32 p, %1, %2; selp.u32 %0, 1, 0, p; }" : "=r"(ordered) : "f"(nan), "f"(one));
    r[17] = greater_or_unordered * 10 + ordered;
}

int main() {
    unsigned* results = device_zeros<unsigned>(18);
    float tiny = 1e-40f, half = 0.5f, smallest_normal = 1.17549435e-38f;
    denormals<<<1, 1>>>(results, tiny, half, smallest_normal);
    CHECK_KERNEL();
    for (unsigned value : to_host(results, 12)) printf("%08x ", value);
    printf("\n");
    unsigned quiet = 0x7fc12345u;
    float nan;
    memcpy(&nan, &quiet, 4);
    nans<<<1, 1>>>(results, nan, 1.0f, 0.0f);
    CHECK_KERNEL();
    for (unsigned value : to_host(results, 18)) printf("%08x ", value);
    printf("\n");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 00400000 00000000 00022d84 00000000 80000000 0001a223 00800000 0000000a 00000000 00000000 00000000 37a16c20
// EXPECT: 3f800000 3f800000 00000000 00000001 00000012 80000000 00000000 80000001 00000000 3f800000 00000000 00000000 7fffffff 00000000 00000001 80000000 00000007 0000000a
