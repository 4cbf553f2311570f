// Interpolated reads, to the bit: sums of four texels of each format, and what the texels of three dimensions and of two levels count.
#include "case.h"

constexpr int side = 64, samples = 4096;

__global__ void read_2d(cudaTextureObject_t texture, const float2* places, uint32_t* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = __float_as_uint(tex2D<float>(texture, places[i].x, places[i].y));
}

__global__ void read_3d(cudaTextureObject_t texture, const float4* places, uint32_t* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = __float_as_uint(tex3D<float>(texture, places[i].x, places[i].y, places[i].z));
}

__global__ void read_levels(cudaTextureObject_t texture, const float4* places, uint32_t* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = __float_as_uint(tex2DLod<float>(texture, places[i].x / 4, places[i].y / 4, places[i].z));
}

uint64_t state = 1;
uint32_t next() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<uint32_t>(state >> 33);
}

cudaTextureObject_t interpolated(const cudaResourceDesc& resource, cudaTextureReadMode mode, bool normalized) {
    cudaTextureDesc description = {};
    description.filterMode = description.mipmapFilterMode = cudaFilterModeLinear;
    description.readMode = mode;
    description.normalizedCoords = normalized;
    description.maxMipmapLevelClamp = 10;
    for (auto& address : description.addressMode) address = cudaAddressModeClamp;
    cudaTextureObject_t object = 0;
    CHECK(cudaCreateTextureObject(&object, &resource, &description, nullptr));
    return object;
}

template <typename T, typename Make>
void sums(const char* name, cudaChannelFormatDesc format, cudaTextureReadMode mode, Make make) {
    std::vector<T> texels(side * side);
    for (T& texel : texels) texel = static_cast<T>(make());
    std::vector<float2> places(samples);
    for (float2& place : places)
        place = make_float2(next() % (side - 1) + 0.5f + next() % 256 / 256.0f, next() % (side - 1) + 0.5f + next() % 256 / 256.0f);
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    CHECK(cudaMallocArray(&resource.res.array.array, &format, side, side));
    CHECK(cudaMemcpy2DToArray(resource.res.array.array, 0, 0, texels.data(), side * sizeof(T), side * sizeof(T), side,
                              cudaMemcpyHostToDevice));
    uint32_t* out = device_zeros<uint32_t>(samples);
    read_2d<<<samples / 256, 256>>>(interpolated(resource, mode, false), to_device(places), out);
    CHECK_KERNEL();
    printf("%s: checksum %016llx\n", name, static_cast<unsigned long long>(checksum(to_host(out, samples))));
}

// All texels are 0 but one: what is read is what that one counts.
void counts(bool levels) {
    std::vector<float4> places(samples);
    for (float4& place : places) {
        place = make_float4(next() % 128 / 128.0f, next() % 128 / 128.0f, next() % 256 / 256.0f, 0);
        float first = levels ? 1.5f : 0.5f;
        place.x += first, place.y += first;
        if (!levels) place.z += first;
    }
    float4* device_places = to_device(places);
    cudaChannelFormatDesc format = cudaCreateChannelDesc<unsigned short>();
    for (int one = 0; one < 8; one++) {
        cudaResourceDesc resource = {};
        if (levels) {
            resource.resType = cudaResourceTypeMipmappedArray;
            CHECK(cudaMallocMipmappedArray(&resource.res.mipmap.mipmap, &format, make_cudaExtent(4, 4, 0), 2));
            for (int level = 0; level < 2; level++) {
                int edge = 4 >> level, corner = one % 2 + one / 2 % 2 * edge + (level == 0 ? 5 : 0);
                std::vector<uint16_t> texels(edge * edge);
                if (one / 4 == level) texels[corner] = 65280;
                cudaArray_t array;
                CHECK(cudaGetMipmappedArrayLevel(&array, resource.res.mipmap.mipmap, level));
                CHECK(cudaMemcpy2DToArray(array, 0, 0, texels.data(), 2 * edge, 2 * edge, edge, cudaMemcpyHostToDevice));
            }
        } else {
            resource.resType = cudaResourceTypeArray;
            CHECK(cudaMalloc3DArray(&resource.res.array.array, &format, make_cudaExtent(2, 2, 2)));
            std::vector<uint16_t> texels(8);
            texels[one] = 65280;
            cudaMemcpy3DParms copy = {};
            copy.srcPtr = make_cudaPitchedPtr(texels.data(), 4, 2, 2);
            copy.dstArray = resource.res.array.array;
            copy.extent = make_cudaExtent(2, 2, 2);
            copy.kind = cudaMemcpyHostToDevice;
            CHECK(cudaMemcpy3D(&copy));
        }
        uint32_t* out = device_zeros<uint32_t>(samples);
        cudaTextureObject_t texture = interpolated(resource, cudaReadModeNormalizedFloat, levels);
        if (levels) read_levels<<<samples / 256, 256>>>(texture, device_places, out);
        else read_3d<<<samples / 256, 256>>>(texture, device_places, out);
        CHECK_KERNEL();
        printf("%s, texel %d: checksum %016llx\n", levels ? "levels" : "3d", one,
               static_cast<unsigned long long>(checksum(to_host(out, samples))));
    }
}

