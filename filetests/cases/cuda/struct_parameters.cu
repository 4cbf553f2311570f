// Kernel parameters of every shape: mixed sizes and alignments, structures by value with arrays and pointers inside,
// empty structures, references to constants, bool and enumerations, structures returned by value.
#include "case.h"

enum class Mode : unsigned char { plain, doubled };

struct Inner {
    char letter;
    double value;
    short pair[3];
};

struct alignas(16) Outer {
    Inner inner[2];
    const int* numbers;
    float4 vector;
    Mode mode;
};

struct Empty {};

struct Range {
    long long low, high;
    __host__ __device__ long long size() const { return high - low; }
};

__host__ __device__ Range widen(Range range, int by) { return {range.low - by, range.high + by}; }

__global__ void many(char a, long long b, short c, double d, bool e, float f, Empty, Outer o, unsigned char g, int3 h,
                     Range range, Mode mode, int* output) {
    int i = threadIdx.x;
    long long sum = a + b * 2 + c * 3 + static_cast<long long>(d * 4) + e * 5 + static_cast<long long>(f * 6) + g * 7;
    sum += h.x + 10 * h.y + 100 * h.z;
    for (const Inner& inner : o.inner) {
        sum += inner.letter + static_cast<long long>(inner.value * 8);
        // Indexed by the lane: the parameter becomes addressable memory.
        sum += inner.pair[i % 3] * (i + 1);
    }
    sum += o.numbers[i % 4] + static_cast<long long>(o.vector.x + o.vector.w);
    if (o.mode == Mode::doubled) sum *= 2;
    if (mode == Mode::plain) sum += 1;
    sum += widen(range, i).size();
    output[i] = static_cast<int>(sum);
}

struct Matrix {
    int values[4][4];
    __host__ __device__ Matrix operator*(const Matrix& other) const {
        Matrix product = {};
        for (int row = 0; row < 4; row++)
            for (int column = 0; column < 4; column++)
                for (int k = 0; k < 4; k++) product.values[row][column] += values[row][k] * other.values[k][column];
        return product;
    }
};

__global__ void powers(Matrix matrix, Matrix* output) {
    Matrix result = matrix;
    for (unsigned i = 0; i < threadIdx.x; i++) result = result * matrix;
    output[threadIdx.x] = result;
}

int main() {
    int* numbers = to_device(std::vector<int>{1000, 2000, 3000, 4000});
    int* output_device = device_zeros<int>(32);
    Outer outer = {{{'x', 1.5, {1, 2, 3}}, {'y', -2.25, {-4, 5, -6}}}, numbers, {1, 2, 3, 40}, Mode::doubled};
    many<<<1, 32>>>('A', 1ll << 20, -7, 2.5, true, -1.5f, Empty(), outer, 200, make_int3(1, 2, 3), Range{-5, 50},
                    Mode::plain, output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 32);
    int wrong = 0;
    for (int i = 0; i < 32; i++) {
        const int first[3] = {1, 2, 3}, second[3] = {-4, 5, -6};
        long long sum = 65 + (1ll << 21) - 21 + 10 + 5 - 9 + 1400 + 321;
        sum += 'x' + 12 + first[i % 3] * (i + 1) + 'y' - 18 + second[i % 3] * (i + 1);
        sum += 1000 * (i % 4 + 1) + 41;
        sum = sum * 2 + 1 + 55 + 2 * i;
        wrong += output[i] != static_cast<int>(sum);
    }
    printf("first %d, last %d, mismatches %d\n", output[0], output[31], wrong);

    Matrix matrix = {{{1, 1, 0, 2}, {0, 1, 3, 0}, {1, 0, 1, 0}, {0, 2, 0, 1}}};
    Matrix* powers_device = device_zeros<Matrix>(10);
    powers<<<1, 10>>>(matrix, powers_device);
    CHECK_KERNEL();
    std::vector<Matrix> matrices = to_host(powers_device, 10), expected(10, matrix);
    for (int i = 1; i < 10; i++) expected[i] = expected[i - 1] * matrix;
    printf("tenth power: %d %d %d %d, mismatches %d\n", matrices[9].values[0][0], matrices[9].values[1][1],
           matrices[9].values[2][2], matrices[9].values[3][3], mismatches(matrices, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: first 4200448, last 4206964, mismatches 0
// EXPECT: tenth power: 20485 20485 20485 13429, mismatches 0
