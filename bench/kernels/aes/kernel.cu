// AES-128 in counter mode, a block of 16 bytes a thread. Each round is four lookups a word in a table that holds the
// substitution with the mixing of columns; the rotations of the words that it gives stand for three more tables.
#define ROUNDS 10
#define BLOCK 256

__constant__ unsigned round_keys[4 * (ROUNDS + 1)];

static __device__ unsigned swapped(unsigned word) { return __byte_perm(word, 0, 0x0123); }

static __device__ unsigned mixed(const unsigned* table, unsigned a, unsigned b, unsigned c, unsigned d) {
    unsigned from_b = table[b >> 16 & 255], from_c = table[c >> 8 & 255], from_d = table[d & 255];
    return table[a >> 24] ^ __funnelshift_r(from_b, from_b, 8) ^ __funnelshift_r(from_c, from_c, 16) ^
           __funnelshift_r(from_d, from_d, 24);
}

// The last round does not mix; the second byte of an entry is the substitution alone.
static __device__ unsigned substituted(const unsigned* table, unsigned a, unsigned b, unsigned c, unsigned d) {
    return (table[a >> 24] << 8 & 0xff000000u) | (table[b >> 16 & 255] & 0x00ff0000u) |
           (table[c >> 8 & 255] & 0x0000ff00u) | (table[d & 255] >> 8 & 0x000000ffu);
}

extern "C" __global__ void aes(const unsigned* __restrict__ global_table, const uint4* __restrict__ input,
                               uint4* __restrict__ output) {
    __shared__ unsigned table[256];
    table[threadIdx.x] = global_table[threadIdx.x];
    __syncthreads();
    unsigned i = blockIdx.x * BLOCK + threadIdx.x;
    // The counter begins with three words of a nonce, all zero.
    unsigned a = round_keys[0], b = round_keys[1], c = round_keys[2], d = i ^ round_keys[3];
#pragma unroll
    for (int round = 1; round < ROUNDS; round++) {
        const unsigned* key = round_keys + 4 * round;
        unsigned next_a = mixed(table, a, b, c, d) ^ key[0];
        unsigned next_b = mixed(table, b, c, d, a) ^ key[1];
        unsigned next_c = mixed(table, c, d, a, b) ^ key[2];
        unsigned next_d = mixed(table, d, a, b, c) ^ key[3];
        a = next_a, b = next_b, c = next_c, d = next_d;
    }
    const unsigned* key = round_keys + 4 * ROUNDS;
    uint4 data = input[i];
    data.x ^= swapped(substituted(table, a, b, c, d) ^ key[0]);
    data.y ^= swapped(substituted(table, b, c, d, a) ^ key[1]);
    data.z ^= swapped(substituted(table, c, d, a, b) ^ key[2]);
    data.w ^= swapped(substituted(table, d, a, b, c) ^ key[3]);
    output[i] = data;
}
