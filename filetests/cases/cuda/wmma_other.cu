// The matrix fragments of CUDA C++ (nvcuda::wmma) for 8-bit integers, bf16, tf32, f64, 4-bit integers and single bits.
#include <cuda_bf16.h>
#include <mma.h>

#include "case.h"

namespace wmma = nvcuda::wmma;
using Bf16 = __nv_bfloat16;

// Rows and columns start at multiples of 16 bytes.
template <typename Value>
__host__ __device__ constexpr int pitch(int length) {
    return length * sizeof(Value) < 16 ? 16 / sizeof(Value) : length;
}

// A and B lie in the order of their fragments, C and D in rows.
template <int m, int n, int k, typename Type, typename Value, typename AOrder, typename BOrder, typename Sum>
__global__ void multiply(const Value* a, const Value* b, const Sum* c, Sum* d) {
    constexpr bool a_columns = std::is_same_v<AOrder, wmma::col_major>;
    constexpr bool b_columns = std::is_same_v<BOrder, wmma::col_major>;
    wmma::fragment<wmma::matrix_a, m, n, k, Type, AOrder> a_part;
    wmma::fragment<wmma::matrix_b, m, n, k, Type, BOrder> b_part;
    wmma::fragment<wmma::accumulator, m, n, k, Sum> c_part, d_part;
    wmma::load_matrix_sync(a_part, a, pitch<Value>(a_columns ? m : k));
    wmma::load_matrix_sync(b_part, b, pitch<Value>(b_columns ? k : n));
    wmma::load_matrix_sync(c_part, c, n, wmma::mem_row_major);
    if constexpr (std::is_same_v<Type, wmma::precision::tf32>) {
        for (int i = 0; i < a_part.num_elements; i++) a_part.x[i] = wmma::__float_to_tf32(a_part.x[i]);
        for (int i = 0; i < b_part.num_elements; i++) b_part.x[i] = wmma::__float_to_tf32(b_part.x[i]);
    }
    wmma::mma_sync(d_part, a_part, b_part, c_part);
    wmma::store_matrix_sync(d, d_part, n, wmma::mem_row_major);
}

// The small types have one order each, and their leading dimensions count elements of 4 bits or of one bit.
template <int k, typename Type, int operation>
__global__ void multiply_small(const void* a, const void* b, const int* c, int* d) {
    wmma::fragment<wmma::matrix_a, 8, 8, k, Type, wmma::row_major> a_part;
    wmma::fragment<wmma::matrix_b, 8, 8, k, Type, wmma::col_major> b_part;
    wmma::fragment<wmma::accumulator, 8, 8, k, int> c_part, d_part;
    wmma::load_matrix_sync(a_part, a, k);
    wmma::load_matrix_sync(b_part, b, k);
    wmma::load_matrix_sync(c_part, c, 8, wmma::mem_col_major);
    if constexpr (operation == 0) wmma::mma_sync(d_part, a_part, b_part, c_part);
    if constexpr (operation == 1) wmma::bmma_sync(d_part, a_part, b_part, c_part, wmma::experimental::bmmaBitOpXOR);
    if constexpr (operation == 2) wmma::bmma_sync(d_part, a_part, b_part, c_part, wmma::experimental::bmmaBitOpAND);
    wmma::store_matrix_sync(d, d_part, 8, wmma::mem_row_major);
}

template <typename Sum>
void report(const char* name, const std::vector<Sum>& got, const std::vector<Sum>& expected, int columns) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / columns, column = i % columns;
        if (got[i] != expected[i]) {
            printf("%s [%d][%d] is %g, not %g\n", name, row, column, double(got[i]), double(expected[i]));
            return;
        }
        sum += double(got[i]) * (row * 31 + column);
    }
    printf("%s ok %.0f\n", name, sum);
}

void set(Bf16& x, int v) { x = __float2bfloat16(static_cast<float>(v)); }
template <typename T>
void set(T& x, int v) {
    x = static_cast<T>(v);
}

template <int m, int n, int k, typename Type, typename Value, bool a_columns, bool b_columns, typename Sum>
void test(const char* name) {
    using AOrder = std::conditional_t<a_columns, wmma::col_major, wmma::row_major>;
    using BOrder = std::conditional_t<b_columns, wmma::col_major, wmma::row_major>;
    // Bytes take all their values, the others small integers.
    auto number = [](uint32_t seed) {
        if (sizeof(Value) == 1) return static_cast<int>(static_cast<Value>(mix(seed)));
        return static_cast<int>(mix(seed) % 9) - 4;
    };
    constexpr int a_pitch = pitch<Value>(a_columns ? m : k), b_pitch = pitch<Value>(b_columns ? k : n);
    std::vector<Value> a(a_pitch * (a_columns ? k : m)), b(b_pitch * (b_columns ? n : k));
    std::vector<Sum> c(m * n), expected;
    for (int i = 0; i < m * k; i++)
        set(a[a_columns ? i % k * a_pitch + i / k : i / k * a_pitch + i % k], number(i + 1));
    for (int i = 0; i < k * n; i++)
        set(b[b_columns ? i % n * b_pitch + i / n : i / n * b_pitch + i % n], number(i + 10000));
    for (int i = 0; i < m * n; i++) set(c[i], static_cast<int>(mix(i + 20000) % 2001) - 1000);
    expected = c;
    for (int i = 0; i < m * n; i++)
        for (int j = 0; j < k; j++)
            expected[i] += static_cast<Sum>(number(i / n * k + j + 1) * number(j * n + i % n + 10000));
    Sum* d_device = device_zeros<Sum>(m * n);
    multiply<m, n, k, Type, Value, AOrder, BOrder><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, m * n), expected, n);
}

