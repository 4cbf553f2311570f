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

// From now on so many threads work; 0 stands for as many as at first.
void use_threads(int threads) {
    static int all = 0;
    if (all == 0) all = omp_get_max_threads();
    omp_set_num_threads(threads > 0 ? threads : all);
}

// a = b + scale c. `count` is a multiple of the vector's size, the arrays are aligned.
void triad(float* restrict a, const float* restrict b, const float* restrict c, float scale, size_t count) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) a[i] = b[i] + scale * c[i];
}

// The same with stores past the caches.
void triad_past_caches(float* a, const float* b, const float* c, float scale, size_t count) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i += LANES) store(a + i, *(const vector*)(b + i) + scale * *(const vector*)(c + i));
}

// a = a + scale b: what is written was read before.
void update(float* restrict a, const float* restrict b, float scale, size_t count) {
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) a[i] += scale * b[i];
}

// The sum of all elements.
float read_all(const float* a, size_t count) {
    float total = 0.0f;
#pragma omp parallel for simd schedule(static) reduction(+ : total)
    for (size_t i = 0; i < count; i++) total += a[i];
    return total;
}

// Sums that do not wait for each other: as many as two units with four cycles each need, and a few more.
#define FOR_EACH_SUM(act) act(0) act(1) act(2) act(3) act(4) act(5) act(6) act(7) act(8) act(9)
#define SUMS 10

// Pieces of a thread's work: a thread that the machine takes away for a while leaves its pieces to the others, as those of a kernel do.
#define PIECES 256

// `rounds` times independent multiply-and-adds of vectors for each thread. Returns the number of operations; `sink`
// keeps the compiler from leaving them out.
double multiply_add(size_t rounds, float factor, float* sink) {
    int threads = 1;
#pragma omp parallel
    {
#pragma omp single
        threads = omp_get_num_threads();
        // Two different values, or the compiler makes another operation of it.
        vector factors = factor + (vector){0}, addends = factors + 1.0f;
#define BEGIN(k) vector s##k = factors + (float)k;
        FOR_EACH_SUM(BEGIN)
#pragma omp for schedule(dynamic)
        for (int piece = 0; piece < PIECES * threads; piece++) {
            for (size_t round = 0; round < rounds / PIECES; round++) {
#define STEP(k) s##k = s##k * factors + addends;
                FOR_EACH_SUM(STEP)
            }
        }
        vector sum = {0};
#define END(k) sum += s##k;
        FOR_EACH_SUM(END)
        float total = 0.0f;
        for (int i = 0; i < LANES; i++) total += sum[i];
#pragma omp critical
        *sink += total;
    }
    return 2.0 * SUMS * LANES * (double)(rounds / PIECES * PIECES) * threads;
}
