// fma.oob (sm_90): a factor that is the NaN with which loads of tensors fill what is out of bounds makes the result zero,
// whatever else there is. All bit patterns of f16 and bf16 are tried as each of the operands.
#include "case.h"

#define FMA(name, form, constraint, type)                                                                 \
    __global__ void name(const type* a, const type* b, const type* c, type* d) {                          \
        int i = blockIdx.x * blockDim.x + threadIdx.x;                                                    \
        asm("fma.rn." form " %0, %1, %2, %3;" : "=" constraint(d[i]) : constraint(a[i]), constraint(b[i]), \
            constraint(c[i]));                                                                            \
    }

FMA(plain_f16, "f16", "h", uint16_t)
FMA(plain_bf16, "bf16", "h", uint16_t)
FMA(relu_f16, "relu.f16", "h", uint16_t)
FMA(relu_bf16, "relu.bf16", "h", uint16_t)
FMA(oob_f16, "oob.f16", "h", uint16_t)
FMA(oob_bf16, "oob.bf16", "h", uint16_t)
FMA(oob_relu_f16, "oob.relu.f16", "h", uint16_t)
FMA(oob_relu_bf16, "oob.relu.bf16", "h", uint16_t)
FMA(oob_f16x2, "oob.f16x2", "r", uint32_t)
FMA(oob_relu_bf16x2, "oob.relu.bf16x2", "r", uint32_t)

constexpr int patterns = 65536;

template <typename T>
using Kernel = void (*)(const T*, const T*, const T*, T*);

template <typename T>
std::vector<T> run(Kernel<T> kernel, const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& c) {
    T* d = device_zeros<T>(a.size());
    kernel<<<a.size() / 256, 256>>>(to_device(a), to_device(b), to_device(c), d);
    CHECK_KERNEL();
    return to_host(d, a.size());
}

// The patterns of the operand `which` where the result is not that of the instruction without .oob, and the two results.
void compare(const char* name, Kernel<uint16_t> oob, Kernel<uint16_t> plain, int which, uint16_t factor, uint16_t addend) {
    std::vector<uint16_t> operands[3] = {std::vector<uint16_t>(patterns, factor), std::vector<uint16_t>(patterns, factor),
                                         std::vector<uint16_t>(patterns, addend)};
    for (int i = 0; i < patterns; i++) operands[which][i] = static_cast<uint16_t>(i);
    std::vector<uint16_t> with = run(oob, operands[0], operands[1], operands[2]);
    std::vector<uint16_t> without = run(plain, operands[0], operands[1], operands[2]);
    printf("%s, all of %c, addend %04x:", name, "abc"[which], addend);
    int same = 0;
    for (int i = 0; i < patterns; i++) {
        if (with[i] == without[i]) same++;
        else printf(" %04x gives %04x instead of %04x;", i, with[i], without[i]);
    }
    printf(" %d alike, checksum %016llx\n", same, static_cast<unsigned long long>(checksum(with)));
}

// Both halves of a word, one of them out of bounds at a time.
void packed(const char* name, Kernel<uint32_t> kernel, uint16_t one) {
    std::vector<uint32_t> a(256), b(256), c(256);
    const uint16_t values[4] = {one, 0x7ff7, 0xfff7, static_cast<uint16_t>(one | 0x8000)};
    for (int i = 0; i < 256; i++) {
        a[i] = values[i & 3] | values[i >> 2 & 3] << 16;
        b[i] = values[i >> 4 & 3] | values[i >> 6 & 3] << 16;
        c[i] = one | one << 16;
    }
    std::vector<uint32_t> d = run(kernel, a, b, c);
    printf("%s: %08x %08x %08x %08x, checksum %016llx\n", name, d[0], d[1], d[4], d[64],
           static_cast<unsigned long long>(checksum(d)));
}

int main() {
    for (int which = 0; which < 3; which++) {
        compare("f16", oob_f16, plain_f16, which, 0x3c00, 0xc000);
        compare("f16 relu", oob_relu_f16, relu_f16, which, 0x3c00, 0xc000);
        compare("bf16", oob_bf16, plain_bf16, which, 0x3f80, 0xc000);
        compare("bf16 relu", oob_relu_bf16, relu_bf16, which, 0x3f80, 0xc000);
    }
    compare("f16", oob_f16, plain_f16, 0, 0x3c00, 0x7e00);
    compare("bf16", oob_bf16, plain_bf16, 1, 0x3f80, 0x7fc0);
    packed("f16x2", oob_f16x2, 0x3c00);
    packed("bf16x2 relu", oob_relu_bf16x2, 0x3f80);
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: f16, all of a, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum ee6a132ba7dadd76
// EXPECT: f16 relu, all of a, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum e69ef53409f5efd7
// EXPECT: bf16, all of a, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum bd896c8f7b2d1dae
// EXPECT: bf16 relu, all of a, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum 2e7f9ddb0f8f3330
// EXPECT: f16, all of b, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum ee6a132ba7dadd76
// EXPECT: f16 relu, all of b, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum e69ef53409f5efd7
// EXPECT: bf16, all of b, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum bd896c8f7b2d1dae
// EXPECT: bf16 relu, all of b, addend c000: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum 2e7f9ddb0f8f3330
// EXPECT: f16, all of c, addend c000: 65536 alike, checksum 34928e3cc225f55e
// EXPECT: f16 relu, all of c, addend c000: 65536 alike, checksum 810be849a7d1e7dc
// EXPECT: bf16, all of c, addend c000: 65536 alike, checksum 9202b5342a0f542d
// EXPECT: bf16 relu, all of c, addend c000: 65536 alike, checksum 0fb4216951af6132
// EXPECT: f16, all of a, addend 7e00: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum 09fbabee45a7bc39
// EXPECT: bf16, all of b, addend 7fc0: 7ff7 gives 0000 instead of 7fff; fff7 gives 0000 instead of 7fff; 65534 alike, checksum 09fbabee45a7bc39
// EXPECT: f16x2: 40004000 40000000 00004000 00004000, checksum 3dae3eb96ac03b25
// EXPECT: bf16x2 relu: 40004000 40000000 00004000 00004000, checksum 3dae3eb96ac03b25
