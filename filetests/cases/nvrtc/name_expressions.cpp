// NVRTC with templates: name expressions and their lowered names, headers given as text, variables by name, and the
// error and log of a program that does not compile.
#include "case.h"

const char* header =
    "template <typename T> struct Clamp { T low, high; __device__ T operator()(T x) const {\n"
    "    return x < low ? low : x > high ? high : x; } };\n";

const char* source =
    "#include \"clamp.h\"\n"
    "namespace kernels {\n"
    "template <typename T, int factor>\n"
    "__global__ void scale(T* values, int count, Clamp<T> clamp) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < count) values[i] = clamp(values[i] * factor);\n"
    "}\n"
    "__constant__ int table[LENGTH];\n"
    "__device__ unsigned long long total;\n"
    "}\n"
    "extern \"C\" __global__ void look_up(const unsigned* indices, int count) {\n"
    "    for (int i = threadIdx.x; i < count; i += blockDim.x)\n"
    "        atomicAdd(&kernels::total, (unsigned long long)kernels::table[indices[i] % LENGTH]);\n"
    "}\n";

template <typename T>
void scale(CUmodule module, const char* lowered, int factor, T low, T high) {
    const int count = 1000;
    std::vector<T> values(count), expected(count);
    for (int i = 0; i < count; i++) {
        values[i] = static_cast<T>(i % 50 - 25);
        T scaled = values[i] * factor;
        expected[i] = scaled < low ? low : scaled > high ? high : scaled;
    }
    CUfunction function;
    CHECK(cuModuleGetFunction(&function, module, lowered));
    CUdeviceptr memory = to_device(values);
    struct {
        T low, high;
    } clamp = {low, high};
    int length = count;
    void* arguments[] = {&memory, &length, &clamp};
    CHECK(cuLaunchKernel(function, 8, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    printf("scale by %d: %s\n", factor, to_host<T>(memory, count) == expected ? "ok" : "WRONG");
    CHECK(cuMemFree(memory));
}

int main() {
    start();
    nvrtcProgram program;
    const char* header_name = "clamp.h";
    CHECK_NVRTC(nvrtcCreateProgram(&program, source, "kernels.cu", 1, &header, &header_name));
    const char* expressions[] = {"kernels::scale<float, 3>", "kernels::scale<short, -2>", "kernels::scale<double, 7>",
                                 "&kernels::table", "&kernels::total"};
    for (const char* expression : expressions) CHECK_NVRTC(nvrtcAddNameExpression(program, expression));
    const char* options[] = {"--gpu-architecture=compute_75", "-DLENGTH=48", "--std=c++17"};
    if (nvrtcCompileProgram(program, 3, options) != NVRTC_SUCCESS) {
        printf("%s\n", log_of(program).c_str());
        return 2;
    }
    std::string ptx = ptx_of(program);
    CUmodule module;
    CHECK(cuModuleLoadData(&module, ptx.c_str()));
    const char* lowered[5];
    for (int i = 0; i < 5; i++) CHECK_NVRTC(nvrtcGetLoweredName(program, expressions[i], &lowered[i]));

    scale<float>(module, lowered[0], 3, -40.5f, 50);
    scale<short>(module, lowered[1], -2, -30, 31);
    scale<double>(module, lowered[2], 7, -1000, 100.25);

    CUdeviceptr table, total;
    size_t size;
    CHECK(cuModuleGetGlobal(&table, &size, module, lowered[3]));
    CHECK(cuModuleGetGlobal(&total, nullptr, module, lowered[4]));
    printf("table has %zu bytes\n", size);
    std::vector<int> squares(48);
    for (int i = 0; i < 48; i++) squares[i] = i * i;
    CHECK(cuMemcpyHtoD(table, squares.data(), size));
    std::vector<unsigned> indices(5000);
    unsigned long long expected = 0;
    for (int i = 0; i < 5000; i++) indices[i] = mix(i), expected += squares[indices[i] % 48];
    CUfunction look_up;
    CHECK(cuModuleGetFunction(&look_up, module, "look_up"));
    CUdeviceptr indices_device = to_device(indices);
    int count = 5000;
    void* arguments[] = {&indices_device, &count};
    CHECK(cuLaunchKernel(look_up, 1, 1, 1, 256, 1, 1, 0, nullptr, arguments, nullptr));
    printf("total %llu, expected %llu\n", to_host<unsigned long long>(total, 1)[0], expected);
    CHECK_NVRTC(nvrtcDestroyProgram(&program));
    CHECK(cuModuleUnload(module));

    CHECK_NVRTC(nvrtcCreateProgram(&program, "__global__ void broken() { int x = missing; }", "broken.cu", 0, nullptr,
                                   nullptr));
    printf("broken: %s\n", nvrtcGetErrorString(nvrtcCompileProgram(program, 1, options)));
    printf("log names it: %s\n", log_of(program).find("missing") != std::string::npos ? "yes" : "no");
    CHECK_NVRTC(nvrtcDestroyProgram(&program));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: scale by 3: ok
// EXPECT: scale by -2: ok
// EXPECT: scale by 7: ok
// EXPECT: table has 192 bytes
// EXPECT: total 3728349, expected 3728349
// EXPECT: broken: NVRTC_ERROR_COMPILATION
// EXPECT: log names it: yes
