// The second of the other files of rdc_symbols.
#include "shared.h"

static __device__ int own = 3;
__device__ int total[4] = {10, 20, 30, 40};

static __device__ __noinline__ int helper(int x) { return x * 3 + own; }

__device__ int second_file(int x) {
    atomicAdd(&calls, 1);
    return in_main(helper(x)) + inline_counter() * 0;
}

static __device__ int negate(int x) { return -x; }
__device__ int (*const table[3])(int) = {first_file, negate, in_main};

namespace {
struct Square : Shape {
    int side;
    __device__ Square(int side) : side(side) {}
    __device__ int area() const override { return side * side; }
};
struct Line : Shape {
    int length;
    __device__ Line(int length) : length(length) {}
    __device__ int area() const override { return own - length; }
};
}  // namespace

__device__ Shape* make_shape(bool square, int size) {
    if (square) return new Square(size);
    return new Line(size);
}
