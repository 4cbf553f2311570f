// Linear filtering in one, two and three dimensions. Coordinates lie on sixteenths between texels and texels are small integers, so
// that weights and sums are exact.
#include "case.h"

constexpr int size = 16, steps = 16;

__global__ void sample_1d(cudaTextureObject_t texture, float* output, float scale) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    output[i] = tex1D<float>(texture, (i / float(steps) - 2) * scale);
}

__global__ void sample_2d(cudaTextureObject_t texture, float* output, float scale) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
    float u = (x / 4.0f - 2) * scale, v = (y / 8.0f - 1) * scale;
    output[y * 128 + x] = tex2D<float>(texture, u, v);
}

__global__ void sample_3d(cudaTextureObject_t texture, float* output, float scale) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    output[(z * 32 + y) * 32 + x] = tex3D<float>(texture, x * 0.5f * scale, y * 0.25f * scale, z * 0.75f * scale);
}

int place(bool wrap, int i) { return wrap ? (i % size + size) % size : i < 0 ? 0 : i >= size ? size - 1 : i; }

// The filter's value at a place in texels, by its definition.
float filter(const std::vector<float>& texels, int dimensions, const float* at, bool wrap) {
    int first[3] = {}, last = 1 << dimensions;
    double weight[3] = {}, sum = 0;
    for (int d = 0; d < dimensions; d++) {
        first[d] = (int)floor(at[d] - 0.5f);
        weight[d] = at[d] - 0.5f - first[d];
    }
    for (int corner = 0; corner < last; corner++) {
        double product = 1;
        int index = 0;
        for (int d = dimensions - 1; d >= 0; d--) {
            int far = corner >> d & 1;
            product *= far ? weight[d] : 1 - weight[d];
            index = index * size + place(wrap, first[d] + far);
        }
        sum += product * texels[index];
    }
    return (float)sum;
}

cudaTextureObject_t texture_of(cudaArray_t array, bool normalized) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaTextureDesc description = {};
    for (int d = 0; d < 3; d++) description.addressMode[d] = normalized ? cudaAddressModeWrap : cudaAddressModeClamp;
    description.filterMode = cudaFilterModeLinear;
    description.readMode = cudaReadModeElementType;
    description.normalizedCoords = normalized;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

void report(const char* name, bool normalized, const std::vector<float>& got, const std::vector<float>& expected) {
    printf("%s%s: %016llx, mismatches %d\n", name, normalized ? " wrapped" : "", (unsigned long long)checksum(got),
           mismatches(got, expected));
}

int main() {
    std::vector<float> texels(size * size * size);
    for (size_t i = 0; i < texels.size(); i++) texels[i] = mix(i) & 255;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
    cudaArray_t line, plane, block;
    CHECK(cudaMallocArray(&line, &format, size));
    CHECK(cudaMemcpy2DToArray(line, 0, 0, texels.data(), size * 4, size * 4, 1, cudaMemcpyHostToDevice));
    CHECK(cudaMallocArray(&plane, &format, size, size));
    CHECK(cudaMemcpy2DToArray(plane, 0, 0, texels.data(), size * 4, size * 4, size, cudaMemcpyHostToDevice));
    CHECK(cudaMalloc3DArray(&block, &format, make_cudaExtent(size, size, size)));
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(texels.data(), size * 4, size, size);
    copy.dstArray = block;
    copy.extent = make_cudaExtent(size, size, size);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&copy));

    float* output = device_zeros<float>(32 * 32 * 32);
    for (bool normalized : {false, true}) {
        // The size is a power of two: normalised coordinates are exact.
        float scale = normalized ? 1.0f / size : 1.0f;
        std::vector<float> expected(320);
        cudaTextureObject_t texture = texture_of(line, normalized);
        sample_1d<<<10, 32>>>(texture, output, scale);
        CHECK_KERNEL();
        for (int i = 0; i < 320; i++) {
            float at[] = {i / float(steps) - 2};
            expected[i] = filter(texels, 1, at, normalized);
        }
        report("1d", normalized, to_host(output, 320), expected);
        CHECK(cudaDestroyTextureObject(texture));

        texture = texture_of(plane, normalized);
        sample_2d<<<dim3(4, 150), 32>>>(texture, output, scale);
        CHECK_KERNEL();
        expected.resize(128 * 150);
        for (int y = 0; y < 150; y++)
            for (int x = 0; x < 128; x++) {
                float at[] = {x / 4.0f - 2, y / 8.0f - 1};
                expected[y * 128 + x] = filter(texels, 2, at, normalized);
            }
        report("2d", normalized, to_host(output, 128 * 150), expected);
        CHECK(cudaDestroyTextureObject(texture));

        texture = texture_of(block, normalized);
        sample_3d<<<dim3(32, 32), 32>>>(texture, output, scale);
        CHECK_KERNEL();
        expected.resize(32 * 32 * 32);
        for (int z = 0; z < 32; z++)
            for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++) {
                    float at[] = {x * 0.5f, y * 0.25f, z * 0.75f};
                    expected[(z * 32 + y) * 32 + x] = filter(texels, 3, at, normalized);
                }
        report("3d", normalized, to_host(output, 32 * 32 * 32), expected);
        CHECK(cudaDestroyTextureObject(texture));
    }
    CHECK(cudaFreeArray(line));
    CHECK(cudaFreeArray(plane));
    CHECK(cudaFreeArray(block));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 1d: 6c8ae0394f4ae0d6, mismatches 0
// EXPECT: 2d: 14be230f81120069, mismatches 0
// EXPECT: 3d: 2c0ea0f8dad2adad, mismatches 0
// EXPECT: 1d wrapped: 2b2b42f9c1323e26, mismatches 0
// EXPECT: 2d wrapped: 16687e163f52ff09, mismatches 0
// EXPECT: 3d wrapped: c05ca0e912b41a27, mismatches 0
