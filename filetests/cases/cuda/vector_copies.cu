// Elements of several parts (float4, uchar4, ...) that are stored as they were loaded: by way of shared memory, kept in registers over a turn of a loop,
// by a part of the threads, and beside stores that change, turn or mix parts.
#include "case.h"

constexpr int threads = 256, pitch = 80, count = 40 * pitch;

template <typename Vector> __global__ void through_tile(const Vector* from, Vector* to, int limit) {
    __shared__ Vector tile[2][threads];
    for (int i = threadIdx.x; i < threads; i += blockDim.x) tile[0][i] = tile[1][i] = from[count - 1 - i];
    __syncthreads();
    int row = threadIdx.x / 16, column = threadIdx.x % 16;
    for (int turn = 0; turn < 4; turn++) {
        int place = (row + turn * 5) * pitch + column + turn;
        if (place < limit) tile[turn % 2][threadIdx.x] = from[place];
        __syncthreads();
        to[turn * threads + threadIdx.x] = tile[turn % 2][turn < 2 ? threadIdx.x : threads - 1 - threadIdx.x];
        __syncthreads();
    }
}

// Each turn stores what the turn before has loaded.
template <typename Vector> __global__ void ahead(const Vector* from, Vector* to, int turns) {
    __shared__ Vector tile[threads];
    for (int i = threadIdx.x; i < threads; i += blockDim.x) tile[i] = from[count - 1 - i];
    __syncthreads();
    Vector next = from[threadIdx.x];
    for (int turn = 0; turn < turns; turn++) {
        tile[threadIdx.x] = next;
        __syncthreads();
        next = from[(turn + 1) * threads + threadIdx.x];
        to[turn * threads + threadIdx.x] = tile[threadIdx.x ^ 1];
        __syncthreads();
    }
    to[turns * threads + threadIdx.x] = next;
}

// Threads stop copying at different turns, and what a thread had last it keeps.
template <typename Vector> __global__ void apart(const Vector* from, Vector* to) {
    Vector kept = from[threadIdx.x];
    for (int turn = 0; turn < static_cast<int>(threadIdx.x) % 7; turn++) kept = from[turn * threads + threadIdx.x];
    if (threadIdx.x % 5 != 2) to[threadIdx.x] = kept;
    if (threadIdx.x % 3 == 0) to[threads + threadIdx.x] = kept;
}

__global__ void parts(const uint4* from, uint4* to, const float4* numbers, float4* scaled) {
    uint4 value = from[threadIdx.x];
    to[threadIdx.x] = value;
    to[threads + threadIdx.x] = make_uint4(value.w, value.z, value.y, value.x);
    to[2 * threads + threadIdx.x] = make_uint4(value.x, value.y, value.z + 1, value.w);
    to[3 * threads + threadIdx.x] = make_uint4(value.x, value.x, value.z, value.w);
    float4 number = numbers[threadIdx.x];
    scaled[threadIdx.x] = number;
    scaled[threads + threadIdx.x] = make_float4(number.x * 2, number.y * 2, number.z * 2, number.w * 2);
    reinterpret_cast<float2*>(scaled + 2 * threads)[threadIdx.x] = make_float2(number.x, number.y);
    reinterpret_cast<float2*>(scaled + 2 * threads)[threads + threadIdx.x] = make_float2(number.z, number.w);
}

unsigned digest(const void* memory, size_t bytes) {
    unsigned sum = 2166136261u;
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ static_cast<const unsigned char*>(memory)[i]) * 16777619u;
    return sum;
}

template <typename Vector> void copies(const char* name, const unsigned char* bytes, unsigned char* out) {
    const Vector* from = reinterpret_cast<const Vector*>(bytes);
    Vector* to = reinterpret_cast<Vector*>(out);
    auto report = [&](const char* what) {
        CHECK(cudaDeviceSynchronize());
        printf("%s %s: %08x\n", name, what, digest(out, sizeof(Vector) * count));
        memset(out, 0x5a, sizeof(Vector) * count);
    };
    through_tile<<<1, threads>>>(from, to, count);
    report("by tiles");
    through_tile<<<1, threads>>>(from, to, 9 * pitch + 7);
    report("by tiles up to a limit");
    through_tile<<<1, 1>>>(from, to, count);
    report("by one thread");
    ahead<<<1, threads>>>(from, to, 9);
    report("ahead");
    ahead<<<1, threads - 19>>>(from, to, 5);
    report("ahead, not all warps whole");
    apart<<<1, threads>>>(from, to);
    report("apart");
}

