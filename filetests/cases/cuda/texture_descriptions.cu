// What a texture object was made of can be read back; views choose layers, levels and another type of texels; objects that make no
// sense are refused.
#include "case.h"

constexpr int width = 16, height = 8, layers = 6;

__global__ void read_layer(cudaTextureObject_t texture, float* output, int layer) {
    int x = threadIdx.x, y = threadIdx.y;
    output[y * width + x] = tex2DLayered<float>(texture, x + 0.5f, y + 0.5f, layer);
}

__global__ void read_level(cudaTextureObject_t texture, float* output, float level) {
    int x = threadIdx.x, y = threadIdx.y, columns = blockDim.x, rows = blockDim.y;
    output[y * columns + x] = tex2DLod<float>(texture, (x + 0.5f) / columns, (y + 0.5f) / rows, level);
}

__global__ void read_bits(cudaTextureObject_t texture, unsigned* output) {
    int x = threadIdx.x, y = threadIdx.y;
    output[y * width + x] = tex2DLayered<unsigned>(texture, x + 0.5f, y + 0.5f, 2);
}

int main() {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    std::vector<float> images(width * height * layers);
    for (size_t i = 0; i < images.size(); i++) images[i] = mix(i) & 0xffff;
    cudaArray_t array;
    CHECK(cudaMalloc3DArray(&array, &format, make_cudaExtent(width, height, layers), cudaArrayLayered));
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(images.data(), width * 4, width, height);
    copy.dstArray = array;
    copy.extent = make_cudaExtent(width, height, layers);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));

    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc description = {};
    description.addressMode[0] = cudaAddressModeMirror;
    description.addressMode[1] = cudaAddressModeClamp;
    description.readMode = cudaReadModeElementType;
    description.normalizedCoords = 0;
    description.borderColor[2] = 0.5f;
    cudaResourceViewDesc view = {};
    view.format = cudaResViewFormatFloat1;
    view.width = width;
    view.height = height;
    view.depth = layers;
    view.firstLayer = 2;
    view.lastLayer = 4;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, &view));
    cudaResourceDesc found = {};
    cudaTextureDesc found_description = {};
    cudaResourceViewDesc found_view = {};
    CHECK(cudaGetTextureObjectResourceDesc(&found, texture));
    CHECK(cudaGetTextureObjectTextureDesc(&found_description, texture));
    CHECK(cudaGetTextureObjectResourceViewDesc(&found_view, texture));
    printf("resource: %d %s\n", found.resType, found.res.array.array == array ? "the array" : "another");
    printf("modes: %d %d, filter %d\n", found_description.addressMode[0], found_description.addressMode[1],
           found_description.filterMode);
    printf("view: layers %u to %u\n", found_view.firstLayer, found_view.lastLayer);
    float* output = device_zeros<float>(width * height);
    for (int layer = 0; layer < 3; layer++) {
        read_layer<<<1, dim3(width, height)>>>(texture, output, layer);
        CHECK_KERNEL();
        std::vector<float> got = to_host(output, width * height);
        auto first = images.begin() + (layer + 2) * width * height;
        printf("layer %d of the view: mismatches %d\n", layer,
               mismatches(got, std::vector<float>(first, first + width * height)));
    }
    CHECK(cudaDestroyTextureObject(texture));

    // The same texels as integers.
    view.format = cudaResViewFormatUnsignedInt1;
    view.firstLayer = 0;
    view.lastLayer = layers - 1;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, &view));
    read_bits<<<1, dim3(width, height)>>>(texture, reinterpret_cast<unsigned*>(output));
    CHECK_KERNEL();
    auto third = images.begin() + 2 * width * height;
    printf("as integers: mismatches %d\n",
           mismatches(to_host(output, width * height), std::vector<float>(third, third + width * height)));
    CHECK(cudaDestroyTextureObject(texture));

    // Levels 1 and 2 of four.
    cudaResourceDesc mipmap = {};
    mipmap.resType = cudaResourceTypeMipmappedArray;
    CHECK(cudaMallocMipmappedArray(&mipmap.res.mipmap.mipmap, &format, make_cudaExtent(width, height, 0), 4));
    for (int level = 0; level < 4; level++) {
        cudaArray_t part;
        CHECK(cudaGetMipmappedArrayLevel(&part, mipmap.res.mipmap.mipmap, level));
        int row = (width >> level) * 4;
        CHECK(cudaMemcpy2DToArray(part, 0, 0, images.data() + level, row, row, height >> level, cudaMemcpyHostToDevice));
    }
    cudaResourceViewDesc levels = {};
    levels.format = cudaResViewFormatFloat1;
    levels.width = width;
    levels.height = height;
    levels.firstMipmapLevel = 1;
    levels.lastMipmapLevel = 2;
    description.normalizedCoords = 1;
    description.maxMipmapLevelClamp = 10;
    CHECK(cudaCreateTextureObject(&texture, &mipmap, &description, &levels));
    for (int level = 0; level < 2; level++) {
        int columns = width >> (level + 1), rows = height >> (level + 1);
        read_level<<<1, dim3(columns, rows)>>>(texture, output, level);
        CHECK_KERNEL();
        auto first = images.begin() + level + 1;
        printf("level %d of the view: mismatches %d\n", level,
               mismatches(to_host(output, columns * rows), std::vector<float>(first, first + columns * rows)));
    }
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeMipmappedArray(mipmap.res.mipmap.mipmap));

    // Integers are not interpolated.
    cudaArray_t integers;
    cudaChannelFormatDesc integer_format = cudaCreateChannelDesc<int>();
    CHECK(cudaMallocArray(&integers, &integer_format, width, height));
    resource.res.array.array = integers;
    description.filterMode = cudaFilterModeLinear;
    cudaError_t refused = cudaCreateTextureObject(&texture, &resource, &description, nullptr);
    printf("interpolated integers: %s\n", refused == cudaSuccess ? "made" : "refused");
    cudaGetLastError();
    CHECK(cudaFreeArray(array));
    CHECK(cudaFreeArray(integers));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: resource: 0 the array
// EXPECT: modes: 2 1, filter 0
// EXPECT: view: layers 2 to 4
// EXPECT: layer 0 of the view: mismatches 0
// EXPECT: layer 1 of the view: mismatches 0
// EXPECT: layer 2 of the view: mismatches 0
// EXPECT: as integers: mismatches 0
// EXPECT: level 0 of the view: mismatches 0
// EXPECT: level 1 of the view: mismatches 0
// EXPECT: interpolated integers: refused
