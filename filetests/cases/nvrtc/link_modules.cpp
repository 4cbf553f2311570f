// The linker of the driver: PTX of several modules, written by hand and compiled by NVRTC, becomes one program; what does not
// fit together is refused, and the log names it.
#include "case.h"

#define HEADER ".version 7.0\n.target sm_70\n.address_size 64\n"

// A kernel that calls f(5) and stores the result plus x.
const char* user = HEADER R"(
.extern .func (.param .b32 r) f (.param .b32 a);
.extern .global .u32 x;
.visible .entry k(.param .u64 p)
{
    .reg .b32 %r<4>; .reg .b64 %q<2>;
    .param .b32 a; .param .b32 r;
    ld.param.u64 %q1, [p];
    mov.u32 %r1, 5;
    st.param.b32 [a], %r1;
    call (r), f, (a);
    ld.param.b32 %r2, [r];
    ld.global.u32 %r3, [x];
    add.u32 %r2, %r2, %r3;
    st.global.u32 [%q1], %r2;
    ret;
}
)";

std::string function(const char* linkage, int factor) {
    return std::string(HEADER) + linkage + R"( .func (.param .b32 r) f (.param .b32 a)
{
    .reg .b32 %r<3>;
    ld.param.b32 %r1, [a];
    mul.lo.u32 %r1, %r1, )" + std::to_string(factor) + R"(;
    st.param.b32 [r], %r1;
    ret;
}
)";
}

std::string variable(const char* declaration) { return std::string(HEADER) + declaration + "\n"; }

struct Text {
    const char* name;
    std::string text;
};

// Links, says what came of it, and whether the log names `named`. Runs the kernel k of the result.
void link(const char* what, const std::vector<Text>& texts, const char* named = nullptr) {
    static char errors[8192], remarks[8192];
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_INFO_LOG_BUFFER,
                              CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CU_JIT_WALL_TIME};
    void* values[] = {errors, (void*)sizeof errors, remarks, (void*)sizeof remarks, nullptr};
    CUlinkState state;
    CHECK(cuLinkCreate(5, options, values, &state));
    printf("%s:", what);
    for (const Text& text : texts) {
        void* data = const_cast<char*>(text.text.c_str());
        CUresult result =
            cuLinkAddData(state, CU_JIT_INPUT_PTX, data, text.text.size() + 1, text.name, 0, nullptr, nullptr);
        if (result != CUDA_SUCCESS) printf(" %s %s,", text.name, name_of(result));
    }
    void *image = nullptr, *again = nullptr;
    size_t size = 0;
    CUresult result = cuLinkComplete(state, &image, &size);
    printf(" %s", name_of(result));
    if (named != nullptr) printf(", named %d", strstr(errors, named) != nullptr);
    printf(", errors %d", values[1] == (void*)strlen(errors) && (strlen(errors) > 0) == (named != nullptr));
    if (result == CUDA_SUCCESS) {
        printf(", again %s", name_of(cuLinkComplete(state, &again, &size)));
        float milliseconds;
        memcpy(&milliseconds, &values[4], sizeof milliseconds);
        printf(", %s, some time %d", size > 0 ? "an image" : "nothing", milliseconds > 0);
        CUmodule module;
        CUfunction kernel;
        CHECK(cuModuleLoadData(&module, image));
        CHECK(cuLinkDestroy(state));
        result = cuModuleGetFunction(&kernel, module, "k");
        if (result == CUDA_SUCCESS) {
            CUdeviceptr memory = to_device(std::vector<int>{-1});
            void* parameters[] = {&memory};
            CHECK(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, 0, parameters, nullptr));
            CHECK(cuCtxSynchronize());
            printf(", k gives %d", to_host<int>(memory, 1)[0]);
            CHECK(cuMemFree(memory));
        } else {
            printf(", no k");
        }
        for (const char* name : {"x", "common"}) {
            CUdeviceptr address;
            if (cuModuleGetGlobal(&address, &size, module, name) == CUDA_SUCCESS) printf(", %s has %zu bytes", name, size);
        }
        CHECK(cuModuleUnload(module));
    } else {
        CHECK(cuLinkDestroy(state));
    }
    printf("\n");
}

void compiled_by_nvrtc() {
    std::string one = compile(R"(
        extern __device__ int scale(int);
        extern __device__ int table[3];
        extern __constant__ float factor;
        static __device__ int own = 4;
        template <typename T> __device__ __noinline__ T twice(T x) { return x + x; }
        extern "C" __global__ void k(int* out) {
            *out = scale(table[1]) + own + twice(3) + (int)(factor * 2);
        })", {"-rdc=true"});
    std::string other = compile(R"(
        __device__ int table[3] = {10, 20, 30};
        __constant__ float factor = 1.5f;
        static __device__ int own = 5;
        template <typename T> __device__ __noinline__ T twice(T x) { return x + x; }
        __device__ int scale(int x) { return twice(x) * own; })", {"-rdc=true"});
    link("compiled by NVRTC", {{"one.ptx", one}, {"other.ptx", other}});
}

