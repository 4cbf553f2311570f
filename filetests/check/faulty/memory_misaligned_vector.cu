// A float4 at a multiple of 4 only.
#include "faulty.h"

__global__ void kernel(float* out) {
    int i = threadIdx.x;
    if (i == 0) *reinterpret_cast<float4*>(out + 1) = make_float4(1, 2, 3, 4);
}

int main() {
    float* out = zeros<float>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
