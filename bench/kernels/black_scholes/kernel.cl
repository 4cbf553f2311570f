// Prices of European options by Black and Scholes, an option a work item. The normal distribution is a polynomial.
static float normal_distribution(float x) {
    float t = 1.0f / (1.0f + 0.2316419f * fabs(x));
    float series = 1.330274429f;
    series = series * t - 1.821255978f;
    series = series * t + 1.781477937f;
    series = series * t - 0.356563782f;
    series = series * t + 0.319381530f;
    float tail = 0.3989422804f * exp(-0.5f * x * x) * series * t;
    return x > 0.0f ? 1.0f - tail : tail;
}

__kernel void black_scholes(int count, float rate, float volatility, __global const float* restrict prices,
                            __global const float* restrict strikes, __global const float* restrict years,
                            __global float* restrict calls, __global float* restrict puts) {
    int i = get_global_id(0);
    if (i >= count) return;
    float price = prices[i], strike = strikes[i], time = years[i];
    float deviation = volatility * sqrt(time);
    float d1 = (log(price / strike) + (rate + 0.5f * volatility * volatility) * time) / deviation;
    float d2 = d1 - deviation;
    float n1 = normal_distribution(d1), n2 = normal_distribution(d2);
    float discounted = strike * exp(-rate * time);
    calls[i] = price * n1 - discounted * n2;
    puts[i] = discounted * (1.0f - n2) - price * (1.0f - n1);
}
