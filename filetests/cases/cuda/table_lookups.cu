// Lookups in small tables in shared memory, at places of each lane's own: elements of one, two and four bytes, tables of several sizes, some that change
// while they are in use.
#include "case.h"

// Many lookups one after the other, each where the last one leads.
template <typename T, int SIZE>
__global__ void chase(const T* contents, const unsigned* starts, int turns, unsigned* output) {
    __shared__ T table[SIZE];
    for (int i = threadIdx.x; i < SIZE; i += blockDim.x) table[i] = contents[i];
    __syncthreads();
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x, state = starts[i];
    // Lanes part: each has turns of its own.
    for (int turn = 0; turn < turns + static_cast<int>(i % 5); turn++) {
        unsigned sum = 0;
        for (int part = 0; part < 4; part++) sum = sum * 31 + static_cast<unsigned>(table[(state >> 8 * part & 255) % SIZE]);
        state = state * 1664525 + sum;
    }
    output[i] = state;
}

template <typename T, int SIZE>
static void chase_on_host(const std::vector<T>& table, const std::vector<unsigned>& starts, int turns,
                          std::vector<unsigned>& output) {
    for (size_t i = 0; i < starts.size(); i++) {
        unsigned state = starts[i];
        for (int turn = 0; turn < turns + static_cast<int>(i % 5); turn++) {
            unsigned sum = 0;
            for (int part = 0; part < 4; part++) sum = sum * 31 + static_cast<unsigned>(table[(state >> 8 * part & 255) % SIZE]);
            state = state * 1664525 + sum;
        }
        output[i] = state;
    }
}

template <typename T, int SIZE>
static void run_chase(const char* name, int block) {
    const int count = 4 * block;
    std::vector<T> table(SIZE);
    for (int i = 0; i < SIZE; i++) table[i] = static_cast<T>(mix(i + SIZE));
    std::vector<unsigned> starts(count), expected(count);
    for (int i = 0; i < count; i++) starts[i] = mix(i);
    chase_on_host<T, SIZE>(table, starts, 20, expected);
    unsigned* output = device_zeros<unsigned>(count);
    chase<T, SIZE><<<4, block>>>(to_device(table), to_device(starts), 20, output);
    CHECK_KERNEL();
    printf("%s, %d elements, blocks of %d: mismatches %d\n", name, SIZE, block, mismatches(to_host(output, count), expected));
}

// The table is turned by what each round finds in it, and sometimes a thread changes an element for itself.
__global__ void changing(const unsigned* contents, unsigned* output) {
    __shared__ unsigned table[256];
    int thread = threadIdx.x;
    table[thread] = contents[thread];
    unsigned state = thread * 0x9e3779b9u + blockIdx.x;
    for (int round = 0; round < 6; round++) {
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 12; i++) state = (state >> 7 | state << 25) ^ table[state & 255] ^ table[state >> 11 & 255];
        __syncthreads();
        if (round % 2 == 0 || thread % 3 == 0) table[thread] ^= state;
        state += table[thread] * 3;
    }
    output[blockIdx.x * 256 + thread] = state;
}

static void change_on_host(const std::vector<unsigned>& contents, int block, unsigned* output) {
    std::vector<unsigned> table = contents, states(256);
    for (int thread = 0; thread < 256; thread++) states[thread] = thread * 0x9e3779b9u + block;
    for (int round = 0; round < 6; round++) {
        for (unsigned& state : states)
            for (int i = 0; i < 12; i++)
                state = (state >> 7 | state << 25) ^ table[state & 255] ^ table[state >> 11 & 255];
        for (int thread = 0; thread < 256; thread++) {
            if (round % 2 == 0 || thread % 3 == 0) table[thread] ^= states[thread];
            states[thread] += table[thread] * 3;
        }
    }
    for (int thread = 0; thread < 256; thread++) output[thread] = states[thread];
}

// Sixteen levels that four bits stand for, as weights of networks are kept.
__global__ void levels(const unsigned* packed, const float* scales, float* output) {
    __shared__ float level[16];
    if (threadIdx.x < 16) level[threadIdx.x] = (threadIdx.x - 7.5f) * (threadIdx.x + 1) / 64;
    __syncthreads();
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x, eight = packed[i];
    float scale = scales[i / 8];
#pragma unroll
    for (int part = 0; part < 8; part++) output[i * 8 + part] = level[eight >> 4 * part & 15] * scale;
}

int main() {
    run_chase<unsigned char, 256>("bytes", 256);
    run_chase<unsigned char, 64>("bytes", 96);
    run_chase<unsigned short, 128>("two bytes", 128);
    run_chase<unsigned short, 256>("two bytes", 64);
    run_chase<unsigned, 256>("words", 256);
    run_chase<unsigned, 100>("words", 192);
    run_chase<int, 32>("signed words", 32);
    run_chase<signed char, 128>("signed bytes", 160);

    std::vector<unsigned> contents(256), expected(8 * 256);
    for (int i = 0; i < 256; i++) contents[i] = mix(i + 99);
    for (int block = 0; block < 8; block++) change_on_host(contents, block, &expected[block * 256]);
    unsigned* changed = device_zeros<unsigned>(8 * 256);
    changing<<<8, 256>>>(to_device(contents), changed);
    CHECK_KERNEL();
    printf("changing: mismatches %d\n", mismatches(to_host(changed, 8 * 256), expected));

    std::vector<unsigned> packed(512);
    std::vector<float> scales(64), weights(512 * 8);
    for (int i = 0; i < 512; i++) packed[i] = mix(i + 7);
    for (int i = 0; i < 64; i++) scales[i] = 1.0f / (1 + i);
    for (int i = 0; i < 512 * 8; i++) {
        int number = packed[i / 8] >> 4 * (i % 8) & 15;
        weights[i] = (number - 7.5f) * (number + 1) / 64 * scales[i / 64];
    }
    float* output = device_zeros<float>(512 * 8);
    levels<<<2, 256>>>(to_device(packed), to_device(scales), output);
    CHECK_KERNEL();
    printf("levels: mismatches %d\n", mismatches(to_host(output, 512 * 8), weights));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: bytes, 256 elements, blocks of 256: mismatches 0
// EXPECT: bytes, 64 elements, blocks of 96: mismatches 0
// EXPECT: two bytes, 128 elements, blocks of 128: mismatches 0
// EXPECT: two bytes, 256 elements, blocks of 64: mismatches 0
// EXPECT: words, 256 elements, blocks of 256: mismatches 0
// EXPECT: words, 100 elements, blocks of 192: mismatches 0
// EXPECT: signed words, 32 elements, blocks of 32: mismatches 0
// EXPECT: signed bytes, 128 elements, blocks of 160: mismatches 0
// EXPECT: changing: mismatches 0
// EXPECT: levels: mismatches 0
