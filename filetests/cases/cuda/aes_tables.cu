// AES-128 by tables of words, as most code for it is written: with the first byte of a column highest and lowest, in shared and in constant memory, the last
// round by masks of the same table; and decrypted again, by the inverse tables. Checked with the published test vector (FIPS 197, appendix B) and on the host.
#include "case.h"

constexpr int rounds = 10;

__constant__ unsigned keys_constant[2][4 * (rounds + 1)];
__constant__ unsigned inverse_keys_constant[4 * (rounds + 1)];
__constant__ unsigned low_first_constant[256];
__constant__ uint8_t inverse_sbox_constant[256];

template <int bytes>
__host__ __device__ unsigned rotated(unsigned word) {
    return bytes == 0 ? word : word >> 8 * bytes | word << (32 - 8 * bytes) % 32;
}

// The byte of a word that is in a row of its column.
template <bool high_first>
__host__ __device__ unsigned of_row(unsigned word, int row) {
    return word >> 8 * (high_first ? 3 - row : row) & 255;
}

template <bool high_first>
__host__ __device__ unsigned mixed(const unsigned* table, unsigned a, unsigned b, unsigned c, unsigned d) {
    return table[of_row<high_first>(a, 0)] ^ rotated<high_first ? 1 : 3>(table[of_row<high_first>(b, 1)]) ^
           rotated<2>(table[of_row<high_first>(c, 2)]) ^ rotated<high_first ? 3 : 1>(table[of_row<high_first>(d, 3)]);
}

// The second byte of an element is the substitution alone, either way.
template <bool high_first>
__host__ __device__ unsigned substituted(const unsigned* table, unsigned a, unsigned b, unsigned c, unsigned d) {
    unsigned words[4] = {a, b, c, d}, sum = 0;
    for (int row = 0; row < 4; row++)
        sum |= (table[of_row<high_first>(words[row], row)] >> 8 & 255) << 8 * (high_first ? 3 - row : row);
    return sum;
}

template <bool high_first>
__host__ __device__ void encrypt(const unsigned* table, const unsigned* keys, unsigned* state) {
    unsigned a = state[0] ^ keys[0], b = state[1] ^ keys[1], c = state[2] ^ keys[2], d = state[3] ^ keys[3];
#pragma unroll
    for (int round = 1; round < rounds; round++) {
        const unsigned* key = keys + 4 * round;
        unsigned next_a = mixed<high_first>(table, a, b, c, d) ^ key[0];
        unsigned next_b = mixed<high_first>(table, b, c, d, a) ^ key[1];
        unsigned next_c = mixed<high_first>(table, c, d, a, b) ^ key[2];
        d = mixed<high_first>(table, d, a, b, c) ^ key[3];
        a = next_a, b = next_b, c = next_c;
    }
    const unsigned* key = keys + 4 * rounds;
    state[0] = substituted<high_first>(table, a, b, c, d) ^ key[0];
    state[1] = substituted<high_first>(table, b, c, d, a) ^ key[1];
    state[2] = substituted<high_first>(table, c, d, a, b) ^ key[2];
    state[3] = substituted<high_first>(table, d, a, b, c) ^ key[3];
}

// By the inverse tables, with the first byte highest, and the inverse substitution.
__device__ void decrypt(const unsigned* table, const uint8_t* sbox, const unsigned* keys, unsigned* state) {
    unsigned a = state[0] ^ keys[0], b = state[1] ^ keys[1], c = state[2] ^ keys[2], d = state[3] ^ keys[3];
    for (int round = 1; round < rounds; round++) {
        const unsigned* key = keys + 4 * round;
        unsigned next_a = mixed<true>(table, a, d, c, b) ^ key[0];
        unsigned next_b = mixed<true>(table, b, a, d, c) ^ key[1];
        unsigned next_c = mixed<true>(table, c, b, a, d) ^ key[2];
        d = mixed<true>(table, d, c, b, a) ^ key[3];
        a = next_a, b = next_b, c = next_c;
    }
    unsigned words[7] = {a, d, c, b, a, d, c};
    for (int column = 0; column < 4; column++) {
        unsigned sum = 0;
        for (int row = 0; row < 4; row++)
            sum = sum << 8 | sbox[of_row<true>(words[(4 - column) % 4 + row], row)];
        state[column] = sum ^ keys[4 * rounds + column];
    }
}

// Counters in the last word; what a block of the program's threads is given decides how it is encrypted.
__global__ void high_first(const unsigned* global_table, const unsigned* nonce, unsigned* output) {
    __shared__ unsigned table[256];
    table[threadIdx.x] = global_table[threadIdx.x];
    __syncthreads();
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned state[4] = {nonce[0], nonce[1], nonce[2], nonce[3] + i};
    encrypt<true>(table, keys_constant[0], state);
    for (int word = 0; word < 4; word++) output[4 * i + word] = state[word];
}

__global__ void low_first(const unsigned* input, unsigned* output) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned state[4];
    for (int word = 0; word < 4; word++) state[word] = __byte_perm(input[4 * i + word], 0, 0x0123);
    encrypt<false>(low_first_constant, keys_constant[1], state);
    for (int word = 0; word < 4; word++) output[4 * i + word] = __byte_perm(state[word], 0, 0x0123);
}

