// Lanes of a warp that store to the same place in one instruction. CUDA does not say whose value is seen afterwards; the card always lets the same lane
// win, and programs in which only that lane's value is right work there.
#include "case.h"

constexpr int places = 33;

template <typename T> __device__ T value(int lane) { return static_cast<T>(lane); }
template <> __device__ uint2 value(int lane) { return make_uint2(lane, lane); }
template <> __device__ uint4 value(int lane) { return make_uint4(lane, lane, lane, lane); }
template <> __device__ ulonglong2 value(int lane) { return make_ulonglong2(lane, lane); }
template <> __device__ uchar4 value(int lane) { return make_uchar4(lane, lane, lane, lane); }
template <> __device__ ushort2 value(int lane) { return make_ushort2(lane, lane); }

template <typename T> __global__ void to_global(T* to, const int* index, unsigned mask) {
    int lane = threadIdx.x % 32;
    if (mask >> lane & 1) to[index[lane]] = value<T>(lane);
}

template <typename T> __global__ void to_shared(T* to, const int* index, unsigned mask) {
    __shared__ T array[places];
    int lane = threadIdx.x % 32, place = index[lane];
    array[lane] = value<T>(99);
    __syncwarp();
    if (mask >> lane & 1) array[place] = value<T>(lane);
    __syncwarp();
    to[lane] = array[lane];
}

// The place is known to be the same for all lanes, or for some that follow each other.
template <typename T> __global__ void to_one(T* to, unsigned mask) {
    int lane = threadIdx.x % 32;
    __shared__ T one;
    if (mask >> lane & 1) {
        to[0] = value<T>(lane);
        one = value<T>(lane);
    }
    __syncwarp();
    if (lane == 0) to[1] = one;
}

template <typename T> __global__ void to_rows(T* to) {
    __shared__ T rows[16];
    to[threadIdx.y] = value<T>(threadIdx.x);
    rows[threadIdx.y] = value<T>(threadIdx.x);
    __syncthreads();
    if (threadIdx.x == 0) to[16 + threadIdx.y] = rows[threadIdx.y];
}

template <typename T> void print(const char* what, const T* from, int count) {
    CHECK(cudaDeviceSynchronize());
    printf(" %s", what);
    for (int i = 0; i < count; i++) printf(" %d", *reinterpret_cast<const unsigned char*>(from + i));
}

template <typename T> void collide(const char* name, unsigned char* memory, int* index) {
    T* to = reinterpret_cast<T*>(memory);
    for (unsigned mask : {0xffffffffu, 0x0000ffffu, 0xffff0000u, 0x00fff0f0u, 0x55555555u, 0x80000001u, 0x01010100u}) {
        printf("%s, lanes %08x:", name, mask);
        memset(memory, 99, sizeof(T) * places);
        to_one<<<1, 32>>>(to, mask);
        print("to one", to, 2);
        for (int pattern = 0; pattern < 3; pattern++) {
            int different = pattern == 0 ? 4 : pattern == 1 ? 5 : 11;
            for (int lane = 0; lane < 32; lane++)
                index[lane] = pattern == 0 ? lane / 8 : (lane * 7 + lane / 4 * pattern) % different;
            memset(memory, 99, sizeof(T) * places);
            to_global<<<1, 32>>>(to, index, mask);
            print("global", to, different);
            memset(memory, 99, sizeof(T) * places);
            to_shared<<<1, 32>>>(to, index, mask);
            print("shared", to, different);
        }
        printf("\n");
    }
    for (int width : {16, 8, 4}) {
        memset(memory, 99, sizeof(T) * places);
        to_rows<<<1, dim3(width, 32 / width)>>>(to);
        printf("%s, rows of %d:", name, width);
        print("global", to, 32 / width);
        print("shared", to + 16, 32 / width);
        printf("\n");
    }
}

