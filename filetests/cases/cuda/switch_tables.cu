// Switches: a dense one that becomes a jump table, a sparse one, fall-through, and a small byte-code interpreter whose
// lanes run different programs.
#include "case.h"

enum Code : unsigned char {
    push,
    add,
    subtract,
    multiply,
    duplicate,
    swap,
    jump_if_not_zero,
    exclusive_or,
    rotate,
    halt
};

struct Instruction {
    Code code;
    signed char argument;
};

constexpr int length = 24;

__host__ __device__ unsigned interpret(const Instruction* program, unsigned input, int* steps) {
    unsigned stack[16] = {input, input + 1};
    int top = 2, at = 0;
    for (*steps = 0; *steps < 300; ++*steps) {
        Instruction i = program[at++ % length];
        unsigned a = stack[(top - 1) & 15], b = stack[(top - 2) & 15];
        switch (i.code) {
            case push: stack[top++ & 15] = static_cast<unsigned>(i.argument); break;
            case add:
                stack[(top - 2) & 15] = b + a;
                top--;
                break;
            case subtract:
                stack[(top - 2) & 15] = b - a;
                top--;
                break;
            case multiply:
                stack[(top - 2) & 15] = b * a;
                top--;
                break;
            case duplicate: stack[top++ & 15] = a; break;
            case swap:
                stack[(top - 1) & 15] = b;
                stack[(top - 2) & 15] = a;
                break;
            case jump_if_not_zero:
                if (a & 1) at = (at + (i.argument & 7)) % length;
                top--;
                break;
            case exclusive_or: stack[(top - 1) & 15] = a ^ static_cast<unsigned>(i.argument * 77); break;
            case rotate: stack[(top - 1) & 15] = a << 5 | a >> 27; break;
            case halt: return stack[(top - 1) & 15];
        }
        top &= 1023;
        if (top < 2) top += 16;
    }
    return ~stack[0];
}

__host__ __device__ Instruction instruction(int program, int place) {
    unsigned word = mix(program * length + place);
    // halt is rare.
    return {static_cast<Code>(word % 64 == 0 ? halt : word % 9), static_cast<signed char>(word >> 8)};
}

__global__ void run(const Instruction* programs, unsigned* output, int* steps, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = interpret(programs + i % 50 * length, i, &steps[i]);
}

__host__ __device__ int sparse(int x) {
    switch (x) {
        case -2000000: return 1;
        case -5: x += 3; [[fallthrough]];
        case 0: x *= 2; [[fallthrough]];
        case 7: return x + 100;
        case 1000:
        case 1001:
        case 1002: return x - 1000;
        case 65536: return -65536;
        case 2000000000: return 77;
        default: return x & 15;
    }
}

__global__ void run_sparse(const int* input, int* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) output[i] = sparse(input[i]);
}

int main() {
    const int count = 20000;
    std::vector<Instruction> programs(50 * length);
    for (int p = 0; p < 50; p++)
        for (int k = 0; k < length; k++) programs[p * length + k] = instruction(p, k);
    unsigned* output_device = device_zeros<unsigned>(count);
    int* steps_device = device_zeros<int>(count);
    run<<<(count + 127) / 128, 128>>>(to_device(programs), output_device, steps_device, count);
    CHECK_KERNEL();
    std::vector<unsigned> output = to_host(output_device, count), expected(count);
    std::vector<int> steps = to_host(steps_device, count), expected_steps(count);
    long long total = 0;
    for (int i = 0; i < count; i++) {
        expected[i] = interpret(&programs[i % 50 * length], i, &expected_steps[i]);
        total += steps[i];
    }
    printf("interpreter: steps %lld, checksum %016llx, mismatches %d %d\n", total, (unsigned long long)checksum(output),
           mismatches(output, expected), mismatches(steps, expected_steps));

    const int cases[] = {-2000000, -5, 0, 7, 1000, 1001, 1002, 65536, 2000000000, 8, -1, 1003};
    std::vector<int> input(960), wanted(960);
    for (int i = 0; i < 960; i++) input[i] = cases[mix(i) % 12], wanted[i] = sparse(input[i]);
    int* sparse_device = device_zeros<int>(960);
    run_sparse<<<8, 120>>>(to_device(input), sparse_device, 960);
    CHECK_KERNEL();
    printf("sparse: mismatches %d\n", mismatches(to_host(sparse_device, 960), wanted));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: interpreter: steps 4717614, checksum 3ea4f21497001596, mismatches 0 0
// EXPECT: sparse: mismatches 0
