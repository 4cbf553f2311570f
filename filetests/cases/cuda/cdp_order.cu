// The order of kernels that kernels launch: the stream of a block, streams and events that a kernel makes, fire and forget,
// tail launches and their own tail launches, and parents that are complete only when all that they launched is.
#include "case.h"

struct Log {
    int count;
    int entries[61];
};

__global__ void note(Log* log, int what) { log->entries[atomicAdd(&log->count, 1)] = what; }

// A grid that takes its time, notes so, and launches another one.
__global__ void slow(Log* log, int what) {
    long long start = clock64();
    while (clock64() - start < 200000) {
    }
    log->entries[atomicAdd(&log->count, 1)] = what;
    note<<<1, 1>>>(log, what + 100);
}

__global__ void in_one_stream(Log* log) {
    slow<<<1, 1>>>(log, 1);
    note<<<1, 1>>>(log, 2);
    slow<<<1, 1>>>(log, 3);
    note<<<1, 1>>>(log, 4);
}

__global__ void tails(Log* log, int depth) {
    note<<<1, 1, 0, cudaStreamTailLaunch>>>(log, 30 + depth);
    slow<<<1, 1, 0, cudaStreamFireAndForget>>>(log, 1);
    if (depth < 2) tails<<<1, 1, 0, cudaStreamTailLaunch>>>(log, depth + 1);
    note<<<1, 1, 0, cudaStreamTailLaunch>>>(log, 40 + depth);
}

__global__ void events(Log* log) {
    cudaStream_t first, second;
    cudaEvent_t event;
    cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    slow<<<1, 1, 0, first>>>(log, 1);
    cudaEventRecord(event, first);
    cudaStreamWaitEvent(second, event, 0);
    note<<<1, 1, 0, second>>>(log, 2);
    cudaEventDestroy(event);
    cudaStreamDestroy(first);
    cudaStreamDestroy(second);
}

// Each grid launches two, down to a depth; what a parent has written is seen by its children.
__global__ void grow(int* nodes, int index, int depth) {
    __shared__ int step;
    if (threadIdx.x == 0) step = 1;
    __syncthreads();
    if (threadIdx.x == 0) nodes[index] = index == 0 ? 1 : nodes[(index - 1) / 2] + step;
    __syncthreads();
    if (threadIdx.x < 2 && depth > 0) {
        grow<<<1, 32>>>(nodes, 2 * index + 1 + threadIdx.x, depth - 1);
    }
}

__global__ void after(const int* nodes, int count, int* result) {
    int sum = 0;
    for (int i = 0; i < count; i++) sum += nodes[i];
    *result = sum;
}

// Blocks of one grid have streams of their own.
__global__ void block_child(int* slots, int block, int step) { slots[block] = slots[block] * 3 + step; }
__global__ void blocks(int* slots) {
    if (threadIdx.x == 0) {
        for (int step = 1; step <= 4; step++) block_child<<<1, 1>>>(slots, blockIdx.x, step);
    }
}

void show(const char* name, Log* log) {
    CHECK_KERNEL();
    Log host = to_host(log, 1)[0];
    printf("%s:", name);
    for (int i = 0; i < host.count; i++) printf(" %d", host.entries[i]);
    printf("\n");
    CHECK(cudaMemset(log, 0, sizeof(Log)));
}

int main() {
    Log* log = device_zeros<Log>(1);
    in_one_stream<<<1, 1>>>(log);
    // What the host launches into the same stream comes after all of it.
    note<<<1, 1>>>(log, 5);
    show("one stream", log);
    tails<<<1, 1>>>(log, 0);
    show("tails", log);
    events<<<1, 1>>>(log);
    show("events", log);

    const int depth = 9, count = (2 << depth) - 1;
    int *nodes = device_zeros<int>(count), *result = device_zeros<int>(1);
    grow<<<1, 32>>>(nodes, 0, depth);
    after<<<1, 1>>>(nodes, count, result);
    CHECK_KERNEL();
    printf("tree of %d grids, sum of depths %d\n", count, to_host(result, 1)[0]);

    int* slots = device_zeros<int>(100);
    blocks<<<100, 32>>>(slots);
    CHECK_KERNEL();
    int wrong = 0;
    for (int slot : to_host(slots, 100)) wrong += slot != ((1 * 3 + 2) * 3 + 3) * 3 + 4;
    printf("blocks in disorder: %d\n", wrong);
}

// RUN: nvcc -rdc=true
// EXPECT-EXIT: 0
// EXPECT: one stream: 1 101 2 3 103 4 5
// EXPECT: tails: 1 101 30 1 101 31 1 101 32 42 41 40
// EXPECT: events: 1 101 2
// EXPECT: tree of 1023 grids, sum of depths 9217
// EXPECT: blocks in disorder: 0