template <int k, typename Type, int operation, int bits, bool is_signed>
void test_small(const char* name) {
    std::vector<uint32_t> a(8 * k * bits / 32), b(a.size());
    std::vector<int> c(64), expected(64);
    for (size_t i = 0; i < a.size(); i++) a[i] = mix(i + 1), b[i] = mix(i + 10000) | mix(i + 11000);
    auto element = [](const std::vector<uint32_t>& words, int i) {
        int x = words[i * bits / 32] >> (i * bits % 32) & ((1 << bits) - 1);
        return is_signed && x >= 8 ? x - 16 : x;
    };
    for (int i = 0; i < 64; i++) c[i] = static_cast<int>(mix(i + 20000) % 2001) - 1000;
    for (int i = 0; i < 64; i++) {
        expected[i] = c[i % 8 * 8 + i / 8];
        for (int j = 0; j < k; j++) {
            int x = element(a, i / 8 * k + j), y = element(b, i % 8 * k + j);
            expected[i] += operation == 0 ? x * y : operation == 1 ? x ^ y : x & y;
        }
    }
    int* d_device = device_zeros<int>(64);
    multiply_small<k, Type, operation><<<1, 32>>>(to_device(a), to_device(b), to_device(c), d_device);
    CHECK_KERNEL();
    report(name, to_host(d_device, 64), expected, 8);
}

int main() {
    using SignedByte = signed char;
    using Byte = unsigned char;
    using wmma::precision::tf32;
    namespace small = wmma::experimental::precision;
    test<16, 16, 16, SignedByte, SignedByte, false, false, int>("m16n16k16 s8 row.row");
    test<16, 16, 16, Byte, Byte, false, true, int>("m16n16k16 u8 row.col");
    test<32, 8, 16, SignedByte, SignedByte, true, false, int>("m32n8k16 s8 col.row");
    test<32, 8, 16, Byte, Byte, true, true, int>("m32n8k16 u8 col.col");
    test<8, 32, 16, SignedByte, SignedByte, false, true, int>("m8n32k16 s8 row.col");
    test<8, 32, 16, Byte, Byte, true, false, int>("m8n32k16 u8 col.row");
    test<16, 16, 16, Bf16, Bf16, false, false, float>("m16n16k16 bf16 row.row");
    test<16, 16, 16, Bf16, Bf16, true, true, float>("m16n16k16 bf16 col.col");
    test<32, 8, 16, Bf16, Bf16, false, true, float>("m32n8k16 bf16 row.col");
    test<8, 32, 16, Bf16, Bf16, true, false, float>("m8n32k16 bf16 col.row");
    test<16, 16, 8, tf32, float, false, false, float>("m16n16k8 tf32 row.row");
    test<16, 16, 8, tf32, float, false, true, float>("m16n16k8 tf32 row.col");
    test<16, 16, 8, tf32, float, true, false, float>("m16n16k8 tf32 col.row");
    test<16, 16, 8, tf32, float, true, true, float>("m16n16k8 tf32 col.col");
    test<8, 8, 4, double, double, false, false, double>("m8n8k4 f64 row.row");
    test<8, 8, 4, double, double, false, true, double>("m8n8k4 f64 row.col");
    test<8, 8, 4, double, double, true, false, double>("m8n8k4 f64 col.row");
    test<8, 8, 4, double, double, true, true, double>("m8n8k4 f64 col.col");
    test_small<32, small::s4, 0, 4, true>("m8n8k32 s4");
    test_small<32, small::u4, 0, 4, false>("m8n8k32 u4");
    test_small<128, small::b1, 1, 1, false>("m8n8k128 b1 xor");
    test_small<128, small::b1, 2, 1, false>("m8n8k128 b1 and");
    return 0;
}

// RUN: nvcc -arch=compute_80
// EXPECT-EXIT: 0
// EXPECT: m16n16k16 s8 row.row ok 112630494
// EXPECT: m16n16k16 u8 row.col ok 14593161694
// EXPECT: m32n8k16 s8 col.row ok -86316478
// EXPECT: m32n8k16 u8 col.col ok 29189237826
// EXPECT: m8n32k16 s8 row.col ok 65453092
// EXPECT: m8n32k16 u8 col.row ok 7639213860
// EXPECT: m16n16k16 bf16 row.row ok 1054019
// EXPECT: m16n16k16 bf16 col.col ok 1054019
// EXPECT: m32n8k16 bf16 row.col ok 2145048
// EXPECT: m8n32k16 bf16 col.row ok 452901
// EXPECT: m16n16k8 tf32 row.row ok 1091021
// EXPECT: m16n16k8 tf32 row.col ok 1091021
// EXPECT: m16n16k8 tf32 col.row ok 1091021
// EXPECT: m16n16k8 tf32 col.col ok 1091021
// EXPECT: m8n8k4 f64 row.row ok -22185
// EXPECT: m8n8k4 f64 row.col ok -22185
// EXPECT: m8n8k4 f64 col.row ok -22185
// EXPECT: m8n8k4 f64 col.col ok -22185
// EXPECT: m8n8k32 s4 ok -58511
// EXPECT: m8n8k32 u4 ok 20689681
// EXPECT: m8n8k128 b1 xor ok 223738
// EXPECT: m8n8k128 b1 and ok 122080
