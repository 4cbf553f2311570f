// CRC-32 of a buffer in parallel: each thread takes a piece with a table in shared memory, and pieces are combined by
// multiplying with powers of x in GF(2); also CRC-32C and Adler-32.
#include "case.h"

__host__ __device__ uint32_t multiply_mod(uint32_t a, uint32_t b, uint32_t polynomial) {
    // Reflected polynomials: bit 31 is x^0.
    uint32_t product = 0;
    for (int i = 31; i >= 0; i--) {
        if (a >> i & 1) product ^= b;
        b = b >> 1 ^ (b & 1 ? polynomial : 0);
    }
    return product;
}

// x^(8 * bytes)
__host__ __device__ uint32_t shift_by(unsigned bytes, uint32_t polynomial) {
    uint32_t result = 0x80000000u, square = 0x80000000u >> 8;
    for (; bytes > 0; bytes >>= 1, square = multiply_mod(square, square, polynomial))
        if (bytes & 1) result = multiply_mod(result, square, polynomial);
    return result;
}

__global__ void crc_pieces(const uint8_t* data, unsigned length, unsigned piece, uint32_t polynomial, uint32_t* crc) {
    __shared__ uint32_t table[256];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) {
        uint32_t entry = i;
        for (int k = 0; k < 8; k++) entry = entry >> 1 ^ (entry & 1 ? polynomial : 0);
        table[i] = entry;
    }
    __syncthreads();
    unsigned first = (blockIdx.x * blockDim.x + threadIdx.x) * piece;
    if (first >= length) return;
    unsigned end = min(first + piece, length);
    uint32_t state = first == 0 ? 0xffffffffu : 0;
    for (unsigned i = first; i < end; i++) state = table[(state ^ data[i]) & 255] ^ state >> 8;
    atomicXor(crc, multiply_mod(state, shift_by(length - end, polynomial), polynomial));
}

uint32_t host_crc(const std::vector<uint8_t>& data, uint32_t polynomial) {
    uint32_t state = 0xffffffffu;
    for (uint8_t byte : data) {
        state ^= byte;
        for (int k = 0; k < 8; k++) state = state >> 1 ^ (state & 1 ? polynomial : 0);
    }
    return ~state;
}

__global__ void adler_pieces(const uint8_t* data, unsigned length, unsigned long long* sums) {
    unsigned long long a = 0, b = 0;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < length; i += gridDim.x * blockDim.x) {
        a += data[i];
        b += static_cast<unsigned long long>(length - i) * data[i];
    }
    atomicAdd(&sums[0], a);
    atomicAdd(&sums[1], b);
}

int main() {
    uint32_t* crc_device = device_alloc<uint32_t>(1);
    std::vector<uint8_t> check = {'1', '2', '3', '4', '5', '6', '7', '8', '9'}, data(300001);
    for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<uint8_t>(mix(static_cast<uint32_t>(i)));
    for (const std::vector<uint8_t>& buffer : {check, data}) {
        uint8_t* buffer_device = to_device(buffer);
        unsigned length = static_cast<unsigned>(buffer.size());
        for (uint32_t polynomial : {0xedb88320u, 0x82f63b78u}) {
            CHECK(cudaMemset(crc_device, 0, 4));
            unsigned piece = length < 100 ? 2 : 250, threads = (length + piece - 1) / piece;
            crc_pieces<<<(threads + 63) / 64, 64>>>(buffer_device, length, piece, polynomial, crc_device);
            CHECK_KERNEL();
            uint32_t crc = ~to_host(crc_device, 1)[0];
            printf("%s of %u bytes: %08x %s\n", polynomial == 0xedb88320u ? "CRC-32 " : "CRC-32C", length, crc,
                   crc == host_crc(buffer, polynomial) ? "ok" : "WRONG");
        }
        CHECK(cudaFree(buffer_device));
    }
    unsigned long long* sums_device = device_zeros<unsigned long long>(2);
    adler_pieces<<<16, 128>>>(to_device(data), static_cast<unsigned>(data.size()), sums_device);
    CHECK_KERNEL();
    std::vector<unsigned long long> sums = to_host(sums_device, 2);
    unsigned a = 1, b = 0;
    for (uint8_t byte : data) a = (a + byte) % 65521, b = (b + a) % 65521;
    unsigned long long low = (1 + sums[0]) % 65521, high = (data.size() + sums[1]) % 65521;
    printf("Adler-32: %08llx, expected %08x\n", high << 16 | low, b << 16 | a);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: CRC-32  of 9 bytes: cbf43926 ok
// EXPECT: CRC-32C of 9 bytes: e3069283 ok
// EXPECT: CRC-32  of 300001 bytes: 325b977d ok
// EXPECT: CRC-32C of 300001 bytes: fcce6fe9 ok
// EXPECT: Adler-32: c268f05c, expected c268f05c
