// Bit intrinsics of 32 and 64 bits: clz, ffs, popc, brev, byte_perm, funnel shifts, saturating and averaging
// operations, mulhi, sad, SIMD-in-a-word, bit fields, shifts beyond the width.
#include "case.h"

constexpr int results = 24;

__global__ void tricks(const uint32_t* a, const uint32_t* b, const uint64_t* wide, uint64_t* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    uint32_t x = a[i], y = b[i];
    uint64_t w = wide[i];
    uint64_t* r = output + results * i;
    r[0] = __clz(static_cast<int>(x)) * 100 + __clzll(static_cast<long long>(w));
    r[1] = __ffs(static_cast<int>(x)) * 100 + __ffsll(static_cast<long long>(w));
    r[2] = __popc(x) * 100 + __popcll(w);
    r[3] = __brev(x);
    r[4] = __brevll(w);
    r[5] = __byte_perm(x, y, y & 0x7777);
    r[6] = __funnelshift_l(x, y, y & 63);
    r[7] = __funnelshift_r(x, y, x & 63);
    r[8] = __funnelshift_lc(x, y, y & 63);
    r[9] = __funnelshift_rc(x, y, x & 63);
    r[10] = __umulhi(x, y);
    r[11] = static_cast<uint32_t>(__mulhi(static_cast<int>(x), static_cast<int>(y)));
    r[12] = __umul64hi(w, w ^ x);
    r[13] = static_cast<uint32_t>(__mul24(static_cast<int>(x), static_cast<int>(y)));
    r[14] = __usad(x, y, 17);
    r[15] = static_cast<uint32_t>(__hadd(static_cast<int>(x), static_cast<int>(y)));
    r[16] = __urhadd(x, y);
    r[17] = __vadd4(x, y) ^ __vavgu4(x, y);
    r[18] = __vcmpgtu4(x, y) | (static_cast<uint64_t>(__vmaxs2(x, y)) << 32);
    r[19] = __vabsdiffu4(x, y) + static_cast<uint64_t>(__vsadu4(x, y)) * 0x100000000ull;
    r[20] = (x >> (y & 31)) | static_cast<uint64_t>(x << (y & 31)) << 32;
    uint32_t shifted_left, shifted_right, arithmetic, field, inserted;
    // PTX clamps shift counts above the width.
    asm("shl.b32 %0, %1, %2;" : "=r"(shifted_left) : "r"(x), "r"(y & 127));
    asm("shr.u32 %0, %1, %2;" : "=r"(shifted_right) : "r"(x), "r"(y & 127));
    asm("shr.s32 %0, %1, %2;" : "=r"(arithmetic) : "r"(x), "r"(y & 127));
    r[21] = shifted_left ^ static_cast<uint64_t>(shifted_right) << 16 ^ static_cast<uint64_t>(arithmetic) << 32;
    asm("bfe.s32 %0, %1, %2, %3;" : "=r"(field) : "r"(x), "r"(y & 31), "r"(y >> 8 & 31));
    asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(inserted) : "r"(x), "r"(y), "r"(y & 31), "r"(y >> 8 & 31));
    r[22] = field;
    r[23] = inserted;
}

static uint32_t byte_of(uint32_t x, uint32_t y, int selector) {
    uint64_t both = static_cast<uint64_t>(y) << 32 | x;
    return static_cast<uint32_t>(both >> (8 * (selector & 7)) & 0xff);
}

