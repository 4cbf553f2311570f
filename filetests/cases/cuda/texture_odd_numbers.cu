// What textures of floats and halves make of zeros with a sign, subnormals, infinities and NaNs: read at a point, fetched by an integer,
// interpolated at the middle of a texel and between two.
#include "case.h"

__global__ void read(cudaTextureObject_t points, cudaTextureObject_t linear, cudaTextureObject_t row, int count, uint32_t* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    out[4 * i] = __float_as_uint(tex2D<float>(points, i + 0.5f, 0.5f));
    out[4 * i + 1] = __float_as_uint(tex1Dfetch<float>(row, i));
    out[4 * i + 2] = __float_as_uint(tex2D<float>(linear, i + 0.5f, 0.5f));
    out[4 * i + 3] = __float_as_uint(tex2D<float>(linear, i + 0.75f, 0.5f));
}

cudaTextureObject_t texture(const cudaResourceDesc& resource, cudaTextureFilterMode filter) {
    cudaTextureDesc description = {};
    description.filterMode = filter;
    description.addressMode[0] = description.addressMode[1] = cudaAddressModeClamp;
    cudaTextureObject_t object = 0;
    CHECK(cudaCreateTextureObject(&object, &resource, &description, nullptr));
    return object;
}

template <typename T>
void run(const char* name, cudaChannelFormatDesc format, const std::vector<T>& texels) {
    int count = static_cast<int>(texels.size());
    cudaArray_t array;
    CHECK(cudaMallocArray(&array, &format, count, 1));
    CHECK(cudaMemcpy2DToArray(array, 0, 0, texels.data(), count * sizeof(T), count * sizeof(T), 1, cudaMemcpyHostToDevice));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaResourceDesc plain = {};
    plain.resType = cudaResourceTypeLinear;
    plain.res.linear.devPtr = to_device(texels);
    plain.res.linear.desc = format;
    plain.res.linear.sizeInBytes = count * sizeof(T);
    uint32_t* out = device_zeros<uint32_t>(4 * count);
    read<<<1, 64>>>(texture(resource, cudaFilterModePoint), texture(resource, cudaFilterModeLinear),
                    texture(plain, cudaFilterModePoint), count, out);
    CHECK_KERNEL();
    std::vector<uint32_t> found = to_host(out, 4 * count);
    for (int i = 0; i < count; i++)
        printf("%s %x: point %08x, fetched %08x, middle %08x, between %08x\n", name, static_cast<unsigned>(texels[i]), found[4 * i],
               found[4 * i + 1], found[4 * i + 2], found[4 * i + 3]);
}

int main() {
    run<uint32_t>("f32", cudaCreateChannelDesc<float>(),
                  {0x00000000, 0x80000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x3f800000, 0x7f800000, 0x3f800000,
                   0xff800000, 0x3f800000, 0x7fc00000, 0x3f800000, 0xffc00001, 0x3f800000, 0x7f812345, 0x3f800000, 0xffffffff, 0x7f800000,
                   0xff800000, 0x7f7fffff, 0x7f7fffff});
    run<uint16_t>("f16", cudaCreateChannelDescHalf(),
                  {0x0000, 0x8000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x3c00, 0x7c00, 0x3c00, 0xfc00, 0x3c00, 0x7e00, 0x3c00, 0xfe01, 0x3c00, 0x7d23,
                   0x3c00, 0xffff, 0x7bff});
    return 0;
}

