// tex2Dgather: one component of the four texels around a place, counter-clockwise from the lower left; of floats and of bytes.
#include "case.h"

constexpr int width = 40, height = 24;

// Places lie well between the middles of texels.
template <typename T, int component>
__global__ void gather(cudaTextureObject_t texture, T* output) {
    int x = threadIdx.x, y = blockIdx.x;
    output[y * (width + 1) + x] = tex2Dgather<T>(texture, x + 0.125f, y - 0.25f, component);
}

template <typename T>
cudaTextureObject_t texture_of(const std::vector<T>& texels, cudaArray_t* array) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<T>();
    CHECK(cudaMallocArray(array, &format, width, height, cudaArrayTextureGather));
    CHECK(cudaMemcpy2DToArray(*array, 0, 0, texels.data(), width * sizeof(T), width * sizeof(T), height,
                              cudaMemcpyHostToDevice));
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

int clamp(int i, int size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

template <typename T, int component>
void run(const char* name, const std::vector<T>& texels) {
    cudaArray_t array;
    cudaTextureObject_t texture = texture_of(texels, &array);
    const int columns = width + 1, rows = height + 1;
    T* output = device_zeros<T>(columns * rows);
    gather<T, component><<<rows, columns>>>(texture, output);
    CHECK_KERNEL();
    std::vector<T> got = to_host(output, columns * rows), expected(columns * rows);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            auto texel = [&](int i, int j) {
                T value = texels[clamp(j, height) * width + clamp(i, width)];
                return component == 0 ? value.x : component == 1 ? value.y : component == 2 ? value.z : value.w;
            };
            T& wanted = expected[y * columns + x];
            wanted.x = texel(x - 1, y), wanted.y = texel(x, y);
            wanted.z = texel(x, y - 1), wanted.w = texel(x - 1, y - 1);
        }
    printf("%s, component %d: %016llx, mismatches %d\n", name, component, (unsigned long long)checksum(got),
           mismatches(got, expected));
    CHECK(cudaDestroyTextureObject(texture));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(output));
}

int main() {
    std::vector<float4> floats(width * height);
    std::vector<uchar4> bytes(width * height);
    for (int i = 0; i < width * height; i++) {
        uint32_t bits = mix(i);
        floats[i] = make_float4(bits & 255, bits >> 8 & 255, bits >> 16 & 255, bits >> 24);
        bytes[i] = make_uchar4(bits >> 24, bits >> 16, bits >> 8, bits);
    }
    run<float4, 0>("floats", floats);
    run<float4, 1>("floats", floats);
    run<float4, 2>("floats", floats);
    run<float4, 3>("floats", floats);
    run<uchar4, 0>("bytes", bytes);
    run<uchar4, 3>("bytes", bytes);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: floats, component 0: 8a98cee56ba6ee5c, mismatches 0
// EXPECT: floats, component 1: f1497bac063ad8e8, mismatches 0
// EXPECT: floats, component 2: 1c2be7a9779bb0a1, mismatches 0
// EXPECT: floats, component 3: 328213247846d8e9, mismatches 0
// EXPECT: bytes, component 0: 42dace74f09770d2, mismatches 0
// EXPECT: bytes, component 3: 69607fae6cec1610, mismatches 0
