// match_any and match_all of values that are known to have few bits: of bytes, of digits, of comparisons, of 64-bit values; with all lanes, in a branch that
// some take, and with members of two groups.
#include "case.h"

constexpr int results = 9;

__global__ void match(const unsigned* keys, const unsigned char* bytes, const short* shorts, int shift, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
    unsigned* mine = output + results * i;
    unsigned digit = keys[i] >> shift & 255;
    mine[0] = __match_any_sync(0xffffffffu, digit);
    mine[1] = __match_any_sync(0xffffffffu, bytes[i]);
    mine[2] = __match_any_sync(0xffffffffu, shorts[i] & 0xfff);
    mine[3] = __match_any_sync(0xffffffffu, keys[i] % 2 == 0);
    mine[4] = __match_any_sync(0xffffffffu, static_cast<unsigned long long>(keys[i] & 7));
    mine[5] = __match_any_sync(0xffffffffu, static_cast<int>(shorts[i]));
    unsigned some = __ballot_sync(0xffffffffu, lane % 3 != 1);
    mine[6] = lane % 3 != 1 ? __match_any_sync(some, digit & 15) : 0;
    unsigned group = lane < 13 ? 0x1fffu : ~0x1fffu;
    mine[7] = __match_any_sync(group, digit & 3);
    int is_same = 0;
    mine[8] = __match_all_sync(group, bytes[i] & 16, &is_same) * 3 + is_same;
}

template <typename Value>
unsigned equal(const std::vector<Value>& values, int i, unsigned members) {
    unsigned lanes = 0;
    for (int lane = 0; lane < 32; lane++) lanes |= (values[i / 32 * 32 + lane] == values[i] ? 1u : 0u) << lane;
    return lanes & members;
}

int main() {
    const int count = 2048, shift = 5;
    std::vector<unsigned> keys(count);
    std::vector<unsigned char> bytes(count);
    std::vector<short> shorts(count);
    for (int i = 0; i < count; i++) {
        // Some warps have few different values, some have all 256.
        unsigned value = i / 32 % 3 == 0 ? mix(i) : i / 32 % 3 == 1 ? mix(i) % 5 * 0x1357u : mix(i % 4) << 20;
        keys[i] = value;
        bytes[i] = value >> 7;
        shorts[i] = static_cast<short>(value >> 3);
    }
    unsigned* output_device = device_zeros<unsigned>(results * count);
    match<<<count / 256, 256>>>(to_device(keys), to_device(bytes), to_device(shorts), shift, output_device);
    CHECK_KERNEL();

    std::vector<unsigned> output = to_host(output_device, results * count), expected(results * count);
    auto of_keys = [&](auto&& make) {
        std::vector<unsigned> values(count);
        for (int i = 0; i < count; i++) values[i] = make(i);
        return values;
    };
    auto digits = of_keys([&](int i) { return keys[i] >> shift & 255; });
    auto low_shorts = of_keys([&](int i) { return static_cast<unsigned>(shorts[i] & 0xfff); });
    auto even = of_keys([&](int i) { return keys[i] % 2; });
    auto low_keys = of_keys([&](int i) { return keys[i] & 7; });
    auto low_digits = of_keys([&](int i) { return keys[i] >> shift & 15; });
    auto lowest = of_keys([&](int i) { return keys[i] >> shift & 3; });
    auto bits = of_keys([&](int i) { return bytes[i] & 16u; });
    for (int i = 0; i < count; i++) {
        int lane = i % 32;
        unsigned group = lane < 13 ? 0x1fffu : ~0x1fffu, some = 0;
        for (int other = 0; other < 32; other++) some |= (other % 3 != 1 ? 1u : 0u) << other;
        bool is_same = equal(bits, i, group) == group;
        unsigned row[results] = {equal(digits, i, ~0u),
                                 equal(bytes, i, ~0u),
                                 equal(low_shorts, i, ~0u),
                                 equal(even, i, ~0u),
                                 equal(low_keys, i, ~0u),
                                 equal(shorts, i, ~0u),
                                 lane % 3 != 1 ? equal(low_digits, i, some) : 0,
                                 equal(lowest, i, group),
                                 is_same ? group * 3 + 1 : 0};
        memcpy(&expected[results * i], row, sizeof(row));
    }
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output), mismatches(output, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: checksum ca4cc444899d412a, mismatches 0
