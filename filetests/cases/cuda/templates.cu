// Templates: kernels over types, values, functors, variadic packs and compile-time recursion.
#include <type_traits>

#include "case.h"

template <typename T, int scale>
struct Scale {
    __host__ __device__ T operator()(T x) const { return static_cast<T>(x * static_cast<T>(scale)); }
};

template <typename T>
struct Square {
    __host__ __device__ T operator()(T x) const { return static_cast<T>(x * x); }
};

template <typename First, typename... Rest>
struct Chain {
    First first;
    Chain<Rest...> rest;
    template <typename T>
    __host__ __device__ T operator()(T x) const {
        return rest(first(x));
    }
};
template <typename Last>
struct Chain<Last> {
    Last last;
    template <typename T>
    __host__ __device__ T operator()(T x) const {
        return last(x);
    }
};

template <int n>
struct Power {
    template <typename T>
    static __host__ __device__ T of(T x) {
        if constexpr (n == 0) return 1;
        else if constexpr (n % 2 == 0) return Power<n / 2>::of(static_cast<T>(x * x));
        else return static_cast<T>(x * Power<n - 1>::of(x));
    }
};

template <typename T, typename F>
__global__ void transform(const T* input, T* output, int count, F f) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = static_cast<T>(f(input[i]) + Power<5>::of(input[i]));
}

template <typename... T>
__global__ void sum_sizes(unsigned* result) {
    *result = (0u + ... + static_cast<unsigned>(sizeof(T) * alignof(T)));
}

template <typename T>
void run(const char* name) {
    const int count = 20000;
    Chain<Scale<T, 3>, Square<T>, Scale<T, -7>> chain;
    std::vector<T> input(count), expected(count);
    for (int i = 0; i < count; i++) {
        input[i] = static_cast<T>(static_cast<int>(mix(i) % 9) - 4);
        expected[i] = static_cast<T>(chain(input[i]) + Power<5>::of(input[i]));
    }
    T* input_device = to_device(input);
    T* output_device = device_zeros<T>(count);
    transform<<<(count + 255) / 256, 256>>>(input_device, output_device, count, chain);
    CHECK_KERNEL();
    std::vector<T> output = to_host(output_device, count);
    double total = 0;
    for (T value : output) total += static_cast<double>(value);
    printf("%-8s sum %.0f, mismatches %d\n", name, total, mismatches(output, expected));
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
}

int main() {
    run<signed char>("int8");
    run<short>("int16");
    run<int>("int32");
    run<long long>("int64");
    run<unsigned>("uint32");
    run<float>("float");
    run<double>("double");
    unsigned* sizes = device_zeros<unsigned>(1);
    sum_sizes<char, short, int, long long, float4, double2><<<1, 1>>>(sizes);
    CHECK_KERNEL();
    printf("sizes %u\n", to_host(sizes, 1)[0]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: int8     sum -427248, mismatches 0
// EXPECT: int16    sum -8397296, mismatches 0
// EXPECT: int32    sum -8397296, mismatches 0
// EXPECT: int64    sum -8397296, mismatches 0
// EXPECT: uint32   sum 66657884036624, mismatches 0
// EXPECT: float    sum -8397296, mismatches 0
// EXPECT: double   sum -8397296, mismatches 0
// EXPECT: sizes 597
