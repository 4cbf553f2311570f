// AES-128 in counter mode: the S-box and the tables are computed, kept in constant and shared memory, and checked with
// the published test vector (FIPS 197, appendix C.1).
#include "case.h"

__constant__ uint8_t sbox_constant[256];
__constant__ uint8_t round_keys_constant[176];

__host__ __device__ inline uint8_t twice(uint8_t x) { return static_cast<uint8_t>(x << 1 ^ (x >> 7) * 0x1b); }

__host__ __device__ void encrypt(const uint8_t* sbox, const uint8_t* keys, const uint8_t* input, uint8_t* output) {
    uint8_t s[16], t[16];
    for (int i = 0; i < 16; i++) s[i] = input[i] ^ keys[i];
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < 16; i++) t[i] = sbox[s[(i + 4 * (i % 4)) % 16]];  // bytes substituted, rows shifted
        for (int column = 0; column < 16; column += 4) {
            uint8_t all = t[column] ^ t[column + 1] ^ t[column + 2] ^ t[column + 3];
            for (int i = 0; i < 4; i++) {
                uint8_t x = t[column + i];
                if (round < 10) x ^= all ^ twice(x ^ t[column + (i + 1) % 4]);
                s[column + i] = x ^ keys[16 * round + column + i];
            }
        }
    }
    for (int i = 0; i < 16; i++) output[i] = s[i];
}

__global__ void counter_mode(const uint4* input, uint4* output, int blocks, unsigned nonce) {
    __shared__ uint8_t sbox[256];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) sbox[i] = sbox_constant[i];
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= blocks) return;
    uint4 counter = make_uint4(nonce, ~nonce, 0, i), stream;
    encrypt(sbox, round_keys_constant, reinterpret_cast<uint8_t*>(&counter), reinterpret_cast<uint8_t*>(&stream));
    uint4 text = input[i];
    output[i] = make_uint4(text.x ^ stream.x, text.y ^ stream.y, text.z ^ stream.z, text.w ^ stream.w);
}

__global__ void single(const uint8_t* input, uint8_t* output) {
    encrypt(sbox_constant, round_keys_constant, input, output);
}

int main() {
    // The S-box: the inverse in GF(2^8), found by walking powers of a generator, then an affine map.
    uint8_t sbox[256], p = 1, q = 1;
    do {
        p = p ^ twice(p);
        q ^= q << 1, q ^= q << 2, q ^= q << 4;
        if (q & 0x80) q ^= 0x09;
        auto rotated = [&](int n) { return static_cast<uint8_t>(q << n | q >> (8 - n)); };
        sbox[p] = q ^ rotated(1) ^ rotated(2) ^ rotated(3) ^ rotated(4) ^ 0x63;
    } while (p != 1);
    sbox[0] = 0x63;
    uint8_t keys[176], constant = 1;
    for (int i = 0; i < 16; i++) keys[i] = static_cast<uint8_t>(i);
    for (int i = 16; i < 176; i += 4) {
        uint8_t w[4] = {keys[i - 4], keys[i - 3], keys[i - 2], keys[i - 1]};
        if (i % 16 == 0) {
            uint8_t first = w[0];
            w[0] = sbox[w[1]] ^ constant, w[1] = sbox[w[2]], w[2] = sbox[w[3]], w[3] = sbox[first];
            constant = twice(constant);
        }
        for (int k = 0; k < 4; k++) keys[i + k] = keys[i - 16 + k] ^ w[k];
    }
    CHECK(cudaMemcpyToSymbol(sbox_constant, sbox, sizeof(sbox)));
    CHECK(cudaMemcpyToSymbol(round_keys_constant, keys, sizeof(keys)));

    std::vector<uint8_t> known(16);
    for (int i = 0; i < 16; i++) known[i] = static_cast<uint8_t>(i * 0x11);
    uint8_t* known_device = device_zeros<uint8_t>(16);
    single<<<1, 1>>>(to_device(known), known_device);
    CHECK_KERNEL();
    for (uint8_t byte : to_host(known_device, 16)) printf("%02x", byte);
    printf("\n");

    const int blocks = 20000;
    std::vector<uint4> text(blocks), expected(blocks);
    for (int i = 0; i < blocks; i++) text[i] = make_uint4(mix(i), mix(i + 1), mix(i + 2), mix(i + 3));
    uint4 *text_device = to_device(text), *coded_device = device_zeros<uint4>(blocks);
    counter_mode<<<(blocks + 127) / 128, 128>>>(text_device, coded_device, blocks, 0xc0ffee);
    CHECK_KERNEL();
    std::vector<uint4> coded = to_host(coded_device, blocks);
    int wrong = 0;
    for (int i = 0; i < blocks; i += 11) {
        uint4 counter = make_uint4(0xc0ffee, ~0xc0ffeeu, 0, i), stream;
        encrypt(sbox, keys, reinterpret_cast<uint8_t*>(&counter), reinterpret_cast<uint8_t*>(&stream));
        wrong += coded[i].x != (text[i].x ^ stream.x) || coded[i].w != (text[i].w ^ stream.w);
    }
    counter_mode<<<(blocks + 63) / 64, 64>>>(coded_device, coded_device, blocks, 0xc0ffee);
    CHECK_KERNEL();
    printf("coded checksum %016llx, mismatches %d, decoded mismatches %d\n", (unsigned long long)checksum(coded), wrong,
           mismatches(to_host(coded_device, blocks), text));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 69c4e0d86a7b0430d8cdb78070b4c55a
// EXPECT: coded checksum 1d1e78a8d8e32f0b, mismatches 0, decoded mismatches 0
