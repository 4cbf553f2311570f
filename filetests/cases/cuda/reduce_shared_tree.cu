// Sum, minimum and maximum of integers by a tree in shared memory, one partial result a block.
#include "case.h"

struct Summary {
    long long sum;
    int smallest;
    int largest;
};

constexpr int block_size = 256;

__global__ void reduce(const int* values, int count, Summary* partial) {
    __shared__ Summary tree[block_size];
    int thread = threadIdx.x;
    int i = blockIdx.x * block_size * 2 + thread;

    Summary mine = {0, INT32_MAX, INT32_MIN};
    for (int part = 0; part < 2; part++, i += block_size) {
        if (i < count) {
            int value = values[i];
            mine.sum += value;
            mine.smallest = min(mine.smallest, value);
            mine.largest = max(mine.largest, value);
        }
    }
    tree[thread] = mine;
    __syncthreads();

    for (int half = block_size / 2; half > 0; half /= 2) {
        if (thread < half) {
            Summary other = tree[thread + half];
            tree[thread].sum += other.sum;
            tree[thread].smallest = min(tree[thread].smallest, other.smallest);
            tree[thread].largest = max(tree[thread].largest, other.largest);
        }
        __syncthreads();
    }
    if (thread == 0) partial[blockIdx.x] = tree[0];
}

int main() {
    const int count = 1 << 20 | 77;
    const int blocks = (count + 2 * block_size - 1) / (2 * block_size);
    std::vector<int> values(count);
    Summary expected = {0, INT32_MAX, INT32_MIN};
    for (int i = 0; i < count; i++) {
        values[i] = static_cast<int>(mix(i));
        expected.sum += values[i];
        if (values[i] < expected.smallest) expected.smallest = values[i];
        if (values[i] > expected.largest) expected.largest = values[i];
    }
    int* values_device = to_device(values);
    Summary* partial_device = device_alloc<Summary>(blocks);
    reduce<<<blocks, block_size>>>(values_device, count, partial_device);
    CHECK_KERNEL();

    Summary total = {0, INT32_MAX, INT32_MIN};
    for (const Summary& partial : to_host(partial_device, blocks)) {
        total.sum += partial.sum;
        if (partial.smallest < total.smallest) total.smallest = partial.smallest;
        if (partial.largest > total.largest) total.largest = partial.largest;
    }
    printf("sum %lld smallest %d largest %d\n", total.sum, total.smallest, total.largest);
    printf("agrees with host: %s\n",
           total.sum == expected.sum && total.smallest == expected.smallest && total.largest == expected.largest
               ? "yes"
               : "no");
    CHECK(cudaFree(values_device));
    CHECK(cudaFree(partial_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sum 2702570250615 smallest -2147475542 largest 2147482684
// EXPECT: agrees with host: yes
