// The first of the other files of rdc_symbols.
#include "../case.h"
#include "shared.h"

static __device__ int own = 2;
__device__ Limits limits = {-1, 9};
__managed__ int managed_value = 5;

static __device__ __noinline__ int helper(int x) { return x * 2 + own; }

__device__ int first_file(int x) {
    atomicAdd(&calls, 1);
    inline_counter();
    return helper(x) + weights[x % 4] + counted<int>(1);
}

extern __shared__ int dynamic[];
__device__ int reversed_in_shared(int i) { return dynamic[31 - i]; }

static __global__ void weigh(int* out) {
    int sum = 0;
    for (int i = 0; i < 4; i++) sum += weights[i] * (i + 1);
    *out = sum + limits.low + managed_value;
}

int weigh_in_other_file() {
    int* out = device_zeros<int>(1);
    weigh<<<1, 1>>>(out);
    CHECK_KERNEL();
    return to_host(out, 1)[0];
}
