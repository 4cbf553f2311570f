// The matrix fragments of CUDA C++ (nvcuda::wmma) for f16 values: the three shapes, all orders of A and B, sums in f32
// and f16; fragments loaded from global and from shared memory, changed element by element, and stored in both orders.
#include <cuda_fp16.h>
#include <mma.h>

#include "case.h"

namespace wmma = nvcuda::wmma;

// Rows (or columns) are padded to these lengths; both are a multiple of 16 bytes.
constexpr int global_pitch = 48, shared_pitch = 40, c_pitch = 40;

template <int m, int n, int k, typename AOrder, typename BOrder, typename Sum>
__global__ void multiply(const __half* a, const __half* b, const Sum* c, Sum* from_global, Sum* from_shared,
                         Sum* mixed) {
    __shared__ alignas(32) __half a_shared[32 * shared_pitch], b_shared[32 * shared_pitch];
    __shared__ alignas(32) Sum d_shared[32 * c_pitch];
    for (int i = threadIdx.x; i < 32 * shared_pitch; i += blockDim.x) {
        a_shared[i] = a[i / shared_pitch * global_pitch + i % shared_pitch];
        b_shared[i] = b[i / shared_pitch * global_pitch + i % shared_pitch];
    }
    __syncthreads();
    wmma::fragment<wmma::matrix_a, m, n, k, __half, AOrder> a_part;
    wmma::fragment<wmma::matrix_b, m, n, k, __half, BOrder> b_part;
    wmma::fragment<wmma::accumulator, m, n, k, Sum> c_part, d_part;

    // D = A B + C, with C in rows and D in columns.
    wmma::load_matrix_sync(a_part, a, global_pitch);
    wmma::load_matrix_sync(b_part, b, global_pitch);
    wmma::load_matrix_sync(c_part, c, c_pitch, wmma::mem_row_major);
    wmma::mma_sync(d_part, a_part, b_part, c_part);
    wmma::store_matrix_sync(from_global, d_part, c_pitch, wmma::mem_col_major);

    // D = 2 (A B + 1) + C, with C in columns and D in rows, all through shared memory.
    wmma::load_matrix_sync(a_part, a_shared, shared_pitch);
    wmma::load_matrix_sync(b_part, b_shared, shared_pitch);
    wmma::load_matrix_sync(c_part, c, c_pitch, wmma::mem_col_major);
    wmma::fill_fragment(d_part, static_cast<Sum>(1.0f));
    wmma::mma_sync(d_part, a_part, b_part, d_part);
    for (int i = 0; i < d_part.num_elements; i++)
        d_part.x[i] = static_cast<Sum>(static_cast<float>(d_part.x[i]) * 2.0f + static_cast<float>(c_part.x[i]));
    wmma::store_matrix_sync(d_shared, d_part, c_pitch, wmma::mem_row_major);
    __syncwarp();
    for (int i = threadIdx.x; i < 32 * c_pitch; i += blockDim.x) from_shared[i] = d_shared[i];

    // Sums of the other type: f16 to f32, f32 to f16.
    using Other = std::conditional_t<sizeof(Sum) == 2, float, __half>;
    wmma::fragment<wmma::accumulator, m, n, k, Other> other_part;
    wmma::fill_fragment(other_part, static_cast<Other>(-3.0f));
    wmma::mma_sync(d_part, a_part, b_part, other_part);
    wmma::store_matrix_sync(mixed, d_part, c_pitch, wmma::mem_row_major);
}

double value(__half x) { return __half2float(x); }
double value(float x) { return x; }

void report(const char* what, const std::vector<double>& got, const std::vector<double>& expected, int columns) {
    double sum = 0;
    for (int i = 0; i < static_cast<int>(got.size()); i++) {
        int row = i / columns, column = i % columns;
        if (got[i] != expected[i]) {
            printf(" %s [%d][%d] is %g, not %g", what, row, column, got[i], expected[i]);
            return;
        }
        sum += got[i] * (row * 31 + column);
    }
    printf(" %s ok %.0f", what, sum);
}

