// Layered textures of one and two dimensions: each layer is an image of its own.
#include "case.h"

constexpr int width = 45, height = 21, layers = 9;

__global__ void read_1d(cudaTextureObject_t texture, short2* output) {
    int x = threadIdx.x, layer = blockIdx.x;
    output[layer * width + x] = tex1DLayered<short2>(texture, x + 0.5f, layer);
}

__global__ void read_2d(cudaTextureObject_t texture, unsigned* output) {
    int x = threadIdx.x, y = blockIdx.x, layer = blockIdx.y;
    // Each layer is read in another direction.
    int from_x = layer & 1 ? width - 1 - x : x, from_y = layer & 2 ? height - 1 - y : y;
    output[(layer * height + y) * width + x] = tex2DLayered<unsigned>(texture, from_x + 0.5f, from_y + 0.5f, layer);
}

// Layers chosen lane by lane.
__global__ void read_mixed(cudaTextureObject_t texture, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    output[i] = tex2DLayered<unsigned>(texture, i % width + 0.5f, i / 3 % height + 0.5f, i * 7 % layers);
}

template <typename T>
cudaTextureObject_t layered(const std::vector<T>& texels, int rows, cudaArray_t* array) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<T>();
    CHECK(cudaMalloc3DArray(array, &format, make_cudaExtent(width, rows, layers), cudaArrayLayered));
    cudaMemcpy3DParms copy = {};
    int copied_rows = rows ? rows : 1;
    copy.srcPtr = make_cudaPitchedPtr(const_cast<T*>(texels.data()), width * sizeof(T), width, copied_rows);
    copy.dstArray = *array;
    copy.extent = make_cudaExtent(width, copied_rows, layers);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = *array;
    cudaTextureDesc description = {};
    description.addressMode[0] = description.addressMode[1] = cudaAddressModeClamp;
    description.readMode = cudaReadModeElementType;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

int main() {
    std::vector<short2> lines(width * layers);
    for (size_t i = 0; i < lines.size(); i++) lines[i] = make_short2((short)mix(i), (short)(mix(i) >> 16));
    cudaArray_t array;
    cudaTextureObject_t texture = layered(lines, 0, &array);
    short2* line_output = device_zeros<short2>(lines.size());
    read_1d<<<layers, width>>>(texture, line_output);
    CHECK_KERNEL();
    std::vector<short2> got_lines = to_host(line_output, lines.size());
    printf("1d: %016llx, mismatches %d\n", (unsigned long long)checksum(got_lines), mismatches(got_lines, lines));
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));

    std::vector<unsigned> images(width * height * layers), expected(images.size());
    for (size_t i = 0; i < images.size(); i++) images[i] = mix(i + 99);
    texture = layered(images, height, &array);
    unsigned* output = device_zeros<unsigned>(images.size());
    read_2d<<<dim3(height, layers), width>>>(texture, output);
    CHECK_KERNEL();
    for (int layer = 0; layer < layers; layer++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                int from_x = layer & 1 ? width - 1 - x : x, from_y = layer & 2 ? height - 1 - y : y;
                expected[(layer * height + y) * width + x] = images[(layer * height + from_y) * width + from_x];
            }
    std::vector<unsigned> got = to_host(output, images.size());
    printf("2d: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));

    read_mixed<<<32, 128>>>(texture, output);
    CHECK_KERNEL();
    expected.resize(32 * 128);
    for (int i = 0; i < 32 * 128; i++)
        expected[i] = images[(i * 7 % layers * height + i / 3 % height) * width + i % width];
    got = to_host(output, expected.size());
    printf("mixed layers: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 1d: 5eedc05bf026a5f6, mismatches 0
// EXPECT: 2d: 6105dae8d04cb4bf, mismatches 0
// EXPECT: mixed layers: 4570588ccf929d24, mismatches 0