int main() {
    unsigned char *bytes, *out;
    CHECK(cudaMallocManaged(&bytes, 32 * count));
    CHECK(cudaMallocManaged(&out, 32 * count));
    for (int i = 0; i < 32 * count; i++) bytes[i] = i * 2654435761u >> 13;
    memset(out, 0x5a, 32 * count);
    copies<float4>("float4", bytes, out);
    copies<uint4>("uint4", bytes, out);
    copies<double2>("double2", bytes, out);
    copies<ulonglong2>("ulonglong2", bytes, out);
    copies<float2>("float2", bytes, out);
    copies<ushort4>("ushort4", bytes, out);
    copies<uchar4>("uchar4", bytes, out);
    copies<char2>("char2", bytes, out);
    float4* numbers = reinterpret_cast<float4*>(bytes + 16 * count);
    for (int i = 0; i < threads; i++) numbers[i] = make_float4(i, i * 0.5f, -i, i * i);
    parts<<<1, threads>>>(reinterpret_cast<uint4*>(bytes), reinterpret_cast<uint4*>(out), numbers, reinterpret_cast<float4*>(out) + count);
    CHECK(cudaDeviceSynchronize());
    printf("parts: %08x\n", digest(out, 32 * count));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: float4 by tiles: bb3d4d08
// EXPECT: float4 by tiles up to a limit: a7e82ad1
// EXPECT: float4 by one thread: 084b9811
// EXPECT: float4 ahead: 06699995
// EXPECT: float4 ahead, not all warps whole: 18332d68
// EXPECT: float4 apart: 7b421640
// EXPECT: uint4 by tiles: bb3d4d08
// EXPECT: uint4 by tiles up to a limit: a7e82ad1
// EXPECT: uint4 by one thread: 084b9811
// EXPECT: uint4 ahead: 06699995
// EXPECT: uint4 ahead, not all warps whole: 18332d68
// EXPECT: uint4 apart: 7b421640
// EXPECT: double2 by tiles: bb3d4d08
// EXPECT: double2 by tiles up to a limit: a7e82ad1
// EXPECT: double2 by one thread: 084b9811
// EXPECT: double2 ahead: 06699995
// EXPECT: double2 ahead, not all warps whole: 18332d68
// EXPECT: double2 apart: 7b421640
// EXPECT: ulonglong2 by tiles: bb3d4d08
// EXPECT: ulonglong2 by tiles up to a limit: a7e82ad1
// EXPECT: ulonglong2 by one thread: 084b9811
// EXPECT: ulonglong2 ahead: 06699995
// EXPECT: ulonglong2 ahead, not all warps whole: 18332d68
// EXPECT: ulonglong2 apart: 7b421640
// EXPECT: float2 by tiles: 85e9a6f4
// EXPECT: float2 by tiles up to a limit: 001f0f71
// EXPECT: float2 by one thread: 3bb9f89f
// EXPECT: float2 ahead: effa26d7
// EXPECT: float2 ahead, not all warps whole: 30eb1720
// EXPECT: float2 apart: c2d020c7
// EXPECT: ushort4 by tiles: 85e9a6f4
// EXPECT: ushort4 by tiles up to a limit: 001f0f71
// EXPECT: ushort4 by one thread: 3bb9f89f
// EXPECT: ushort4 ahead: effa26d7
// EXPECT: ushort4 ahead, not all warps whole: 30eb1720
// EXPECT: ushort4 apart: c2d020c7
// EXPECT: uchar4 by tiles: 37f06ce2
// EXPECT: uchar4 by tiles up to a limit: 351fe055
// EXPECT: uchar4 by one thread: cca75caa
// EXPECT: uchar4 ahead: e38262d5
// EXPECT: uchar4 ahead, not all warps whole: 8775a8ad
// EXPECT: uchar4 apart: b1d63ea0
// EXPECT: char2 by tiles: 78f0a15e
// EXPECT: char2 by tiles up to a limit: 387d8305
// EXPECT: char2 by one thread: e79da11a
// EXPECT: char2 ahead: 01a323a8
// EXPECT: char2 ahead, not all warps whole: f25a09e4
// EXPECT: char2 apart: 8e21e2c3
// EXPECT: parts: 3f778126
