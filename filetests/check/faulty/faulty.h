// What the faulty programs have in common. They do one thing wrong, and end with 0.
#pragma once
#include <cooperative_groups.h>
#include <cstdio>
#include <cuda_runtime.h>

// Device memory full of zeros.
template <class T> T* zeros(int count) {
    T* memory = nullptr;
    cudaMalloc(&memory, count * sizeof(T));
    cudaMemset(memory, 0, count * sizeof(T));
    return memory;
}

// Device memory that nobody has written.
template <class T> T* unwritten(int count) {
    T* memory = nullptr;
    cudaMalloc(&memory, count * sizeof(T));
    return memory;
}

// Waits for the kernels; what they did wrong is for others to say.
inline int finish() {
    cudaDeviceSynchronize();
    return 0;
}
