// A volume in a 3D array: copied in parts, read at the texels' middles, in any order of axes, and outside.
#include "case.h"

constexpr int width = 37, height = 29, depth = 23;

__global__ void permute(cudaTextureObject_t texture, int* output) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    output[(x * depth + z) * height + y] = tex3D<int>(texture, x + 0.5f, y + 0.5f, z + 0.5f);
}

__global__ void around(cudaTextureObject_t texture, int* output) {
    int x = (int)threadIdx.x - 2, y = (int)blockIdx.x - 2, z = (int)blockIdx.y - 2;
    int index = ((z + 2) * (height + 4) + y + 2) * (width + 4) + x + 2;
    output[index] = tex3D<int>(texture, x + 0.5f, y + 0.5f, z + 0.5f);
}

int clamp(int i, int size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

int main() {
    std::vector<int> volume(width * height * depth), expected(volume.size());
    for (size_t i = 0; i < volume.size(); i++) volume[i] = (int)mix(i);
    cudaArray_t array;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
    CHECK(cudaMalloc3DArray(&array, &format, make_cudaExtent(width, height, depth)));
    // Two boxes that together are the whole.
    for (int part = 0; part < 2; part++) {
        int from = part ? 10 : 0, slices = part ? depth - 10 : 10;
        cudaMemcpy3DParms copy = {};
        copy.srcPtr = make_cudaPitchedPtr(volume.data(), width * sizeof(int), width, height);
        copy.srcPos = copy.dstPos = make_cudaPos(0, 0, from);
        copy.dstArray = array;
        copy.extent = make_cudaExtent(width, height, slices);
        copy.kind = cudaMemcpyHostToDevice;
        CHECK(cudaMemcpy3D(&copy));
    }
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc description = {};
    for (int d = 0; d < 3; d++) description.addressMode[d] = cudaAddressModeClamp;
    description.readMode = cudaReadModeElementType;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    int* output = device_zeros<int>((width + 4) * (height + 4) * (depth + 4));
    permute<<<dim3(height, depth), width>>>(texture, output);
    CHECK_KERNEL();
    for (int z = 0; z < depth; z++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                expected[(x * depth + z) * height + y] = volume[(z * height + y) * width + x];
    std::vector<int> got = to_host(output, volume.size());
    printf("axes exchanged: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));

    around<<<dim3(height + 4, depth + 4), width + 4>>>(texture, output);
    CHECK_KERNEL();
    expected.clear();
    for (int z = -2; z < depth + 2; z++)
        for (int y = -2; y < height + 2; y++)
            for (int x = -2; x < width + 2; x++)
                expected.push_back(volume[(clamp(z, depth) * height + clamp(y, height)) * width + clamp(x, width)]);
    got = to_host(output, expected.size());
    printf("clamped: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));

    // And back, a box from the middle.
    std::vector<int> box(10 * 8 * 6), wanted;
    cudaMemcpy3DParms copy = {};
    copy.srcArray = array;
    copy.srcPos = make_cudaPos(5, 6, 7);
    copy.dstPtr = make_cudaPitchedPtr(box.data(), 10 * sizeof(int), 10, 8);
    copy.extent = make_cudaExtent(10, 8, 6);
    copy.kind = cudaMemcpyDeviceToHost;
    CHECK(cudaMemcpy3D(&copy));
    for (int z = 0; z < 6; z++)
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 10; x++) wanted.push_back(volume[((z + 7) * height + y + 6) * width + x + 5]);
    printf("box: mismatches %d\n", mismatches(box, wanted));
    cudaChannelFormatDesc found;
    cudaExtent extent;
    unsigned flags;
    CHECK(cudaArrayGetInfo(&found, &extent, &flags, array));
    printf("array %d x %d x %d, %d bits, flags %u\n", (int)extent.width, (int)extent.height, (int)extent.depth, found.x,
           flags);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: axes exchanged: 60d6090a8f8353d0, mismatches 0
// EXPECT: clamped: b6b6ff4c0341acb8, mismatches 0
// EXPECT: box: mismatches 0
// EXPECT: array 37 x 29 x 23, 32 bits, flags 0
