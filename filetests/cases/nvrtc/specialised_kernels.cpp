// Kernels written as text while the program runs: an expression becomes straight code, once for each expression, all
// loaded at the same time; and loop bounds given as macros.
#include "case.h"

// A random expression over x and y, as text for the compiler, and its value on the host.
std::string build(unsigned seed, int depth) {
    if (depth == 0) return seed % 3 == 0 ? "x" : seed % 3 == 1 ? "y" : std::to_string(seed % 100) + "u";
    const char* operators[] = {" + ", " - ", " * ", " ^ ", " & ", " | "};
    std::string left = build(mix(seed * 2 + 1), depth - 1), right = build(mix(seed * 2 + 2), depth - 1);
    if (seed % 7 == 6) return "((" + left + ") >> (" + right + " & 31u))";
    return "(" + left + operators[seed % 6] + right + ")";
}

unsigned evaluate(unsigned seed, int depth, unsigned x, unsigned y) {
    if (depth == 0) return seed % 3 == 0 ? x : seed % 3 == 1 ? y : seed % 100;
    unsigned left = evaluate(mix(seed * 2 + 1), depth - 1, x, y), right = evaluate(mix(seed * 2 + 2), depth - 1, x, y);
    if (seed % 7 == 6) return left >> (right & 31);
    switch (seed % 6) {
        case 0: return left + right;
        case 1: return left - right;
        case 2: return left * right;
        case 3: return left ^ right;
        case 4: return left & right;
        default: return left | right;
    }
}

int main() {
    start();
    const int kernels = 6, count = 4096;
    std::vector<CUmodule> modules(kernels);
    std::vector<CUfunction> functions(kernels);
    for (int k = 0; k < kernels; k++) {
        std::string source =
            "extern \"C\" __global__ void f(unsigned* out, int count) {\n"
            "    unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = x * 2654435761u;\n"
            "    if (x < count) out[x] = " +
            build(mix(k), 6) + ";\n}\n";
        CHECK(cuModuleLoadData(&modules[k], compile(source.c_str()).c_str()));
        CHECK(cuModuleGetFunction(&functions[k], modules[k], "f"));
    }
    for (int k = 0; k < kernels; k++) {
        CUdeviceptr out = to_device(std::vector<unsigned>(count, 0));
        int length = count;
        void* arguments[] = {&out, &length};
        CHECK(cuLaunchKernel(functions[k], count / 128, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
        std::vector<unsigned> values = to_host<unsigned>(out, count);
        int wrong = 0;
        unsigned sum = 0;
        for (unsigned x = 0; x < count; x++) {
            wrong += values[x] != evaluate(mix(k), 6, x, x * 2654435761u);
            sum += values[x];
        }
        printf("expression %d: sum %08x, mismatches %d\n", k, sum, wrong);
        CHECK(cuMemFree(out));
        CHECK(cuModuleUnload(modules[k]));
    }

    const char* polynomial =
        "extern \"C\" __global__ void p(double* values) {\n"
        "    double x = values[threadIdx.x], sum = 0;\n"
        "#pragma unroll\n"
        "    for (int k = DEGREE; k >= 0; k--) sum = sum * x + (k % 3 - 1);\n"
        "    values[threadIdx.x] = sum;\n}\n";
    for (int degree : {0, 3, 9}) {
        std::string define = "-DDEGREE=" + std::to_string(degree);
        CUmodule module;
        CUfunction function;
        CHECK(cuModuleLoadData(&module, compile(polynomial, {define.c_str()}).c_str()));
        CHECK(cuModuleGetFunction(&function, module, "p"));
        std::vector<double> x(32), expected(32);
        for (int i = 0; i < 32; i++) {
            x[i] = i - 16;
            for (int k = degree; k >= 0; k--) expected[i] = expected[i] * x[i] + (k % 3 - 1);
        }
        CUdeviceptr memory = to_device(x);
        void* arguments[] = {&memory};
        CHECK(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr));
        printf("degree %d: %s\n", degree, to_host<double>(memory, 32) == expected ? "ok" : "WRONG");
        CHECK(cuMemFree(memory));
        CHECK(cuModuleUnload(module));
    }
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: expression 0: sum 13130ad6, mismatches 0
// EXPECT: expression 1: sum d65c647d, mismatches 0
// EXPECT: expression 2: sum 4f0b4a25, mismatches 0
// EXPECT: expression 3: sum 7772c159, mismatches 0
// EXPECT: expression 4: sum ac75a98c, mismatches 0
// EXPECT: expression 5: sum 275f8225, mismatches 0
// EXPECT: degree 0: ok
// EXPECT: degree 3: ok
// EXPECT: degree 9: ok
