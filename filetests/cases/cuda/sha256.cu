// SHA-256 of many messages of different lengths, one thread a message, checked against known digests and the host.
#include "case.h"

__constant__ uint32_t round_constants_device[64];

static uint32_t round_constants[64];

__host__ __device__ inline uint32_t rotate_right(uint32_t x, int n) { return x >> n | x << (32 - n); }

__host__ __device__ void compress(uint32_t state[8], const uint8_t* block, const uint32_t* constants) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t v[8];
    for (int i = 0; i < 8; i++) v[i] = state[i];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right(v[4], 6) ^ rotate_right(v[4], 11) ^ rotate_right(v[4], 25);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + w[i];
        uint32_t s0 = rotate_right(v[0], 2) ^ rotate_right(v[0], 13) ^ rotate_right(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        for (int k = 7; k > 0; k--) v[k] = v[k - 1];
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) state[i] += v[i];
}

__host__ __device__ void digest(const uint8_t* message, int length, const uint32_t* constants, uint32_t state[8]) {
    const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int i = 0; i < 8; i++) state[i] = initial[i];
    int blocks = (length + 8) / 64 + 1;
    for (int block = 0; block < blocks; block++) {
        uint8_t buffer[64];
        for (int i = 0; i < 64; i++) {
            int place = block * 64 + i, from_end = blocks * 64 - 1 - place;
            if (place < length) buffer[i] = message[place];
            else if (place == length) buffer[i] = 0x80;
            else buffer[i] = from_end < 4 ? static_cast<uint8_t>((length * 8u) >> (8 * from_end)) : 0;
        }
        compress(state, buffer, constants);
    }
}

__global__ void digest_all(const uint8_t* text, const int* lengths, int messages, uint32_t* digests) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < messages) digest(text + 256 * i, lengths[i], round_constants_device, digests + 8 * i);
}

// The constants are the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
void make_round_constants() {
    for (int n = 2, found = 0; found < 64; n++) {
        bool prime = true;
        for (int d = 2; d * d <= n; d++) prime = prime && n % d != 0;
        if (!prime) continue;
        // Cube root with 32 bits behind the point, by bisection in integers: largest r with r^3 <= n * 2^96.
        unsigned __int128 low = 0, high = static_cast<unsigned __int128>(8) << 32;
        while (high - low > 1) {
            unsigned __int128 r = (low + high) / 2;
            if (r * r * r <= static_cast<unsigned __int128>(n) << 96) low = r;
            else high = r;
        }
        round_constants[found++] = static_cast<uint32_t>(low);
    }
}

int main() {
    make_round_constants();
    CHECK(cudaMemcpyToSymbol(round_constants_device, round_constants, sizeof(round_constants)));
    const int messages = 4000;
    std::vector<uint8_t> text(256 * messages);
    std::vector<int> lengths(messages);
    for (int i = 0; i < messages; i++) {
        lengths[i] = mix(i) % 200;
        for (int k = 0; k < lengths[i]; k++) text[256 * i + k] = static_cast<uint8_t>(mix(i * 256 + k));
    }
    lengths[0] = 0;
    lengths[1] = 3;
    memcpy(&text[256], "abc", 3);

    uint8_t* text_device = to_device(text);
    int* lengths_device = to_device(lengths);
    uint32_t* digests_device = device_zeros<uint32_t>(8 * messages);
    digest_all<<<(messages + 63) / 64, 64>>>(text_device, lengths_device, messages, digests_device);
    CHECK_KERNEL();
    std::vector<uint32_t> digests = to_host(digests_device, 8 * messages), expected(8 * messages);
    for (int i = 0; i < messages; i++) digest(&text[256 * i], lengths[i], round_constants, &expected[8 * i]);
    for (int i = 0; i < 2; i++) {
        printf("%s ", i == 0 ? "empty" : "abc  ");
        for (int k = 0; k < 8; k++) printf("%08x%s", digests[8 * i + k], k < 7 ? "" : "\n");
    }
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(digests), mismatches(digests, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: empty e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
// EXPECT: abc   ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
// EXPECT: checksum b0f5cb825573ed70, mismatches 0
