// Barriers where whole warps, and single lanes, have already returned: exited threads no longer count. Also barriers
// that count, and, or, inside a loop with a uniform but data-dependent end.
#include "case.h"

__global__ void exited_warps(int* output, int active) {
    __shared__ int buffer[256];
    int thread = threadIdx.x;
    if (thread >= active) return;
    buffer[thread] = thread * 3;
    __syncthreads();
    output[blockIdx.x * 256 + thread] = buffer[active - 1 - thread] + blockIdx.x;
}

__global__ void counting(const int* values, int* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int value = values[i];
    int above = __syncthreads_count(value > 500);
    int all = __syncthreads_and(value >= 0);
    int any = __syncthreads_or(value == 999);
    output[i] = above * 4 + (all != 0) * 2 + (any != 0);
}

// All threads leave the loop together when nobody changed anything: propagation of the maximum along a ring.
__global__ void until_stable(int* values, int* rounds) {
    __shared__ int ring[128];
    int thread = threadIdx.x, turns = 0;
    ring[thread] = values[blockIdx.x * 128 + thread];
    __syncthreads();
    for (bool changed = true; changed; turns++) {
        int neighbour = ring[(thread + 1) % 128], mine = ring[thread];
        __syncthreads();
        ring[thread] = max(mine, neighbour);
        changed = __syncthreads_or(neighbour > mine);
    }
    values[blockIdx.x * 128 + thread] = ring[thread];
    if (thread == 0) rounds[blockIdx.x] = turns;
}

int main() {
    int* output_device = device_zeros<int>(1024);
    for (int active : {256, 192, 100, 33, 1}) {
        CHECK(cudaMemset(output_device, 0, 1024 * sizeof(int)));
        exited_warps<<<4, 256>>>(output_device, active);
        CHECK_KERNEL();
        std::vector<int> output = to_host(output_device, 1024);
        int wrong = 0;
        for (int i = 0; i < 1024; i++) {
            int thread = i % 256;
            wrong += output[i] != (thread < active ? (active - 1 - thread) * 3 + i / 256 : 0);
        }
        printf("%3d threads stay: mismatches %d\n", active, wrong);
    }
    std::vector<int> values(1024), expected(1024);
    for (int i = 0; i < 1024; i++) values[i] = static_cast<int>(mix(i) % 1000) - (i == 1000);
    values[300] = 999;
    for (int block = 0; block < 1024; block += 160) {
        int end = block + 160 < 1024 ? block + 160 : 1024, above = 0, all = 1, any = 0;
        for (int i = block; i < end; i++) above += values[i] > 500, all &= values[i] >= 0, any |= values[i] == 999;
        for (int i = block; i < end; i++) expected[i] = above * 4 + all * 2 + any;
    }
    counting<<<6, 160>>>(to_device(values), output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 960);
    expected.resize(960);
    printf("count, and, or: mismatches %d, checksum %016llx\n", mismatches(output, expected),
           (unsigned long long)checksum(output));

    for (int& value : values) value = static_cast<int>(mix(value + 5 * (&value - values.data())) % 100000);
    int* values_device = to_device(values);
    int* rounds_device = device_zeros<int>(8);
    until_stable<<<8, 128>>>(values_device, rounds_device);
    CHECK_KERNEL();
    std::vector<int> stable = to_host(values_device, 1024), rounds = to_host(rounds_device, 8);
    for (int block = 0; block < 8; block++) {
        int largest = 0, equal = 0;
        for (int i = 0; i < 128; i++) largest = max(largest, values[block * 128 + i]);
        for (int i = 0; i < 128; i++) equal += stable[block * 128 + i] == largest;
        printf("ring %d: %d after %d rounds, %d agree\n", block, largest, rounds[block], equal);
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 256 threads stay: mismatches 0
// EXPECT: 192 threads stay: mismatches 0
// EXPECT: 100 threads stay: mismatches 0
// EXPECT:  33 threads stay: mismatches 0
// EXPECT:   1 threads stay: mismatches 0
// EXPECT: count, and, or: mismatches 0, checksum 477a5509ff483a25
// EXPECT: ring 0: 98866 after 82 rounds, 128 agree
// EXPECT: ring 1: 99447 after 128 rounds, 128 agree
// EXPECT: ring 2: 99130 after 128 rounds, 128 agree
// EXPECT: ring 3: 99003 after 128 rounds, 128 agree
// EXPECT: ring 4: 98511 after 128 rounds, 128 agree
// EXPECT: ring 5: 99458 after 128 rounds, 128 agree
// EXPECT: ring 6: 95951 after 128 rounds, 128 agree
// EXPECT: ring 7: 99859 after 128 rounds, 128 agree
