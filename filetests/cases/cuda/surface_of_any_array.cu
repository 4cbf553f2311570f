// A surface may be made of an array that was not made for it, of a level of a mipmapped array too.
#include "case.h"

__global__ void write(cudaSurfaceObject_t surface) { surf2Dwrite(7u, surface, 4, 1); }

void surface_of(const char* name, cudaArray_t array) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    resource.res.array.array = array;
    cudaSurfaceObject_t surface = 0;
    cudaError_t error = cudaCreateSurfaceObject(&surface, &resource);
    printf("%s: %s", name, cudaGetErrorName(error));
    if (error == cudaSuccess) {
        write<<<1, 1>>>(surface);
        CHECK_KERNEL();
        unsigned value = 0;
        CHECK(cudaMemcpy2DFromArray(&value, 4, array, 4, 1, 4, 1, cudaMemcpyDeviceToHost));
        CHECK(cudaDestroySurfaceObject(surface));
        printf(", %u", value);
    }
    printf("\n");
}

int main() {
    cudaChannelFormatDesc format = cudaCreateChannelDesc<unsigned>();
    cudaArray_t array, gathered, level;
    CHECK(cudaMallocArray(&array, &format, 64, 64));
    surface_of("plain", array);
    CHECK(cudaMallocArray(&gathered, &format, 64, 64, cudaArrayTextureGather));
    surface_of("for gathers", gathered);
    cudaMipmappedArray_t levels;
    CHECK(cudaMallocMipmappedArray(&levels, &format, make_cudaExtent(64, 64, 0), 4));
    CHECK(cudaGetMipmappedArrayLevel(&level, levels, 1));
    surface_of("level", level);
    return 0;
}

// RUN: nvcc -arch=compute_75
// EXPECT-EXIT: 0
// EXPECT: plain: cudaSuccess, 7
// EXPECT: for gathers: cudaSuccess, 7
// EXPECT: level: cudaSuccess, 7
