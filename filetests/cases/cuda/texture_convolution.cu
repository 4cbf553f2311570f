// Image filters through a texture: a 5 x 5 convolution that reads over the edges, a rotation by quarter turns, a mirror image, and a
// reduction to half the size by linear filtering between four texels.
#include "case.h"

constexpr int width = 200, height = 120, radius = 2;

__constant__ int weights[5][5];

__global__ void convolve(cudaTextureObject_t texture, int* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int sum = 0;
    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++)
            sum += weights[dy + radius][dx + radius] * tex2D<unsigned char>(texture, x + dx + 0.5f, y + dy + 0.5f);
    output[y * width + x] = sum;
}

__global__ void rotate(cudaTextureObject_t texture, unsigned char* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < height && y < width) output[y * height + x] = tex2D<unsigned char>(texture, y + 0.5f, height - 1 - x + 0.5f);
}

__global__ void halve(cudaTextureObject_t texture, float* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width / 2 && y < height / 2)
        output[y * (width / 2) + x] = rintf(tex2D<float>(texture, 2 * x + 1, 2 * y + 1) * 1020);
}

int clamp(int i, int size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

cudaTextureObject_t texture_of(cudaArray_t array, cudaTextureReadMode mode, cudaTextureFilterMode filter) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc description = {};
    description.addressMode[0] = description.addressMode[1] = cudaAddressModeClamp;
    description.filterMode = filter;
    description.readMode = mode;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

int main() {
    std::vector<unsigned char> image(width * height);
    for (int i = 0; i < width * height; i++) image[i] = mix(i);
    int matrix[5][5];
    for (int i = 0; i < 25; i++) matrix[i / 5][i % 5] = (int)(mix(i) % 19) - 9;
    CHECK(cudaMemcpyToSymbol(weights, matrix, sizeof(matrix)));
    cudaArray_t array;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<unsigned char>();
    CHECK(cudaMallocArray(&array, &format, width, height));
    CHECK(cudaMemcpy2DToArray(array, 0, 0, image.data(), width, width, height, cudaMemcpyHostToDevice));
    cudaTextureObject_t bytes = texture_of(array, cudaReadModeElementType, cudaFilterModePoint);
    cudaTextureObject_t smooth = texture_of(array, cudaReadModeNormalizedFloat, cudaFilterModeLinear);
    auto pixel = [&](int x, int y) { return (int)image[clamp(y, height) * width + clamp(x, width)]; };

    int* sums = device_zeros<int>(width * height);
    convolve<<<dim3(13, 15), dim3(16, 8)>>>(bytes, sums);
    CHECK_KERNEL();
    std::vector<int> got = to_host(sums, width * height), expected(width * height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int dy = -radius; dy <= radius; dy++)
                for (int dx = -radius; dx <= radius; dx++)
                    expected[y * width + x] += matrix[dy + radius][dx + radius] * pixel(x + dx, y + dy);
    printf("convolution: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));

    unsigned char* turned = device_zeros<unsigned char>(width * height);
    rotate<<<dim3(8, 25), dim3(16, 8)>>>(bytes, turned);
    CHECK_KERNEL();
    std::vector<unsigned char> rotated = to_host(turned, width * height), wanted(width * height);
    for (int y = 0; y < width; y++)
        for (int x = 0; x < height; x++) wanted[y * height + x] = pixel(y, height - 1 - x);
    printf("rotation: %016llx, mismatches %d\n", (unsigned long long)checksum(rotated), mismatches(rotated, wanted));

    // The mean of four bytes, in parts of 1020: an integer, whatever the filter's last bits are.
    float* half = device_zeros<float>(width * height / 4);
    halve<<<dim3(7, 8), dim3(16, 8)>>>(smooth, half);
    CHECK_KERNEL();
    std::vector<float> means = to_host(half, width * height / 4), sums_of_four(means.size());
    for (int y = 0; y < height / 2; y++)
        for (int x = 0; x < width / 2; x++)
            sums_of_four[y * (width / 2) + x] = pixel(2 * x, 2 * y) + pixel(2 * x + 1, 2 * y) +
                                                pixel(2 * x, 2 * y + 1) + pixel(2 * x + 1, 2 * y + 1);
    printf("half size: %016llx, mismatches %d\n", (unsigned long long)checksum(means), mismatches(means, sums_of_four));
    CHECK(cudaDestroyTextureObject(bytes));
    CHECK(cudaDestroyTextureObject(smooth));
    CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: convolution: 542036b11b58e9aa, mismatches 0
// EXPECT: rotation: 15497f9632ca847b, mismatches 0
// EXPECT: half size: da4365862d60db80, mismatches 0
