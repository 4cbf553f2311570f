// An access outside of a surface ends the kernel with an error that stays.
#include "case.h"

__global__ void write(cudaSurfaceObject_t surface, int beyond) {
    surf2Dwrite((int)threadIdx.x, surface, ((int)threadIdx.x + beyond) * 4, 1, cudaBoundaryModeTrap);
}

int main() {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
    CHECK(cudaMallocArray(&resource.res.array.array, &format, 32, 4, cudaArraySurfaceLoadStore));
    cudaSurfaceObject_t surface;
    CHECK(cudaCreateSurfaceObject(&surface, &resource));
    write<<<1, 32>>>(surface, 0);
    printf("inside: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    write<<<1, 32>>>(surface, 1 << 20);
    cudaError_t outside = cudaDeviceSynchronize();
    printf("outside: %s\n", outside == cudaSuccess ? "no error" : "an error");
    printf("afterwards: %s\n", cudaFreeArray(resource.res.array.array) == outside ? "the same" : "another");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: inside: cudaSuccess
// EXPECT: outside: an error
// EXPECT: afterwards: the same
