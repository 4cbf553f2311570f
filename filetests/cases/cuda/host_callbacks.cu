// Host functions in streams: they run after the work before them and before the work after them.
#include <atomic>

#include "case.h"

__global__ void add(int* value, int summand) { *value += summand; }

struct Step {
    int* mapped;  // host memory that the kernel writes
    int seen;
    std::atomic<int>* order;
    int place;
};

void CUDART_CB observe(void* argument) {
    Step* step = static_cast<Step*>(argument);
    step->seen = *step->mapped;
    step->place = (*step->order)++;
}

void CUDART_CB legacy(cudaStream_t, cudaError_t status, void* argument) {
    Step* step = static_cast<Step*>(argument);
    step->seen = status == cudaSuccess ? *step->mapped : -1;
    step->place = (*step->order)++;
}

void CUDART_CB change(void* argument) { *static_cast<int*>(argument) *= 10; }

int main() {
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    int *host, *device;
    CHECK(cudaHostAlloc(&host, sizeof(int), cudaHostAllocMapped));
    CHECK(cudaHostGetDevicePointer(&device, host, 0));
    *host = 0;
    std::atomic<int> order{0};
    Step steps[4];
    for (Step& step : steps) step = {host, -2, &order, -1};

    add<<<1, 1, 0, stream>>>(device, 1);
    CHECK(cudaLaunchHostFunc(stream, observe, &steps[0]));
    add<<<1, 1, 0, stream>>>(device, 2);
    CHECK(cudaStreamAddCallback(stream, legacy, &steps[1], 0));
    CHECK(cudaLaunchHostFunc(stream, change, host));
    CHECK(cudaLaunchHostFunc(stream, observe, &steps[2]));
    add<<<1, 1, 0, stream>>>(device, 4);
    CHECK(cudaLaunchHostFunc(stream, observe, &steps[3]));
    CHECK(cudaStreamSynchronize(stream));
    for (const Step& step : steps) printf("callback %d saw %d\n", step.place, step.seen);
    printf("final value %d\n", *host);

    // Many callbacks in one stream keep their order.
    std::vector<Step> many(500);
    order = 0;
    for (Step& step : many) {
        step = {host, 0, &order, -1};
        add<<<1, 1, 0, stream>>>(device, 1);
        CHECK(cudaLaunchHostFunc(stream, observe, &step));
    }
    CHECK(cudaStreamSynchronize(stream));
    int wrong = 0;
    for (int i = 0; i < 500; i++) wrong += many[i].place != i || many[i].seen != 34 + i + 1;
    printf("500 callbacks, out of order %d\n", wrong);
    CHECK(cudaStreamDestroy(stream));
    CHECK(cudaFreeHost(host));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: callback 0 saw 1
// EXPECT: callback 1 saw 3
// EXPECT: callback 2 saw 30
// EXPECT: callback 3 saw 34
// EXPECT: final value 34
// EXPECT: 500 callbacks, out of order 0
