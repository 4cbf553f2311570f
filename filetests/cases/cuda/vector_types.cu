// Built-in vector types: aligned loads and stores of 2 to 16 bytes, three-component types, arrays of them in shared
// memory, and reinterpretation between them.
#include "case.h"

template <typename T>
__global__ void copy_reversed(const T* input, T* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[count - 1 - i] = input[i];
}

template <typename T>
void run(const char* name) {
    const int count = 3001;
    std::vector<T> input(count), expected(count);
    for (size_t i = 0; i < count * sizeof(T); i++)
        reinterpret_cast<unsigned char*>(input.data())[i] = static_cast<unsigned char>(mix(static_cast<uint32_t>(i)));
    for (int i = 0; i < count; i++) expected[count - 1 - i] = input[i];
    T* input_device = to_device(input);
    T* output_device = device_zeros<T>(count);
    copy_reversed<<<(count + 95) / 96, 96>>>(input_device, output_device, count);
    CHECK_KERNEL();
    printf("%-10s %2zu bytes, mismatches %d\n", name, sizeof(T), mismatches(to_host(output_device, count), expected));
    CHECK(cudaFree(input_device));
    CHECK(cudaFree(output_device));
}

__global__ void arithmetic(const float4* points, const int2* pairs, const uchar4* pixels, float4* sums, short4* mixed) {
    __shared__ float4 staged[64];
    int i = threadIdx.x;
    float4 p = points[i];
    staged[i] = make_float4(p.w, p.z, p.y, p.x);
    __syncthreads();
    float4 q = staged[63 - i];
    sums[i] = make_float4(p.x + q.x, p.y * q.y, p.z - q.z, fmaxf(p.w, q.w));
    int2 pair = pairs[i];
    uchar4 pixel = pixels[i];
    // One 32-bit word seen as four bytes, changed, and seen as a word again.
    unsigned word = *reinterpret_cast<unsigned*>(&pixel) ^ 0x01020304u;
    uchar4 changed = *reinterpret_cast<uchar4*>(&word);
    mixed[i] = make_short4(static_cast<short>(pair.x - pair.y), static_cast<short>(changed.x + changed.y),
                           static_cast<short>(changed.z * 2), static_cast<short>(changed.w | pair.x));
}

int main() {
    run<char2>("char2");
    run<uchar3>("uchar3");
    run<uchar4>("uchar4");
    run<short2>("short2");
    run<ushort4>("ushort4");
    run<int2>("int2");
    run<int3>("int3");
    run<uint4>("uint4");
    run<float2>("float2");
    run<float3>("float3");
    run<float4>("float4");
    run<double2>("double2");
    run<double3>("double3");
    run<longlong2>("longlong2");

    std::vector<float4> points(64), expected_sums(64);
    std::vector<int2> pairs(64);
    std::vector<uchar4> pixels(64);
    std::vector<short4> expected_mixed(64);
    for (int i = 0; i < 64; i++) {
        points[i] = make_float4(i, i * 2 - 5, i * 3 % 17, 40 - i);
        pairs[i] = make_int2(i * i, i * 3);
        pixels[i] = make_uchar4(i, i + 100, 255 - i, i * 3);
    }
    for (int i = 0; i < 64; i++) {
        float4 p = points[i], other = points[63 - i];
        float4 q = make_float4(other.w, other.z, other.y, other.x);
        expected_sums[i] = make_float4(p.x + q.x, p.y * q.y, p.z - q.z, p.w > q.w ? p.w : q.w);
        uchar4 c = make_uchar4(pixels[i].x ^ 4, pixels[i].y ^ 3, pixels[i].z ^ 2, pixels[i].w ^ 1);
        expected_mixed[i] = make_short4(static_cast<short>(pairs[i].x - pairs[i].y), static_cast<short>(c.x + c.y),
                                        static_cast<short>(c.z * 2), static_cast<short>(c.w | pairs[i].x));
    }
    float4* sums_device = device_zeros<float4>(64);
    short4* mixed_device = device_zeros<short4>(64);
    arithmetic<<<1, 64>>>(to_device(points), to_device(pairs), to_device(pixels), sums_device, mixed_device);
    CHECK_KERNEL();
    printf("arithmetic: mismatches %d %d\n", mismatches(to_host(sums_device, 64), expected_sums),
           mismatches(to_host(mixed_device, 64), expected_mixed));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: char2       2 bytes, mismatches 0
// EXPECT: uchar3      3 bytes, mismatches 0
// EXPECT: uchar4      4 bytes, mismatches 0
// EXPECT: short2      4 bytes, mismatches 0
// EXPECT: ushort4     8 bytes, mismatches 0
// EXPECT: int2        8 bytes, mismatches 0
// EXPECT: int3       12 bytes, mismatches 0
// EXPECT: uint4      16 bytes, mismatches 0
// EXPECT: float2      8 bytes, mismatches 0
// EXPECT: float3     12 bytes, mismatches 0
// EXPECT: float4     16 bytes, mismatches 0
// EXPECT: double2    16 bytes, mismatches 0
// EXPECT: double3    24 bytes, mismatches 0
// EXPECT: longlong2  16 bytes, mismatches 0
// EXPECT: arithmetic: mismatches 0 0
