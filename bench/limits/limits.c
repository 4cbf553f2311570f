// What the machine can do at most: the bandwidth of its memory and its multiplications and additions.
#include <omp.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define LANES (VECTOR_BYTES / 4)

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

#if defined(__x86_64__)
#include <immintrin.h>
// A store past the caches spares reading what is about to be overwritten.
static inline void store(float* to, vector value) {
#if defined(__AVX512F__)
    _mm512_stream_ps(to, (__m512)value);
#elif defined(__AVX__)
    _mm256_stream_ps(to, (__m256)value);
#else
    _mm_stream_ps(to, (__m128)value);
#endif
}
#else
static inline void store(float* to, vector value) { *(vector*)to = value; }
#endif

// a = b + scale c. `count` is a multiple of the vector's size, the arrays are aligned.
void triad(float* a, const float* b, const float* c, float scale, size_t count) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i += LANES) store(a + i, *(const vector*)(b + i) + scale * *(const vector*)(c + i));
}

// The sum of all elements, with enough sums at a time that none of them waits.
float read_all(const float* a, size_t count) {
    float total = 0.0f;
#pragma omp parallel reduction(+ : total)
    {
        vector s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
#pragma omp for schedule(static)
        for (size_t i = 0; i < count; i += 4 * LANES) {
            s0 += *(const vector*)(a + i);
            s1 += *(const vector*)(a + i + LANES);
            s2 += *(const vector*)(a + i + 2 * LANES);
            s3 += *(const vector*)(a + i + 3 * LANES);
        }
        s0 += s1 + s2 + s3;
        for (int i = 0; i < LANES; i++) total += s0[i];
    }
    return total;
}

// `rounds` times 16 independent multiply-and-adds of vectors in each thread. Returns the number of operations;
// `sink` keeps the compiler from leaving them out.
double multiply_add(size_t rounds, float factor, float* sink) {
    int threads = 1;
#pragma omp parallel
    {
        vector sums[16];
        for (int k = 0; k < 16; k++)
            for (int i = 0; i < LANES; i++) sums[k][i] = (float)(k + i);
        vector factors = factor + (vector){0};
        for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 16
            for (int k = 0; k < 16; k++) sums[k] = sums[k] * factors + factors;
        }
        float total = 0.0f;
        for (int k = 0; k < 16; k++)
            for (int i = 0; i < LANES; i++) total += sums[k][i];
#pragma omp critical
        *sink += total;
#pragma omp single
        threads = omp_get_num_threads();
    }
    return 2.0 * 16 * LANES * (double)rounds * threads;
}
