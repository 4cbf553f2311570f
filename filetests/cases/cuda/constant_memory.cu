// __constant__ memory: initialisers, structures, uniform and divergent reads, updates between launches, a pointer in
// constant memory, and the full 64 KiB bank.
#include "case.h"

struct Settings {
    short gain;
    double bias;
    char name[11];
};

__constant__ int primes[8] = {2, 3, 5, 7, 11, 13, 17, 19};
__constant__ Settings settings = {7, -2.5, "constant"};
__constant__ unsigned big[15 * 1024];
__device__ int counters[4] = {10, 20, 30, 40};
__constant__ int* where = counters;

__global__ void read_all(long long* output) {
    int i = threadIdx.x;
    long long sum = 0;
    for (int k = 0; k < 8; k++) sum = sum * 31 + primes[k];  // the same in every lane
    sum += primes[i & 7] * 1000;                             // different in every lane
    sum += static_cast<long long>(settings.gain * i + settings.bias * 4) + settings.name[i % 9];
    sum += where[i & 3];
    output[i] = sum;
}

__global__ void gather_big(unsigned long long* sum) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    atomicAdd(sum, static_cast<unsigned long long>(big[mix(i) % (15 * 1024)]));
}

void show(const char* when) {
    const int threads = 64;
    long long* output_device = device_zeros<long long>(threads);
    read_all<<<1, threads>>>(output_device);
    CHECK_KERNEL();
    std::vector<long long> output = to_host(output_device, threads);
    printf("%s: %lld %lld, checksum %016llx\n", when, output[0], output[threads - 1],
           (unsigned long long)checksum(output));
    CHECK(cudaFree(output_device));
}

int main() {
    show("initialisers");
    int replacement[3] = {101, 103, 107};
    CHECK(cudaMemcpyToSymbol(primes, replacement, sizeof(replacement), 2 * sizeof(int)));
    Settings other = {-3, 0.25, "changed"};
    CHECK(cudaMemcpyToSymbol(settings, &other, sizeof(other)));
    show("after updates");

    std::vector<unsigned> values(15 * 1024);
    for (size_t i = 0; i < values.size(); i++) values[i] = mix(i + 1);
    CHECK(cudaMemcpyToSymbol(big, values.data(), values.size() * sizeof(unsigned)));
    unsigned long long* sum_device = device_zeros<unsigned long long>(1);
    gather_big<<<100, 256>>>(sum_device);
    CHECK_KERNEL();
    unsigned long long expected = 0;
    for (int i = 0; i < 25600; i++) expected += values[mix(i) % (15 * 1024)];
    printf("60 KiB: %llu, expected %llu\n", to_host(sum_device, 1)[0], expected);
    size_t size = 0;
    CHECK(cudaGetSymbolSize(&size, big));
    int* address = nullptr;
    CHECK(cudaGetSymbolAddress(reinterpret_cast<void**>(&address), primes));
    int third = 0;
    CHECK(cudaMemcpy(&third, address + 3, sizeof(int), cudaMemcpyDeviceToHost));
    printf("symbol size %zu, through its address %d\n", size, third);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: initialisers: 57837692506 57837709977, checksum 5a8fe4726354a998
// EXPECT: after updates: 60677608965 60677625806, checksum 07cf4fdd41418a10
// EXPECT: 60 KiB: 54652376261584, expected 54652376261584
// EXPECT: symbol size 61440, through its address 103
