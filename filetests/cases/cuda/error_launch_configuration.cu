// Launches that must be refused, each with its error; none of them harms the next launch.
#include "case.h"

__global__ void count(int* counter) { atomicAdd(counter, 1); }
__global__ void __launch_bounds__(64) at_most_64(int* counter) { atomicAdd(counter, 100); }

int* counter;

void attempt(const char* name, dim3 grid, dim3 block, size_t shared) {
    count<<<grid, block, shared>>>(counter);
    printf("%s: %s\n", name, cudaGetErrorName(cudaGetLastError()));
}

int main() {
    counter = device_zeros<int>(1);
    attempt("good", 2, 32, 0);
    attempt("2048 threads", 1, 2048, 0);
    attempt("1024 threads", 1, 1024, 0);
    attempt("32*32*2 threads", 1, dim3(32, 32, 2), 0);
    attempt("65 threads in z", 1, dim3(1, 1, 65), 0);
    attempt("64 threads in z", 1, dim3(1, 1, 64), 0);
    attempt("no threads", 1, 0, 0);
    attempt("no blocks", 0, 32, 0);
    attempt("65536 blocks in y", dim3(1, 65536), 1, 0);
    attempt("65536 blocks in z", dim3(1, 1, 65536), 1, 0);
    attempt("48 KiB shared", 1, 1, 48 << 10);
    attempt("1 MiB shared", 1, 1, 1 << 20);
    at_most_64<<<1, 65>>>(counter);
    printf("above the launch bounds: %s\n", cudaGetErrorName(cudaGetLastError()));
    at_most_64<<<1, 64>>>(counter);
    printf("at the launch bounds: %s\n", cudaGetErrorName(cudaGetLastError()));
    CHECK(cudaDeviceSynchronize());
    printf("counter %d\n", to_host(counter, 1)[0]);
    printf("no device 1000: %s\n", cudaGetErrorName(cudaSetDevice(1000)));
    printf("free of a stranger: %s\n", cudaGetErrorName(cudaFree(reinterpret_cast<void*>(0x1230))));
    int local = 0;
    printf("copy without direction: %s\n",
           cudaGetErrorName(cudaMemcpy(counter, &local, 4, static_cast<cudaMemcpyKind>(17))));
    (void)cudaGetLastError();
    printf("all forgotten: %s\n", cudaGetErrorName(cudaGetLastError()));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: good: cudaSuccess
// EXPECT: 2048 threads: cudaErrorInvalidValue
// EXPECT: 1024 threads: cudaSuccess
// EXPECT: 32*32*2 threads: cudaErrorInvalidValue
// EXPECT: 65 threads in z: cudaErrorInvalidValue
// EXPECT: 64 threads in z: cudaSuccess
// EXPECT: no threads: cudaErrorInvalidValue
// EXPECT: no blocks: cudaErrorInvalidValue
// EXPECT: 65536 blocks in y: cudaErrorInvalidValue
// EXPECT: 65536 blocks in z: cudaErrorInvalidValue
// EXPECT: 48 KiB shared: cudaSuccess
// EXPECT: 1 MiB shared: cudaErrorInvalidValue
// EXPECT: above the launch bounds: cudaErrorInvalidValue
// EXPECT: at the launch bounds: cudaSuccess
// EXPECT: counter 7553
// EXPECT: no device 1000: cudaErrorInvalidDevice
// EXPECT: free of a stranger: cudaErrorInvalidValue
// EXPECT: copy without direction: cudaErrorInvalidMemcpyDirection
// EXPECT: all forgotten: cudaSuccess
