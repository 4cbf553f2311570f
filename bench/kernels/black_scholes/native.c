// Prices of European options by Black and Scholes. The loop has no branch, so that it becomes vectors, with the vector
// versions of exp and log.
#include <math.h>

#include "arguments.h"

static inline float normal_distribution(float x) {
    float t = 1.0f / (1.0f + 0.2316419f * fabsf(x));
    float series = 1.330274429f;
    series = series * t - 1.821255978f;
    series = series * t + 1.781477937f;
    series = series * t - 0.356563782f;
    series = series * t + 0.319381530f;
    float tail = 0.3989422804f * expf(-0.5f * x * x) * series * t;
    return x > 0.0f ? 1.0f - tail : tail;
}

static void black_scholes(int count, float rate, float volatility, const float* restrict prices,
                          const float* restrict strikes, const float* restrict years, float* restrict calls,
                          float* restrict puts) {
#pragma omp parallel for simd schedule(static)
    for (int i = 0; i < count; i++) {
        float price = prices[i], strike = strikes[i], time = years[i];
        float deviation = volatility * sqrtf(time);
        float d1 = (logf(price / strike) + (rate + 0.5f * volatility * volatility) * time) / deviation;
        float d2 = d1 - deviation;
        float n1 = normal_distribution(d1), n2 = normal_distribution(d2);
        float discounted = strike * expf(-rate * time);
        calls[i] = price * n1 - discounted * n2;
        puts[i] = discounted * (1.0f - n2) - price * (1.0f - n1);
    }
}

void run(void** arguments) {
    black_scholes(ARGUMENT(int, 0), ARGUMENT(float, 1), ARGUMENT(float, 2), ARGUMENT(const float*, 3),
                  ARGUMENT(const float*, 4), ARGUMENT(const float*, 5), ARGUMENT(float*, 6), ARGUMENT(float*, 7));
}
