// The other ways to launch: cudaLaunchKernel with argument pointers, cudaLaunchKernelEx with attributes, function
// handles from cudaGetFuncBySymbol, launches inside a loop of streams, and kernels with no arguments.
#include "case.h"

__device__ int touched;

__global__ void no_arguments() { atomicAdd(&touched, 1); }

__global__ void affine(int* values, int count, int factor, int summand) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i] = values[i] * factor + summand;
}

template <typename T, int step>
__global__ void every(T* values, int count) {
    for (int i = (blockIdx.x * blockDim.x + threadIdx.x) * step; i < count; i += gridDim.x * blockDim.x * step)
        values[i] += T(step);
}

int main() {
    const int count = 1000;
    std::vector<int> values(count);
    for (int i = 0; i < count; i++) values[i] = i;
    int* device = to_device(values);
    int length = count, factor = 3, summand = 1;
    void* arguments[] = {&device, &length, &factor, &summand};
    CHECK(cudaLaunchKernel(reinterpret_cast<const void*>(affine), dim3(4), dim3(256), arguments, 0, nullptr));
    factor = 5;  // too late to matter for the launch above

    cudaLaunchConfig_t configuration = {};
    configuration.gridDim = dim3(4);
    configuration.blockDim = dim3(256);
    CHECK(cudaLaunchKernelEx(&configuration, affine, device, count, 2, 10));
    cudaLaunchAttribute attribute[1];
    attribute[0].id = cudaLaunchAttributeCooperative;
    attribute[0].val.cooperative = 1;
    configuration.attrs = attribute;
    configuration.numAttrs = 1;
    CHECK(cudaLaunchKernelEx(&configuration, affine, device, count, -1, 0));

    cudaFunction_t function;
    CHECK(cudaGetFuncBySymbol(&function, reinterpret_cast<const void*>(affine)));
    printf("function handle: %s\n", function != nullptr ? "yes" : "no");
    every<int, 3><<<2, 32>>>(device, count);
    every<int, 7><<<1, 5>>>(device, count);
    CHECK_KERNEL();
    for (int i = 0; i < count; i++) values[i] = -((values[i] * 3 + 1) * 2 + 10) + (i % 3 == 0) * 3 + (i % 7 == 0) * 7;
    printf("mismatches %d\n", mismatches(to_host(device, count), values));

    std::vector<cudaStream_t> streams(5);
    for (cudaStream_t& stream : streams) CHECK(cudaStreamCreate(&stream));
    for (int i = 0; i < 2000; i++) no_arguments<<<1, 1, 0, streams[i % 5]>>>();
    CHECK_KERNEL();
    int times = 0;
    CHECK(cudaMemcpyFromSymbol(&times, touched, sizeof(int)));
    printf("2000 launches: %d\n", times);
    for (cudaStream_t stream : streams) CHECK(cudaStreamDestroy(stream));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: function handle: yes
// EXPECT: mismatches 0
// EXPECT: 2000 launches: 2000
