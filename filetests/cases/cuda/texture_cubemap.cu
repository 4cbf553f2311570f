// Cube maps, one and several: directions through the middles of the faces' texels find those texels, whatever their length.
#include "case.h"

constexpr int size = 16, cubes = 3;

// The direction through a place on a face, each coordinate in -1 to 1 (CUDA C++ Programming Guide, "Cubemap Textures").
__host__ __device__ inline float3 direction(int face, float s, float t) {
    switch (face) {
        case 0: return make_float3(1, -t, -s);
        case 1: return make_float3(-1, -t, s);
        case 2: return make_float3(s, 1, t);
        case 3: return make_float3(s, -1, -t);
        case 4: return make_float3(s, -t, 1);
        default: return make_float3(-s, -t, -1);
    }
}

__global__ void read(cudaTextureObject_t texture, float* output, float length) {
    int x = threadIdx.x, y = threadIdx.y, face = blockIdx.x;
    float3 d = direction(face, (2 * x + 1 - size) / float(size), (2 * y + 1 - size) / float(size));
    output[(face * size + y) * size + x] = texCubemap<float>(texture, d.x * length, d.y * length, d.z * length);
}

__global__ void read_layered(cudaTextureObject_t texture, float* output) {
    int x = threadIdx.x, y = threadIdx.y, face = blockIdx.x, cube = blockIdx.y;
    float3 d = direction(face, (2 * x + 1 - size) / float(size), (2 * y + 1 - size) / float(size));
    output[((cube * 6 + face) * size + y) * size + x] = texCubemapLayered<float>(texture, d.x, d.y, d.z, cube);
}

cudaTextureObject_t cube_of(const std::vector<float>& texels, int faces, unsigned flags, cudaArray_t* array) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    CHECK(cudaMalloc3DArray(array, &format, make_cudaExtent(size, size, faces), flags));
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(const_cast<float*>(texels.data()), size * sizeof(float), size, size);
    copy.dstArray = *array;
    copy.extent = make_cudaExtent(size, size, faces);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = *array;
    cudaTextureDesc description = {};
    for (int d = 0; d < 3; d++) description.addressMode[d] = cudaAddressModeClamp;
    description.readMode = cudaReadModeElementType;
    description.normalizedCoords = 1;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

int main() {
    std::vector<float> texels(size * size * 6 * cubes);
    for (size_t i = 0; i < texels.size(); i++) texels[i] = mix(i) >> 8;
    float* output = device_zeros<float>(texels.size());
    cudaArray_t array;
    cudaTextureObject_t texture = cube_of(texels, 6, cudaArrayCubemap, &array);
    for (float length : {1.0f, 0.25f, 8.0f}) {
        read<<<6, dim3(size, size)>>>(texture, output, length);
        CHECK_KERNEL();
        std::vector<float> got = to_host(output, size * size * 6), expected(texels.begin(), texels.begin() + got.size());
        printf("length %.2f: %016llx, mismatches %d\n", length, (unsigned long long)checksum(got),
               mismatches(got, expected));
    }
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    texture = cube_of(texels, 6 * cubes, cudaArrayCubemap | cudaArrayLayered, &array);
    read_layered<<<dim3(6, cubes), dim3(size, size)>>>(texture, output);
    CHECK_KERNEL();
    std::vector<float> got = to_host(output, texels.size());
    printf("layered: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, texels));
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: length 1.00: f61ba606baea274f, mismatches 0
// EXPECT: length 0.25: f61ba606baea274f, mismatches 0
// EXPECT: length 8.00: f61ba606baea274f, mismatches 0
// EXPECT: layered: 3a82ab88f03cb669, mismatches 0