static void expect(uint32_t x, uint32_t y, uint64_t w, uint64_t* r) {
    uint64_t both = static_cast<uint64_t>(y) << 32 | x;
    int sx = static_cast<int>(x), sy = static_cast<int>(y);
    auto clamp32 = [](uint32_t n) { return n > 32 ? 32u : n; };
    r[0] = (x ? __builtin_clz(x) : 32) * 100 + (w ? __builtin_clzll(w) : 64);
    r[1] = __builtin_ffs(sx) * 100 + __builtin_ffsll(static_cast<long long>(w));
    r[2] = __builtin_popcount(x) * 100 + __builtin_popcountll(w);
    r[3] = r[4] = 0;
    for (int i = 0; i < 32; i++) r[3] |= static_cast<uint64_t>(x >> i & 1) << (31 - i);
    for (int i = 0; i < 64; i++) r[4] |= (w >> i & 1) << (63 - i);
    r[5] = 0;
    for (int i = 0; i < 4; i++) r[5] |= static_cast<uint64_t>(byte_of(x, y, (y & 0x7777) >> (4 * i))) << (8 * i);
    r[6] = static_cast<uint32_t>(both << (y & 31) >> 32);
    r[7] = static_cast<uint32_t>(both >> (x & 31));
    r[8] = clamp32(y & 63) == 32 ? x : static_cast<uint32_t>(both << clamp32(y & 63) >> 32);
    r[9] = clamp32(x & 63) == 32 ? y : static_cast<uint32_t>(both >> clamp32(x & 63));
    r[10] = static_cast<uint64_t>(x) * y >> 32;
    r[11] = static_cast<uint32_t>(static_cast<int64_t>(sx) * sy >> 32);
    r[12] = static_cast<uint64_t>(static_cast<unsigned __int128>(w) * (w ^ x) >> 64);
    int32_t low_x = static_cast<int32_t>(x << 8) >> 8, low_y = static_cast<int32_t>(y << 8) >> 8;
    r[13] = static_cast<uint32_t>(static_cast<int64_t>(low_x) * low_y);
    r[14] = static_cast<uint32_t>((x > y ? x - y : y - x) + 17);
    r[15] = static_cast<uint32_t>((static_cast<int64_t>(sx) + sy) >> 1);
    r[16] = (static_cast<uint64_t>(x) + y + 1) >> 1;
    r[17] = r[18] = r[19] = 0;
    uint64_t difference_sum = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        uint64_t p = x >> shift & 255, q = y >> shift & 255, difference = p > q ? p - q : q - p;
        r[17] |= (((p + q) & 255) ^ ((p + q + 1) >> 1)) << shift;
        r[18] |= (p > q ? 255ull : 0) << shift;
        r[19] |= difference << shift;
        difference_sum += difference;
    }
    r[19] += difference_sum * 0x100000000ull;
    for (int shift = 0; shift < 32; shift += 16) {
        int16_t p = static_cast<int16_t>(x >> shift), q = static_cast<int16_t>(y >> shift);
        r[18] |= static_cast<uint64_t>(static_cast<uint16_t>(p > q ? p : q)) << (32 + shift);
    }
    r[20] = (x >> (y & 31)) | static_cast<uint64_t>(x << (y & 31)) << 32;
    uint32_t n = y & 127;
    uint32_t left = n > 31 ? 0 : x << n, right = n > 31 ? 0 : x >> n;
    uint32_t arithmetic = static_cast<uint32_t>(sx >> (n > 31 ? 31 : n));
    r[21] = left ^ static_cast<uint64_t>(right) << 16 ^ static_cast<uint64_t>(arithmetic) << 32;
    int position = y & 31, length = y >> 8 & 31;
    uint32_t field = 0, inserted = y;
    int sign_place = position + length - 1 > 31 ? 31 : position + length - 1;
    uint32_t sign = length == 0 ? 0 : x >> sign_place & 1;
    for (int i = 0; i < 32; i++) {
        uint32_t bit = i < length && position + i <= 31 ? x >> (position + i) & 1 : sign;
        field |= bit << i;
        if (i < length && position + i <= 31)
            inserted = (inserted & ~(1u << (position + i))) | (x >> i & 1) << (position + i);
    }
    r[22] = field;
    r[23] = inserted;
}

int main() {
    const int count = 8000;
    std::vector<uint32_t> a(count), b(count);
    std::vector<uint64_t> wide(count), expected(results * count);
    for (int i = 0; i < count; i++) {
        a[i] = i == 0 ? 0 : i == 1 ? ~0u : mix(i) >> (mix(i + 9) % 32);
        b[i] = i == 2 ? 0 : i == 3 ? ~0u : mix(~i);
        wide[i] = i == 0 ? 0 : (static_cast<uint64_t>(mix(i + 5)) << 32 | mix(i + 6)) >> (mix(i) % 64);
        expect(a[i], b[i], wide[i], &expected[results * i]);
    }
    uint64_t* output_device = device_zeros<uint64_t>(results * count);
    tricks<<<(count + 127) / 128, 128>>>(to_device(a), to_device(b), to_device(wide), output_device, count);
    CHECK_KERNEL();
    std::vector<uint64_t> output = to_host(output_device, results * count);
    for (int k = 0; k < results; k++) {
        int wrong = 0;
        for (int i = 0; i < count; i++) wrong += output[results * i + k] != expected[results * i + k];
        printf("%s%d:%d", k ? " " : "", k, wrong);
    }
    printf("\nchecksum %016llx\n", (unsigned long long)checksum(output));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 0:0 1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0 12:0 13:0 14:0 15:0 16:0 17:0 18:0 19:0 20:0 21:0 22:0 23:0
// EXPECT: checksum 9b32eea5ef2cd325