void through_a_library() {
    CUlinkState state;
    CHECK(cuLinkCreate(0, nullptr, nullptr, &state));
    for (const std::string& text : {std::string(user), function(".visible", 6), variable(".visible .global .u32 x = 1;")}) {
        CHECK(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void*)text.c_str(), text.size() + 1, "text", 0, nullptr, nullptr));
    }
    void* image;
    size_t size;
    CHECK(cuLinkComplete(state, &image, &size));
    // The image may be copied and used after the link is gone.
    std::vector<char> copy((char*)image, (char*)image + size);
    CHECK(cuLinkDestroy(state));
    CUlibrary library;
    CUkernel kernel;
    CHECK(cuLibraryLoadData(&library, copy.data(), nullptr, nullptr, 0, nullptr, nullptr, 0));
    CHECK(cuLibraryGetKernel(&kernel, library, "k"));
    CUdeviceptr memory = to_device(std::vector<int>{-1});
    void* parameters[] = {&memory};
    CHECK(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 1, 1, 1, 0, 0, parameters, nullptr));
    CHECK(cuCtxSynchronize());
    printf("through a library: k gives %d\n", to_host<int>(memory, 1)[0]);
    CHECK(cuLibraryUnload(library));
}

int main() {
    start();
    std::string x = variable(".visible .global .u32 x = 100;");
    link("two modules and a variable", {{"user.ptx", user}, {"f.ptx", function(".visible", 3)}, {"x.ptx", x}});
    link("no f", {{"user.ptx", user}, {"x.ptx", x}}, "f");
    link("f is private", {{"user.ptx", user}, {"f.ptx", function("", 3)}, {"x.ptx", x}}, "f");
    link("no x", {{"user.ptx", user}, {"f.ptx", function(".visible", 3)}}, "x");
    link("f twice", {{"user.ptx", user}, {"f.ptx", function(".visible", 3)}, {"g.ptx", function(".visible", 4)}}, "f");
    link("f weak and strong",
         {{"user.ptx", user}, {"f.ptx", function(".weak", 3)}, {"g.ptx", function(".visible", 4)}, {"x.ptx", x}});
    link("f weak twice",
         {{"user.ptx", user}, {"f.ptx", function(".weak", 3)}, {"g.ptx", function(".weak", 4)}, {"x.ptx", x}});
    link("x twice", {{"x.ptx", x}, {"y.ptx", x}}, "x");
    link("x common and strong", {{"user.ptx", user},
                                 {"f.ptx", function(".visible", 3)},
                                 {"x.ptx", variable(".common .global .u32 x;")},
                                 {"y.ptx", x}});
    link("common of two sizes", {{"a.ptx", variable(".common .global .align 4 .b8 common[8];")},
                                 {"b.ptx", variable(".common .global .align 4 .b8 common[16];")}});
    link("x of two sizes", {{"user.ptx", user}, {"x.ptx", variable(".visible .global .u64 x;")}}, "x");
    link("x in two spaces", {{"user.ptx", user}, {"x.ptx", variable(".visible .const .u32 x = 1;")}}, "x");
    link("a text that is wrong", {{"wrong.ptx", variable(".visible .entry k() { mov.u32 %r1 %r2; }")}, {"x.ptx", x}},
         "line 4");
    link("nothing", {});
    compiled_by_nvrtc();
    through_a_library();

    CUlinkState state;
    CHECK(cuLinkCreate(0, nullptr, nullptr, &state));
    const char* garbage = "garbage, and more of it, so that it is long enough for the header of whatever it is taken for";
    for (CUjitInputType kind : {CU_JIT_INPUT_PTX, CU_JIT_INPUT_CUBIN, CU_JIT_INPUT_FATBINARY, (CUjitInputType)77}) {
        printf("garbage as %d: %s\n", kind,
               name_of(cuLinkAddData(state, kind, (void*)garbage, strlen(garbage) + 1, "garbage", 0, nullptr, nullptr)));
    }
    printf("no such file: %s\n", name_of(cuLinkAddFile(state, CU_JIT_INPUT_PTX, "/nowhere", 0, nullptr, nullptr)));
    CHECK(cuLinkDestroy(state));
}

// RUN: nvcc -lcuda -lnvrtc
// EXPECT-EXIT: 0
// EXPECT: two modules and a variable: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, k gives 115, x has 4 bytes
// EXPECT: no f: CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: f is private: CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: no x: CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: f twice: g.ptx CUDA_ERROR_INVALID_SOURCE, CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: f weak and strong: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, k gives 120, x has 4 bytes
// EXPECT: f weak twice: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, k gives 115, x has 4 bytes
// EXPECT: x twice: y.ptx CUDA_ERROR_INVALID_SOURCE, CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: x common and strong: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, k gives 115, x has 4 bytes
// EXPECT: common of two sizes: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, no k, common has 16 bytes
// EXPECT: x of two sizes: x.ptx CUDA_ERROR_INVALID_SOURCE, CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: x in two spaces: x.ptx CUDA_ERROR_INVALID_SOURCE, CUDA_ERROR_INVALID_SOURCE, named 1, errors 1
// EXPECT: a text that is wrong: wrong.ptx CUDA_ERROR_INVALID_PTX, CUDA_SUCCESS, named 1, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, no k, x has 4 bytes
// EXPECT: nothing: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, no k
// EXPECT: compiled by NVRTC: CUDA_SUCCESS, errors 1, again CUDA_ERROR_INVALID_HANDLE, an image, some time 1, k gives 213
// EXPECT: through a library: k gives 31
// EXPECT: garbage as 1: CUDA_ERROR_INVALID_IMAGE
// EXPECT: garbage as 0: CUDA_ERROR_INVALID_IMAGE
// EXPECT: garbage as 2: CUDA_ERROR_INVALID_IMAGE
// EXPECT: garbage as 77: CUDA_ERROR_INVALID_VALUE
// EXPECT: no such file: CUDA_ERROR_FILE_NOT_FOUND
