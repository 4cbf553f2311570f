// SHA-256 of the SHA-256 of a header of 80 bytes with many nonces, as many at a time as a vector has lanes. The
// header's first 64 bytes are the same for all and hashed already. Of each group of nonces the smallest hash is left
// with its nonce, compared by what Bitcoin has in front: the last word, its bytes reversed.
#include <stdint.h>

#include "arguments.h"

#define GROUP 256
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif

typedef uint32_t vector __attribute__((vector_size(4 * LANES)));

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t first[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline vector rotated(vector x, int count) { return x >> count | x << (32 - count); }

static inline __attribute__((always_inline)) void compress(vector* state, vector* words) {
    vector a = state[0], b = state[1], c = state[2], d = state[3];
    vector e = state[4], f = state[5], g = state[6], h = state[7];
#pragma GCC unroll 64
    for (int i = 0; i < 64; i++) {
        vector word = words[i % 16];
        if (i >= 16) {
            vector w15 = words[(i + 1) % 16], w2 = words[(i + 14) % 16];
            word += words[(i + 9) % 16] + (rotated(w15, 7) ^ rotated(w15, 18) ^ w15 >> 3) +
                    (rotated(w2, 17) ^ rotated(w2, 19) ^ w2 >> 10);
            words[i % 16] = word;
        }
        vector t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + (g ^ (e & (f ^ g))) + constants[i] + word;
        vector t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) | (c & (a | b)));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

static uint64_t best_of(const uint32_t* middle, const uint32_t* tail, uint32_t start) {
    uint64_t best = UINT64_MAX;
    for (uint32_t nonce = start; nonce < start + GROUP; nonce += LANES) {
        vector state[8], words[16] = {0};
        for (int i = 0; i < 8; i++) state[i] = (vector){0} + middle[i];
        for (int i = 0; i < 3; i++) words[i] += tail[i];
        for (int i = 0; i < LANES; i++) words[3][i] = nonce + i;
        words[4] += 0x80000000u;
        words[15] += 80 * 8;
        compress(state, words);
        for (int i = 0; i < 8; i++) {
            words[i] = state[i];
            words[i + 8] = (vector){0};
            state[i] = (vector){0} + first[i];
        }
        words[8] += 0x80000000u;
        words[15] += 32 * 8;
        compress(state, words);
        for (int i = 0; i < LANES; i++) {
            uint64_t candidate = (uint64_t)__builtin_bswap32(state[7][i]) << 32 | (nonce + i);
            best = candidate < best ? candidate : best;
        }
    }
    return best;
}

static void sha256d(int groups, const uint32_t* middle, const uint32_t* tail, uint64_t* best) {
#pragma omp parallel for schedule(static)
    for (int group = 0; group < groups; group++) best[group] = best_of(middle, tail, group * GROUP);
}

void run(void** arguments) {
    sha256d(ARGUMENT(int, 0), ARGUMENT(const uint32_t*, 1), ARGUMENT(const uint32_t*, 2), ARGUMENT(uint64_t*, 3));
}
