// libcu++: cuda::atomic with memory orders and scopes, atomic_ref, a semaphore, a latch and a barrier in shared memory,
// message passing with release and acquire between blocks.
#include <cuda/atomic>
#include <cuda/barrier>
#include <cuda/latch>
#include <cuda/semaphore>

#include "case.h"

__device__ cuda::atomic<int, cuda::thread_scope_device> ready[16];
__device__ int payload[16];
__device__ cuda::counting_semaphore<cuda::thread_scope_device, 3> slots{3};
__device__ cuda::atomic<int, cuda::thread_scope_device> inside, most_inside, entered;

// Block 0 writes, the next block adds and hands on, and so on: release and acquire order the plain writes.
__global__ void relay(int* result) {
    int block = blockIdx.x;
    if (threadIdx.x != 0) return;
    if (block > 0)
        while (ready[block - 1].load(cuda::memory_order_acquire) == 0) {}
    payload[block] = (block > 0 ? payload[block - 1] : 1) * 3 + block;
    ready[block].store(1, cuda::memory_order_release);
    if (block == static_cast<int>(gridDim.x) - 1) *result = payload[block];
}

__global__ void limited() {
    if (threadIdx.x != 0) return;
    slots.acquire();
    int now = inside.fetch_add(1) + 1;
    most_inside.fetch_max(now);
    entered++;
    __nanosleep(200);
    inside.fetch_sub(1);
    slots.release();
}

__global__ void phases(int* output) {
    __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
    __shared__ cuda::latch<cuda::thread_scope_block>* latch;
    __shared__ int values[128];
    __shared__ alignas(
        cuda::latch<cuda::thread_scope_block>) char storage[sizeof(cuda::latch<cuda::thread_scope_block>)];
    int thread = threadIdx.x;
    if (thread == 0) {
        init(&barrier, blockDim.x);
        latch = new (storage) cuda::latch<cuda::thread_scope_block>(blockDim.x);
    }
    values[thread] = thread;
    __syncthreads();
    for (int phase = 0; phase < 5; phase++) {
        barrier.arrive_and_wait();
        int other = values[(thread + 1) % 128];
        auto token = barrier.arrive();
        int private_work = other * 2 + phase;
        barrier.wait(std::move(token));
        values[thread] = private_work % 1000;
    }
    latch->arrive_and_wait();
    cuda::atomic_ref<int, cuda::thread_scope_device> total(output[0]);
    total.fetch_add(values[thread], cuda::memory_order_relaxed);
    output[1 + thread] = values[thread];
}

int main() {
    int* result = device_zeros<int>(1);
    relay<<<16, 32>>>(result);
    CHECK_KERNEL();
    int expected = 1;
    for (int block = 0; block < 16; block++) expected = expected * 3 + block;
    printf("relay %d, expected %d\n", to_host(result, 1)[0], expected);

    limited<<<30, 32>>>();
    CHECK_KERNEL();
    int count = 0, most = 0;
    CHECK(cudaMemcpyFromSymbol(&count, entered, sizeof(int)));
    CHECK(cudaMemcpyFromSymbol(&most, most_inside, sizeof(int)));
    printf("entered %d, at most three inside: %s\n", count, most >= 1 && most <= 3 ? "yes" : "no");

    int* output_device = device_zeros<int>(129);
    phases<<<1, 128>>>(output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 129), values(128), next(128);
    for (int i = 0; i < 128; i++) values[i] = i;
    for (int phase = 0; phase < 5; phase++) {
        for (int i = 0; i < 128; i++) next[i] = (values[(i + 1) % 128] * 2 + phase) % 1000;
        values.swap(next);
    }
    int sum = 0, wrong = 0;
    for (int i = 0; i < 128; i++) sum += values[i], wrong += output[1 + i] != values[i];
    printf("phases: total %d (%d), mismatches %d\n", output[0], sum, wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: relay 53808393, expected 53808393
// EXPECT: entered 30, at most three inside: yes
// EXPECT: phases: total 62424 (62424), mismatches 0
