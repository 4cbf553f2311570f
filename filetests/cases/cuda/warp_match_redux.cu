// match_any, match_all and the warp-wide reductions in hardware (redux) in all operations, under partial masks.
#include "case.h"

__global__ void match(const int* keys, const long long* wide, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int all_equal = 0, all_wide = 0;
    output[4 * i] = __match_any_sync(0xffffffffu, keys[i]);
    output[4 * i + 1] = __match_any_sync(0xffffffffu, wide[i]);
    output[4 * i + 2] = __match_all_sync(0xffffffffu, keys[i], &all_equal) * 3 + all_equal;
    output[4 * i + 3] = __match_all_sync(0xffffffffu, wide[i] & 0x100000000ll, &all_wide) * 3 + all_wide;
}

__global__ void reduce(const int* keys, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
    unsigned mask = lane % 3 == 0 ? 0x49249249u : ~0x49249249u;
    unsigned* mine = output + 8 * i;
    // Two groups of one warp reduce at the same time, each with its own mask.
    mine[0] = __reduce_add_sync(mask, static_cast<unsigned>(keys[i]));
    mine[1] = __reduce_add_sync(mask, keys[i]);
    mine[2] = __reduce_min_sync(mask, static_cast<unsigned>(keys[i]));
    mine[3] = __reduce_min_sync(mask, keys[i]);
    mine[4] = __reduce_max_sync(mask, static_cast<unsigned>(keys[i])) + __reduce_max_sync(mask, keys[i]);
    mine[5] = __reduce_and_sync(mask, static_cast<unsigned>(keys[i]));
    mine[6] = __reduce_or_sync(mask, static_cast<unsigned>(keys[i]));
    mine[7] = __reduce_xor_sync(mask, static_cast<unsigned>(keys[i]));
}

int main() {
    const int count = 1024;
    std::vector<int> keys(count);
    std::vector<long long> wide(count);
    for (int i = 0; i < count; i++) {
        keys[i] = i / 32 % 4 == 3 ? 9 : static_cast<int>(mix(i) % 7) - 3;
        wide[i] = static_cast<long long>(mix(i / 2) % 4) << 32 | (i % 2);
    }
    int* keys_device = to_device(keys);
    long long* wide_device = to_device(wide);
    unsigned* output_device = device_zeros<unsigned>(8 * count);
    match<<<count / 64, 64>>>(keys_device, wide_device, output_device);
    CHECK_KERNEL();
    std::vector<unsigned> output = to_host(output_device, 4 * count), expected(4 * count);
    for (int i = 0; i < count; i++) {
        unsigned equal = 0, equal_wide = 0, equal_bit = 0;
        for (int lane = 0; lane < 32; lane++) {
            int other = i / 32 * 32 + lane;
            equal |= (keys[other] == keys[i] ? 1u : 0u) << lane;
            equal_wide |= (wide[other] == wide[i] ? 1u : 0u) << lane;
            equal_bit |= ((wide[other] >> 32 & 1) == (wide[i] >> 32 & 1) ? 1u : 0u) << lane;
        }
        unsigned row[4] = {equal, equal_wide, equal == ~0u ? ~0u * 3 + 1 : 0, equal_bit == ~0u ? ~0u * 3 + 1 : 0};
        memcpy(&expected[4 * i], row, sizeof(row));
    }
    printf("match: checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output),
           mismatches(output, expected));

    for (int& key : keys) key = static_cast<int>(mix(key * 977 + static_cast<int>(&key - keys.data())));
    CHECK(cudaMemcpy(keys_device, keys.data(), count * sizeof(int), cudaMemcpyHostToDevice));
    reduce<<<count / 128, 128>>>(keys_device, output_device);
    CHECK_KERNEL();
    output = to_host(output_device, 8 * count);
    expected.assign(8 * count, 0);
    for (int i = 0; i < count; i++) {
        unsigned sum = 0, smallest = ~0u, largest = 0, conjunction = ~0u, disjunction = 0, parity = 0;
        int signed_smallest = INT32_MAX, signed_largest = INT32_MIN;
        for (int lane = 0; lane < 32; lane++) {
            if ((lane % 3 == 0) != (i % 32 % 3 == 0)) continue;
            int key = keys[i / 32 * 32 + lane];
            unsigned bits = static_cast<unsigned>(key);
            sum += bits, conjunction &= bits, disjunction |= bits, parity ^= bits;
            smallest = min(smallest, bits), largest = max(largest, bits);
            signed_smallest = min(signed_smallest, key), signed_largest = max(signed_largest, key);
        }
        unsigned row[8] = {sum,
                           sum,
                           smallest,
                           static_cast<unsigned>(signed_smallest),
                           largest + static_cast<unsigned>(signed_largest),
                           conjunction,
                           disjunction,
                           parity};
        memcpy(&expected[8 * i], row, sizeof(row));
    }
    printf("redux: checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output),
           mismatches(output, expected));
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: match: checksum 54e9ab2e251ef65c, mismatches 0
// EXPECT: redux: checksum d1ec0351904b3e5e, mismatches 0
