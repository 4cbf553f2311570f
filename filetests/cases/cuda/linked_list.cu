// Lists: ranking by pointer jumping, a lock-free stack that all threads push to and pop from, and a quad-linked grid
// of nodes (up, down, left, right) walked by pointers.
#include "case.h"

__global__ void jump(const int* next, const int* rank, int* new_next, int* new_rank, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int after = next[i];
    new_rank[i] = after >= 0 ? rank[i] + rank[after] : rank[i];
    new_next[i] = after >= 0 ? next[after] : -1;
}

// The head holds a node index and a counter that defeats the ABA problem.
__device__ unsigned long long head = 0xffffffffull;

__global__ void push_all(int* links, int count) {
    int node = blockIdx.x * blockDim.x + threadIdx.x;
    if (node >= count) return;
    unsigned long long old = atomicAdd(&head, 0ull), assumed;
    do {
        assumed = old;
        links[node] = static_cast<int>(assumed & 0xffffffff);
        __threadfence();
        old = atomicCAS(&head, assumed, ((assumed >> 32) + 1) << 32 | static_cast<unsigned>(node));
    } while (old != assumed);
}

__global__ void pop_some(volatile int* links, int* popped, int pops) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pops) return;
    unsigned long long old = atomicAdd(&head, 0ull), assumed;
    int node;
    do {
        assumed = old;
        node = static_cast<int>(assumed & 0xffffffff);
        if (node == -1) break;
        old = atomicCAS(&head, assumed, ((assumed >> 32) + 1) << 32 | static_cast<unsigned>(links[node]));
    } while (old != assumed);
    popped[i] = node;
}

struct QuadNode {
    QuadNode* links[4];  // up, right, down, left
    int value;
};

__global__ void connect(QuadNode* nodes, int side) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, x = i % side, y = i / side;
    if (i >= side * side) return;
    nodes[i].links[0] = y > 0 ? &nodes[i - side] : nullptr;
    nodes[i].links[1] = x < side - 1 ? &nodes[i + 1] : nullptr;
    nodes[i].links[2] = y < side - 1 ? &nodes[i + side] : nullptr;
    nodes[i].links[3] = x > 0 ? &nodes[i - 1] : nullptr;
    nodes[i].value = static_cast<int>(mix(i) % 100);
}

__global__ void walk(const QuadNode* start, int steps, int* sums) {
    int i = threadIdx.x, sum = 0;
    const QuadNode* node = start;
    for (int step = 0; step < steps; step++) {
        const QuadNode* next = node->links[mix(i * 1000 + step) % 4];
        if (next != nullptr) node = next;
        sum = sum * 7 + node->value;
    }
    sums[i] = sum;
}

int main() {
    const int count = 10000;
    std::vector<int> next(count, -1), rank(count, 1), expected(count);
    // 7919 is a prime that does not divide the count: one list through all nodes.
    for (int k = 0; k + 1 < count; k++) next[k * 7919ll % count] = static_cast<int>((k + 1) * 7919ll % count);
    for (int k = 0; k < count; k++) expected[k * 7919ll % count] = count - k;
    int *nexts[2] = {to_device(next), device_zeros<int>(count)},
        *ranks[2] = {to_device(rank), device_zeros<int>(count)};
    int current = 0;
    for (int distance = 1; distance < count; distance *= 2, current = 1 - current)
        jump<<<(count + 255) / 256, 256>>>(nexts[current], ranks[current], nexts[1 - current], ranks[1 - current],
                                           count);
    CHECK_KERNEL();
    printf("ranking: mismatches %d\n", mismatches(to_host(ranks[current], count), expected));

    int *links = device_zeros<int>(count), *popped_device = device_zeros<int>(count);
    push_all<<<(count + 127) / 128, 128>>>(links, count);
    pop_some<<<(count + 127) / 128, 128>>>(links, popped_device, count - 10);
    CHECK_KERNEL();
    std::vector<int> times(count, 0);
    int invalid = 0, left = 0;
    for (int node : to_host(popped_device, count - 10))
        if (node < 0 || node >= count || times[node]++) invalid++;
    for (int seen : times) left += seen == 0;
    printf("stack: invalid or repeated %d, left %d\n", invalid, left);

    const int side = 40, steps = 300;
    QuadNode* nodes = device_zeros<QuadNode>(side * side);
    connect<<<(side * side + 63) / 64, 64>>>(nodes, side);
    int* sums_device = device_zeros<int>(64);
    walk<<<1, 64>>>(nodes + side / 2 * side + side / 2, steps, sums_device);
    CHECK_KERNEL();
    std::vector<int> sums = to_host(sums_device, 64);
    int wrong = 0;
    for (int i = 0; i < 64; i++) {
        int x = side / 2, y = side / 2;
        unsigned sum = 0;
        for (int step = 0; step < steps; step++) {
            int direction = mix(i * 1000 + step) % 4;
            if (direction == 0 && y > 0) y--;
            if (direction == 1 && x < side - 1) x++;
            if (direction == 2 && y < side - 1) y++;
            if (direction == 3 && x > 0) x--;
            sum = sum * 7 + mix(y * side + x) % 100;
        }
        wrong += sums[i] != static_cast<int>(sum);
    }
    printf("quad-linked walk: mismatches %d\n", wrong);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: ranking: mismatches 0
// EXPECT: stack: invalid or repeated 0, left 10
// EXPECT: quad-linked walk: mismatches 0