template <int m, int n, int k, bool a_columns, bool b_columns, typename Sum>
void test() {
    using AOrder = std::conditional_t<a_columns, wmma::col_major, wmma::row_major>;
    using BOrder = std::conditional_t<b_columns, wmma::col_major, wmma::row_major>;
    std::vector<__half> a(32 * global_pitch, __float2half(100.0f)), b = a;
    std::vector<Sum> c(32 * c_pitch, static_cast<Sum>(100.0f));
    auto number = [](uint32_t seed) { return static_cast<int>(mix(seed) % 9) - 4; };
    int seed = m * 100 + a_columns * 20 + b_columns * 10;
    std::vector<int> a_values(m * k), b_values(k * n);
    for (int i = 0; i < m * k; i++) {
        a_values[i] = number(seed + i);
        a[a_columns ? i % k * global_pitch + i / k : i / k * global_pitch + i % k] = __float2half(a_values[i]);
    }
    for (int i = 0; i < k * n; i++) {
        b_values[i] = number(seed + i + 10000);
        b[b_columns ? i % n * global_pitch + i / n : i / n * global_pitch + i % n] = __float2half(b_values[i]);
    }
    // Read as rows by one product and as columns by the other.
    for (int i = 0; i < 32 * 32; i++)
        c[i / 32 * c_pitch + i % 32] = static_cast<Sum>(static_cast<float>(number(seed + i + 20000)));
    std::vector<double> first, second, third;
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++) {
            double sum = 0;
            for (int j = 0; j < k; j++) sum += a_values[row * k + j] * b_values[j * n + column];
            first.push_back(sum + value(c[row * c_pitch + column]));
            second.push_back(2 * (sum + 1) + value(c[column * c_pitch + row]));
            third.push_back(sum - 3);
        }
    Sum *first_device = device_zeros<Sum>(32 * c_pitch), *second_device = device_zeros<Sum>(32 * c_pitch);
    Sum* third_device = device_zeros<Sum>(32 * c_pitch);
    multiply<m, n, k, AOrder, BOrder>
        <<<1, 32>>>(to_device(a), to_device(b), to_device(c), first_device, second_device, third_device);
    CHECK_KERNEL();
    std::vector<Sum> in_columns = to_host(first_device, 32 * c_pitch), in_rows = to_host(second_device, 32 * c_pitch);
    std::vector<Sum> mixed = to_host(third_device, 32 * c_pitch);
    std::vector<double> got_first, got_second, got_third;
    for (int i = 0; i < m * n; i++) {
        got_first.push_back(value(in_columns[i % n * c_pitch + i / n]));
        got_second.push_back(value(in_rows[i / n * c_pitch + i % n]));
        got_third.push_back(value(mixed[i / n * c_pitch + i % n]));
    }
    printf("m%dn%dk%d %s.%s %s:", m, n, k, a_columns ? "col" : "row", b_columns ? "col" : "row",
           sizeof(Sum) == 2 ? "f16" : "f32");
    report("global", got_first, first, n);
    report("shared", got_second, second, n);
    report("mixed", got_third, third, n);
    printf("\n");
}

template <int m, int n, int k, typename Sum>
void all_orders() {
    test<m, n, k, false, false, Sum>();
    test<m, n, k, false, true, Sum>();
    test<m, n, k, true, false, Sum>();
    test<m, n, k, true, true, Sum>();
}

int main() {
    all_orders<16, 16, 16, float>();
    all_orders<16, 16, 16, __half>();
    all_orders<32, 8, 16, float>();
    all_orders<32, 8, 16, __half>();
    all_orders<8, 32, 16, float>();
    all_orders<8, 32, 16, __half>();
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: m16n16k16 row.row f32: global ok 164223 shared ok 465491 mixed ok -16282
// EXPECT: m16n16k16 row.col f32: global ok 295279 shared ok 702536 mixed ok 102397
// EXPECT: m16n16k16 col.row f32: global ok -26026 shared ok 76307 mixed ok -213117
// EXPECT: m16n16k16 col.col f32: global ok 69594 shared ok 291142 mixed ok -101792
// EXPECT: m16n16k16 row.row f16: global ok 164223 shared ok 465491 mixed ok -16282
// EXPECT: m16n16k16 row.col f16: global ok 295279 shared ok 702536 mixed ok 102397
// EXPECT: m16n16k16 col.row f16: global ok -26026 shared ok 76307 mixed ok -213117
// EXPECT: m16n16k16 col.col f16: global ok 69594 shared ok 291142 mixed ok -101792
// EXPECT: m32n8k16 row.row f32: global ok 18444 shared ok 278932 mixed ok -365778
// EXPECT: m32n8k16 row.col f32: global ok -252963 shared ok -254146 mixed ok -628488
// EXPECT: m32n8k16 col.row f32: global ok 4214 shared ok 243809 mixed ok -380559
// EXPECT: m32n8k16 col.col f32: global ok 69577 shared ok 371092 mixed ok -319583
// EXPECT: m32n8k16 row.row f16: global ok 18444 shared ok 278932 mixed ok -365778
// EXPECT: m32n8k16 row.col f16: global ok -252963 shared ok -254146 mixed ok -628488
// EXPECT: m32n8k16 col.row f16: global ok 4214 shared ok 243809 mixed ok -380559
// EXPECT: m32n8k16 col.col f16: global ok 69577 shared ok 371092 mixed ok -319583
// EXPECT: m8n32k16 row.row f32: global ok -54630 shared ok -30785 mixed ok -144221
// EXPECT: m8n32k16 row.col f32: global ok -29552 shared ok 24690 mixed ok -113510
// EXPECT: m8n32k16 col.row f32: global ok 26884 shared ok 140629 mixed ok -55210
// EXPECT: m8n32k16 col.col f32: global ok 94951 shared ok 274618 mixed ok 14141
// EXPECT: m8n32k16 row.row f16: global ok -54630 shared ok -30785 mixed ok -144221
// EXPECT: m8n32k16 row.col f16: global ok -29552 shared ok 24690 mixed ok -113510
// EXPECT: m8n32k16 col.row f16: global ok 26884 shared ok 140629 mixed ok -55210
// EXPECT: m8n32k16 col.col f16: global ok 94951 shared ok 274618 mixed ok 14141
