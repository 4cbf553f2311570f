// A quantised layer: int8 dot products with __dp4a and __dp2a, requantisation with rounding and saturation, ReLU.
#include "case.h"

constexpr int inputs = 256, outputs = 96, batch = 64;

__global__ void layer(const int* x, const int* weights, const int* bias, signed char* y, int multiplier, int shift) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
    if (column >= outputs) return;
    int sum = bias[column];
    for (int k = 0; k < inputs / 4; k++) sum = __dp4a(x[row * inputs / 4 + k], weights[column * inputs / 4 + k], sum);
    // Fixed-point multiplication with rounding to nearest.
    long long scaled = (static_cast<long long>(sum) * multiplier + (1ll << (shift - 1))) >> shift;
    int clamped = min(max(static_cast<int>(scaled), 0), 127);
    y[row * outputs + column] = static_cast<signed char>(clamped);
}

__global__ void words(const unsigned* a, const unsigned* b, unsigned* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    output[3 * i] = __dp4a(a[i], b[i], 5u);
    output[3 * i + 1] = __dp2a_lo(a[i], b[i], 9u);
    output[3 * i + 2] = static_cast<unsigned>(__dp2a_hi(static_cast<int>(a[i]), static_cast<int>(b[i]), -3));
}

int main() {
    std::vector<signed char> x(batch * inputs), weights(outputs * inputs), expected(batch * outputs);
    std::vector<int> bias(outputs);
    for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<signed char>(mix(i));
    for (size_t i = 0; i < weights.size(); i++) weights[i] = static_cast<signed char>(mix(i + 1000003));
    for (int i = 0; i < outputs; i++) bias[i] = static_cast<int>(mix(i) % 200000) - 50000;
    const int multiplier = 1518500250, shift = 41;
    for (int row = 0; row < batch; row++)
        for (int column = 0; column < outputs; column++) {
            int sum = bias[column];
            for (int k = 0; k < inputs; k++) sum += x[row * inputs + k] * weights[column * inputs + k];
            long long scaled = (static_cast<long long>(sum) * multiplier + (1ll << (shift - 1))) >> shift;
            expected[row * outputs + column] = static_cast<signed char>(scaled < 0 ? 0 : scaled > 127 ? 127 : scaled);
        }
    signed char* y_device = device_zeros<signed char>(batch * outputs);
    layer<<<dim3((outputs + 63) / 64, batch), 64>>>(reinterpret_cast<int*>(to_device(x)),
                                                    reinterpret_cast<int*>(to_device(weights)), to_device(bias),
                                                    y_device, multiplier, shift);
    CHECK_KERNEL();
    std::vector<signed char> y = to_host(y_device, batch * outputs);
    int zeros = 0, saturated = 0;
    for (signed char value : y) zeros += value == 0, saturated += value == 127;
    printf("zeros %d, saturated %d, checksum %016llx, mismatches %d\n", zeros, saturated,
           (unsigned long long)checksum(y), mismatches(y, expected));

    const int count = 5000;
    std::vector<unsigned> a(count), b(count), wanted(3 * count);
    for (int i = 0; i < count; i++) {
        a[i] = mix(i), b[i] = mix(~i);
        wanted[3 * i] = 5;
        for (int k = 0; k < 32; k += 8) wanted[3 * i] += (a[i] >> k & 255) * (b[i] >> k & 255);
        wanted[3 * i + 1] = 9 + (a[i] & 0xffff) * (b[i] & 255) + (a[i] >> 16) * (b[i] >> 8 & 255);
        wanted[3 * i + 2] = static_cast<unsigned>(-3 + static_cast<int16_t>(a[i]) * static_cast<int8_t>(b[i] >> 16) +
                                                  static_cast<int16_t>(a[i] >> 16) * static_cast<int8_t>(b[i] >> 24));
    }
    unsigned* output_device = device_zeros<unsigned>(3 * count);
    words<<<(count + 127) / 128, 128>>>(to_device(a), to_device(b), output_device, count);
    CHECK_KERNEL();
    printf("words: mismatches %d\n", mismatches(to_host(output_device, 3 * count), wanted));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: zeros 1933, saturated 717, checksum e80359cc224f67dc, mismatches 0
// EXPECT: words: mismatches 0
