// Surfaces of one, two and three dimensions: written and read back, elements of 1 to 16 bytes, and read through a texture afterwards.
#include "case.h"

constexpr int width = 61, height = 33, depth = 17;

template <typename T>
struct Make;
template <>
struct Make<unsigned char> {
    static __host__ __device__ unsigned char of(uint32_t x) { return x; }
};
template <>
struct Make<short2> {
    static __host__ __device__ short2 of(uint32_t x) { return make_short2(x, x >> 16); }
};
template <>
struct Make<float> {
    static __host__ __device__ float of(uint32_t x) { return x >> 8; }
};
template <>
struct Make<uint4> {
    static __host__ __device__ uint4 of(uint32_t x) { return make_uint4(x, x * 3, x * 5, x * 7); }
};
template <>
struct Make<int2> {
    static __host__ __device__ int2 of(uint32_t x) { return make_int2(x, ~x); }
};

template <typename T>
__global__ void write_1d(cudaSurfaceObject_t surface) {
    int x = threadIdx.x;
    surf1Dwrite(Make<T>::of(mix(x)), surface, x * sizeof(T));
}

template <typename T>
__global__ void reverse_1d(cudaSurfaceObject_t surface, T* output) {
    int x = threadIdx.x;
    output[x] = surf1Dread<T>(surface, (width - 1 - x) * sizeof(T));
}

template <typename T>
__global__ void write_2d(cudaSurfaceObject_t surface) {
    int x = threadIdx.x, y = blockIdx.x;
    surf2Dwrite(Make<T>::of(mix(y * width + x)), surface, x * sizeof(T), y);
}

// Reads and writes back what it makes of it.
template <typename T>
__global__ void transpose_2d(cudaSurfaceObject_t surface, T* output) {
    int x = threadIdx.x, y = blockIdx.x;
    T value;
    surf2Dread(&value, surface, x * sizeof(T), y);
    output[x * height + y] = value;
}

template <typename T>
__global__ void write_3d(cudaSurfaceObject_t surface) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    surf3Dwrite(Make<T>::of(mix((z * height + y) * width + x)), surface, x * sizeof(T), y, z);
}

template <typename T>
__global__ void read_3d(cudaSurfaceObject_t surface, T* output) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    output[(z * height + y) * width + x] = surf3Dread<T>(surface, x * sizeof(T), y, z);
}

template <typename T>
cudaSurfaceObject_t make(cudaExtent extent, cudaArray_t* array) {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<T>();
    CHECK(cudaMalloc3DArray(array, &format, extent, cudaArraySurfaceLoadStore));
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = *array;
    cudaSurfaceObject_t surface;
    CHECK(cudaCreateSurfaceObject(&surface, &resource));
    return surface;
}

template <typename T>
void report(const char* name, const char* shape, const std::vector<T>& got, const std::vector<T>& expected) {
    printf("%s %s: %016llx, mismatches %d\n", name, shape, (unsigned long long)checksum(got),
           mismatches(got, expected));
}

template <typename T>
void run(const char* name) {
    T* output = device_zeros<T>(width * height * depth);
    std::vector<T> expected;
    cudaArray_t array;
    cudaSurfaceObject_t surface = make<T>(make_cudaExtent(width, 0, 0), &array);
    write_1d<T><<<1, width>>>(surface);
    reverse_1d<<<1, width>>>(surface, output);
    CHECK_KERNEL();
    for (int x = 0; x < width; x++) expected.push_back(Make<T>::of(mix(width - 1 - x)));
    report(name, "1d", to_host(output, width), expected);
    CHECK(cudaDestroySurfaceObject(surface));
    CHECK(cudaFreeArray(array));

    surface = make<T>(make_cudaExtent(width, height, 0), &array);
    write_2d<T><<<height, width>>>(surface);
    transpose_2d<<<height, width>>>(surface, output);
    CHECK_KERNEL();
    expected.clear();
    for (int x = 0; x < width; x++)
        for (int y = 0; y < height; y++) expected.push_back(Make<T>::of(mix(y * width + x)));
    report(name, "2d", to_host(output, width * height), expected);
    CHECK(cudaDestroySurfaceObject(surface));
    CHECK(cudaFreeArray(array));

    surface = make<T>(make_cudaExtent(width, height, depth), &array);
    write_3d<T><<<dim3(height, depth), width>>>(surface);
    read_3d<<<dim3(height, depth), width>>>(surface, output);
    CHECK_KERNEL();
    expected.clear();
    for (int i = 0; i < width * height * depth; i++) expected.push_back(Make<T>::of(mix(i)));
    report(name, "3d", to_host(output, width * height * depth), expected);
    CHECK(cudaDestroySurfaceObject(surface));
    CHECK(cudaFreeArray(array));
    CHECK(cudaFree(output));
}