__global__ void back(const unsigned* global_table, const unsigned* input, unsigned* output) {
    __shared__ unsigned table[256];
    table[threadIdx.x] = global_table[threadIdx.x];
    __syncthreads();
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned state[4];
    for (int word = 0; word < 4; word++) state[word] = input[4 * i + word];
    decrypt(table, inverse_sbox_constant, inverse_keys_constant, state);
    for (int word = 0; word < 4; word++) output[4 * i + word] = state[word];
}

uint8_t product(uint8_t a, uint8_t b) {
    uint8_t sum = 0;
    for (; b; b >>= 1, a = static_cast<uint8_t>(a << 1 ^ (a >> 7) * 0x1b)) sum ^= b & 1 ? a : 0;
    return sum;
}

unsigned word_of(uint8_t a, uint8_t b, uint8_t c, uint8_t d) { return a << 24 | b << 16 | c << 8 | d; }

int main() {
    uint8_t sbox[256], inverse_sbox[256];
    for (int i = 0; i < 256; i++) {
        uint8_t inverse = 0;
        for (int other = 1; other < 256; other++)
            if (product(i, other) == 1) inverse = other;
        sbox[i] = 0x63;
        for (int by = 0; by < 5; by++) sbox[i] ^= inverse << by | inverse >> (8 - by);
        inverse_sbox[sbox[i]] = i;
    }
    std::vector<unsigned> high(256), low(256), inverse(256);
    for (int i = 0; i < 256; i++) {
        uint8_t s = sbox[i], t = inverse_sbox[i];
        high[i] = word_of(product(s, 2), s, s, product(s, 3));
        low[i] = word_of(product(s, 3), s, s, product(s, 2));
        inverse[i] = word_of(product(t, 14), product(t, 9), product(t, 13), product(t, 11));
    }
    unsigned keys[2][44] = {{0x2b7e1516, 0x28aed2a6, 0xabf71588, 0x09cf4f3c}}, back_keys[44];
    for (int i = 4; i < 44; i++) {
        unsigned word = keys[0][i - 1];
        if (i % 4 == 0) {
            uint8_t constant = 1;
            for (int round = 1; round < i / 4; round++) constant = product(constant, 2);
            word = word_of(sbox[word >> 16 & 255] ^ constant, sbox[word >> 8 & 255], sbox[word & 255], sbox[word >> 24]);
        }
        keys[0][i] = keys[0][i - 4] ^ word;
    }
    for (int i = 0; i < 44; i++) {
        unsigned key = keys[0][i];
        keys[1][i] = key >> 24 | key >> 8 & 0xff00 | key << 8 & 0xff0000 | key << 24;
        unsigned mixed_key = 0;
        for (int row = 0; row < 4; row++) {
            unsigned element = inverse[sbox[key >> (24 - 8 * row) & 255]];
            mixed_key ^= row == 0 ? element : element >> 8 * row | element << (32 - 8 * row);
        }
        back_keys[40 - i / 4 * 4 + i % 4] = i < 4 || i >= 40 ? key : mixed_key;
    }
    CHECK(cudaMemcpyToSymbol(keys_constant, keys, sizeof(keys)));
    CHECK(cudaMemcpyToSymbol(inverse_keys_constant, back_keys, sizeof(back_keys)));
    CHECK(cudaMemcpyToSymbol(low_first_constant, low.data(), 1024));
    CHECK(cudaMemcpyToSymbol(inverse_sbox_constant, inverse_sbox, sizeof(inverse_sbox)));

    const int count = 2048;
    std::vector<unsigned> nonce = {0x3243f6a8, 0x885a308d, 0x313198a2, 0xe0370734}, plain(4 * count), expected;
    for (int i = 0; i < 4 * count; i++) plain[i] = nonce[i % 4] + (i % 4 == 3 ? i / 4 : 0);
    expected = plain;
    for (int i = 0; i < count; i++) encrypt<true>(high.data(), keys[0], &expected[4 * i]);
    unsigned *high_device = to_device(high), *inverse_device = to_device(inverse), *plain_device = to_device(plain);
    unsigned *first = device_zeros<unsigned>(4 * count), *second = device_zeros<unsigned>(4 * count);
    unsigned* third = device_zeros<unsigned>(4 * count);
    high_first<<<count / 256, 256>>>(high_device, to_device(nonce), first);
    low_first<<<count / 128, 128>>>(plain_device, second);
    back<<<count / 256, 256>>>(inverse_device, first, third);
    CHECK_KERNEL();
    auto output = to_host(first, 4 * count);
    printf("%08x %08x %08x %08x\n", output[0], output[1], output[2], output[3]);
    printf("mismatches: high first %d, low first %d, decrypted %d\n", mismatches(output, expected),
           mismatches(to_host(second, 4 * count), expected), mismatches(to_host(third, 4 * count), plain));

    // One bit of the table is another: the same code does what the table says.
    high[0x53] ^= 0x100;
    for (int i = 0; i < count; i++) {
        memcpy(&expected[4 * i], &plain[4 * i], 16);
        encrypt<true>(high.data(), keys[0], &expected[4 * i]);
    }
    high_first<<<count / 256, 256>>>(to_device(high), to_device(nonce), first);
    CHECK_KERNEL();
    printf("another table: mismatches %d\n", mismatches(to_host(first, 4 * count), expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 3925841d 02dc09fb dc118597 196a0b32
// EXPECT: mismatches: high first 0, low first 0, decrypted 0
// EXPECT: another table: mismatches 0
