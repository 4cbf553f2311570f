// Function pointers: a table in constant memory, pointers handed from the host through a symbol, a pointer chosen by
// each lane, and a pointer passed on to a generic algorithm.
#include "case.h"

using Operation = int (*)(int, int);

__device__ int add(int a, int b) { return a + b; }
__device__ int subtract(int a, int b) { return a - b; }
__device__ int multiply(int a, int b) { return a * b; }
__device__ int shift_mix(int a, int b) {
    for (int i = 0; i < (b & 7); i++) a = (a << 1) ^ (a >> 3) ^ b;
    return a;
}

__device__ Operation add_pointer = add;
__device__ Operation multiply_pointer = multiply;
__constant__ Operation table[4] = {add, subtract, multiply, shift_mix};

__global__ void by_table(const int* input, int* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = table[input[i] & 3](input[i], i);
}

__global__ void by_argument(Operation operation, const int* input, int* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = operation(input[i], 1000);
}

__device__ __noinline__ int fold(Operation operation, const int* values, int count, int start) {
    for (int i = 0; i < count; i++) start = operation(start, values[i]);
    return start;
}

__global__ void folds(const int* input, int* output) {
    int i = threadIdx.x;
    Operation mine = i % 3 == 0 ? subtract : i % 3 == 1 ? shift_mix : add;
    output[i] = fold(mine, input + i, i, 7);
}

static int host_apply(int kind, int a, int b) {
    if (kind == 0) return static_cast<int>(static_cast<unsigned>(a) + b);
    if (kind == 1) return static_cast<int>(static_cast<unsigned>(a) - b);
    if (kind == 2) return static_cast<int>(static_cast<unsigned>(a) * static_cast<unsigned>(b));
    for (int i = 0; i < (b & 7); i++) a = static_cast<int>(static_cast<unsigned>(a) << 1) ^ (a >> 3) ^ b;
    return a;
}

int main() {
    const int count = 10000;
    std::vector<int> input(count), expected(count);
    for (int i = 0; i < count; i++) input[i] = static_cast<int>(mix(i));
    int* input_device = to_device(input);
    int* output_device = device_zeros<int>(count);

    by_table<<<(count + 127) / 128, 128>>>(input_device, output_device, count);
    CHECK_KERNEL();
    for (int i = 0; i < count; i++) expected[i] = host_apply(input[i] & 3, input[i], i);
    printf("table: mismatches %d\n", mismatches(to_host(output_device, count), expected));

    for (int kind : {0, 2}) {
        Operation pointer;
        if (kind == 0) CHECK(cudaMemcpyFromSymbol(&pointer, add_pointer, sizeof(pointer)));
        else CHECK(cudaMemcpyFromSymbol(&pointer, multiply_pointer, sizeof(pointer)));
        by_argument<<<(count + 127) / 128, 128>>>(pointer, input_device, output_device, count);
        CHECK_KERNEL();
        for (int i = 0; i < count; i++) expected[i] = host_apply(kind, input[i], 1000);
        printf("argument %d: mismatches %d\n", kind, mismatches(to_host(output_device, count), expected));
    }

    folds<<<1, 96>>>(input_device, output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 96), wanted(96);
    for (int i = 0; i < 96; i++) {
        wanted[i] = 7;
        for (int k = 0; k < i; k++)
            wanted[i] = host_apply(i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : 0, wanted[i], input[i + k]);
    }
    printf("folds: last %d, mismatches %d\n", output[95], mismatches(output, wanted));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: table: mismatches 0
// EXPECT: argument 0: mismatches 0
// EXPECT: argument 2: mismatches 0
// EXPECT: folds: last 662465584, mismatches 0
