// f32 functions against f64 on the host, each within the bound that the CUDA guide documents (in units in the last
// place), and the fast intrinsics within coarser bounds.
#include <cmath>

#include "case.h"

struct Function {
    const char* name;
    double ulps;      // documented bound, with one more for the host's own rounding
    float low, high;  // range of the argument
    double (*host)(double, double);
};

__device__ float evaluate(int which, float x, float y) {
    switch (which) {
        case 0: return sinf(x);
        case 1: return cosf(x);
        case 2: return tanf(x);
        case 3: return expf(x);
        case 4: return exp2f(x);
        case 5: return logf(x);
        case 6: return log2f(x);
        case 7: return log10f(x);
        case 8: return powf(x, y);
        case 9: return sqrtf(x);
        case 10: return rsqrtf(x);
        case 11: return cbrtf(x);
        case 12: return erff(x);
        case 13: return tanhf(x);
        case 14: return atan2f(x, y);
        case 15: return asinf(x);
        case 16: return hypotf(x, y);
        case 17: return fmodf(x, y);
        case 18: return expm1f(x);
        case 19: return log1pf(x);
        case 20: return lgammaf(x);
        case 21: return sinhf(x);
        case 22: return __fdividef(x, y);
        case 23: return x / y;
        default: return NAN;
    }
}

const Function functions[] = {
    {"sinf", 3, -100, 100, [](double x, double) { return sin(x); }},
    {"cosf", 3, -100, 100, [](double x, double) { return cos(x); }},
    {"tanf", 5, -100, 100, [](double x, double) { return tan(x); }},
    {"expf", 3, -80, 80, [](double x, double) { return exp(x); }},
    {"exp2f", 3, -120, 120, [](double x, double) { return exp2(x); }},
    {"logf", 2, 1e-6f, 1e6f, [](double x, double) { return log(x); }},
    {"log2f", 2, 1e-6f, 1e6f, [](double x, double) { return log2(x); }},
    {"log10f", 3, 1e-6f, 1e6f, [](double x, double) { return log10(x); }},
    {"powf", 9, 0.01f, 20, [](double x, double y) { return pow(x, y); }},
    {"sqrtf", 1, 0, 1e6f, [](double x, double) { return sqrt(x); }},
    {"rsqrtf", 3, 1e-6f, 1e6f, [](double x, double) { return 1 / sqrt(x); }},
    {"cbrtf", 2, -1000, 1000, [](double x, double) { return cbrt(x); }},
    {"erff", 3, -4, 4, [](double x, double) { return erf(x); }},
    {"tanhf", 3, -10, 10, [](double x, double) { return tanh(x); }},
    {"atan2f", 4, -10, 10, [](double x, double y) { return atan2(x, y); }},
    {"asinf", 5, -1, 1, [](double x, double) { return asin(x); }},
    {"hypotf", 4, -1000, 1000, [](double x, double y) { return hypot(x, y); }},
    {"fmodf", 0.5, -1000, 1000, [](double x, double y) { return fmod(x, y); }},
    {"expm1f", 2, -5, 5, [](double x, double) { return expm1(x); }},
    {"log1pf", 2, -0.9f, 100, [](double x, double) { return log1p(x); }},
    {"lgammaf", 8, 3, 100, [](double x, double) { return lgamma(x); }},
    {"sinhf", 4, -10, 10, [](double x, double) { return sinh(x); }},
    {"__fdividef", 3, -1000, 1000, [](double x, double y) { return x / y; }},
    {"x / y", 0.5, -1000, 1000, [](double x, double y) { return x / y; }},
};

__global__ void evaluate_all(int which, const float* x, const float* y, float* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = evaluate(which, x[i], y[i]);
}

__global__ void fast(const float* x, float* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    output[4 * i] = __sinf(x[i]) - sinf(x[i]);
    output[4 * i + 1] = __cosf(x[i]) - cosf(x[i]);
    output[4 * i + 2] = __expf(x[i]) / expf(x[i]) - 1;
    output[4 * i + 3] = __logf(x[i] + 4) - logf(x[i] + 4);
}

int main() {
    const int count = 4000;
    int index = 0;
    float* output_device = device_zeros<float>(4 * count);
    for (const Function& f : functions) {
        std::vector<float> x(count), y(count);
        for (int i = 0; i < count; i++) {
            x[i] = f.low + (f.high - f.low) * static_cast<float>(mix(i + index * count)) / 4294967296.0f;
            y[i] = (mix(~i) % 2 ? 1 : -1) * (0.25f + (mix(i) >> 8) / 16777216.0f * 3);
        }
        float *x_device = to_device(x), *y_device = to_device(y);
        evaluate_all<<<(count + 127) / 128, 128>>>(index++, x_device, y_device, output_device, count);
        CHECK_KERNEL();
        std::vector<float> output = to_host(output_device, count);
        int outside = 0;
        for (int i = 0; i < count; i++) {
            double exact = f.host(x[i], y[i]);
            int exponent;
            frexp(exact, &exponent);
            double ulp = ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
            outside += !(fabs(output[i] - exact) <= f.ulps * ulp + 1e-300);
        }
        printf("%s: outside %d\n", f.name, outside);
        CHECK(cudaFree(x_device));
        CHECK(cudaFree(y_device));
    }
    std::vector<float> x(count);
    for (int i = 0; i < count; i++) x[i] = static_cast<float>(mix(i) % 6000) / 1000 - 3;
    fast<<<(count + 127) / 128, 128>>>(to_device(x), output_device, count);
    CHECK_KERNEL();
    std::vector<float> errors = to_host(output_device, 4 * count);
    float largest[4] = {};
    for (int i = 0; i < 4 * count; i++) largest[i % 4] = fmaxf(largest[i % 4], fabsf(errors[i]));
    for (int k = 0; k < 4; k++) printf("fast %d within 2^-20: %s\n", k, largest[k] <= 9.6e-7f ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sinf: outside 0
// EXPECT: cosf: outside 0
// EXPECT: tanf: outside 0
// EXPECT: expf: outside 0
// EXPECT: exp2f: outside 0
// EXPECT: logf: outside 0
// EXPECT: log2f: outside 0
// EXPECT: log10f: outside 0
// EXPECT: powf: outside 0
// EXPECT: sqrtf: outside 0
// EXPECT: rsqrtf: outside 0
// EXPECT: cbrtf: outside 0
// EXPECT: erff: outside 0
// EXPECT: tanhf: outside 0
// EXPECT: atan2f: outside 0
// EXPECT: asinf: outside 0
// EXPECT: hypotf: outside 0
// EXPECT: fmodf: outside 0
// EXPECT: expm1f: outside 0
// EXPECT: log1pf: outside 0
// EXPECT: lgammaf: outside 0
// EXPECT: sinhf: outside 0
// EXPECT: __fdividef: outside 0
// EXPECT: x / y: outside 0
// EXPECT: fast 0 within 2^-20: yes
// EXPECT: fast 1 within 2^-20: yes
// EXPECT: fast 2 within 2^-20: yes
// EXPECT: fast 3 within 2^-20: yes