// RUN: nvcc -arch=compute_75
// EXPECT-EXIT: 0
// EXPECT: f32 0: point 00000000, fetched 00000000, middle 00000000, between 00000000
// EXPECT: f32 80000000: point 80000000, fetched 80000000, middle 80000000, between 80000000
// EXPECT: f32 80000000: point 80000000, fetched 80000000, middle 80000000, between 00000000
// EXPECT: f32 1: point 00000001, fetched 00000001, middle 00000000, between 00000000
// EXPECT: f32 80000001: point 80000001, fetched 80000001, middle 80000000, between 00000000
// EXPECT: f32 7fffff: point 007fffff, fetched 007fffff, middle 00000000, between 00000000
// EXPECT: f32 807fffff: point 807fffff, fetched 807fffff, middle 80000000, between 3e800000
// EXPECT: f32 3f800000: point 3f800000, fetched 3f800000, middle 3f800000, between 7f800000
// EXPECT: f32 7f800000: point 7f800000, fetched 7f800000, middle 7f800000, between 7f800000
// EXPECT: f32 3f800000: point 3f800000, fetched 3f800000, middle 3f800000, between ff800000
// EXPECT: f32 ff800000: point ff800000, fetched ff800000, middle ff800000, between ff800000
// EXPECT: f32 3f800000: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffffff
// EXPECT: f32 7fc00000: point 7fc00000, fetched 7fc00000, middle 7fffffff, between 7fffffff
// EXPECT: f32 3f800000: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffffff
// EXPECT: f32 ffc00001: point ffc00001, fetched ffc00001, middle 7fffffff, between 7fffffff
// EXPECT: f32 3f800000: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffffff
// EXPECT: f32 7f812345: point 7f812345, fetched 7f812345, middle 7fffffff, between 7fffffff
// EXPECT: f32 3f800000: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffffff
// EXPECT: f32 ffffffff: point ffffffff, fetched ffffffff, middle 7fffffff, between 7fffffff
// EXPECT: f32 7f800000: point 7f800000, fetched 7f800000, middle 7f800000, between 7fffffff
// EXPECT: f32 ff800000: point ff800000, fetched ff800000, middle ff800000, between ff800000
// EXPECT: f32 7f7fffff: point 7f7fffff, fetched 7f7fffff, middle 7f7fffff, between 7f7fffff
// EXPECT: f32 7f7fffff: point 7f7fffff, fetched 7f7fffff, middle 7f7fffff, between 7f7fffff
// EXPECT: f16 0: point 00000000, fetched 00000000, middle 00000000, between 00000000
// EXPECT: f16 8000: point 80000000, fetched 80000000, middle 80000000, between 80000000
// EXPECT: f16 8000: point 80000000, fetched 80000000, middle 80000000, between 00000000
// EXPECT: f16 1: point 33800000, fetched 33800000, middle 33800000, between 33800000
// EXPECT: f16 8001: point b3800000, fetched b3800000, middle b3800000, between 377f0000
// EXPECT: f16 3ff: point 387fc000, fetched 387fc000, middle 387fc000, between 3e800000
// EXPECT: f16 3c00: point 3f800000, fetched 3f800000, middle 3f800000, between 7f800000
// EXPECT: f16 7c00: point 7f800000, fetched 7f800000, middle 7f800000, between 7f800000
// EXPECT: f16 3c00: point 3f800000, fetched 3f800000, middle 3f800000, between ff800000
// EXPECT: f16 fc00: point ff800000, fetched ff800000, middle ff800000, between ff800000
// EXPECT: f16 3c00: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffe000
// EXPECT: f16 7e00: point 7fc00000, fetched 7fc00000, middle 7fffe000, between 7fffe000
// EXPECT: f16 3c00: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffe000
// EXPECT: f16 fe01: point ffc02000, fetched ffc02000, middle 7fffe000, between 7fffe000
// EXPECT: f16 3c00: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffe000
// EXPECT: f16 7d23: point 7fa46000, fetched 7fa46000, middle 7fffe000, between 7fffe000
// EXPECT: f16 3c00: point 3f800000, fetched 3f800000, middle 3f800000, between 7fffe000
// EXPECT: f16 ffff: point ffffe000, fetched ffffe000, middle 7fffe000, between 7fffe000
// EXPECT: f16 7bff: point 477fe000, fetched 477fe000, middle 477fe000, between 477fe000
