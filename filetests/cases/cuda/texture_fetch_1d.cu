// Linear memory read through tex1Dfetch: elements of several types, in order and scattered, and zeros beyond the end.
#include "case.h"

template <typename T>
cudaTextureObject_t texture_of(const T* memory, size_t count) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeLinear;
    resource.res.linear.devPtr = const_cast<T*>(memory);
    resource.res.linear.desc = cudaCreateChannelDesc<T>();
    resource.res.linear.sizeInBytes = count * sizeof(T);
    cudaTextureDesc description = {};
    description.readMode = cudaReadModeElementType;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

template <typename T>
__global__ void fetch(cudaTextureObject_t texture, T* output, int count, int factor) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = tex1Dfetch<T>(texture, (long long)i * factor % count);
}

template <typename T>
void run(const char* name, int count, int factor) {
    std::vector<T> values(count), expected(count);
    unsigned char* bytes = reinterpret_cast<unsigned char*>(values.data());
    for (size_t i = 0; i < count * sizeof(T); i++) bytes[i] = mix(i) & 0x3f;
    for (int i = 0; i < count; i++) expected[i] = values[(long long)i * factor % count];
    T *memory = to_device(values), *output = device_zeros<T>(count);
    cudaTextureObject_t texture = texture_of(memory, count);
    fetch<<<(count + 127) / 128, 128>>>(texture, output, count, factor);
    CHECK_KERNEL();
    std::vector<T> got = to_host(output, count);
    printf("%s: %016llx, mismatches %d\n", name, (unsigned long long)checksum(got), mismatches(got, expected));
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFree(memory));
    CHECK(cudaFree(output));
}

__global__ void outside(cudaTextureObject_t texture, float* output, int count) {
    int i = threadIdx.x;
    output[i] = tex1Dfetch<float>(texture, i < 16 ? count - 16 + i : count - 16 + i * i);
}

int main() {
    run<float>("float in order", 5000, 1);
    run<float>("float scattered", 5000, 1237);
    run<int>("int", 4096, 5);
    run<unsigned char>("unsigned char", 4096, 7);
    run<short2>("short2", 3001, 11);
    run<uchar4>("uchar4", 3001, 13);
    run<uint4>("uint4", 2000, 17);
    run<float2>("float2", 2000, 19);

    const int count = 1000;
    std::vector<float> values(count, 1.5f);
    float *memory = to_device(values), *output = device_zeros<float>(32);
    cudaTextureObject_t texture = texture_of(memory, count);
    outside<<<1, 32>>>(texture, output, count);
    CHECK_KERNEL();
    std::vector<float> got = to_host(output, 32);
    int inside = 0, zeros = 0;
    for (int i = 0; i < 32; i++) inside += i < 16 && got[i] == 1.5f, zeros += i >= 16 && got[i] == 0;
    printf("inside %d, zeros beyond the end %d\n", inside, zeros);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: float in order: b492c9332b89b143, mismatches 0
// EXPECT: float scattered: cd42e0f2ad30418f, mismatches 0
// EXPECT: int: dee9c53c3d3880d4, mismatches 0
// EXPECT: unsigned char: b134b6717dc3a682, mismatches 0
// EXPECT: short2: e82cf45d2b066e5a, mismatches 0
// EXPECT: uchar4: 4ab3042632e9df76, mismatches 0
// EXPECT: uint4: 75371ee28f02fa65, mismatches 0
// EXPECT: float2: 41f444ec7da07d3f, mismatches 0
// EXPECT: inside 16, zeros beyond the end 16
