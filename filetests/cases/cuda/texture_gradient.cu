// tex2DGrad and tex3DGrad: how fast the coordinates change chooses the level. Each level has one value everywhere, and changes are
// powers of two.
#include "case.h"

constexpr int size = 64, levels = 7;

__global__ void read_2d(cudaTextureObject_t texture, float* output) {
    int i = threadIdx.x;
    float change = exp2f(i % 8) / size;
    // Along x, along y, and smaller along the other.
    float2 dx = make_float2(i & 8 ? 0 : change, 0), dy = make_float2(0, i & 8 ? change : change / 4);
    output[i] = tex2DGrad<float>(texture, 0.3f, 0.7f, dx, dy);
}

__global__ void read_3d(cudaTextureObject_t texture, float* output) {
    int i = threadIdx.x;
    float change = exp2f(i % 4) / 16;
    float4 none = make_float4(0, 0, 0, 0), along = make_float4(0, 0, change, 0);
    output[i] = i & 4 ? tex3DGrad<float>(texture, 0.5f, 0.5f, 0.5f, along, none)
                      : tex3DGrad<float>(texture, 0.5f, 0.5f, 0.5f, none, along);
}

cudaTextureObject_t texture_of(cudaMipmappedArray_t array) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeMipmappedArray;
    resource.res.mipmap.mipmap = array;
    cudaTextureDesc description = {};
    for (int d = 0; d < 3; d++) description.addressMode[d] = cudaAddressModeClamp;
    description.readMode = cudaReadModeElementType;
    description.normalizedCoords = 1;
    description.mipmapFilterMode = cudaFilterModePoint;
    description.maxMipmapLevelClamp = levels - 1;
    description.maxAnisotropy = 1;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

void fill(cudaMipmappedArray_t array, int level, int side, int depth) {
    std::vector<float> values(side * side * depth, 100.0f + level);
    cudaMemcpy3DParms copy = {};
    CHECK(cudaGetMipmappedArrayLevel(&copy.dstArray, array, level));
    copy.srcPtr = make_cudaPitchedPtr(values.data(), side * sizeof(float), side, side);
    copy.extent = make_cudaExtent(side, side, depth);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));
}

int main() {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    cudaMipmappedArray_t plane, block;
    CHECK(cudaMallocMipmappedArray(&plane, &format, make_cudaExtent(size, size, 0), levels));
    for (int level = 0; level < levels; level++) fill(plane, level, size >> level, 1);
    CHECK(cudaMallocMipmappedArray(&block, &format, make_cudaExtent(16, 16, 16), 5));
    for (int level = 0; level < 5; level++) fill(block, level, 16 >> level, 16 >> level);

    float* output = device_zeros<float>(16);
    cudaTextureObject_t texture = texture_of(plane);
    read_2d<<<1, 16>>>(texture, output);
    CHECK_KERNEL();
    for (float value : to_host(output, 16)) printf("%.0f ", value);
    printf("\n");
    CHECK(cudaDestroyTextureObject(texture));
    texture = texture_of(block);
    read_3d<<<1, 8>>>(texture, output);
    CHECK_KERNEL();
    for (float value : to_host(output, 8)) printf("%.0f ", value);
    printf("\n");
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeMipmappedArray(plane));
    CHECK(cudaFreeMipmappedArray(block));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 100 101 102 103 104 105 106 106 100 101 102 103 104 105 106 106
// EXPECT: 100 101 102 103 100 101 102 103
