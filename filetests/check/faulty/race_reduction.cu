// A reduction without a barrier in its loop.
#include "faulty.h"

__global__ void kernel(int* out) {
    int i = threadIdx.x;
    __shared__ int sum[128];
    sum[i] = i;
    __syncthreads();
    for (int step = 64; step > 0; step /= 2) {
        if (i < step) sum[i] += sum[i + step];
    }
    if (i == 0) out[0] = sum[0];
}

int main() {
    int* out = zeros<int>(64);
    kernel<<<1, 128>>>(out);
    return finish();
}

// FINDS: race 10
