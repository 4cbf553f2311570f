// Launches that write 64 MiB and more, whose stores an implementation may send past its caches: every place is written, once and with its own value, whether rows
// begin with a cache line or not; the next launch, a copy to the host and atomics of later blocks find it.
#include "case.h"

constexpr int width = 4096, height = 4096, count = width * height;

// A value that each place has to itself.
__host__ __device__ unsigned value_of(unsigned place) { return place * 2654435761u ^ place >> 7; }

__global__ void fill(unsigned* to, int size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) to[i] = value_of(i);
}

__global__ void turn(const unsigned* __restrict__ from, unsigned* to) {
    __shared__ unsigned tile[32][33];
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
    for (int i = 0; i < 32; i += 8) tile[threadIdx.y + i][threadIdx.x] = from[(y + i) * width + x];
    __syncthreads();
    x = blockIdx.y * 32 + threadIdx.x;
    y = blockIdx.x * 32 + threadIdx.y;
    for (int i = 0; i < 32; i += 8) to[(y + i) * height + x] = tile[threadIdx.x][threadIdx.y + i];
}

__global__ void widen(const uchar4* from, uint4* to, int size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) to[i] = make_uint4(from[i].x, from[i].y, from[i].z, from[i].w);
}

__global__ void narrow(const unsigned* __restrict__ from, unsigned char* to, int size) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) to[i] = from[i] >> 11;
}

// Each block writes its part and reads it back, turned around, before it writes the result behind all parts.
__global__ void around(unsigned* parts, unsigned* results) {
    int first = blockIdx.x * blockDim.x;
    parts[first + threadIdx.x] = value_of(first + threadIdx.x) + 3;
    __syncthreads();
    results[first + threadIdx.x] = parts[first + blockDim.x - 1 - threadIdx.x];
}

// What differs from what should be there.
template <typename Element, typename Expected>
void report(const char* name, const Element* from, size_t size, Expected expected) {
    std::vector<Element> host(size);
    CHECK(cudaMemcpy(host.data(), from, size * sizeof(Element), cudaMemcpyDeviceToHost));
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++) wrong += host[i] != static_cast<Element>(expected(i));
    printf("%s: %zu of %zu places wrong\n", name, wrong, size);
}

__global__ void count_wrong(const unsigned* from, int size, int shift, unsigned* wrong) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size && from[i + shift] != value_of(i)) atomicAdd(wrong, 1u);
}

int main() {
    unsigned *a, *b, *wrong;
    CHECK(cudaMalloc(&a, sizeof(unsigned) * (count + 64)));
    CHECK(cudaMalloc(&b, sizeof(unsigned) * (count + 64)));
    CHECK(cudaMallocManaged(&wrong, sizeof(unsigned)));
    // Rows that begin with a line, and rows that begin one, three and sixteen words later; what lies around stays.
    for (int shift : {0, 1, 3, 16}) {
        for (int size : {count, count - 5, count - 32 * 77}) {
            *wrong = 0;
            CHECK(cudaMemset(b, 0xee, sizeof(unsigned) * (count + 64)));
            fill<<<(size + 255) / 256, 256>>>(b + shift, size);
            count_wrong<<<(size + 255) / 256, 256>>>(b, size, shift, wrong);
            CHECK(cudaDeviceSynchronize());
            unsigned behind[64], before[16] = {};
            CHECK(cudaMemcpy(behind, b + shift + size, sizeof(unsigned) * (64 - shift), cudaMemcpyDeviceToHost));
            CHECK(cudaMemcpy(before, b, sizeof(unsigned) * shift, cudaMemcpyDeviceToHost));
            int spilled = 0;
            for (int i = 0; i < 64 - shift; i++) spilled += behind[i] != 0xeeeeeeeeu;
            for (int i = 0; i < shift; i++) spilled += before[i] != 0xeeeeeeeeu;
            printf("fill %d words from word %d: %u wrong, %d around\n", size, shift, *wrong, spilled);
        }
    }
    fill<<<count / 256, 256>>>(a, count);
    turn<<<dim3(width / 32, height / 32), dim3(32, 8)>>>(a, b);
    report("turn", b, count, [](size_t i) { return value_of(i % height * width + i / height); });
    widen<<<count / 4 / 256, 256>>>(reinterpret_cast<const uchar4*>(a), reinterpret_cast<uint4*>(b), count / 4);
    report("widen", b, count, [](size_t i) { return value_of(i / 4) >> i % 4 * 8 & 255; });
    narrow<<<count / 256, 256>>>(a, reinterpret_cast<unsigned char*>(b), count);
    report("narrow", reinterpret_cast<unsigned char*>(b), count, [](size_t i) { return value_of(i) >> 11; });
    around<<<count / 256, 256>>>(a, b);
    report("around", b, count, [](size_t i) { return value_of(i / 256 * 256 + 255 - i % 256) + 3; });
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: fill 16777216 words from word 0: 0 wrong, 0 around
// EXPECT: fill 16777211 words from word 0: 0 wrong, 0 around
// EXPECT: fill 16774752 words from word 0: 0 wrong, 0 around
// EXPECT: fill 16777216 words from word 1: 0 wrong, 0 around
// EXPECT: fill 16777211 words from word 1: 0 wrong, 0 around
// EXPECT: fill 16774752 words from word 1: 0 wrong, 0 around
// EXPECT: fill 16777216 words from word 3: 0 wrong, 0 around
// EXPECT: fill 16777211 words from word 3: 0 wrong, 0 around
// EXPECT: fill 16774752 words from word 3: 0 wrong, 0 around
// EXPECT: fill 16777216 words from word 16: 0 wrong, 0 around
// EXPECT: fill 16777211 words from word 16: 0 wrong, 0 around
// EXPECT: fill 16774752 words from word 16: 0 wrong, 0 around
// EXPECT: turn: 0 of 16777216 places wrong
// EXPECT: widen: 0 of 16777216 places wrong
// EXPECT: narrow: 0 of 16777216 places wrong
// EXPECT: around: 0 of 16777216 places wrong
