// Multi-word arithmetic: 128-bit integers of the compiler, carry chains in PTX (add.cc, addc, sub.cc, subc, mad.cc,
// madc), and big numbers: factorials and a modular power.
#include "case.h"

constexpr int words = 16;  // 512 bits

struct Big {
    uint32_t w[words];
};

__device__ Big add(const Big& a, const Big& b) {
    Big r;
    uint64_t carry = 0;
    for (int i = 0; i < words; i++) {
        uint64_t sum = static_cast<uint64_t>(a.w[i]) + b.w[i] + carry;
        r.w[i] = static_cast<uint32_t>(sum);
        carry = sum >> 32;
    }
    return r;
}

__device__ void chain_128(const uint32_t* a, const uint32_t* b, uint32_t* sum, uint32_t* difference,
                          uint32_t* product) {
    asm("{ add.cc.u32 %0, %4, %8; addc.cc.u32 %1, %5, %9; addc.cc.u32 %2, %6, %10; addc.u32 %3, %7, %11; }"
        : "=r"(sum[0]), "=r"(sum[1]), "=r"(sum[2]), "=r"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]));
    asm("{ sub.cc.u32 %0, %4, %8; subc.cc.u32 %1, %5, %9; subc.cc.u32 %2, %6, %10; subc.u32 %3, %7, %11; }"
        : "=r"(difference[0]), "=r"(difference[1]), "=r"(difference[2]), "=r"(difference[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]));
    // 64 x 64 -> 128 bits in 32-bit steps.
    asm("{ mul.lo.u32 %0, %4, %6; mul.hi.u32 %1, %4, %6; mad.lo.cc.u32 %1, %4, %7, %1; madc.hi.u32 %2, %4, %7, 0;"
        "  mad.lo.cc.u32 %1, %5, %6, %1; madc.hi.cc.u32 %2, %5, %6, %2; addc.u32 %3, 0, 0;"
        "  mad.lo.cc.u32 %2, %5, %7, %2; madc.hi.u32 %3, %5, %7, %3; }"
        : "=&r"(product[0]), "=&r"(product[1]), "=&r"(product[2]), "=&r"(product[3])
        : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]));
}

__global__ void chains(const uint32_t* a, const uint32_t* b, uint32_t* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) chain_128(a + 4 * i, b + 4 * i, output + 12 * i, output + 12 * i + 4, output + 12 * i + 8);
}

__global__ void factorials(Big* results) {
    int n = threadIdx.x;
    Big r = {{1}};
    for (int k = 2; k <= n; k++) {
        uint64_t carry = 0;
        for (int i = 0; i < words; i++) {
            uint64_t product = static_cast<uint64_t>(r.w[i]) * k + carry;
            r.w[i] = static_cast<uint32_t>(product);
            carry = product >> 32;
        }
    }
    results[n] = add(r, Big{{static_cast<uint32_t>(n)}});
}

__device__ uint64_t power_mod(uint64_t base, uint64_t exponent, uint64_t modulus) {
    unsigned __int128 result = 1, square = base % modulus;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) result = result * square % modulus;
        square = square * square % modulus;
    }
    return static_cast<uint64_t>(result);
}

// Fermat: a^(p-1) = 1 for the prime p = 2^61 - 1, and not for the composite p + 2.
__global__ void fermat(uint64_t* results) {
    uint64_t p = (1ull << 61) - 1, a = 2 + threadIdx.x;
    results[2 * threadIdx.x] = power_mod(a, p - 1, p);
    results[2 * threadIdx.x + 1] = power_mod(a, p + 1, p + 2);
}

int main() {
    const int count = 3000;
    std::vector<uint32_t> a(4 * count), b(4 * count), expected(12 * count);
    for (int i = 0; i < 4 * count; i++) {
        // Many words of all ones and all zeros, so that carries run far.
        a[i] = mix(i) % 4 == 0 ? 0xffffffffu : mix(i) % 4 == 1 ? 0 : mix(i + 1);
        b[i] = mix(~i) % 4 == 0 ? 0xffffffffu : mix(~i) % 4 == 1 ? 1 : mix(i + 2);
    }
    for (int i = 0; i < count; i++) {
        unsigned __int128 x, y, results[3];
        memcpy(&x, &a[4 * i], 16);
        memcpy(&y, &b[4 * i], 16);
        results[0] = x + y;
        results[1] = x - y;
        results[2] = static_cast<unsigned __int128>(static_cast<uint64_t>(x)) * static_cast<uint64_t>(y);
        memcpy(&expected[12 * i], results, 48);
    }
    uint32_t* output_device = device_zeros<uint32_t>(12 * count);
    chains<<<(count + 127) / 128, 128>>>(to_device(a), to_device(b), output_device, count);
    CHECK_KERNEL();
    printf("chains: mismatches %d\n", mismatches(to_host(output_device, 12 * count), expected));

    Big* results_device = device_zeros<Big>(64);
    factorials<<<1, 64>>>(results_device);
    CHECK_KERNEL();
    std::vector<Big> results = to_host(results_device, 64);
    for (int n : {5, 20, 35, 63}) {
        printf("%d! + %d =", n, n);
        int top = words - 1;
        while (results[n].w[top] == 0) top--;
        for (int i = top; i >= 0; i--) printf(i == top ? " %x" : "%08x", results[n].w[i]);
        printf("\n");
    }
    uint64_t* powers_device = device_zeros<uint64_t>(64);
    fermat<<<1, 32>>>(powers_device);
    CHECK_KERNEL();
    std::vector<uint64_t> powers = to_host(powers_device, 64);
    int ones = 0, composite_ones = 0;
    for (int i = 0; i < 32; i++) ones += powers[2 * i] == 1, composite_ones += powers[2 * i + 1] == 1;
    printf("Fermat: %d of 32 for the prime, %d for the composite\n", ones, composite_ones);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: chains: mismatches 0
// EXPECT: 5! + 5 = 7d
// EXPECT: 20! + 20 = 21c3677c82b40014
// EXPECT: 35! + 35 = 1e5dcbe8a8bc8b95cf58cde17100000023
// EXPECT: 63! + 63 = 3fc8f1dc690893cfaa557d12aed89f2bfb34e08bca431bbe4f3458b00160000000000003f
// EXPECT: Fermat: 32 of 32 for the prime, 0 for the composite
