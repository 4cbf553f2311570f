// Integers read as fractions: bytes and shorts, signed and unsigned, and the formats that are always read so. Results are rounded
// back to what is in memory.
#include "case.h"

constexpr int width = 256, height = 256;

template <typename T>
__device__ void put(T value, float scale, int* output);

template <>
__device__ void put(float value, float scale, int* output) {
    output[0] = __float2int_rn(value * scale);
}

template <>
__device__ void put(float4 value, float scale, int* output) {
    output[0] = __float2int_rn(value.x * scale);
    output[1] = __float2int_rn(value.y * scale);
    output[2] = __float2int_rn(value.z * scale);
    output[3] = __float2int_rn(value.w * scale);
}

template <typename T>
__global__ void read(cudaTextureObject_t texture, float scale, int channels, int* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
    put(tex2D<T>(texture, x + 0.5f, y + 0.5f), scale, output + (y * width + x) * channels);
}

template <typename Component, typename Result>
void run(const char* name, int channels, cudaChannelFormatDesc format, float scale, cudaTextureReadMode mode) {
    std::vector<Component> texels(width * height * channels);
    for (size_t i = 0; i < texels.size(); i++) texels[i] = (Component)(channels == 1 ? i : mix(i));
    cudaArray_t array;
    size_t row = width * channels * sizeof(Component);
    CHECK(cudaMallocArray(&array, &format, width, height));
    CHECK(cudaMemcpy2DToArray(array, 0, 0, texels.data(), row, row, height, cudaMemcpyHostToDevice));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc description = {};
    description.readMode = mode;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    int* output = device_zeros<int>(texels.size());
    read<Result><<<dim3(width / 64, height), 64>>>(texture, scale, channels, output);
    CHECK_KERNEL();
    std::vector<int> got = to_host(output, texels.size());
    int wrong = 0;
    for (size_t i = 0; i < texels.size(); i++) {
        // The smallest signed number is as far from zero as the largest.
        int expected = (float)texels[i] < -scale ? (int)-scale : (int)texels[i];
        wrong += got[i] != expected;
    }
    printf("%s: %016llx, mismatches %d\n", name, (unsigned long long)checksum(got), wrong);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(output));
}

int main() {
    auto fractions = cudaReadModeNormalizedFloat;
    run<unsigned char, float>("unsigned char", 1, cudaCreateChannelDesc<unsigned char>(), 255, fractions);
    run<signed char, float>("signed char", 1, cudaCreateChannelDesc<signed char>(), 127, fractions);
    run<unsigned short, float>("unsigned short", 1, cudaCreateChannelDesc<unsigned short>(), 65535, fractions);
    run<short, float>("short", 1, cudaCreateChannelDesc<short>(), 32767, fractions);
    run<unsigned char, float4>("uchar4", 4, cudaCreateChannelDesc<uchar4>(), 255, fractions);
    run<short, float4>("short4", 4, cudaCreateChannelDesc<short4>(), 32767, fractions);
    cudaChannelFormatDesc always = cudaCreateChannelDesc(8, 8, 8, 8, cudaChannelFormatKindUnsignedNormalized8X4);
    run<unsigned char, float4>("normalized 8x4", 4, always, 255, fractions);
    always = cudaCreateChannelDesc(16, 0, 0, 0, cudaChannelFormatKindSignedNormalized16X1);
    run<short, float>("signed normalized 16x1", 1, always, 32767, fractions);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: unsigned char: 3aa22e3d3aae2325, mismatches 0
// EXPECT: signed char: 5fbaec954546a325, mismatches 0
// EXPECT: unsigned short: e6805697b3c7f325, mismatches 0
// EXPECT: short: 2c6f11237359d324, mismatches 0
// EXPECT: uchar4: 13bfe24cd67c51c8, mismatches 0
// EXPECT: short4: d04c9d6613b58224, mismatches 0
// EXPECT: normalized 8x4: 13bfe24cd67c51c8, mismatches 0
// EXPECT: signed normalized 16x1: 2c6f11237359d324, mismatches 0
