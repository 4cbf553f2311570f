// Built with -G: no inlining, every variable in memory, calls through the ABI; several kinds of kernels at once.
#include "case.h"

struct Complex {
    float re, im;
    __host__ __device__ Complex operator*(const Complex& o) const {
        return {re * o.re - im * o.im, re * o.im + im * o.re};
    }
    __host__ __device__ Complex operator+(const Complex& o) const { return {re + o.re, im + o.im}; }
};

__host__ __device__ Complex horner(const Complex* coefficients, int degree, Complex x) {
    Complex sum = {0, 0};
    for (int k = degree; k >= 0; k--) sum = sum * x + coefficients[k];
    return sum;
}

__constant__ Complex coefficients_device[5];

__global__ void evaluate(const Complex* input, Complex* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = horner(coefficients_device, 4, input[i]);
}

template <typename T>
__device__ T block_sum(T value) {
    __shared__ T scratch[256];
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    return scratch[0];
}

__global__ void sums(const int* values, int count, long long* result) {
    long long mine = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) mine += values[i];
    long long sum = block_sum(mine);
    if (threadIdx.x == 0)
        atomicAdd(reinterpret_cast<unsigned long long*>(result), static_cast<unsigned long long>(sum));
}

__device__ int choose(int kind, int x) {
    switch (kind) {
        case 0: return x + 1;
        case 1: return x * x;
        case 2: return -x;
        case 3: return x >> 2;
        case 4: return x ^ 0x55;
        default: return 0;
    }
}

__global__ void branches(int* output) {
    int i = threadIdx.x, table[8], sum = 0;
    for (int k = 0; k < 8; k++) table[k] = choose((i + k) % 6, i * 10 + k);
    for (int k = 0; k < 8; k++) {
        if (k == i % 8) continue;
        sum += table[(k * 3 + i) % 8];
    }
    sum += __shfl_xor_sync(0xffffffffu, sum, 1) + (__ballot_sync(0xffffffffu, sum % 2) & 0xff);
    output[i] = sum;
}

int main() {
    const int count = 5000;
    Complex coefficients[5] = {{1, -2}, {3, 0}, {0, 1}, {-1, 1}, {2, 2}};
    CHECK(cudaMemcpyToSymbol(coefficients_device, coefficients, sizeof(coefficients)));
    std::vector<Complex> input(count), expected(count);
    std::vector<int> values(count);
    long long sum = 0;
    for (int i = 0; i < count; i++) {
        // Gaussian integers: exact in f32.
        input[i] = {static_cast<float>(mix(i) % 15) - 7, static_cast<float>(mix(~i) % 15) - 7};
        expected[i] = horner(coefficients, 4, input[i]);
        values[i] = static_cast<int>(mix(i));
        sum += values[i];
    }
    Complex* output_device = device_zeros<Complex>(count);
    evaluate<<<(count + 127) / 128, 128>>>(to_device(input), output_device, count);
    CHECK_KERNEL();
    std::vector<Complex> output = to_host(output_device, count);
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += output[i].re != expected[i].re || output[i].im != expected[i].im;
    printf("polynomial: mismatches %d\n", wrong);
    long long* result = device_zeros<long long>(1);
    sums<<<8, 256>>>(to_device(values), count, result);
    CHECK_KERNEL();
    printf("sum %lld (%lld)\n", to_host(result, 1)[0], sum);
    int* branches_device = device_zeros<int>(32);
    branches<<<1, 32>>>(branches_device);
    CHECK_KERNEL();
    for (int value : to_host(branches_device, 32)) printf("%d ", value);
    printf("\n");
    return 0;
}

// RUN: nvcc -G
// EXPECT-EXIT: 0
// EXPECT: polynomial: mismatches 0
// EXPECT: sum 135699183051 (135699183051)
// EXPECT: 677 677 1009 1009 4947 4947 19007 19007 7489 7489 23502 23502 66457 66457 21889 21889 56969 56969 142643 142643 42769 42769 104324 104324 247437 247437 71601 71601 166527 166527 381479 381479
