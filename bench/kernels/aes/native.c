// AES-128 in counter mode. Where the processor has instructions for it, eight blocks at a time pass through them, unless
// loops alone are asked for; otherwise, by lookups in a table that holds the substitution with the mixing of columns.
#include <stdint.h>

#include "arguments.h"

#define ROUNDS 10

#if defined __AES__ && !defined LOOPS
#include <immintrin.h>

#define BLOCKS 8

static void aes(int count, const uint32_t* keys, const uint32_t* table, const uint32_t* input, uint32_t* output) {
    (void)table;
    __m128i round_keys[ROUNDS + 1];
    // Words of keys have their first byte in front; memory has it at the end.
    const __m128i order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    for (int i = 0; i <= ROUNDS; i++)
        round_keys[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(keys + 4 * i)), order);
#pragma omp parallel for schedule(static)
    for (int start = 0; start < count; start += BLOCKS) {
        const __m128i* from = (const __m128i*)input + start;
        __m128i* to = (__m128i*)output + start;
        __m128i state[BLOCKS];
        for (int i = 0; i < BLOCKS; i++)
            state[i] = _mm_xor_si128(_mm_setr_epi32(0, 0, 0, (int)__builtin_bswap32(start + i)), round_keys[0]);
        for (int round = 1; round < ROUNDS; round++)
            for (int i = 0; i < BLOCKS; i++) state[i] = _mm_aesenc_si128(state[i], round_keys[round]);
        for (int i = 0; i < BLOCKS; i++) {
            state[i] = _mm_aesenclast_si128(state[i], round_keys[ROUNDS]);
            _mm_storeu_si128(to + i, _mm_xor_si128(_mm_loadu_si128(from + i), state[i]));
        }
    }
}
#else
static inline uint32_t rotated(uint32_t x, int count) { return x >> count | x << (32 - count); }

static inline uint32_t mixed(const uint32_t* table, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return table[a >> 24] ^ rotated(table[b >> 16 & 255], 8) ^ rotated(table[c >> 8 & 255], 16) ^
           rotated(table[d & 255], 24);
}

static inline uint32_t substituted(const uint32_t* table, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return (table[a >> 24] << 8 & 0xff000000u) | (table[b >> 16 & 255] & 0x00ff0000u) |
           (table[c >> 8 & 255] & 0x0000ff00u) | (table[d & 255] >> 8 & 0x000000ffu);
}

static void aes(int count, const uint32_t* keys, const uint32_t* table, const uint32_t* input, uint32_t* output) {
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++) {
        uint32_t a = keys[0], b = keys[1], c = keys[2], d = (uint32_t)i ^ keys[3];
        for (int round = 1; round < ROUNDS; round++) {
            const uint32_t* key = keys + 4 * round;
            uint32_t next_a = mixed(table, a, b, c, d) ^ key[0];
            uint32_t next_b = mixed(table, b, c, d, a) ^ key[1];
            uint32_t next_c = mixed(table, c, d, a, b) ^ key[2];
            uint32_t next_d = mixed(table, d, a, b, c) ^ key[3];
            a = next_a, b = next_b, c = next_c, d = next_d;
        }
        const uint32_t* key = keys + 4 * ROUNDS;
        uint32_t stream[4] = {substituted(table, a, b, c, d), substituted(table, b, c, d, a),
                              substituted(table, c, d, a, b), substituted(table, d, a, b, c)};
        for (int j = 0; j < 4; j++) output[4L * i + j] = input[4L * i + j] ^ __builtin_bswap32(stream[j] ^ key[j]);
    }
}
#endif

void run(void** arguments) {
    aes(ARGUMENT(int, 0), ARGUMENT(const uint32_t*, 1), ARGUMENT(const uint32_t*, 2), ARGUMENT(const uint32_t*, 3),
        ARGUMENT(uint32_t*, 4));
}
