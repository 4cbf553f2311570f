// ldmatrix: one, two or four matrices of 8x8 16-bit elements from shared memory, as they are and transposed. The rows
// lie scattered; lanes 8j to 8j+7 hold the addresses of the rows of matrix j, and what other lanes hold does not count.
#include "case.h"

constexpr int rows = 64, pitch = 24;

// Row `row` of matrix `matrix` lies in this row of the table, 16 bytes wide, from this column on.
__host__ __device__ int table_row(int matrix, int row) { return (matrix * 8 + row) * 37 % rows; }
__host__ __device__ int table_column(int matrix, int row) { return (matrix + row) % 3 * 8; }

template <int matrices, bool transposed>
__device__ void load(uint32_t* d, uint32_t address) {
    if (matrices == 1 && !transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(d[0]) : "r"(address) : "memory");
    if (matrices == 1 && transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
                     : "=r"(d[0])
                     : "r"(address)
                     : "memory");
    if (matrices == 2 && !transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                     : "=r"(d[0]), "=r"(d[1])
                     : "r"(address)
                     : "memory");
    if (matrices == 2 && transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                     : "=r"(d[0]), "=r"(d[1])
                     : "r"(address)
                     : "memory");
    if (matrices == 4 && !transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared::cta.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                     : "r"(address)
                     : "memory");
    if (matrices == 4 && transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                     : "r"(address)
                     : "memory");
}

// The same without a state space: the address is a generic one.
__device__ void load_generic(uint32_t* d, const void* address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "l"(address)
                 : "memory");
}

template <int matrices, bool transposed, bool generic>
__global__ void run(const uint16_t* table, uint32_t* output) {
    __shared__ alignas(16) uint16_t shared_table[rows][pitch];
    for (int i = threadIdx.x; i < rows * pitch; i += blockDim.x) shared_table[i / pitch][i % pitch] = table[i];
    __syncthreads();
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, matrix = lane / 8 + 4 * warp, row = lane % 8;
    const uint16_t* first = &shared_table[table_row(matrix, row)][table_column(matrix, row)];
    uint32_t d[matrices];
    if (generic) load_generic(d, first);
    else load<matrices, transposed>(d, static_cast<uint32_t>(__cvta_generic_to_shared(first)));
    for (int j = 0; j < matrices; j++) output[(warp * matrices + j) * 32 + lane] = d[j];
}

void report(const char* name, const std::vector<uint32_t>& got, const std::vector<uint32_t>& expected) {
    for (int i = 0; i < static_cast<int>(got.size()); i++)
        if (got[i] != expected[i]) {
            printf("%s matrix %d lane %d has %08x, not %08x\n", name, i / 32, i % 32, got[i], expected[i]);
            return;
        }
    printf("%s ok %016llx\n", name, (unsigned long long)checksum(got));
}

template <int matrices, bool transposed, bool generic = false>
void test(const char* name) {
    constexpr int warps = 2;
    std::vector<uint16_t> table(rows * pitch);
    for (int i = 0; i < rows * pitch; i++) table[i] = static_cast<uint16_t>(i / pitch * 1000 + i % pitch);
    std::vector<uint32_t> expected(warps * matrices * 32);
    for (int i = 0; i < static_cast<int>(expected.size()); i++) {
        int lane = i % 32, matrix = i / 32 % matrices + 4 * (i / 32 / matrices);
        for (int half = 0; half < 2; half++) {
            int row = lane / 4, column = lane % 4 * 2 + half;
            if (transposed) std::swap(row, column);
            uint32_t element = table[table_row(matrix, row) * pitch + table_column(matrix, row) + column];
            expected[i] |= element << (16 * half);
        }
    }
    uint32_t* output_device = device_zeros<uint32_t>(expected.size());
    run<matrices, transposed, generic><<<1, 32 * warps>>>(to_device(table), output_device);
    CHECK_KERNEL();
    report(name, to_host(output_device, expected.size()), expected);
}

int main() {
    test<1, false>("x1");
    test<2, false>("x2");
    test<4, false>("x4");
    test<1, true>("x1.trans");
    test<2, true>("x2.trans");
    test<4, true>("x4.trans");
    test<4, false, true>("x4 of generic addresses");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: x1 ok 55d5e6cffa4097fd
// EXPECT: x2 ok eef559854c071345
// EXPECT: x4 ok 19bd160655527c75
// EXPECT: x1.trans ok be5d54ede18b0605
// EXPECT: x2.trans ok 2b518f272022ad35
// EXPECT: x4.trans ok b730c82bcbadba75
// EXPECT: x4 of generic addresses ok 19bd160655527c75
