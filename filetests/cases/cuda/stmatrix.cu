// stmatrix: one, two or four matrices of 8x8 16-bit elements to shared memory, as they are and transposed; and there
// and back again with ldmatrix. Lanes 8j to 8j+7 hold the addresses of the rows of matrix j.
#include "case.h"

constexpr int rows = 64, pitch = 24;

// Row `row` of matrix `matrix` lies in this row of the table, 16 bytes wide, from this column on.
__host__ __device__ int table_row(int matrix, int row) { return (matrix * 8 + row) * 37 % rows; }
__host__ __device__ int table_column(int matrix, int row) { return (matrix + row) % 3 * 8; }

template <int matrices, bool transposed>
__device__ void store(uint32_t address, const uint32_t* s) {
    if (matrices == 1 && !transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};" ::"r"(address), "r"(s[0]) : "memory");
    if (matrices == 1 && transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(address), "r"(s[0]) : "memory");
    if (matrices == 2 && !transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x2.shared.b16 [%0], {%1, %2};" ::"r"(address), "r"(s[0]), "r"(s[1])
                     : "memory");
    if (matrices == 2 && transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(address), "r"(s[0]),
                     "r"(s[1])
                     : "memory");
    if (matrices == 4 && !transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(s[0]),
                     "r"(s[1]), "r"(s[2]), "r"(s[3])
                     : "memory");
    if (matrices == 4 && transposed)
        asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared::cta.b16 [%0], {%1, %2, %3, %4};" ::"r"(address),
                     "r"(s[0]), "r"(s[1]), "r"(s[2]), "r"(s[3])
                     : "memory");
}

template <int matrices, bool transposed>
__global__ void run(uint16_t* table, uint32_t* back) {
    __shared__ alignas(16) uint16_t shared_table[rows][pitch];
    for (int i = threadIdx.x; i < rows * pitch; i += blockDim.x) shared_table[i / pitch][i % pitch] = 0xffff;
    __syncthreads();
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, matrix = lane / 8 + 4 * warp, row = lane % 8;
    uint32_t address = static_cast<uint32_t>(
        __cvta_generic_to_shared(&shared_table[table_row(matrix, row)][table_column(matrix, row)]));
    uint32_t s[matrices], d[4];
    for (int j = 0; j < matrices; j++) s[j] = (warp * 4 + j) * 0x10001000 + lane * 0x10 + (lane * 0x10 + 1) * 0x10000;
    store<matrices, transposed>(address, s);
    __syncwarp();
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"(address)
                 : "memory");
    for (int j = 0; j < 4; j++) back[(warp * 4 + j) * 32 + lane] = d[j];
    __syncthreads();
    for (int i = threadIdx.x; i < rows * pitch; i += blockDim.x) table[i] = shared_table[i / pitch][i % pitch];
}

void report(const char* name, const std::vector<uint32_t>& got, const std::vector<uint32_t>& expected) {
    for (int i = 0; i < static_cast<int>(got.size()); i++)
        if (got[i] != expected[i]) {
            printf("%s element %d (row %d, column %d of the table) is %08x, not %08x\n", name, i, i / pitch, i % pitch,
                   got[i], expected[i]);
            return;
        }
    printf("%s ok %016llx\n", name, (unsigned long long)checksum(got));
}

template <int matrices, bool transposed>
void test(const char* name) {
    constexpr int warps = 2;
    std::vector<uint32_t> expected(rows * pitch, 0xffff);
    for (int warp = 0; warp < warps; warp++)
        for (int j = 0; j < matrices; j++)
            for (int lane = 0; lane < 32; lane++)
                for (int half = 0; half < 2; half++) {
                    int row = lane / 4, column = lane % 4 * 2 + half, matrix = warp * 4 + j;
                    if (transposed) std::swap(row, column);
                    expected[table_row(matrix, row) * pitch + table_column(matrix, row) + column] =
                        matrix * 0x1000 + lane * 0x10 + half;
                }
    // The way back, transposed.
    for (int i = 0; i < warps * 4 * 32; i++) {
        int lane = i % 32, matrix = i / 32;
        uint32_t word = 0;
        for (int half = 0; half < 2; half++) {
            int row = lane % 4 * 2 + half, column = lane / 4;
            word |= expected[table_row(matrix, row) * pitch + table_column(matrix, row) + column] << (16 * half);
        }
        expected.push_back(word);
    }
    uint16_t* table_device = device_zeros<uint16_t>(rows * pitch);
    uint32_t* back_device = device_zeros<uint32_t>(warps * 4 * 32);
    run<matrices, transposed><<<1, 32 * warps>>>(table_device, back_device);
    CHECK_KERNEL();
    std::vector<uint16_t> table = to_host(table_device, rows * pitch);
    std::vector<uint32_t> back = to_host(back_device, warps * 4 * 32), all(table.begin(), table.end());
    all.insert(all.end(), back.begin(), back.end());
    report(name, all, expected);
}

int main() {
    test<1, false>("x1");
    test<2, false>("x2");
    test<4, false>("x4");
    test<1, true>("x1.trans");
    test<2, true>("x2.trans");
    test<4, true>("x4.trans");
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: x1 ok 280383d78d51b725
// EXPECT: x2 ok 2e66e2a7aca58125
// EXPECT: x4 ok e9a3f0096f4c8b65
// EXPECT: x1.trans ok 107f9d8bd8b14fa5
// EXPECT: x2.trans ok 7880da256b374525
// EXPECT: x4.trans ok 967fda8bf9aebde5
