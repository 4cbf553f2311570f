// Black-Scholes option prices in f32, against f64 on the host; call minus put must keep put-call parity.
#include <cmath>

#include "case.h"

__device__ float normal(float d) { return 0.5f * erfcf(-d * 0.70710678f); }

__global__ void price(const float* spots, const float* strikes, const float* years, float* calls, float* puts,
                      int count, float rate, float volatility) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        float root = sqrtf(years[i]);
        float d1 =
            (__logf(spots[i] / strikes[i]) + (rate + 0.5f * volatility * volatility) * years[i]) / (volatility * root);
        float d2 = d1 - volatility * root;
        float discounted = strikes[i] * expf(-rate * years[i]);
        calls[i] = spots[i] * normal(d1) - discounted * normal(d2);
        puts[i] = discounted * (1 - normal(d2)) - spots[i] * (1 - normal(d1));
    }
}

int main() {
    const int count = 20000;
    const double rate = 0.02, volatility = 0.3;
    std::vector<float> spots(count), strikes(count), years(count);
    for (int i = 0; i < count; i++) {
        spots[i] = 5 + mix(i) % 2500 / 100.0f;
        strikes[i] = 1 + mix(i + 1) % 9900 / 100.0f;
        years[i] = 0.25f + mix(i + 2) % 975 / 100.0f;
    }
    float *calls_device = device_zeros<float>(count), *puts_device = device_zeros<float>(count);
    price<<<32, 128>>>(to_device(spots), to_device(strikes), to_device(years), calls_device, puts_device, count, rate,
                       volatility);
    CHECK_KERNEL();
    std::vector<float> calls = to_host(calls_device, count), puts = to_host(puts_device, count);
    int outside = 0, parity = 0, negative = 0;
    double sum = 0;
    for (int i = 0; i < count; i++) {
        double s = spots[i], k = strikes[i], t = years[i];
        double d1 = (log(s / k) + (rate + volatility * volatility / 2) * t) / (volatility * sqrt(t)),
               d2 = d1 - volatility * sqrt(t);
        double call = s * 0.5 * erfc(-d1 / sqrt(2.0)) - k * exp(-rate * t) * 0.5 * erfc(-d2 / sqrt(2.0));
        double put = call - s + k * exp(-rate * t);
        outside += !(fabs(call - calls[i]) < 2e-4) + !(fabs(put - puts[i]) < 2e-4);
        parity += !(fabs(calls[i] - puts[i] - s + k * exp(-rate * t)) < 2e-4);
        negative += calls[i] < -1e-4f || puts[i] < -1e-4f;
        sum += call;
    }
    printf("outside %d, parity broken %d, negative %d\n", outside, parity, negative);
    printf("mean call %.2f\n", sum / count);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: outside 0, parity broken 0, negative 0
// EXPECT: mean call 2.99
