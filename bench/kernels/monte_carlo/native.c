// The price of a European call by simulation: Philox gives four numbers for each counter, Box and Muller's method makes
// them normal, each is the end of a path. The loop over counters becomes vectors, with the vector versions of log, sin
// and exp.
#include <math.h>
#include <stdint.h>

#include "arguments.h"

#define KEY 0x2545f491u

static inline float unit(uint32_t number) { return ((int32_t)(number >> 9) + 0.5f) * 0x1p-23f; }

static inline uint32_t high(uint32_t a, uint32_t b) { return (uint32_t)((uint64_t)a * b >> 32); }

static float monte_carlo(int counters, float price, float strike, float drift, float deviation) {
    const float turn = 6.28318531f, quarter = 1.57079633f;
    float sum = 0.0f;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
    for (int i = 0; i < counters; i++) {
        uint32_t x = i, y = 0, z = 0, w = 0, key_x = KEY, key_y = 0;
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            uint32_t high_x = high(0xd2511f53u, x), low_x = 0xd2511f53u * x;
            uint32_t high_z = high(0xcd9e8d57u, z), low_z = 0xcd9e8d57u * z;
            x = high_z ^ y ^ key_x;
            y = low_z;
            z = high_x ^ w ^ key_y;
            w = low_x;
            key_x += 0x9e3779b9u;
            key_y += 0xbb67ae85u;
        }
        float one = sqrtf(-2.0f * logf(unit(x))), other = sqrtf(-2.0f * logf(unit(z)));
        // Of the sine and the cosine of the same angle a compiler makes a call that has no vector version.
        float one_angle = turn * unit(y), other_angle = turn * unit(w);
        sum += fmaxf(price * expf(drift + deviation * one * sinf(one_angle + quarter)) - strike, 0.0f);
        sum += fmaxf(price * expf(drift + deviation * one * sinf(one_angle)) - strike, 0.0f);
        sum += fmaxf(price * expf(drift + deviation * other * sinf(other_angle + quarter)) - strike, 0.0f);
        sum += fmaxf(price * expf(drift + deviation * other * sinf(other_angle)) - strike, 0.0f);
    }
    return sum / (4.0f * counters);
}

void run(void** arguments) {
    *ARGUMENT(float*, 5) = monte_carlo(ARGUMENT(int, 0), ARGUMENT(float, 1), ARGUMENT(float, 2), ARGUMENT(float, 3),
                                       ARGUMENT(float, 4));
}
