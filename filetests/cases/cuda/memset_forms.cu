// Fills: whole and partial, by stream, in two dimensions, of symbols, on managed and pinned memory, and with the order
// between fills and kernels kept.
#include "case.h"

__device__ int symbol[100];

__global__ void add_one(int* values, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i]++;
}

int main() {
    const int count = 10007;
    unsigned char* bytes = device_alloc<unsigned char>(count);
    std::vector<unsigned char> expected(count, 0xab);
    CHECK(cudaMemset(bytes, 0xab, count));
    const int parts[4][3] = {{1, 1, 1}, {100, 17, 2}, {1023, 2050, 3}, {count - 3, 3, 4}};
    for (auto& part : parts) {
        CHECK(cudaMemset(bytes + part[0], part[2], part[1]));
        memset(&expected[part[0]], part[2], part[1]);
    }
    printf("bytes: mismatches %d\n", mismatches(to_host(bytes, count), expected));

    int* values = device_alloc<int>(count);
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    for (int round = 0; round < 10; round++) {
        CHECK(cudaMemsetAsync(values, round, count * sizeof(int), stream));
        add_one<<<(count + 127) / 128, 128, 0, stream>>>(values, count);
        add_one<<<(count + 127) / 128, 128, 0, stream>>>(values, count / 2);
    }
    CHECK(cudaStreamSynchronize(stream));
    std::vector<int> result = to_host(values, count);
    printf("after ten rounds: %08x %08x\n", result[0], result[count - 1]);

    // The upper byte of the value is ignored: memset takes an int but fills bytes.
    CHECK(cudaMemset(values, 0x1234, 8));
    printf("filled with 0x1234: %08x\n", to_host(values, 1)[0]);

    void* address;
    size_t size;
    CHECK(cudaGetSymbolAddress(&address, symbol));
    CHECK(cudaGetSymbolSize(&size, symbol));
    CHECK(cudaMemset(address, 0xff, size));
    add_one<<<1, 128>>>(static_cast<int*>(address), 50);
    int from_symbol[100], zeros = 0, minus_ones = 0;
    CHECK(cudaMemcpyFromSymbol(from_symbol, symbol, sizeof(from_symbol)));
    for (int value : from_symbol) zeros += value == 0, minus_ones += value == -1;
    printf("symbol: %d zeros, %d minus ones\n", zeros, minus_ones);

    int *managed, *pinned;
    CHECK(cudaMallocManaged(&managed, 400));
    CHECK(cudaMallocHost(&pinned, 400));
    CHECK(cudaMemset(managed, 0x22, 400));
    CHECK(cudaMemset(pinned, 0x33, 400));
    CHECK(cudaDeviceSynchronize());
    printf("managed %08x, pinned %08x\n", managed[99], pinned[99]);
    CHECK(cudaFree(managed));
    CHECK(cudaFreeHost(pinned));
    CHECK(cudaStreamDestroy(stream));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: bytes: mismatches 0
// EXPECT: after ten rounds: 0909090b 0909090a
// EXPECT: filled with 0x1234: 34343434
// EXPECT: symbol: 50 zeros, 50 minus ones
// EXPECT: managed 22222222, pinned 33333333
