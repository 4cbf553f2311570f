// Tables that follow from their index by a formula, and ones that do so but for one bit: checksums with a table in constant memory, products in a field of 256
// elements and AES's substitution with tables in shared memory. A table that is changed between launches is another one.
#include "case.h"

__constant__ unsigned remainders[256];
__constant__ unsigned char substitutions[256];

__global__ void checksums(const unsigned* words, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned rest = ~0u;
#pragma unroll 1
    for (int turn = 0; turn < 8; turn++) {
        rest ^= words[turn * gridDim.x * blockDim.x + i];
        for (int byte = 0; byte < 4; byte++) rest = remainders[rest & 255] ^ rest >> 8;
    }
    output[i] = rest;
}

__global__ void substitute(const unsigned* words, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned word = words[i];
    for (int turn = 0; turn < 8; turn++) {
        unsigned next = substitutions[word & 255] | substitutions[word >> 8 & 255] << 8;
        word = next | substitutions[word >> 16 & 255] << 16 | substitutions[word >> 24] << 24;
        word = word << 3 ^ word >> 11;
    }
    output[i] = word;
}

// The same with a table that the block makes: the substitution and its products with 2 and 3, one bit of which may be another.
__global__ void substitute_and_mix(const unsigned* words, int wrong_at, unsigned* output) {
    __shared__ unsigned table[256];
    unsigned byte = substitutions[threadIdx.x], twice = (byte << 1 ^ (byte >> 7) * 0x11b) & 255;
    table[threadIdx.x] = (twice | byte << 8 | byte << 16 | (twice ^ byte) << 24) ^ (threadIdx.x == wrong_at ? 1u << 13 : 0);
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned word = words[i];
    for (int turn = 0; turn < 8; turn++)
        word = table[word & 255] ^ table[word >> 8 & 255] * 3 ^ table[word >> 16 & 255] * 5 ^ table[word >> 24] * 7;
    output[i] = word;
}

static unsigned char product(unsigned char a, unsigned char b) {
    unsigned sum = 0, power = a;
    for (int bit = 0; bit < 8; bit++) {
        if (b >> bit & 1) sum ^= power;
        power = power << 1 ^ (power >> 7) * 0x11b;
    }
    return sum;
}

static unsigned char substitution(int index) {
    unsigned inverse = 0, sum = 0x63;
    for (int other = 0; other < 256; other++)
        if (product(index, other) == 1) inverse = other;
    for (int turn = 0; turn < 5; turn++) sum ^= (inverse << turn | inverse >> (8 - turn)) & 255;
    return sum;
}

int main() {
    const int count = 1 << 14, block = 256, turns = 8;
    std::vector<unsigned> words(count * turns), expected(count), table(256);
    for (size_t i = 0; i < words.size(); i++) words[i] = mix(i);
    unsigned* words_device = to_device(words);
    unsigned* output = device_zeros<unsigned>(count);
    std::vector<unsigned char> bytes(256);
    for (int i = 0; i < 256; i++) bytes[i] = substitution(i);

    for (unsigned polynomial : {0xedb88320u, 0x82f63b78u, 0u}) {
        for (unsigned i = 0; i < 256; i++) {
            table[i] = polynomial == 0 ? mix(i) : i;
            for (int bit = 0; polynomial != 0 && bit < 8; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1) * polynomial;
        }
        CHECK(cudaMemcpyToSymbol(remainders, table.data(), 1024));
        for (int i = 0; i < count; i++) {
            unsigned rest = ~0u;
            for (int turn = 0; turn < turns; turn++) {
                rest ^= words[turn * count + i];
                for (int byte = 0; byte < 4; byte++) rest = table[rest & 255] ^ rest >> 8;
            }
            expected[i] = rest;
        }
        checksums<<<count / block, block>>>(words_device, output);
        CHECK_KERNEL();
        printf("checksums of %08x: mismatches %d\n", polynomial, mismatches(to_host(output, count), expected));
    }

    for (int wrong_at : {-1, 200}) {
        if (wrong_at >= 0) bytes[wrong_at] ^= 16;
        CHECK(cudaMemcpyToSymbol(substitutions, bytes.data(), 256));
        for (int i = 0; i < count; i++) {
            unsigned word = words[i];
            for (int turn = 0; turn < 8; turn++) {
                unsigned next = bytes[word & 255] | bytes[word >> 8 & 255] << 8;
                word = next | bytes[word >> 16 & 255] << 16 | static_cast<unsigned>(bytes[word >> 24]) << 24;
                word = word << 3 ^ word >> 11;
            }
            expected[i] = word;
        }
        substitute<<<count / block, block>>>(words_device, output);
        CHECK_KERNEL();
        printf("substituted, another at %d: mismatches %d\n", wrong_at, mismatches(to_host(output, count), expected));
    }

    for (int i = 0; i < 256; i++) bytes[i] = substitution(i);
    CHECK(cudaMemcpyToSymbol(substitutions, bytes.data(), 256));
    for (int wrong_at : {-1, 0, 77, 255}) {
        for (unsigned i = 0; i < 256; i++) {
            unsigned byte = bytes[i], twice = product(byte, 2);
            table[i] = twice | byte << 8 | byte << 16 | (twice ^ byte) << 24;
            if (static_cast<int>(i) == wrong_at) table[i] ^= 1u << 13;
        }
        for (int i = 0; i < count; i++) {
            unsigned word = words[i];
            for (int turn = 0; turn < 8; turn++)
                word = table[word & 255] ^ table[word >> 8 & 255] * 3 ^ table[word >> 16 & 255] * 5 ^ table[word >> 24] * 7;
            expected[i] = word;
        }
        substitute_and_mix<<<count / block, block>>>(words_device, wrong_at, output);
        CHECK_KERNEL();
        printf("mixed, another at %d: mismatches %d\n", wrong_at, mismatches(to_host(output, count), expected));
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: checksums of edb88320: mismatches 0
// EXPECT: checksums of 82f63b78: mismatches 0
// EXPECT: checksums of 00000000: mismatches 0
// EXPECT: substituted, another at -1: mismatches 0
// EXPECT: substituted, another at 200: mismatches 0
// EXPECT: mixed, another at -1: mismatches 0
// EXPECT: mixed, another at 0: mismatches 0
// EXPECT: mixed, another at 77: mismatches 0
// EXPECT: mixed, another at 255: mismatches 0
