// Fourier transforms of 1024 points, one a block, by five steps of radix 4 that order their results themselves
// (Stockham). Points pass from step to step through shared memory.
#define SIZE 1024
#define THREADS (SIZE / 4)

static __device__ float2 add(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }

static __device__ float2 subtract(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }

static __device__ float2 multiply(float2 a, float2 b) {
    return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    fft1d(const float2* __restrict__ input, const float2* __restrict__ roots, float2* __restrict__ output) {
    __shared__ float2 points[SIZE];
    int thread = threadIdx.x;
    const float2* from = input + blockIdx.x * SIZE;
    float2* to = output + blockIdx.x * SIZE;
    float2 a = from[thread], b = from[thread + THREADS], c = from[thread + 2 * THREADS], d = from[thread + 3 * THREADS];
    // Transforms of as many points are finished.
#pragma unroll
    for (int done = 1; done < SIZE; done *= 4) {
        int within = thread % done;
        if (done > 1) {
            int step = within * (THREADS / done);
            b = multiply(b, roots[step]);
            c = multiply(c, roots[2 * step]);
            d = multiply(d, roots[3 * step]);
        }
        float2 ac_sum = add(a, c), ac_difference = subtract(a, c);
        float2 bd_sum = add(b, d), bd_difference = subtract(b, d);
        // Times -i.
        float2 turned = make_float2(bd_difference.y, -bd_difference.x);
        int place = (thread - within) * 4 + within;
        float2* target = done == THREADS ? to : points;
        target[place] = add(ac_sum, bd_sum);
        target[place + done] = add(ac_difference, turned);
        target[place + 2 * done] = subtract(ac_sum, bd_sum);
        target[place + 3 * done] = subtract(ac_difference, turned);
        if (done == THREADS) return;
        __syncthreads();
        a = points[thread];
        b = points[thread + THREADS];
        c = points[thread + 2 * THREADS];
        d = points[thread + 3 * THREADS];
        __syncthreads();
    }
}
