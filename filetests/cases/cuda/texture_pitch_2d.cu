// Rows of pitched memory read through tex2D at the texels' middles: several types, and what lies outside of the image.
#include "case.h"

constexpr int width = 211, height = 97;

template <typename T>
__global__ void copy(cudaTextureObject_t texture, T* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
    if (x < width) output[y * width + x] = tex2D<T>(texture, x + 0.5f, y + 0.5f);
}

// Reads a frame of eight texels around the image too.
template <typename T>
__global__ void copy_frame(cudaTextureObject_t texture, T* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y, stride = width + 16;
    if (x < stride) output[y * stride + x] = tex2D<T>(texture, x - 8 + 0.5f, y - 8 + 0.5f);
}

template <typename T>
cudaTextureObject_t texture_of(T* memory, size_t pitch, cudaTextureAddressMode mode) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypePitch2D;
    resource.res.pitch2D.devPtr = memory;
    resource.res.pitch2D.desc = cudaCreateChannelDesc<T>();
    resource.res.pitch2D.width = width;
    resource.res.pitch2D.height = height;
    resource.res.pitch2D.pitchInBytes = pitch;
    cudaTextureDesc description = {};
    description.addressMode[0] = description.addressMode[1] = mode;
    description.readMode = cudaReadModeElementType;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

template <typename T>
void run(const char* name) {
    std::vector<T> image(width * height);
    unsigned char* bytes = reinterpret_cast<unsigned char*>(image.data());
    for (size_t i = 0; i < image.size() * sizeof(T); i++) bytes[i] = mix(i + 7) & 0x3f;
    T* memory;
    size_t pitch;
    CHECK(cudaMallocPitch(reinterpret_cast<void**>(&memory), &pitch, width * sizeof(T), height));
    CHECK(cudaMemcpy2D(memory, pitch, image.data(), width * sizeof(T), width * sizeof(T), height, cudaMemcpyHostToDevice));
    cudaTextureObject_t clamped = texture_of(memory, pitch, cudaAddressModeClamp);
    T* output = device_zeros<T>(width * height);
    copy<<<dim3((width + 63) / 64, height), 64>>>(clamped, output);
    CHECK_KERNEL();
    std::vector<T> got = to_host(output, width * height);
    printf("%s: %016llx, mismatches %d\n", name, (unsigned long long)checksum(got), mismatches(got, image));

    const int stride = width + 16, rows = height + 16;
    T* framed = device_zeros<T>(stride * rows);
    copy_frame<<<dim3((stride + 63) / 64, rows), 64>>>(clamped, framed);
    CHECK_KERNEL();
    std::vector<T> expected(stride * rows);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < stride; x++) {
            int from_x = x < 8 ? 0 : x >= width + 8 ? width - 1 : x - 8;
            int from_y = y < 8 ? 0 : y >= height + 8 ? height - 1 : y - 8;
            expected[y * stride + x] = image[from_y * width + from_x];
        }
    got = to_host(framed, stride * rows);
    printf("  clamped frame: mismatches %d\n", mismatches(got, expected));

    cudaTextureObject_t bordered = texture_of(memory, pitch, cudaAddressModeBorder);
    copy_frame<<<dim3((stride + 63) / 64, rows), 64>>>(bordered, framed);
    CHECK_KERNEL();
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < stride; x++)
            if (x < 8 || x >= width + 8 || y < 8 || y >= height + 8) memset(&expected[y * stride + x], 0, sizeof(T));
    got = to_host(framed, stride * rows);
    printf("  border of zeros: mismatches %d\n", mismatches(got, expected));
    CHECK(cudaDestroyTextureObject(clamped));
    CHECK(cudaDestroyTextureObject(bordered));
    CHECK(cudaFree(memory));
    CHECK(cudaFree(output));
    CHECK(cudaFree(framed));
}

int main() {
    run<float>("float");
    run<uchar4>("uchar4");
    run<short>("short");
    run<int2>("int2");
    run<float4>("float4");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: float: b7fa7bf975d1b4e1, mismatches 0
// EXPECT:   clamped frame: mismatches 0
// EXPECT:   border of zeros: mismatches 0
// EXPECT: uchar4: b7fa7bf975d1b4e1, mismatches 0
// EXPECT:   clamped frame: mismatches 0
// EXPECT:   border of zeros: mismatches 0
// EXPECT: short: 81769c27caddcd95, mismatches 0
// EXPECT:   clamped frame: mismatches 0
// EXPECT:   border of zeros: mismatches 0
// EXPECT: int2: 841ab6768301377e, mismatches 0
// EXPECT:   clamped frame: mismatches 0
// EXPECT:   border of zeros: mismatches 0
// EXPECT: float4: c9a533c21c19f003, mismatches 0
// EXPECT:   clamped frame: mismatches 0
// EXPECT:   border of zeros: mismatches 0
