// Pinned and mapped host memory: kernels that work on it directly, write-combined allocations, pointer attributes, and
// an atomic counter in host memory.
#include "case.h"

__global__ void scale(const int* input, int* output, int count, int factor) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = input[i] * factor;
}

__global__ void count_up(int* counter) { atomicAdd(counter, static_cast<int>(threadIdx.x)); }

const char* type_name(const void* pointer) {
    cudaPointerAttributes attributes;
    CHECK(cudaPointerGetAttributes(&attributes, pointer));
    switch (attributes.type) {
        case cudaMemoryTypeUnregistered: return "unregistered";
        case cudaMemoryTypeHost: return attributes.devicePointer ? "host, visible to the device" : "host";
        case cudaMemoryTypeDevice: return attributes.hostPointer ? "device with a host address" : "device";
        case cudaMemoryTypeManaged: return "managed";
    }
    return "?";
}

int main() {
    const int count = 5000;
    int *input, *output, *combined, *input_device, *output_device;
    CHECK(cudaHostAlloc(&input, count * sizeof(int), cudaHostAllocMapped | cudaHostAllocPortable));
    CHECK(cudaHostAlloc(&output, count * sizeof(int), cudaHostAllocMapped));
    CHECK(cudaHostAlloc(&combined, count * sizeof(int), cudaHostAllocWriteCombined));
    CHECK(cudaHostGetDevicePointer(&input_device, input, 0));
    CHECK(cudaHostGetDevicePointer(&output_device, output, 0));
    for (int i = 0; i < count; i++) input[i] = combined[i] = static_cast<int>(mix(i) % 1000);
    scale<<<(count + 255) / 256, 256>>>(input_device, output_device, count, 3);
    CHECK_KERNEL();
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += output[i] != input[i] * 3;
    printf("mapped: mismatches %d\n", wrong);

    // With unified addressing the host pointers themselves are valid in kernels.
    scale<<<(count + 255) / 256, 256>>>(input, output, count, -2);
    CHECK_KERNEL();
    wrong = 0;
    for (int i = 0; i < count; i++) wrong += output[i] != input[i] * -2;
    printf("unified: mismatches %d\n", wrong);

    int* device = device_alloc<int>(count);
    CHECK(cudaMemcpyAsync(device, combined, count * sizeof(int), cudaMemcpyHostToDevice));
    scale<<<(count + 255) / 256, 256>>>(device, device, count, 7);
    CHECK(cudaMemcpyAsync(output, device, count * sizeof(int), cudaMemcpyDeviceToHost));
    CHECK(cudaDeviceSynchronize());
    wrong = 0;
    for (int i = 0; i < count; i++) wrong += output[i] != input[i] * 7;
    printf("write-combined: mismatches %d\n", wrong);

    *output = 0;
    count_up<<<10, 64>>>(output);
    CHECK_KERNEL();
    printf("counter in host memory: %d\n", *output);

    unsigned flags = 0;
    CHECK(cudaHostGetFlags(&flags, input));
    printf("portable and mapped: %s\n", (flags & 3) == 3 ? "yes" : "no");
    int local = 0;
    printf("pinned: %s\ndevice: %s\nstack: %s\n", type_name(input + 7), type_name(device + 7), type_name(&local));
    CHECK(cudaFreeHost(input));
    CHECK(cudaFreeHost(output));
    CHECK(cudaFreeHost(combined));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: mapped: mismatches 0
// EXPECT: unified: mismatches 0
// EXPECT: write-combined: mismatches 0
// EXPECT: counter in host memory: 20160
// EXPECT: portable and mapped: yes
// EXPECT: pinned: host, visible to the device
// EXPECT: device: device
// EXPECT: stack: unregistered
