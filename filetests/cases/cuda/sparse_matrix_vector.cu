// Sparse matrix times vector in CSR form, a thread a row and a warp a row; rows of very different lengths.
#include "case.h"

__global__ void thread_per_row(const int* starts, const int* columns, const long long* values, const long long* x,
                               long long* y, int rows) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    long long sum = 0;
    for (int k = starts[row]; k < starts[row + 1]; k++) sum += values[k] * x[columns[k]];
    y[row] = sum;
}

__global__ void warp_per_row(const int* __restrict__ starts, const int* __restrict__ columns,
                             const long long* __restrict__ values, const long long* __restrict__ x, long long* y,
                             int rows) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    long long sum = 0;
    for (int k = starts[row] + lane; k < starts[row + 1]; k += 32) sum += values[k] * __ldg(&x[columns[k]]);
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    if (lane == 0) y[row] = sum;
}

int main() {
    const int rows = 9001;
    std::vector<int> starts(rows + 1, 0), columns;
    std::vector<long long> values, x(rows), expected(rows, 0);
    for (int row = 0; row < rows; row++) {
        int length = row % 500 == 0 ? 2000 : mix(row) % 12;
        for (int k = 0; k < length; k++) {
            columns.push_back(mix(row * 3000 + k) % rows);
            values.push_back(static_cast<int>(mix(row + k * 17) % 2001) - 1000);
        }
        starts[row + 1] = static_cast<int>(columns.size());
        x[row] = static_cast<int>(mix(~row)) / 1000;
    }
    for (int row = 0; row < rows; row++)
        for (int k = starts[row]; k < starts[row + 1]; k++) expected[row] += values[k] * x[columns[k]];
    int *starts_device = to_device(starts), *columns_device = to_device(columns);
    long long *values_device = to_device(values), *x_device = to_device(x), *y_device = device_zeros<long long>(rows);

    thread_per_row<<<(rows + 127) / 128, 128>>>(starts_device, columns_device, values_device, x_device, y_device, rows);
    CHECK_KERNEL();
    printf("thread a row: mismatches %d\n", mismatches(to_host(y_device, rows), expected));
    CHECK(cudaMemset(y_device, 0xff, rows * sizeof(long long)));
    warp_per_row<<<(rows + 3) / 4, 128>>>(starts_device, columns_device, values_device, x_device, y_device, rows);
    CHECK_KERNEL();
    std::vector<long long> y = to_host(y_device, rows);
    printf("warp a row: mismatches %d\n", mismatches(y, expected));
    printf("entries %zu, checksum %016llx\n", values.size(), (unsigned long long)checksum(y));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: thread a row: mismatches 0
// EXPECT: warp a row: mismatches 0
// EXPECT: entries 87091, checksum d9d073c93d7af456
