// Linear equations by Gaussian elimination modulo a prime, so that the answer is exact: one launch a column, pivot
// search with an atomic minimum; and LU of a small f64 matrix in one block with a residual check.
#include <cmath>

#include "case.h"

constexpr unsigned prime = 1000003;

__host__ __device__ unsigned inverse(unsigned a) {
    unsigned long long result = 1, square = a;
    for (unsigned e = prime - 2; e > 0; e >>= 1, square = square * square % prime)
        if (e & 1) result = result * square % prime;
    return static_cast<unsigned>(result);
}

__global__ void find_pivot(const unsigned* m, int size, int column, int* pivot) {
    int row = column + blockIdx.x * blockDim.x + threadIdx.x;
    if (row < size && m[row * (size + 1) + column] != 0) atomicMin(pivot, row);
}

__global__ void swap_and_scale(unsigned* m, int size, int column, const int* pivot) {
    __shared__ unsigned long long factor;
    int width = size + 1;
    if (threadIdx.x == 0) factor = inverse(m[*pivot * width + column]);
    __syncthreads();
    for (int k = column + threadIdx.x; k < width; k += blockDim.x) {
        unsigned t = m[*pivot * width + k];
        m[*pivot * width + k] = m[column * width + k];
        m[column * width + k] = static_cast<unsigned>(t * factor % prime);
    }
}

__global__ void eliminate(unsigned* m, int size, int column) {
    int row = blockIdx.x, width = size + 1;
    if (row == column) return;
    __shared__ unsigned long long factor;
    if (threadIdx.x == 0) factor = prime - m[row * width + column];
    __syncthreads();
    for (int k = column + threadIdx.x; k < width; k += blockDim.x)
        m[row * width + k] = static_cast<unsigned>((m[row * width + k] + factor * m[column * width + k]) % prime);
}

constexpr int small = 48;

__global__ void lu(double* a) {
    __shared__ double m[small][small + 1];
    int thread = threadIdx.x;
    for (int i = thread; i < small * small; i += blockDim.x) m[i / small][i % small] = a[i];
    __syncthreads();
    for (int k = 0; k < small - 1; k++) {
        for (int row = k + 1 + thread; row < small; row += blockDim.x) m[row][k] /= m[k][k];
        __syncthreads();
        int rest = small - k - 1;
        for (int i = thread; i < rest * rest; i += blockDim.x) {
            int row = k + 1 + i / rest, column = k + 1 + i % rest;
            m[row][column] -= m[row][k] * m[k][column];
        }
        __syncthreads();
    }
    for (int i = thread; i < small * small; i += blockDim.x) a[i] = m[i / small][i % small];
}

int main() {
    const int size = 100, width = size + 1;
    std::vector<unsigned> m(size * width), solution(size);
    for (int i = 0; i < size; i++) solution[i] = mix(i + 31) % prime;
    for (int row = 0; row < size; row++) {
        unsigned long long sum = 0;
        for (int k = 0; k < size; k++) {
            // Zeros on part of the diagonal make the search for a pivot necessary.
            unsigned value = row == k && row % 3 == 0 ? 0 : mix(row * size + k) % prime;
            m[row * width + k] = value;
            sum = (sum + static_cast<unsigned long long>(value) * solution[k]) % prime;
        }
        m[row * width + size] = static_cast<unsigned>(sum);
    }
    unsigned* m_device = to_device(m);
    int* pivot = device_alloc<int>(1);
    for (int column = 0; column < size; column++) {
        CHECK(cudaMemset(pivot, 0x7f, sizeof(int)));
        find_pivot<<<(size - column + 63) / 64, 64>>>(m_device, size, column, pivot);
        swap_and_scale<<<1, 128>>>(m_device, size, column, pivot);
        eliminate<<<size, 64>>>(m_device, size, column);
    }
    CHECK_KERNEL();
    m = to_host(m_device, m.size());
    int wrong = 0;
    for (int i = 0; i < size; i++) wrong += m[i * width + size] != solution[i];
    printf("modular: x[0] = %u, mismatches %d\n", m[size], wrong);

    std::vector<double> a(small * small);
    for (int i = 0; i < small * small; i++) a[i] = (mix(i) % 2000) / 1000.0 - 1 + (i % (small + 1) == 0 ? small : 0);
    double* a_device = to_device(a);
    lu<<<1, 128>>>(a_device);
    CHECK_KERNEL();
    std::vector<double> f = to_host(a_device, small * small);
    double largest = 0;
    for (int row = 0; row < small; row++)
        for (int column = 0; column < small; column++) {
            double sum = 0;
            for (int k = 0; k <= row && k <= column; k++)
                sum += (k == row ? 1 : f[row * small + k]) * f[k * small + column];
            largest = fmax(largest, fabs(sum - a[row * small + column]));
        }
    printf("LU: residual below 1e-12: %s\n", largest < 1e-12 ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: modular: x[0] = 437884, mismatches 0
// EXPECT: LU: residual below 1e-12: yes
