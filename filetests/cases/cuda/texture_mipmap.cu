// A mipmapped array: levels written one by one, read with tex2DLod at whole levels, between two, and beyond the clamps.
#include "case.h"

constexpr int size = 64, levels = 7;

__global__ void read(cudaTextureObject_t texture, float* output, int level_size, float level) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= level_size || y >= level_size) return;
    output[y * level_size + x] =
        tex2DLod<float>(texture, (x + 0.5f) / level_size, (y + 0.5f) / level_size, level);
}

cudaTextureObject_t texture_of(cudaMipmappedArray_t array, cudaTextureFilterMode filter, float bias, float least,
                               float most) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeMipmappedArray;
    resource.res.mipmap.mipmap = array;
    cudaTextureDesc description = {};
    description.addressMode[0] = description.addressMode[1] = cudaAddressModeClamp;
    description.readMode = cudaReadModeElementType;
    description.normalizedCoords = 1;
    description.mipmapFilterMode = filter;
    description.mipmapLevelBias = bias;
    description.minMipmapLevelClamp = least;
    description.maxMipmapLevelClamp = most;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

void run(const char* name, cudaTextureObject_t texture, float level, const std::vector<float>& expected, int side) {
    float* output = device_zeros<float>(side * side);
    read<<<dim3((side + 15) / 16, (side + 15) / 16), dim3(16, 16)>>>(texture, output, side, level);
    CHECK_KERNEL();
    std::vector<float> got = to_host(output, side * side);
    printf("%s %.2f: %016llx, mismatches %d\n", name, level, (unsigned long long)checksum(got),
           mismatches(got, expected));
    CHECK(cudaFree(output));
}

int main() {
    cudaMipmappedArray_t array;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    CHECK(cudaMallocMipmappedArray(&array, &format, make_cudaExtent(size, size, 0), levels));
    std::vector<std::vector<float>> images(levels);
    for (int level = 0; level < levels; level++) {
        int side = size >> level;
        for (int i = 0; i < side * side; i++) images[level].push_back(float(mix(i + 1000 * level) & 0xffff));
        cudaArray_t part;
        CHECK(cudaGetMipmappedArrayLevel(&part, array, level));
        CHECK(cudaMemcpy2DToArray(part, 0, 0, images[level].data(), side * 4, side * 4, side, cudaMemcpyHostToDevice));
        cudaExtent extent;
        CHECK(cudaArrayGetInfo(nullptr, &extent, nullptr, part));
        printf("level %d: %d x %d\n", level, (int)extent.width, (int)extent.height);
    }
    cudaTextureObject_t nearest = texture_of(array, cudaFilterModePoint, 0, 0, levels - 1);
    for (int level = 0; level < levels; level++) run("level", nearest, level, images[level], size >> level);
    run("nearest to", nearest, 2.25f, images[2], size >> 2);
    run("nearest to", nearest, 2.75f, images[3], size >> 3);

    // Between level 1 and 2, read at the middles of level 1's texels, each of which lies in one texel of level 2.
    cudaTextureObject_t linear = texture_of(array, cudaFilterModeLinear, 0, 0, levels - 1);
    for (float level : {1.25f, 1.5f}) {
        int side = size >> 1;
        std::vector<float> expected(side * side);
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                float weight = level - 1, upper = images[2][y / 2 * (side / 2) + x / 2];
                expected[y * side + x] = images[1][y * side + x] * (1 - weight) + upper * weight;
            }
        run("between", linear, level, expected, side);
    }
    cudaTextureObject_t clamped = texture_of(array, cudaFilterModePoint, 1, 2, 4);
    run("biased by one", clamped, 2, images[3], size >> 3);
    run("not below two", clamped, 0, images[2], size >> 2);
    run("not above four", clamped, 6, images[4], size >> 4);
    for (cudaTextureObject_t texture : {nearest, linear, clamped}) CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeMipmappedArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: level 0: 64 x 64
// EXPECT: level 1: 32 x 32
// EXPECT: level 2: 16 x 16
// EXPECT: level 3: 8 x 8
// EXPECT: level 4: 4 x 4
// EXPECT: level 5: 2 x 2
// EXPECT: level 6: 1 x 1
// EXPECT: level 0.00: 1db721f5fa9d65db, mismatches 0
// EXPECT: level 1.00: 2c3fedf8aa5d14a5, mismatches 0
// EXPECT: level 2.00: 3c5ace4c568f1655, mismatches 0
// EXPECT: level 3.00: 9e77af10913c0ce9, mismatches 0
// EXPECT: level 4.00: 76e29c4bc30e19ff, mismatches 0
// EXPECT: level 5.00: 2505b165760af5d2, mismatches 0
// EXPECT: level 6.00: 6801147bb68f5ae7, mismatches 0
// EXPECT: nearest to 2.25: 3c5ace4c568f1655, mismatches 0
// EXPECT: nearest to 2.75: 9e77af10913c0ce9, mismatches 0
// EXPECT: between 1.25: 4cba0d91dd12377b, mismatches 0
// EXPECT: between 1.50: da02a342fdabd5a1, mismatches 0
// EXPECT: biased by one 2.00: 9e77af10913c0ce9, mismatches 0
// EXPECT: not below two 0.00: 3c5ace4c568f1655, mismatches 0
// EXPECT: not above four 6.00: 76e29c4bc30e19ff, mismatches 0
