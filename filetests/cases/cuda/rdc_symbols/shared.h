// What the files of rdc_symbols say of each other.
#pragma once

struct Limits {
    int low, high;
};

struct Shape {
    __device__ virtual int area() const = 0;
    __device__ virtual ~Shape() {}
};

extern __device__ int calls;
extern __constant__ int weights[4];
extern __device__ int total[4];
extern __device__ Limits limits;
extern __managed__ int managed_value;
extern __device__ int (*const table[3])(int);

__device__ int in_main(int x);
__device__ int first_file(int x);
__device__ int second_file(int x);
__device__ int reversed_in_shared(int i);
__device__ Shape* make_shape(bool square, int size);
int weigh_in_other_file();

template <typename T>
__device__ T counter = T(0);

template <typename T>
__device__ __noinline__ T counted(T x) {
    static __device__ int seen;
    atomicAdd(&seen, 1);
    atomicAdd(&counter<T>, T(1));
    return x * T(2);
}

__device__ __noinline__ inline int inline_counter() {
    static __device__ int value = 40;
    return atomicAdd(&value, 1);
}
