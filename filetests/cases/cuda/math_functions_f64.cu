// f64 functions against the host's library, within a few units in the last place, and special values exactly.
#include <cmath>

#include "case.h"

__device__ __host__ double evaluate(int which, double x, double y) {
    switch (which) {
        case 0: return sin(x);
        case 1: return cos(x);
        case 2: return exp(x / 10);
        case 3: return log(fabs(x) + 1e-3);
        case 4: return pow(fabs(x), y / 10);
        case 5: return sqrt(fabs(x));
        case 6: return cbrt(x);
        case 7: return erf(x / 30);
        case 8: return tanh(x / 20);
        case 9: return atan2(x, y);
        case 10: return hypot(x, y);
        case 11: return fmod(x, y);
        case 12: return floor(x) + ceil(y) * 1000 + trunc(x) * 7 + rint(y) * 3;
        case 13: return x / y;
        case 14: return fma(x, y, 1.0 / 3);
        case 15: return fmin(x, y) + fmax(x, 2 * y) + copysign(x, y) + fdim(x, y);
        case 16: return ldexp(x, static_cast<int>(y)) + ilogb(x);
        case 17: return exp2(x / 10);
        case 18: return tgamma(2 + fabs(x) / 10);
        default: return asinh(x);
    }
}

const char* names[] = {"sin",   "cos",  "exp",      "log",    "pow", "sqrt",    "cbrt",  "erf",  "tanh",   "atan2",
                       "hypot", "fmod", "rounding", "divide", "fma", "min-max", "ldexp", "exp2", "tgamma", "asinh"};
// Zero where IEEE 754 or the definition leaves no choice.
const double bounds[] = {3, 3, 3, 3, 4, 0, 3, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 3, 20, 4};

__global__ void evaluate_all(int which, const double* x, const double* y, double* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = evaluate(which, x[i], y[i]);
}

__global__ void special_values(double* r) {
    double zero = r[0], one = r[1];
    r[0] = one / zero;
    r[1] = -one / zero;
    r[2] = zero / zero;
    r[3] = sqrt(-one);
    r[4] = log(zero);
    r[5] = pow(zero, zero);
    r[6] = exp(1000 * one);
    r[7] = exp(-1000 * one);
    r[8] = atan2(-zero, -one);
    r[9] = fmax(zero / zero, one);
    r[10] = -zero + -zero;
    r[11] = fmod(one, zero);
    r[12] = nextafter(one, 2 * one) - one;
    r[13] = 4.9406564584124654e-324 * one / 2;
    r[14] = nearbyint(2.5 * one) + round(2.5 * one) * 10;
    r[15] = static_cast<double>(__double2ll_rn(1e300 * one) == 0x7fffffffffffffffll);
}

int main() {
    const int count = 2000;
    std::vector<double> x(count), y(count);
    for (int i = 0; i < count; i++) {
        x[i] = (static_cast<double>(mix(i)) - 2147483648.0) / 21474836.48;
        y[i] = (static_cast<double>(mix(~i)) - 2147483648.0) / 107374182.4;
    }
    double *x_device = to_device(x), *y_device = to_device(y), *output_device = device_zeros<double>(count);
    for (int which = 0; which < 20; which++) {
        evaluate_all<<<(count + 127) / 128, 128>>>(which, x_device, y_device, output_device, count);
        CHECK_KERNEL();
        std::vector<double> output = to_host(output_device, count);
        int outside = 0;
        for (int i = 0; i < count; i++) {
            double exact = evaluate(which, x[i], y[i]);
            int exponent;
            frexp(exact, &exponent);
            outside += !(fabs(output[i] - exact) <= bounds[which] * ldexp(1, exponent - 53));
        }
        printf("%s: outside %d\n", names[which], outside);
    }
    std::vector<double> values(16, 0.0);
    values[1] = 1;
    double* values_device = to_device(values);
    special_values<<<1, 1>>>(values_device);
    CHECK_KERNEL();
    for (double value : to_host(values_device, 16)) {
        if (value != value) printf("nan ");
        else printf("%g ", value);
    }
    printf("\n");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sin: outside 0
// EXPECT: cos: outside 0
// EXPECT: exp: outside 0
// EXPECT: log: outside 0
// EXPECT: pow: outside 0
// EXPECT: sqrt: outside 0
// EXPECT: cbrt: outside 0
// EXPECT: erf: outside 0
// EXPECT: tanh: outside 0
// EXPECT: atan2: outside 0
// EXPECT: hypot: outside 0
// EXPECT: fmod: outside 0
// EXPECT: rounding: outside 0
// EXPECT: divide: outside 0
// EXPECT: fma: outside 0
// EXPECT: min-max: outside 0
// EXPECT: ldexp: outside 0
// EXPECT: exp2: outside 0
// EXPECT: tgamma: outside 0
// EXPECT: asinh: outside 0
// EXPECT: inf -inf nan nan -inf 1 inf 0 -3.14159 1 -0 nan 2.22045e-16 0 32 1
