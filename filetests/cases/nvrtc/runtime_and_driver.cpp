// The runtime API and the driver API in one program: memory, streams and events of one are used with the other, for a
// kernel that NVRTC compiled.
#include <cuda_runtime_api.h>

#include "case.h"

#define CHECK_RUNTIME(call)                                                              \
    do {                                                                                 \
        cudaError_t check_error = (call);                                                \
        if (check_error != cudaSuccess) {                                                \
            printf("line %d: %s: %s\n", __LINE__, #call, cudaGetErrorName(check_error)); \
            exit(2);                                                                     \
        }                                                                                \
    } while (0)

const char* source =
    "extern \"C\" __global__ void mix_all(unsigned* values, int count, unsigned salt) {\n"
    "    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {\n"
    "        unsigned x = values[i] ^ salt;\n"
    "        x ^= x >> 16; x *= 0x7feb352du; x ^= x >> 15; x *= 0x846ca68bu; x ^= x >> 16;\n"
    "        values[i] = x;\n"
    "    }\n}\n";

int main() {
    // The runtime's context is the primary one.
    const int count = 20000;
    std::vector<unsigned> values(count), expected(count);
    unsigned* memory = nullptr;
    CHECK_RUNTIME(cudaMalloc(reinterpret_cast<void**>(&memory), count * sizeof(unsigned)));
    CUcontext current = nullptr, primary = nullptr;
    CHECK(cuCtxGetCurrent(&current));
    CHECK(cuDevicePrimaryCtxRetain(&primary, 0));
    printf("the runtime's context is the primary one: %s\n", current == primary ? "yes" : "no");

    CUmodule module;
    CUfunction function;
    CHECK(cuModuleLoadData(&module, compile(source).c_str()));
    CHECK(cuModuleGetFunction(&function, module, "mix_all"));
    cudaStream_t stream;
    cudaEvent_t event;
    CHECK_RUNTIME(cudaStreamCreate(&stream));
    CHECK_RUNTIME(cudaEventCreate(&event));
    for (int i = 0; i < count; i++) values[i] = i, expected[i] = mix(mix(i ^ 1) ^ 2);
    CHECK_RUNTIME(cudaMemcpyAsync(memory, values.data(), count * sizeof(unsigned), cudaMemcpyHostToDevice, stream));
    for (unsigned salt : {1u, 2u}) {
        int length = count;
        void* arguments[] = {&memory, &length, &salt};
        CHECK(cuLaunchKernel(function, 10, 1, 1, 128, 1, 1, 0, stream, arguments, nullptr));
    }
    CHECK(cuEventRecord(event, stream));
    CHECK_RUNTIME(cudaEventSynchronize(event));
    CHECK(cuMemcpyDtoH(values.data(), reinterpret_cast<CUdeviceptr>(memory), count * sizeof(unsigned)));
    printf("values: %s\n", values == expected ? "ok" : "WRONG");

    // What the driver API allocates, the runtime knows and frees.
    CUdeviceptr other;
    CHECK(cuMemAlloc(&other, 1000));
    cudaPointerAttributes attributes;
    CHECK_RUNTIME(cudaPointerGetAttributes(&attributes, reinterpret_cast<void*>(other)));
    printf("kind: %s\n", attributes.type == cudaMemoryTypeDevice ? "device" : "other");
    CHECK_RUNTIME(cudaFree(reinterpret_cast<void*>(other)));
    printf("freed by both: %s\n", name_of(cuMemFree(other)));
    CHECK_RUNTIME(cudaEventDestroy(event));
    CHECK(cuStreamDestroy(stream));
    CHECK(cuModuleUnload(module));
    CHECK(cuDevicePrimaryCtxRelease(0));
    CHECK_RUNTIME(cudaFree(memory));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: the runtime's context is the primary one: yes
// EXPECT: values: ok
// EXPECT: kind: device
// EXPECT: freed by both: CUDA_ERROR_INVALID_VALUE