__global__ void blur(cudaTextureObject_t texture, cudaSurfaceObject_t surface) {
    int x = threadIdx.x, y = blockIdx.x;
    float sum = tex2D<float>(texture, x - 0.5f, y + 0.5f) + tex2D<float>(texture, x + 1.5f, y + 0.5f);
    surf2Dwrite(sum, surface, x * 4, y);
}

int main() {
    run<unsigned char>("unsigned char");
    run<short2>("short2");
    run<float>("float");
    run<int2>("int2");
    run<uint4>("uint4");

    // Two arrays, from one to the other and back: a texture of one, a surface of the other.
    cudaArray_t arrays[2];
    cudaSurfaceObject_t surfaces[2];
    cudaTextureObject_t textures[2];
    for (int i = 0; i < 2; i++) {
        surfaces[i] = make<float>(make_cudaExtent(width, height, 0), &arrays[i]);
        cudaResourceDesc resource = {};
        resource.resType = cudaResourceTypeArray;
        resource.res.array.array = arrays[i];
        cudaTextureDesc description = {};
        description.addressMode[0] = description.addressMode[1] = cudaAddressModeClamp;
        description.readMode = cudaReadModeElementType;
        CHECK(cudaCreateTextureObject(&textures[i], &resource, &description, nullptr));
    }
    write_2d<float><<<height, width>>>(surfaces[0]);
    std::vector<float> image(width * height);
    for (int i = 0; i < width * height; i++) image[i] = Make<float>::of(mix(i));
    for (int step = 0; step < 4; step++) {
        blur<<<height, width>>>(textures[step % 2], surfaces[1 - step % 2]);
        CHECK_KERNEL();
        std::vector<float> next(image.size());
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                next[y * width + x] =
                    image[y * width + (x ? x - 1 : 0)] + image[y * width + (x + 1 < width ? x + 1 : x)];
        image = next;
    }
    std::vector<float> got(width * height);
    CHECK(cudaMemcpy2DFromArray(got.data(), width * 4, arrays[0], 0, 0, width * 4, height, cudaMemcpyDeviceToHost));
    report("ping-pong", "2d", got, image);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: unsigned char 1d: 432f794e8b00b1c3, mismatches 0
// EXPECT: unsigned char 2d: 003e78980ebbca61, mismatches 0
// EXPECT: unsigned char 3d: b2b4f703216e0cef, mismatches 0
// EXPECT: short2 1d: a80774b593c74b4d, mismatches 0
// EXPECT: short2 2d: 899e8a4208a9df67, mismatches 0
// EXPECT: short2 3d: 1ca2d5ddff31aab8, mismatches 0
// EXPECT: float 1d: 0062ae4e4c10ade9, mismatches 0
// EXPECT: float 2d: eb4ab5aa2d770d28, mismatches 0
// EXPECT: float 3d: e8440fba7422ba0d, mismatches 0
// EXPECT: int2 1d: 41475aeb6847aded, mismatches 0
// EXPECT: int2 2d: 67bac218dcf51215, mismatches 0
// EXPECT: int2 3d: dc2bf6b474d89f51, mismatches 0
// EXPECT: uint4 1d: 8454159be737f088, mismatches 0
// EXPECT: uint4 2d: 0c3c895db350c6cb, mismatches 0
// EXPECT: uint4 3d: a3148f8138f3cc91, mismatches 0
// EXPECT: ping-pong 2d: 30a5d3b81691d456, mismatches 0
