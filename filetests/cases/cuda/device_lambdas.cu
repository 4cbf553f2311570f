// Extended lambdas: captured by value, generic, host-device, nested, and with a structure captured.
#include "case.h"

template <typename F>
__global__ void for_each_index(int count, F f) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) f(i);
}

template <typename F>
void parallel_for(int count, F f) {
    for_each_index<<<(count + 127) / 128, 128>>>(count, f);
    CHECK_KERNEL();
}

struct Polynomial {
    int coefficients[6];
};

int main() {
    const int count = 50000;
    int* output = device_zeros<int>(count);
    std::vector<int> expected(count);

    int factor = 3, offset = -11;
    parallel_for(count, [=] __device__(int i) { output[i] = i * factor + offset; });
    for (int i = 0; i < count; i++) expected[i] = i * factor + offset;
    printf("captured values: mismatches %d\n", mismatches(to_host(output, count), expected));

    Polynomial p = {{5, -4, 3, 0, 1, 2}};
    auto f = [=] __host__ __device__(int x) {
        int sum = 0;
        for (int k = 5; k >= 0; k--) sum = sum * x + p.coefficients[k];
        return sum;
    };
    parallel_for(count, [=] __device__(int i) { output[i] = f(i % 50); });
    for (int i = 0; i < count; i++) expected[i] = f(i % 50);
    printf("host-device lambda: mismatches %d, f(7) = %d\n", mismatches(to_host(output, count), expected), f(7));

    parallel_for(count, [=] __device__(int i) {
        auto repeat = [](int times, int x, auto step) {
            for (int k = 0; k < times; k++) x = step(x);
            return x;
        };
        output[i] = repeat(i % 10, i, [i](int x) { return x ^ (x << 1) ^ i; });
    });
    for (int i = 0; i < count; i++) {
        expected[i] = i;
        for (int k = 0; k < i % 10; k++) expected[i] = expected[i] ^ (expected[i] << 1) ^ i;
    }
    printf("nested generic lambda: mismatches %d\n", mismatches(to_host(output, count), expected));

    long long* total = device_zeros<long long>(1);
    parallel_for(count, [output, total] __device__(int i) {
        atomicAdd(reinterpret_cast<unsigned long long*>(total), static_cast<unsigned long long>(output[i] & 0xff));
    });
    long long sum = 0;
    for (int value : expected) sum += value & 0xff;
    printf("reduced by a lambda: %lld, expected %lld\n", to_host(total, 1)[0], sum);
    return 0;
}

// RUN: nvcc --extended-lambda
// EXPECT-EXIT: 0
// EXPECT: captured values: mismatches 0
// EXPECT: host-device lambda: mismatches 0, f(7) = 36139
// EXPECT: nested generic lambda: mismatches 0
// EXPECT: reduced by a lambda: 6373400, expected 6373400
