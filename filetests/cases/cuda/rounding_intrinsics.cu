// Directed rounding: add, multiply, divide, square root and fused multiply-add in all four modes in f32 and f64, and
// conversions between integers and floats in all four modes. The host sets its own rounding mode to compare bits.
#include <cfenv>
#include <cmath>

#include "case.h"

#define MODES(name, ...) \
    {__##name##_rn(__VA_ARGS__), __##name##_rz(__VA_ARGS__), __##name##_ru(__VA_ARGS__), __##name##_rd(__VA_ARGS__)}

constexpr int operations = 5;

__global__ void singles(const float* a, const float* b, const float* c, float* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float x = a[i], y = b[i], z = c[i];
    const float results[operations][4] = {MODES(fadd, x, y), MODES(fmul, x, y), MODES(fdiv, x, y),
                                          MODES(fsqrt, fabsf(x)), MODES(fmaf, x, y, z)};
    for (int k = 0; k < operations; k++)
        for (int mode = 0; mode < 4; mode++) output[(i * operations + k) * 4 + mode] = results[k][mode];
}

__global__ void doubles(const double* a, const double* b, const double* c, double* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    double x = a[i], y = b[i], z = c[i];
    const double results[operations][4] = {MODES(dadd, x, y), MODES(dmul, x, y), MODES(ddiv, x, y),
                                           MODES(dsqrt, fabs(x)), MODES(fma, x, y, z)};
    for (int k = 0; k < operations; k++)
        for (int mode = 0; mode < 4; mode++) output[(i * operations + k) * 4 + mode] = results[k][mode];
}

__global__ void conversions(const double* a, const long long* n, int* to_int, float* to_float, float* narrowed,
                            int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float f = static_cast<float>(a[i]);
    const int integers[4] = MODES(float2int, f);
    const float floats[4] = MODES(ll2float, n[i]);
    const float narrow[4] = MODES(double2float, a[i]);
    for (int mode = 0; mode < 4; mode++) {
        to_int[4 * i + mode] = integers[mode];
        to_float[4 * i + mode] = floats[mode];
        narrowed[4 * i + mode] = narrow[mode];
    }
}

const int modes[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};

// The volatile copies keep the compiler from computing anything in another mode.
template <typename T>
T host_operation(int k, T a, T b, T c, int mode) {
    fesetround(modes[mode]);
    volatile T x = a, y = b, z = c, result = 0;
    switch (k) {
        case 0: result = x + y; break;
        case 1: result = x * y; break;
        case 2: result = x / y; break;
        case 3: result = std::sqrt(std::fabs(x)); break;
        case 4: result = std::fma(x, y, z); break;
    }
    fesetround(FE_TONEAREST);
    return result;
}

template <typename T, typename Kernel>
void run(const char* name, Kernel kernel, int exponent_range) {
    const int count = 2000;
    std::vector<T> a(count), b(count), c(count);
    for (int i = 0; i < count; i++) {
        auto value = [&](int salt) {
            double fraction = 1 + mix(i * 3 + salt) / 4294967296.0 + mix(i * 5 + salt) / 1.8446744073709552e19;
            int exponent = static_cast<int>(mix(i * 7 + salt) % (2 * exponent_range)) - exponent_range;
            return static_cast<T>(ldexp(mix(i + salt) & 1 ? -fraction : fraction, exponent));
        };
        a[i] = value(1), b[i] = value(1000), c[i] = value(2000);
    }
    T* output_device = device_zeros<T>(count * operations * 4);
    kernel<<<(count + 127) / 128, 128>>>(to_device(a), to_device(b), to_device(c), output_device, count);
    CHECK_KERNEL();
    std::vector<T> output = to_host(output_device, count * operations * 4);
    for (int k = 0; k < operations; k++) {
        int wrong[4] = {};
        for (int i = 0; i < count; i++)
            for (int mode = 0; mode < 4; mode++) {
                T expected = host_operation(k, a[i], b[i], c[i], mode);
                wrong[mode] += memcmp(&expected, &output[(i * operations + k) * 4 + mode], sizeof(T)) != 0;
            }
        const char* names[operations] = {"add", "mul", "div", "sqrt", "fma"};
        printf("%s %s: rn %d rz %d ru %d rd %d\n", name, names[k], wrong[0], wrong[1], wrong[2], wrong[3]);
    }
    printf("checksum %016llx\n", (unsigned long long)checksum(output));
}

int main() {
    run<float>("f32", singles, 20);
    run<double>("f64", doubles, 40);
    // Results in the range of denormals.
    run<float>("f32 small", singles, 74);

    const int count = 2000;
    std::vector<double> a(count);
    std::vector<long long> n(count);
    for (int i = 0; i < count; i++) {
        a[i] = (static_cast<double>(mix(i)) - 2147483648.0) / (1 + mix(i + 4) % 70000);
        n[i] = static_cast<long long>(static_cast<uint64_t>(mix(i)) << 32 | mix(~i)) >> (mix(i + 8) % 40);
    }
    int* to_int_device = device_zeros<int>(4 * count);
    float *to_float_device = device_zeros<float>(4 * count), *narrowed_device = device_zeros<float>(4 * count);
    conversions<<<(count + 127) / 128, 128>>>(to_device(a), to_device(n), to_int_device, to_float_device,
                                              narrowed_device, count);
    CHECK_KERNEL();
    std::vector<int> to_int = to_host(to_int_device, 4 * count);
    std::vector<float> to_float = to_host(to_float_device, 4 * count), narrowed = to_host(narrowed_device, 4 * count);
    int wrong_int = 0, wrong_float = 0, wrong_narrow = 0;
    for (int i = 0; i < count; i++)
        for (int mode = 0; mode < 4; mode++) {
            float f = static_cast<float>(a[i]);
            fesetround(modes[mode]);
            volatile long long source = n[i];
            volatile double wide = a[i];
            volatile float from_long = static_cast<float>(source), narrow = static_cast<float>(wide);
            volatile float rounded = nearbyintf(f);
            fesetround(FE_TONEAREST);
            wrong_int += to_int[4 * i + mode] != static_cast<int>(rounded);
            wrong_float += to_float[4 * i + mode] != from_long;
            wrong_narrow += narrowed[4 * i + mode] != narrow;
        }
    printf("conversions: to int %d, from 64 bits %d, narrowing %d mismatches\n", wrong_int, wrong_float, wrong_narrow);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: f32 add: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 mul: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 div: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 sqrt: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 fma: rn 0 rz 0 ru 0 rd 0
// EXPECT: checksum ece7a12e895e71f6
// EXPECT: f64 add: rn 0 rz 0 ru 0 rd 0
// EXPECT: f64 mul: rn 0 rz 0 ru 0 rd 0
// EXPECT: f64 div: rn 0 rz 0 ru 0 rd 0
// EXPECT: f64 sqrt: rn 0 rz 0 ru 0 rd 0
// EXPECT: f64 fma: rn 0 rz 0 ru 0 rd 0
// EXPECT: checksum 5a9426ae3633928d
// EXPECT: f32 small add: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 small mul: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 small div: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 small sqrt: rn 0 rz 0 ru 0 rd 0
// EXPECT: f32 small fma: rn 0 rz 0 ru 0 rd 0
// EXPECT: checksum 237bc3ed2dbf0d1d
// EXPECT: conversions: to int 0, from 64 bits 0, narrowing 0 mismatches
