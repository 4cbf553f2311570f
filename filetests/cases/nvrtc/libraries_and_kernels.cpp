// Libraries independent of contexts: kernels and their attributes, variables, launches with attributes, cooperative
// launch, opt-in shared memory, occupancy, and the number and parameters of a kernel's arguments.
#include "case.h"

const char* source =
    "extern \"C\" __constant__ float factor;\n"
    "extern \"C\" __device__ int finished;\n"
    "extern \"C\" __global__ void __launch_bounds__(128) scale(float* values, short count, double summand) {\n"
    "    __shared__ float staged[128];\n"
    "    int i = blockIdx.x * 128 + threadIdx.x;\n"
    "    staged[threadIdx.x] = i < count ? values[i] : 0;\n"
    "    __syncthreads();\n"
    "    if (i < count) values[i] = staged[threadIdx.x] * factor + (float)summand;\n"
    "}\n"
    "extern \"C\" __global__ void all_arrive(int* order) {\n"
    "    if (threadIdx.x == 0) {\n"
    "        __threadfence();\n"
    "        order[blockIdx.x] = atomicAdd(&finished, 1);\n"
    "        while (*(volatile int*)&finished < gridDim.x) { }\n"
    "    }\n"
    "}\n"
    "extern \"C\" __global__ void large(int* values, int count) {\n"
    "    extern __shared__ int whole[];\n"
    "    for (int i = threadIdx.x; i < count; i += blockDim.x) whole[i] = values[i];\n"
    "    __syncthreads();\n"
    "    for (int i = threadIdx.x; i < count; i += blockDim.x) values[i] = whole[count - 1 - i];\n"
    "}\n";

int main() {
    start();
    CUdevice device;
    CHECK(cuCtxGetDevice(&device));
    CUlibrary library;
    CHECK(cuLibraryLoadData(&library, compile(source).c_str(), nullptr, nullptr, 0, nullptr, nullptr, 0));
    unsigned kernels = 0;
    CHECK(cuLibraryGetKernelCount(&kernels, library));
    printf("kernels %u\n", kernels);

    CUkernel scale;
    CUdeviceptr factor;
    size_t size;
    int bound = 0, shared = 0;
    CHECK(cuLibraryGetKernel(&scale, library, "scale"));
    CHECK(cuLibraryGetGlobal(&factor, &size, library, "factor"));
    CHECK(cuKernelGetAttribute(&bound, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, scale, device));
    CHECK(cuKernelGetAttribute(&shared, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, scale, device));
    printf("factor has %zu bytes, threads at most %d, shared memory %d\n", size, bound, shared);
    for (size_t index = 0;; index++) {
        size_t offset = 0, bytes = 0;
        if (cuKernelGetParamInfo(scale, index, &offset, &bytes) != CUDA_SUCCESS) break;
        printf("parameter %zu: offset %zu, size %zu\n", index, offset, bytes);
    }
    float five = 5;
    CHECK(cuMemcpyHtoD(factor, &five, sizeof(five)));
    std::vector<float> values(1000), expected(1000);
    for (int i = 0; i < 1000; i++) values[i] = static_cast<float>(i), expected[i] = i < 900 ? i * 5.0f + 0.5f : i;
    CUdeviceptr memory = to_device(values);
    short count = 900;
    double summand = 0.5;
    void* arguments[] = {&memory, &count, &summand};
    // A kernel's handle takes the place of a function's.
    CHECK(cuLaunchKernel(reinterpret_cast<CUfunction>(scale), 8, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    printf("scale: %s\n", to_host<float>(memory, 1000) == expected ? "ok" : "WRONG");

    CUkernel all_arrive;
    CHECK(cuLibraryGetKernel(&all_arrive, library, "all_arrive"));
    CUdeviceptr order = to_device(std::vector<int>(12, -1));
    void* order_argument[] = {&order};
    CUlaunchAttribute attribute = {};
    attribute.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    attribute.value.cooperative = 1;
    CUlaunchConfig configuration = {};
    configuration.gridDimX = 12;
    configuration.gridDimY = configuration.gridDimZ = configuration.blockDimY = configuration.blockDimZ = 1;
    configuration.blockDimX = 64;
    configuration.attrs = &attribute;
    configuration.numAttrs = 1;
    CHECK(cuLaunchKernelEx(&configuration, reinterpret_cast<CUfunction>(all_arrive), order_argument, nullptr));
    int sum = 0;
    for (int place : to_host<int>(order, 12)) sum += place;
    printf("places add up to %d\n", sum);

    CUfunction large;
    CUkernel large_kernel;
    CHECK(cuLibraryGetKernel(&large_kernel, library, "large"));
    CHECK(cuKernelGetFunction(&large, large_kernel));
    int length = 15 * 1024, bytes = length * 4;
    std::vector<int> numbers(length);
    for (int i = 0; i < length; i++) numbers[i] = i;
    CUdeviceptr numbers_device = to_device(numbers);
    void* large_arguments[] = {&numbers_device, &length};
    printf("60 KiB without opt-in: %s\n",
           name_of(cuLaunchKernel(large, 1, 1, 1, 256, 1, 1, bytes, nullptr, large_arguments, nullptr)));
    CHECK(cuFuncSetAttribute(large, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes));
    CHECK(cuLaunchKernel(large, 1, 1, 1, 256, 1, 1, bytes, nullptr, large_arguments, nullptr));
    std::vector<int> reversed = to_host<int>(numbers_device, length);
    printf("60 KiB with opt-in: %d %d\n", reversed[0], reversed[length - 1]);

    int blocks = 0, minimum = 0, suggested = 0;
    CHECK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, large, 256, bytes));
    CHECK(cuOccupancyMaxPotentialBlockSize(&minimum, &suggested, reinterpret_cast<CUfunction>(scale), nullptr, 0, 0));
    printf("some blocks fit: %s, suggested %d\n", blocks >= 1 ? "yes" : "no", suggested);
    printf("no such kernel: %s\n", name_of(cuLibraryGetKernel(&scale, library, "missing")));
    CHECK(cuLibraryUnload(library));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: kernels 3
// EXPECT: factor has 4 bytes, threads at most 128, shared memory 512
// EXPECT: parameter 0: offset 0, size 8
// EXPECT: parameter 1: offset 8, size 2
// EXPECT: parameter 2: offset 16, size 8
// EXPECT: scale: ok
// EXPECT: places add up to 66
// EXPECT: 60 KiB without opt-in: CUDA_ERROR_INVALID_VALUE
// EXPECT: 60 KiB with opt-in: 15359 0
// EXPECT: some blocks fit: yes, suggested 128
// EXPECT: no such kernel: CUDA_ERROR_NOT_FOUND
