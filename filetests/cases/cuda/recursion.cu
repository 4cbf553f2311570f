// Recursive device functions: Fibonacci, Ackermann, quicksort, mutual recursion and the towers of Hanoi.
#include "case.h"

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

__device__ __noinline__ int ackermann(int m, int n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

__device__ bool is_odd(int n);
__device__ __noinline__ bool is_even(int n) { return n == 0 || is_odd(n - 1); }
__device__ __noinline__ bool is_odd(int n) { return n != 0 && is_even(n - 1); }

__device__ __noinline__ void hanoi(int disks, int from, int to, int via, int* pegs, int* moves) {
    if (disks == 0) return;
    hanoi(disks - 1, from, via, to, pegs, moves);
    pegs[from]--;
    pegs[to]++;
    (*moves)++;
    hanoi(disks - 1, via, to, from, pegs, moves);
}

__device__ __noinline__ void quicksort(int* values, int low, int high) {
    if (low >= high) return;
    int pivot = values[(low + high) / 2], i = low, j = high;
    while (i <= j) {
        while (values[i] < pivot) i++;
        while (values[j] > pivot) j--;
        if (i <= j) {
            int t = values[i];
            values[i++] = values[j];
            values[j--] = t;
        }
    }
    quicksort(values, low, j);
    quicksort(values, i, high);
}

__global__ void run(int* fib, int* ack, int* parity, int* moves, int* values, int per_thread) {
    int i = threadIdx.x;
    // Different depths in one warp: lanes return at different times.
    fib[i] = fibonacci(i % 16);
    ack[i] = ackermann(i % 3, i % 7);
    parity[i] = is_even(i) ? 1 : 0;
    int pegs[3] = {i % 9, 0, 0};
    moves[i] = 0;
    hanoi(pegs[0], 0, 2, 1, pegs, &moves[i]);
    moves[i] = moves[i] * 10 + pegs[2];
    quicksort(values + i * per_thread, 0, per_thread - 1);
}

int main() {
    const int threads = 64, per_thread = 200;
    CHECK(cudaDeviceSetLimit(cudaLimitStackSize, 16 * 1024));
    std::vector<int> values(threads * per_thread);
    for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<int>(mix(i) % 1000);
    int* values_device = to_device(values);
    int* results[4];
    for (int*& result : results) result = device_zeros<int>(threads);
    run<<<1, threads>>>(results[0], results[1], results[2], results[3], values_device, per_thread);
    CHECK_KERNEL();
    const char* names[4] = {"fibonacci", "ackermann", "even", "hanoi"};
    for (int k = 0; k < 4; k++) {
        std::vector<int> result = to_host(results[k], threads);
        printf("%s:", names[k]);
        for (int i = 0; i < 21; i++) printf(" %d", result[i]);
        printf(" | checksum %016llx\n", (unsigned long long)checksum(result));
    }
    values = to_host(values_device, values.size());
    bool sorted = true;
    for (size_t i = 1; i < values.size(); i++) sorted = sorted && (i % per_thread == 0 || values[i - 1] <= values[i]);
    printf("sorted: %s, checksum %016llx\n", sorted ? "yes" : "no", (unsigned long long)checksum(values));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: fibonacci: 0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 0 1 1 2 3 | checksum 5d979f576d2b681d
// EXPECT: ackermann: 1 3 7 4 6 13 7 2 5 3 5 11 6 8 3 2 4 9 5 7 15 | checksum 784195e9565e181c
// EXPECT: even: 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 | checksum 23d3db4a449f1525
// EXPECT: hanoi: 0 11 32 73 154 315 636 1277 2558 0 11 32 73 154 315 636 1277 2558 0 11 32 | checksum 870b4c22df518393
// EXPECT: sorted: yes, checksum 0655c7dd39a32292
