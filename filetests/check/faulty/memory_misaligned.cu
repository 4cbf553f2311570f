// An int at an odd address.
#include "faulty.h"

__global__ void kernel(char* out) {
    int i = threadIdx.x;
    if (i == 0) *reinterpret_cast<int*>(out + 2) = i;
}

int main() {
    char* out = zeros<char>(64);
    kernel<<<1, 64>>>(out);
    return finish();
}

// FINDS: memory 6
