// cudaHostRegister: memory that the program allocated itself becomes visible to kernels, and stops being so.
#include "case.h"

__global__ void increment(unsigned* values, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i] = mix(values[i] + 1);
}

int main() {
    const int count = 32768;
    unsigned* memory = static_cast<unsigned*>(aligned_alloc(4096, count * sizeof(unsigned)));
    for (int i = 0; i < count; i++) memory[i] = i;
    CHECK(cudaHostRegister(memory, count * sizeof(unsigned), cudaHostRegisterMapped));
    unsigned* device = nullptr;
    CHECK(cudaHostGetDevicePointer(&device, memory, 0));
    increment<<<count / 256, 256>>>(device, count);
    CHECK_KERNEL();
    // A pointer into the middle is translated too.
    unsigned* middle = nullptr;
    CHECK(cudaHostGetDevicePointer(&middle, memory + count / 2, 0));
    increment<<<count / 512, 256>>>(middle, count / 2);
    CHECK_KERNEL();
    int wrong = 0;
    for (int i = 0; i < count; i++) {
        unsigned expected = mix(i + 1);
        if (i >= count / 2) expected = mix(expected + 1);
        wrong += memory[i] != expected;
    }
    printf("mismatches %d\n", wrong);

    printf("registered twice: %s\n",
           cudaGetErrorName(cudaHostRegister(memory, count * sizeof(unsigned), cudaHostRegisterDefault)));
    cudaPointerAttributes attributes;
    CHECK(cudaPointerGetAttributes(&attributes, memory + 100));
    printf("while registered: %s\n", attributes.type == cudaMemoryTypeHost ? "host" : "other");
    CHECK(cudaHostUnregister(memory));
    CHECK(cudaPointerGetAttributes(&attributes, memory + 100));
    printf("afterwards: %s\n", attributes.type == cudaMemoryTypeUnregistered ? "unregistered" : "other");
    printf("unregistered twice: %s\n", cudaGetErrorName(cudaHostUnregister(memory)));
    free(memory);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: mismatches 0
// EXPECT: registered twice: cudaErrorHostMemoryAlreadyRegistered
// EXPECT: while registered: host
// EXPECT: afterwards: unregistered
// EXPECT: unregistered twice: cudaErrorHostMemoryNotRegistered
