// Halves, fractions of ten bits, sRGB, and textures with fewer components than are read of them.
#include <cuda_fp16.h>

#include "case.h"

constexpr int count = 1024;

__global__ void read_half(cudaTextureObject_t texture, float* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    output[i] = tex1D<float>(texture, i + 0.5f);
}

__global__ void read_half4(cudaTextureObject_t texture, float4* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    output[i] = tex1D<float4>(texture, i + 0.5f);
}

__global__ void read_rounded(cudaTextureObject_t texture, int4* output, float scale, float last_scale) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float4 value = tex1D<float4>(texture, i + 0.5f);
    output[i] = make_int4(rintf(value.x * scale), rintf(value.y * scale), rintf(value.z * scale),
                          rintf(value.w * last_scale));
}

cudaTextureObject_t texture_of(const void* texels, cudaChannelFormatDesc format, size_t bytes, bool srgb,
                               cudaTextureReadMode mode) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    CHECK(cudaMallocArray(&resource.res.array.array, &format, count));
    CHECK(cudaMemcpy2DToArray(resource.res.array.array, 0, 0, texels, bytes, bytes, 1, cudaMemcpyHostToDevice));
    cudaTextureDesc description = {};
    description.addressMode[0] = cudaAddressModeClamp;
    description.readMode = mode;
    description.sRGB = srgb;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

int main() {
    std::vector<__half> halves(count * 4);
    std::vector<float> values(count * 4);
    for (size_t i = 0; i < halves.size(); i++) {
        // Normal numbers, subnormal ones, zeros, both signs.
        values[i] = ldexpf((int)(mix(i) % 2047) - 1023, (int)(mix(i) >> 16) % 20 - 24);
        halves[i] = __float2half_rn(values[i]);
        values[i] = __half2float(halves[i]);
    }
    float4* output = device_zeros<float4>(count);
    cudaTextureObject_t texture =
        texture_of(halves.data(), cudaCreateChannelDescHalf(), count * 2, false, cudaReadModeElementType);
    read_half<<<count / 128, 128>>>(texture, reinterpret_cast<float*>(output));
    CHECK_KERNEL();
    std::vector<float> got = to_host(reinterpret_cast<float*>(output), count * 4);
    got.resize(count);
    std::vector<float> expected(values.begin(), values.begin() + count);
    printf("half: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));
    texture = texture_of(halves.data(), cudaCreateChannelDescHalf4(), count * 8, false, cudaReadModeElementType);
    read_half4<<<count / 128, 128>>>(texture, output);
    CHECK_KERNEL();
    got = to_host(reinterpret_cast<float*>(output), count * 4);
    printf("half4: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, values));

    // sRGB, rounded to a coarse scale; the fourth component is linear.
    std::vector<uchar4> colours(count);
    for (int i = 0; i < count; i++) colours[i] = make_uchar4(i, i * 3, i * 7, i * 5);
    int4* rounded = device_zeros<int4>(count);
    texture = texture_of(colours.data(), cudaCreateChannelDesc<uchar4>(), count * 4, true, cudaReadModeNormalizedFloat);
    read_rounded<<<count / 128, 128>>>(texture, rounded, 100, 255);
    CHECK_KERNEL();
    auto linear = [](unsigned char byte) {
        double c = byte / 255.0;
        return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
    };
    int wrong = 0;
    std::vector<int4> found = to_host(rounded, count);
    for (int i = 0; i < count; i++) {
        auto near = [&](int got, unsigned char byte) { return fabs(got - linear(byte) * 100) < 0.75; };
        wrong += !near(found[i].x, colours[i].x) || !near(found[i].y, colours[i].y) || !near(found[i].z, colours[i].z);
        wrong += found[i].w != colours[i].w;
    }
    printf("srgb: mismatches %d\n", wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: half: d4fc236017159d8d, mismatches 0
// EXPECT: half4: c4f069ef531c87c3, mismatches 0
// EXPECT: srgb: mismatches 0
