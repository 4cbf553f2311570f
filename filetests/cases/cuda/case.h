// What the cases share: error checks, reproducible input, checksums and short names for copies.
//
// A case prints only what is the same on every GPU: no times, no addresses, no device names.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

// Ends the program with the failing call and its error, so that a wrong answer is never mistaken for a right one.
#define CHECK(call)                                                                      \
    do {                                                                                 \
        cudaError_t check_error = (call);                                                \
        if (check_error != cudaSuccess) {                                                \
            printf("line %d: %s: %s\n", __LINE__, #call, cudaGetErrorName(check_error)); \
            exit(2);                                                                     \
        }                                                                                \
    } while (0)

// Reports a launch that was refused as well as a kernel that failed while it ran.
#define CHECK_KERNEL()                  \
    do {                                \
        CHECK(cudaGetLastError());      \
        CHECK(cudaDeviceSynchronize()); \
    } while (0)

// A 32-bit mixing function (Wellons' lowbias32): random-looking input that host and device both can make.
__host__ __device__ inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

// FNV-1a over the bytes of `count` values.
template <typename T>
uint64_t checksum(const T* values, size_t count) {
    const unsigned char* bytes = reinterpret_cast<const unsigned char*>(values);
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < count * sizeof(T); i++) hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

template <typename T>
uint64_t checksum(const std::vector<T>& values) {
    return checksum(values.data(), values.size());
}

template <typename T>
T* device_alloc(size_t count) {
    T* memory = nullptr;
    CHECK(cudaMalloc(reinterpret_cast<void**>(&memory), count * sizeof(T)));
    return memory;
}

template <typename T>
T* device_zeros(size_t count) {
    T* memory = device_alloc<T>(count);
    CHECK(cudaMemset(memory, 0, count * sizeof(T)));
    return memory;
}

template <typename T>
T* to_device(const std::vector<T>& values) {
    T* memory = device_alloc<T>(values.size());
    CHECK(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    return memory;
}

template <typename T>
std::vector<T> to_host(const T* memory, size_t count) {
    std::vector<T> values(count);
    CHECK(cudaMemcpy(values.data(), memory, count * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
}

// Loads a kernel now. Kernels are loaded lazily, and loading may wait for the device: a kernel that another one waits
// for must be loaded before the waiting begins.
template <typename Kernel>
void preload(Kernel* kernel) {
    cudaFuncAttributes attributes;
    CHECK(cudaFuncGetAttributes(&attributes, kernel));
}

// Number of elements whose bits differ.
template <typename T>
int mismatches(const std::vector<T>& got, const std::vector<T>& expected) {
    if (got.size() != expected.size()) return -1;
    int count = 0;
    for (size_t i = 0; i < got.size(); i++) count += memcmp(&got[i], &expected[i], sizeof(T)) != 0;
    return count;
}
