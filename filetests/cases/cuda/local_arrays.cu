// Arrays in local memory with indices known only at run time: insertion sort in a private array, a private hash table,
// pointers into the own stack handed to functions, and large frames.
#include "case.h"

struct Slot {
    int key;
    short count;
};

__host__ __device__ unsigned sorted_hash(int thread) {
    int values[24];
    for (int i = 0; i < 24; i++) values[i] = static_cast<int>(mix(thread * 24 + i) % 1000);
    for (int i = 1; i < 24; i++) {
        int value = values[i], place = i;
        while (place > 0 && values[place - 1] > value) values[place] = values[place - 1], place--;
        values[place] = value;
    }
    unsigned hash = 0;
    for (int i = 0; i < 24; i++) hash = hash * 33 + values[(i * 7 + thread) % 24];
    return hash;
}

__host__ __device__ int most_frequent(int thread) {
    Slot table[32] = {};
    for (int i = 0; i < 60; i++) {
        int key = 1 + mix(thread + i * 7919) % 20;
        int slot = key * 11 % 32;
        while (table[slot].key != 0 && table[slot].key != key) slot = (slot + 1) % 32;
        table[slot].key = key;
        table[slot].count++;
    }
    int best = 0;
    for (int i = 0; i < 32; i++)
        if (table[i].count > table[best].count ||
            (table[i].count == table[best].count && table[i].key > table[best].key))
            best = i;
    return table[best].key * 100 + table[best].count;
}

__device__ __noinline__ void rotate(unsigned char* bytes, int count, int by) {
    for (int start = 0, done = 0; done < count; start++) {
        int at = start;
        unsigned char carried = bytes[at];
        do {
            int next = (at + by) % count;
            unsigned char t = bytes[next];
            bytes[next] = carried;
            carried = t;
            at = next;
            done++;
        } while (at != start);
    }
}

__global__ void run(unsigned* hashes, int* frequent, unsigned* rotated, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    hashes[i] = sorted_hash(i);
    frequent[i] = most_frequent(i);
    unsigned char bytes[2048];
    for (int k = 0; k < 256; k++) bytes[k + i % 1000] = static_cast<unsigned char>(mix(i + k));
    rotate(bytes + i % 1000, 256, 1 + i % 255);
    unsigned hash = 0;
    for (int k = 0; k < 256; k++) hash = hash * 31 + bytes[k + i % 1000];
    rotated[i] = hash;
}

int main() {
    const int count = 4000;
    unsigned *hashes_device = device_zeros<unsigned>(count), *rotated_device = device_zeros<unsigned>(count);
    int* frequent_device = device_zeros<int>(count);
    run<<<(count + 95) / 96, 96>>>(hashes_device, frequent_device, rotated_device, count);
    CHECK_KERNEL();
    std::vector<unsigned> hashes = to_host(hashes_device, count), expected(count);
    std::vector<unsigned> rotated = to_host(rotated_device, count), expected_rotated(count, 0);
    std::vector<int> frequent = to_host(frequent_device, count), expected_frequent(count);
    for (int i = 0; i < count; i++) {
        expected[i] = sorted_hash(i);
        expected_frequent[i] = most_frequent(i);
        int by = 1 + i % 255;
        for (int k = 0; k < 256; k++)
            expected_rotated[i] = expected_rotated[i] * 31 + static_cast<unsigned char>(mix(i + (k - by + 256) % 256));
    }
    printf("sorted: checksum %016llx, mismatches %d\n", (unsigned long long)checksum(hashes),
           mismatches(hashes, expected));
    printf("frequent: first %d, mismatches %d\n", frequent[0], mismatches(frequent, expected_frequent));
    printf("rotated: mismatches %d\n", mismatches(rotated, expected_rotated));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sorted: checksum 4311d533e09d9e30, mismatches 0
// EXPECT: frequent: first 606, mismatches 0
// EXPECT: rotated: mismatches 0
