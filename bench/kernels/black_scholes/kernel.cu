// Prices of European options by Black and Scholes, an option a thread. The normal distribution is a polynomial.
static __device__ float normal_distribution(float x) {
    float t = 1.0f / (1.0f + 0.2316419f * fabsf(x));
    float series = 1.330274429f;
    series = series * t - 1.821255978f;
    series = series * t + 1.781477937f;
    series = series * t - 0.356563782f;
    series = series * t + 0.319381530f;
    float tail = 0.3989422804f * expf(-0.5f * x * x) * series * t;
    return x > 0.0f ? 1.0f - tail : tail;
}

extern "C" __global__ void black_scholes(int count, float rate, float volatility, const float* __restrict__ prices,
                                         const float* __restrict__ strikes, const float* __restrict__ years,
                                         float* __restrict__ calls, float* __restrict__ puts) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float price = prices[i], strike = strikes[i], time = years[i];
    float deviation = volatility * sqrtf(time);
    float d1 = (logf(price / strike) + (rate + 0.5f * volatility * volatility) * time) / deviation;
    float d2 = d1 - deviation;
    float n1 = normal_distribution(d1), n2 = normal_distribution(d2);
    float discounted = strike * expf(-rate * time);
    calls[i] = price * n1 - discounted * n2;
    puts[i] = discounted * (1.0f - n2) - price * (1.0f - n1);
}
