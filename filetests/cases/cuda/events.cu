// Events: order, queries, elapsed time that is never negative, waiting of one stream for another, and their errors.
#include "case.h"

__global__ void spin_until(volatile int* flag) {
    while (*flag == 0) __nanosleep(100);
}
__global__ void raise(volatile int* flag) { *flag = 1; }
__global__ void multiply_add(int* value, int factor, int summand) { *value = *value * factor + summand; }

int main() {
    cudaStream_t a, b;
    CHECK(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
    CHECK(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
    cudaEvent_t start, stop, untimed;
    CHECK(cudaEventCreate(&start));
    CHECK(cudaEventCreateWithFlags(&stop, cudaEventBlockingSync));
    CHECK(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
    int* flag = device_zeros<int>(2);
    preload(spin_until);
    preload(raise);
    CHECK(cudaDeviceSynchronize());

    // An event that was never recorded counts as complete.
    printf("never recorded: %s\n", cudaGetErrorName(cudaEventQuery(start)));
    float time_ms = -1;
    printf("elapsed before recording: %s\n", cudaGetErrorName(cudaEventElapsedTime(&time_ms, start, stop)));

    CHECK(cudaEventRecord(start, a));
    spin_until<<<1, 1, 0, a>>>(flag);
    CHECK(cudaEventRecord(stop, a));
    printf("behind a waiting kernel: %s\n", cudaGetErrorName(cudaEventQuery(stop)));
    printf("elapsed while running: %s\n", cudaGetErrorName(cudaEventElapsedTime(&time_ms, start, stop)));
    raise<<<1, 1, 0, b>>>(flag);
    CHECK(cudaEventSynchronize(stop));
    printf("after synchronising: %s\n", cudaGetErrorName(cudaEventQuery(stop)));
    CHECK(cudaEventElapsedTime(&time_ms, start, stop));
    printf("elapsed is positive: %s\n", time_ms > 0 ? "yes" : "no");

    // (((1 * 3 + 1) in a) * 5 + 2 in b) * 7 + 3 in a: only one order of the three gives this value.
    int* value = flag + 1;
    int one = 1;
    CHECK(cudaMemcpy(value, &one, sizeof(int), cudaMemcpyHostToDevice));
    for (int round = 0; round < 50; round++) {
        multiply_add<<<1, 1, 0, a>>>(value, 3, 1);
        CHECK(cudaEventRecord(untimed, a));
        CHECK(cudaStreamWaitEvent(b, untimed, 0));
        multiply_add<<<1, 1, 0, b>>>(value, 5, 2);
        CHECK(cudaEventRecord(untimed, b));
        CHECK(cudaStreamWaitEvent(a, untimed, 0));
    }
    CHECK(cudaDeviceSynchronize());
    unsigned expected = 1;
    for (int round = 0; round < 50; round++) expected = (expected * 3 + 1) * 5 + 2;
    printf("ping-pong %d, expected %d\n", to_host(value, 1)[0], static_cast<int>(expected));
    printf("elapsed of an untimed event: %s\n", cudaGetErrorName(cudaEventElapsedTime(&time_ms, start, untimed)));
    for (cudaEvent_t event : {start, stop, untimed}) CHECK(cudaEventDestroy(event));
    CHECK(cudaStreamDestroy(a));
    CHECK(cudaStreamDestroy(b));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: never recorded: cudaSuccess
// EXPECT: elapsed before recording: cudaErrorInvalidResourceHandle
// EXPECT: behind a waiting kernel: cudaErrorNotReady
// EXPECT: elapsed while running: cudaErrorNotReady
// EXPECT: after synchronising: cudaSuccess
// EXPECT: elapsed is positive: yes
// EXPECT: ping-pong 1719904465, expected 1719904465
// EXPECT: elapsed of an untimed event: cudaErrorInvalidResourceHandle