int main() {
    unsigned char* memory;
    int* index;
    CHECK(cudaMallocManaged(&memory, 64 * places));
    CHECK(cudaMallocManaged(&index, sizeof(int) * 32));
    collide<unsigned char>("u8", memory, index);
    collide<unsigned short>("u16", memory, index);
    collide<unsigned>("u32", memory, index);
    collide<unsigned long long>("u64", memory, index);
    collide<uint2>("2 x u32", memory, index);
    collide<uint4>("4 x u32", memory, index);
    collide<ulonglong2>("2 x u64", memory, index);
    collide<uchar4>("4 x u8", memory, index);
    collide<ushort2>("2 x u16", memory, index);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: u8, lanes ffffffff: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 17 1 4 13 3 shared 0 9 12 2 5 8 17 1 4 13 3
// EXPECT: u8, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: u8, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: u8, lanes 00fff0f0: to one 4 4 global 4 12 16 99 shared 4 12 16 99 global 7 5 12 6 4 shared 7 5 12 6 4 global 6 15 12 21 5 14 17 7 4 13 16 shared 6 15 12 21 5 14 17 7 4 13 16
// EXPECT: u8, lanes 55555555: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 14 10 6 2 shared 0 14 10 6 2 global 0 28 12 2 24 8 99 20 4 99 16 shared 0 28 12 2 24 8 99 20 4 99 16
// EXPECT: u8, lanes 80000001: to one 0 0 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 0 99 99 99 99 99 99 99 99 99 99 shared 0 99 99 99 99 99 99 99 99 99 99
// EXPECT: u8, lanes 01010100: to one 8 8 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: u8, rows of 16: global 0 0 shared 0 0
// EXPECT: u8, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: u8, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: u16, lanes ffffffff: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 17 1 4 13 3 shared 0 9 12 2 5 8 17 1 4 13 3
// EXPECT: u16, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: u16, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: u16, lanes 00fff0f0: to one 4 4 global 4 12 16 99 shared 4 12 16 99 global 7 5 12 6 4 shared 7 5 12 6 4 global 6 15 12 21 5 14 17 7 4 13 16 shared 6 15 12 21 5 14 17 7 4 13 16
// EXPECT: u16, lanes 55555555: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 14 10 6 2 shared 0 14 10 6 2 global 0 28 12 2 24 8 99 20 4 99 16 shared 0 28 12 2 24 8 99 20 4 99 16
// EXPECT: u16, lanes 80000001: to one 0 0 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 0 99 99 99 99 99 99 99 99 99 99 shared 0 99 99 99 99 99 99 99 99 99 99
// EXPECT: u16, lanes 01010100: to one 8 8 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: u16, rows of 16: global 0 0 shared 0 0
// EXPECT: u16, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: u16, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: u32, lanes ffffffff: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 17 1 4 13 3 shared 0 9 12 2 5 8 17 1 4 13 3
// EXPECT: u32, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: u32, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: u32, lanes 00fff0f0: to one 4 4 global 4 12 16 99 shared 4 12 16 99 global 7 5 12 6 4 shared 7 5 12 6 4 global 6 15 12 21 5 14 17 7 4 13 16 shared 6 15 12 21 5 14 17 7 4 13 16
// EXPECT: u32, lanes 55555555: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 14 10 6 2 shared 0 14 10 6 2 global 0 28 12 2 24 8 99 20 4 99 16 shared 0 28 12 2 24 8 99 20 4 99 16
// EXPECT: u32, lanes 80000001: to one 0 0 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 0 99 99 99 99 99 99 99 99 99 99 shared 0 99 99 99 99 99 99 99 99 99 99
// EXPECT: u32, lanes 01010100: to one 8 8 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: u32, rows of 16: global 0 0 shared 0 0
// EXPECT: u32, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: u32, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: u64, lanes ffffffff: to one 16 16 global 0 8 16 24 shared 0 8 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 8 17 20 29 19 16 shared 25 28 18 21 24 8 17 20 29 19 16
// EXPECT: u64, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: u64, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: u64, lanes 00fff0f0: to one 16 16 global 4 12 16 99 shared 4 12 16 99 global 18 16 19 17 22 shared 18 16 19 17 22 global 6 15 18 21 5 14 17 20 4 19 16 shared 6 15 18 21 5 14 17 20 4 19 16
// EXPECT: u64, lanes 55555555: to one 16 16 global 0 8 16 24 shared 0 8 16 24 global 18 16 30 26 22 shared 18 16 30 26 22 global 0 28 18 2 24 8 99 20 4 99 16 shared 0 28 18 2 24 8 99 20 4 99 16
// EXPECT: u64, lanes 80000001: to one 31 31 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 31 99 99 99 99 99 99 99 99 99 99 shared 31 99 99 99 99 99 99 99 99 99 99
// EXPECT: u64, lanes 01010100: to one 16 16 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: u64, rows of 16: global 0 0 shared 0 0
// EXPECT: u64, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: u64, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: 2 x u32, lanes ffffffff: to one 16 16 global 0 8 16 24 shared 0 8 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 8 17 20 29 19 16 shared 25 28 18 21 24 8 17 20 29 19 16
// EXPECT: 2 x u32, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: 2 x u32, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: 2 x u32, lanes 00fff0f0: to one 16 16 global 4 12 16 99 shared 4 12 16 99 global 18 16 19 17 22 shared 18 16 19 17 22 global 6 15 18 21 5 14 17 20 4 19 16 shared 6 15 18 21 5 14 17 20 4 19 16
// EXPECT: 2 x u32, lanes 55555555: to one 16 16 global 0 8 16 24 shared 0 8 16 24 global 18 16 30 26 22 shared 18 16 30 26 22 global 0 28 18 2 24 8 99 20 4 99 16 shared 0 28 18 2 24 8 99 20 4 99 16
// EXPECT: 2 x u32, lanes 80000001: to one 31 31 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 31 99 99 99 99 99 99 99 99 99 99 shared 31 99 99 99 99 99 99 99 99 99 99
// EXPECT: 2 x u32, lanes 01010100: to one 16 16 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: 2 x u32, rows of 16: global 0 0 shared 0 0
// EXPECT: 2 x u32, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: 2 x u32, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: 4 x u32, lanes ffffffff: to one 24 24 global 0 8 16 24 shared 0 8 16 24 global 27 25 30 26 24 shared 27 25 30 26 24 global 25 28 18 27 24 8 17 26 29 19 16 shared 25 28 18 27 24 8 17 26 29 19 16
// EXPECT: 4 x u32, lanes 0000ffff: to one 8 8 global 0 8 99 99 shared 0 8 99 99 global 9 14 10 8 11 shared 9 14 10 8 11 global 0 9 12 2 11 8 99 1 10 13 3 shared 0 9 12 2 11 8 99 1 10 13 3
// EXPECT: 4 x u32, lanes ffff0000: to one 24 24 global 99 99 16 24 shared 99 99 16 24 global 27 25 30 26 24 shared 27 25 30 26 24 global 25 28 18 27 24 99 17 26 29 19 16 shared 25 28 18 27 24 99 17 26 29 19 16
// EXPECT: 4 x u32, lanes 00fff0f0: to one 16 16 global 4 12 16 99 shared 4 12 16 99 global 18 16 19 17 22 shared 18 16 19 17 22 global 6 15 18 21 5 14 17 20 4 19 16 shared 6 15 18 21 5 14 17 20 4 19 16
// EXPECT: 4 x u32, lanes 55555555: to one 24 24 global 0 8 16 24 shared 0 8 16 24 global 18 16 30 26 24 shared 18 16 30 26 24 global 0 28 18 2 24 8 99 26 10 99 16 shared 0 28 18 2 24 8 99 26 10 99 16
// EXPECT: 4 x u32, lanes 80000001: to one 31 31 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 31 99 99 99 99 99 99 99 99 99 99 shared 31 99 99 99 99 99 99 99 99 99 99
// EXPECT: 4 x u32, lanes 01010100: to one 24 24 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: 4 x u32, rows of 16: global 8 8 shared 8 8
// EXPECT: 4 x u32, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: 4 x u32, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: 2 x u64, lanes ffffffff: to one 24 24 global 0 8 16 24 shared 0 8 16 24 global 27 25 30 26 24 shared 27 25 30 26 24 global 25 28 18 27 24 8 17 26 29 19 16 shared 25 28 18 27 24 8 17 26 29 19 16
// EXPECT: 2 x u64, lanes 0000ffff: to one 8 8 global 0 8 99 99 shared 0 8 99 99 global 9 14 10 8 11 shared 9 14 10 8 11 global 0 9 12 2 11 8 99 1 10 13 3 shared 0 9 12 2 11 8 99 1 10 13 3
// EXPECT: 2 x u64, lanes ffff0000: to one 24 24 global 99 99 16 24 shared 99 99 16 24 global 27 25 30 26 24 shared 27 25 30 26 24 global 25 28 18 27 24 99 17 26 29 19 16 shared 25 28 18 27 24 99 17 26 29 19 16
// EXPECT: 2 x u64, lanes 00fff0f0: to one 16 16 global 4 12 16 99 shared 4 12 16 99 global 18 16 19 17 22 shared 18 16 19 17 22 global 6 15 18 21 5 14 17 20 4 19 16 shared 6 15 18 21 5 14 17 20 4 19 16
// EXPECT: 2 x u64, lanes 55555555: to one 24 24 global 0 8 16 24 shared 0 8 16 24 global 18 16 30 26 24 shared 18 16 30 26 24 global 0 28 18 2 24 8 99 26 10 99 16 shared 0 28 18 2 24 8 99 26 10 99 16
// EXPECT: 2 x u64, lanes 80000001: to one 31 31 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 31 99 99 99 99 99 99 99 99 99 99 shared 31 99 99 99 99 99 99 99 99 99 99
// EXPECT: 2 x u64, lanes 01010100: to one 24 24 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: 2 x u64, rows of 16: global 8 8 shared 8 8
// EXPECT: 2 x u64, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: 2 x u64, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: 4 x u8, lanes ffffffff: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 17 1 4 13 3 shared 0 9 12 2 5 8 17 1 4 13 3
// EXPECT: 4 x u8, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: 4 x u8, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: 4 x u8, lanes 00fff0f0: to one 4 4 global 4 12 16 99 shared 4 12 16 99 global 7 5 12 6 4 shared 7 5 12 6 4 global 6 15 12 21 5 14 17 7 4 13 16 shared 6 15 12 21 5 14 17 7 4 13 16
// EXPECT: 4 x u8, lanes 55555555: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 14 10 6 2 shared 0 14 10 6 2 global 0 28 12 2 24 8 99 20 4 99 16 shared 0 28 12 2 24 8 99 20 4 99 16
// EXPECT: 4 x u8, lanes 80000001: to one 0 0 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 0 99 99 99 99 99 99 99 99 99 99 shared 0 99 99 99 99 99 99 99 99 99 99
// EXPECT: 4 x u8, lanes 01010100: to one 8 8 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: 4 x u8, rows of 16: global 0 0 shared 0 0
// EXPECT: 4 x u8, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: 4 x u8, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
// EXPECT: 2 x u16, lanes ffffffff: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 17 1 4 13 3 shared 0 9 12 2 5 8 17 1 4 13 3
// EXPECT: 2 x u16, lanes 0000ffff: to one 0 0 global 0 8 99 99 shared 0 8 99 99 global 0 3 1 6 2 shared 0 3 1 6 2 global 0 9 12 2 5 8 99 1 4 13 3 shared 0 9 12 2 5 8 99 1 4 13 3
// EXPECT: 2 x u16, lanes ffff0000: to one 16 16 global 99 99 16 24 shared 99 99 16 24 global 18 16 19 17 22 shared 18 16 19 17 22 global 25 28 18 21 24 99 17 20 29 19 16 shared 25 28 18 21 24 99 17 20 29 19 16
// EXPECT: 2 x u16, lanes 00fff0f0: to one 4 4 global 4 12 16 99 shared 4 12 16 99 global 7 5 12 6 4 shared 7 5 12 6 4 global 6 15 12 21 5 14 17 7 4 13 16 shared 6 15 12 21 5 14 17 7 4 13 16
// EXPECT: 2 x u16, lanes 55555555: to one 0 0 global 0 8 16 24 shared 0 8 16 24 global 0 14 10 6 2 shared 0 14 10 6 2 global 0 28 12 2 24 8 99 20 4 99 16 shared 0 28 12 2 24 8 99 20 4 99 16
// EXPECT: 2 x u16, lanes 80000001: to one 0 0 global 0 99 99 31 shared 0 99 99 31 global 0 99 99 99 31 shared 0 99 99 99 31 global 0 99 99 99 99 99 99 99 99 99 99 shared 0 99 99 99 99 99 99 99 99 99 99
// EXPECT: 2 x u16, lanes 01010100: to one 8 8 global 99 8 16 24 shared 99 8 16 24 global 99 16 99 8 24 shared 99 16 99 8 24 global 99 99 99 99 24 8 99 99 99 99 16 shared 99 99 99 99 24 8 99 99 99 99 16
// EXPECT: 2 x u16, rows of 16: global 0 0 shared 0 0
// EXPECT: 2 x u16, rows of 8: global 0 0 0 0 shared 0 0 0 0
// EXPECT: 2 x u16, rows of 4: global 0 0 0 0 0 0 0 0 shared 0 0 0 0 0 0 0 0
