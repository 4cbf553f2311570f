// Persistent blocks that take work from a queue and put new work in: adaptive subdivision of intervals, until the
// count of outstanding items is zero. Blocks wait for work that other blocks have not produced yet.
#include "case.h"

struct Item {
    int low, high;
};

struct Queue {
    unsigned head, tail, outstanding;
    unsigned ready[1 << 15];
    Item items[1 << 15];
};

__host__ __device__ int split_of(Item item) {
    int length = item.high - item.low;
    return length <= 3 || mix(item.low * 31 + item.high) % 10 == 0
               ? 0
               : length / 3 + static_cast<int>(mix(item.low) % (length / 3 + 1));
}

__device__ void put(Queue* queue, Item item) {
    unsigned place = atomicAdd(&queue->tail, 1);
    queue->items[place] = item;
    __threadfence();
    atomicExch(&queue->ready[place], 1);
}

__global__ void drain(Queue* queue, unsigned long long* leaves, unsigned* leaf_count) {
    if (threadIdx.x != 0) return;
    for (;;) {
        // Take a place only when there is certainly an item for it.
        unsigned head = atomicAdd(&queue->head, 0);
        if (head >= atomicAdd(&queue->tail, 0)) {
            if (atomicAdd(&queue->outstanding, 0) == 0) return;
            __nanosleep(100);
            continue;
        }
        if (atomicCAS(&queue->head, head, head + 1) != head) continue;
        while (atomicAdd(&queue->ready[head], 0) == 0) __nanosleep(20);
        __threadfence();
        const volatile Item* place = &queue->items[head];
        Item item = {place->low, place->high};
        int part = split_of(item);
        if (part == 0) {
            atomicAdd(leaves, static_cast<unsigned long long>(mix(item.low)) * (item.high - item.low));
            atomicAdd(leaf_count, 1);
        } else {
            atomicAdd(&queue->outstanding, 2);
            put(queue, {item.low, item.low + part});
            put(queue, {item.low + part, item.high});
        }
        atomicSub(&queue->outstanding, 1);
    }
}

void host_drain(Item item, unsigned long long* leaves, unsigned* leaf_count) {
    int part = split_of(item);
    if (part == 0) {
        *leaves += static_cast<unsigned long long>(mix(item.low)) * (item.high - item.low);
        ++*leaf_count;
    } else {
        host_drain({item.low, item.low + part}, leaves, leaf_count);
        host_drain({item.low + part, item.high}, leaves, leaf_count);
    }
}

int main() {
    static Queue initial;
    initial.tail = initial.outstanding = 1;
    initial.ready[0] = 1;
    initial.items[0] = {0, 30000};
    Queue* queue = device_alloc<Queue>(1);
    CHECK(cudaMemcpy(queue, &initial, sizeof(Queue), cudaMemcpyHostToDevice));
    unsigned long long* leaves = device_zeros<unsigned long long>(1);
    unsigned* leaf_count = device_zeros<unsigned>(1);
    drain<<<24, 32>>>(queue, leaves, leaf_count);
    CHECK_KERNEL();
    unsigned long long expected = 0;
    unsigned expected_count = 0;
    host_drain({0, 30000}, &expected, &expected_count);
    printf("leaves %u (%u), sum %llu (%llu)\n", to_host(leaf_count, 1)[0], expected_count, to_host(leaves, 1)[0],
           expected);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: leaves 3903 (3903), sum 59762373200597 (59762373200597)
