// Layered surfaces and the faces of cube maps: written by one kernel, read by another, and through a layered texture.
#include "case.h"

constexpr int width = 24, height = 24, layers = 5;

__global__ void write_1d(cudaSurfaceObject_t surface) {
    int x = threadIdx.x, layer = blockIdx.x;
    surf1DLayeredwrite((int)mix(layer * width + x), surface, x * 4, layer);
}

__global__ void read_1d(cudaSurfaceObject_t surface, int* output) {
    int x = threadIdx.x, layer = blockIdx.x;
    output[layer * width + x] = surf1DLayeredread<int>(surface, x * 4, layers - 1 - layer);
}

__global__ void write_2d(cudaSurfaceObject_t surface) {
    int x = threadIdx.x, y = threadIdx.y, layer = blockIdx.x;
    surf2DLayeredwrite((int)mix((layer * height + y) * width + x), surface, x * 4, y, layer);
}

__global__ void read_2d(cudaSurfaceObject_t surface, int* output) {
    int x = threadIdx.x, y = threadIdx.y, layer = blockIdx.x;
    output[(layer * height + y) * width + x] = surf2DLayeredread<int>(surface, x * 4, y, layer);
}

__global__ void read_texture(cudaTextureObject_t texture, int* output) {
    int x = threadIdx.x, y = threadIdx.y, layer = blockIdx.x;
    output[(layer * height + y) * width + x] = tex2DLayered<int>(texture, x + 0.5f, y + 0.5f, layer);
}

__global__ void write_cube(cudaSurfaceObject_t surface) {
    int x = threadIdx.x, y = threadIdx.y, face = blockIdx.x;
    surfCubemapwrite((int)mix(face << 16 | y << 8 | x), surface, x * 4, y, face);
}

__global__ void read_cube(cudaSurfaceObject_t surface, int* output) {
    int x = threadIdx.x, y = threadIdx.y, face = blockIdx.x;
    output[(face * height + y) * width + x] = surfCubemapread<int>(surface, x * 4, y, face);
}

__global__ void write_cubes(cudaSurfaceObject_t surface) {
    int x = threadIdx.x, y = threadIdx.y, face = blockIdx.x;
    surfCubemapLayeredwrite((int)mix(face << 16 | y << 8 | x), surface, x * 4, y, face);
}

__global__ void read_cubes(cudaSurfaceObject_t surface, int* output) {
    int x = threadIdx.x, y = threadIdx.y, face = blockIdx.x;
    output[(face * height + y) * width + x] = surfCubemapLayeredread<int>(surface, x * 4, y, face);
}

cudaResourceDesc array_of(int rows, int count, unsigned flags) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
    CHECK(cudaMalloc3DArray(&resource.res.array.array, &format, make_cudaExtent(width, rows, count),
                            flags | cudaArraySurfaceLoadStore));
    return resource;
}

void report(const char* name, int* output, const std::vector<int>& expected) {
    CHECK_KERNEL();
    std::vector<int> got = to_host(output, expected.size());
    printf("%s: %016llx, mismatches %d\n", name, (unsigned long long)checksum(got), mismatches(got, expected));
}

int main() {
    const dim3 plane(width, height);
    int* output = device_zeros<int>(width * height * 12);
    cudaSurfaceObject_t surface;
    cudaResourceDesc lines = array_of(0, layers, cudaArrayLayered);
    CHECK(cudaCreateSurfaceObject(&surface, &lines));
    write_1d<<<layers, width>>>(surface);
    read_1d<<<layers, width>>>(surface, output);
    std::vector<int> expected;
    for (int layer = 0; layer < layers; layer++)
        for (int x = 0; x < width; x++) expected.push_back((int)mix((layers - 1 - layer) * width + x));
    report("1d", output, expected);
    CHECK(cudaDestroySurfaceObject(surface));

    cudaResourceDesc planes = array_of(height, layers, cudaArrayLayered);
    CHECK(cudaCreateSurfaceObject(&surface, &planes));
    write_2d<<<layers, plane>>>(surface);
    read_2d<<<layers, plane>>>(surface, output);
    expected.clear();
    for (int i = 0; i < width * height * layers; i++) expected.push_back((int)mix(i));
    report("2d", output, expected);
    cudaTextureDesc description = {};
    description.readMode = cudaReadModeElementType;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &planes, &description, nullptr));
    CHECK(cudaMemset(output, 0, expected.size() * 4));
    read_texture<<<layers, plane>>>(texture, output);
    report("2d through a texture", output, expected);
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaDestroySurfaceObject(surface));

    for (int cubes = 1; cubes <= 2; cubes++) {
        cudaResourceDesc faces = array_of(height, 6 * cubes, cudaArrayCubemap | (cubes > 1 ? cudaArrayLayered : 0));
        CHECK(cudaCreateSurfaceObject(&surface, &faces));
        if (cubes == 1) {
            write_cube<<<6, plane>>>(surface);
            read_cube<<<6, plane>>>(surface, output);
        } else {
            write_cubes<<<12, plane>>>(surface);
            read_cubes<<<12, plane>>>(surface, output);
        }
        expected.clear();
        for (int face = 0; face < 6 * cubes; face++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++) expected.push_back((int)mix(face << 16 | y << 8 | x));
        report(cubes == 1 ? "cube" : "cubes", output, expected);
        CHECK(cudaDestroySurfaceObject(surface));
        CHECK(cudaFreeArray(faces.res.array.array));
    }
    CHECK(cudaFreeArray(lines.res.array.array));
    CHECK(cudaFreeArray(planes.res.array.array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 1d: 88fe1b0aa020699e, mismatches 0
// EXPECT: 2d: af94291d380160b7, mismatches 0
// EXPECT: 2d through a texture: af94291d380160b7, mismatches 0
// EXPECT: cube: 867b91e7b7e98a72, mismatches 0
// EXPECT: cubes: 3d6773e3121a0001, mismatches 0
