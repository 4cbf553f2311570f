// Fourier transforms of 1024 points, one a group, by five steps of radix 4 that order their results themselves
// (Stockham). Points pass from step to step through local memory.
#define SIZE 1024
#define THREADS (SIZE / 4)

static float2 multiply(float2 a, float2 b) { return (float2)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void fft1d(__global const float2* restrict input,
                                                                         __global const float2* restrict roots,
                                                                         __global float2* restrict output) {
    __local float2 points[SIZE];
    int item = get_local_id(0);
    __global const float2* from = input + get_group_id(0) * SIZE;
    __global float2* to = output + get_group_id(0) * SIZE;
    float2 a = from[item], b = from[item + THREADS], c = from[item + 2 * THREADS], d = from[item + 3 * THREADS];
    // Transforms of as many points are finished.
#pragma unroll
    for (int done = 1; done < SIZE; done *= 4) {
        int within = item % done;
        if (done > 1) {
            int step = within * (THREADS / done);
            b = multiply(b, roots[step]);
            c = multiply(c, roots[2 * step]);
            d = multiply(d, roots[3 * step]);
        }
        float2 ac_sum = a + c, ac_difference = a - c, bd_sum = b + d, bd_difference = b - d;
        // Times -i.
        float2 turned = (float2)(bd_difference.y, -bd_difference.x);
        int place = (item - within) * 4 + within;
        a = ac_sum + bd_sum;
        b = ac_difference + turned;
        c = ac_sum - bd_sum;
        d = ac_difference - turned;
        if (done == THREADS) {
            to[place] = a;
            to[place + done] = b;
            to[place + 2 * done] = c;
            to[place + 3 * done] = d;
            return;
        }
        points[place] = a;
        points[place + done] = b;
        points[place + 2 * done] = c;
        points[place + 3 * done] = d;
        barrier(CLK_LOCAL_MEM_FENCE);
        a = points[item];
        b = points[item + THREADS];
        c = points[item + 2 * THREADS];
        d = points[item + 3 * THREADS];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