int main() {
    cudaChannelFormatDesc half = cudaCreateChannelDescHalf(), single = cudaCreateChannelDesc<float>();
    auto plain = cudaReadModeElementType, fractions = cudaReadModeNormalizedFloat;
    sums<uint16_t>("halves", half, plain, [] { return next() & 0xbbff; });
    sums<uint16_t>("halves close together", half, plain, [] { return 0x3800 + (next() & 0xbff); });
    sums<uint16_t>("subnormal halves", half, plain, [] { return next() & 0x8007; });
    sums<uint32_t>("singles", single, plain, [] { return next() << 1 ^ next(); });
    sums<uint32_t>("singles close together", single, plain, [] { return 0x3f800000 + (next() & 0x80ffffff); });
    sums<uint32_t>("small singles", single, plain, [] { return next() & 0x81ffffff; });
    sums<uint8_t>("bytes", cudaCreateChannelDesc<unsigned char>(), fractions, next);
    sums<uint16_t>("words of 16 bits", cudaCreateChannelDesc<unsigned short>(), fractions, next);
    sums<uint16_t>("signed words of 16 bits", cudaCreateChannelDesc<short>(), fractions, next);
    counts(false);
    counts(true);
    return 0;
}

// RUN: nvcc -arch=compute_75
// EXPECT-EXIT: 0
// EXPECT: halves: checksum 8f3431e44d525b1b
// EXPECT: halves close together: checksum f7e883f8e3c270a6
// EXPECT: subnormal halves: checksum 73ad31212b71ec4c
// EXPECT: singles: checksum 15e237edb0104ce4
// EXPECT: singles close together: checksum ed1976052badab99
// EXPECT: small singles: checksum fd30eeccf46e2dc1
// EXPECT: bytes: checksum 56ed9abd46fd13df
// EXPECT: words of 16 bits: checksum a88e2fddf94c68f2
// EXPECT: signed words of 16 bits: checksum deec3ece56c2e37b
// EXPECT: 3d, texel 0: checksum a0c5adb500c73f6b
// EXPECT: 3d, texel 1: checksum 01aad2cb1885d2f4
// EXPECT: 3d, texel 2: checksum c6e598f287896d9d
// EXPECT: 3d, texel 3: checksum a2ab2bda19e700ea
// EXPECT: 3d, texel 4: checksum 93bffbe6e3230842
// EXPECT: 3d, texel 5: checksum 40d6cee1691a0375
// EXPECT: 3d, texel 6: checksum 7e6f8643cf9a04d1
// EXPECT: 3d, texel 7: checksum 6ce6ae7933dee289
// EXPECT: levels, texel 0: checksum 3078c628db1dfbad
// EXPECT: levels, texel 1: checksum 9438e7b50866d4c0
// EXPECT: levels, texel 2: checksum f779a89077bcb394
// EXPECT: levels, texel 3: checksum e1bc63288367ed32
// EXPECT: levels, texel 4: checksum 591c6482c6df6b77
// EXPECT: levels, texel 5: checksum 5d8bbcf855ab5c69
// EXPECT: levels, texel 6: checksum 4ed7c1ce8e96073e
// EXPECT: levels, texel 7: checksum 4e950c3c06468b4c
