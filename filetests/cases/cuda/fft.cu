// Fast transforms: the number-theoretic one in shared memory is exact and is used to convolve; the complex one in f32
// is checked against a direct sum within a tolerance.
#include <cmath>

#include "case.h"

constexpr unsigned prime = 998244353;  // 119 * 2^23 + 1
constexpr unsigned root = 3;
constexpr int size = 1024;

__host__ __device__ unsigned multiply(unsigned a, unsigned b) {
    return static_cast<unsigned>(static_cast<unsigned long long>(a) * b % prime);
}

__host__ __device__ unsigned power(unsigned base, unsigned exponent) {
    unsigned result = 1;
    for (; exponent > 0; exponent >>= 1, base = multiply(base, base))
        if (exponent & 1) result = multiply(result, base);
    return result;
}

__global__ void number_transform(unsigned* data, bool backwards) {
    __shared__ unsigned x[size];
    int thread = threadIdx.x;
    unsigned* mine = data + blockIdx.x * size;
    for (int i = thread; i < size; i += blockDim.x) x[__brev(i) >> 22] = mine[i];
    for (int half = 1; half < size; half *= 2) {
        __syncthreads();
        unsigned step = power(root, (prime - 1) / (2 * half));
        if (backwards) step = power(step, prime - 2);
        int place = thread & (half - 1), low = 2 * thread - place;
        unsigned a = x[low], b = multiply(x[low + half], power(step, place));
        x[low] = a + b >= prime ? a + b - prime : a + b;
        x[low + half] = a >= b ? a - b : a + prime - b;
    }
    __syncthreads();
    unsigned scale = backwards ? power(size, prime - 2) : 1;
    for (int i = thread; i < size; i += blockDim.x) mine[i] = multiply(x[i], scale);
}

__global__ void multiply_points(unsigned* a, const unsigned* b) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    a[i] = multiply(a[i], b[i]);
}

__global__ void complex_transform(float2* data) {
    __shared__ float2 x[256];
    int thread = threadIdx.x;
    for (int i = thread; i < 256; i += 128) x[__brev(i) >> 24] = data[i];
    for (int half = 1; half < 256; half *= 2) {
        __syncthreads();
        int place = thread & (half - 1), low = 2 * thread - place;
        float s, c;
        sincospif(-static_cast<float>(place) / half, &s, &c);
        float2 a = x[low], b = x[low + half];
        float2 t = make_float2(b.x * c - b.y * s, b.x * s + b.y * c);
        x[low] = make_float2(a.x + t.x, a.y + t.y);
        x[low + half] = make_float2(a.x - t.x, a.y - t.y);
    }
    __syncthreads();
    for (int i = thread; i < 256; i += 128) data[i] = x[i];
}

int main() {
    const int batch = 4;
    std::vector<unsigned> a(batch * size, 0), b(batch * size, 0), expected(batch * size, 0);
    for (int t = 0; t < batch; t++)
        for (int i = 0; i < size / 2; i++) {
            a[t * size + i] = mix(t * size + i) % 1000;
            b[t * size + i] = mix(~(t * size + i)) % 1000;
        }
    for (int t = 0; t < batch; t++)
        for (int i = 0; i < size / 2; i++)
            for (int k = 0; k < size / 2; k++) expected[t * size + i + k] += a[t * size + i] * b[t * size + k];
    unsigned *a_device = to_device(a), *b_device = to_device(b);
    number_transform<<<batch, size / 2>>>(a_device, false);
    number_transform<<<batch, size / 2>>>(b_device, false);
    multiply_points<<<batch * size / 256, 256>>>(a_device, b_device);
    number_transform<<<batch, size / 2>>>(a_device, true);
    CHECK_KERNEL();
    std::vector<unsigned> result = to_host(a_device, batch * size);
    printf("convolution: middle %u, mismatches %d\n", result[size / 2], mismatches(result, expected));

    std::vector<float2> signal(256);
    for (int i = 0; i < 256; i++) signal[i] = make_float2(mix(i) % 200 / 100.0f - 1, mix(~i) % 200 / 100.0f - 1);
    float2* signal_device = to_device(signal);
    complex_transform<<<1, 128>>>(signal_device);
    CHECK_KERNEL();
    std::vector<float2> spectrum = to_host(signal_device, 256);
    double largest = 0;
    for (int k = 0; k < 256; k++) {
        double re = 0, im = 0;
        for (int i = 0; i < 256; i++) {
            double angle = -2 * 3.14159265358979323846 * (i * k % 256) / 256;
            re += signal[i].x * cos(angle) - signal[i].y * sin(angle);
            im += signal[i].x * sin(angle) + signal[i].y * cos(angle);
        }
        largest = fmax(largest, fmax(fabs(re - spectrum[k].x), fabs(im - spectrum[k].y)));
    }
    printf("complex: error below 1e-4: %s\n", largest < 1e-4 ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: convolution: middle 133304073, mismatches 0
// EXPECT: complex: error below 1e-4: yes
