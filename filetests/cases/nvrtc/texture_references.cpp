// References of a module: .texref and .surfref variables that the program binds images to, and a .samplerref variable that says how
// to sample. PTX by hand, since compilers write none of it any more.
#include "case.h"

const char* unified = R"(
.version 7.0
.target sm_60
.address_size 64
.global .texref image;
.global .surfref target;

// out[i] = image(x / 2, 1) for i = x
.visible .entry sample(.param .u64 out)
{
    .reg .b32 %r<4>; .reg .f32 %f<8>; .reg .b64 %rd<4>;
    mov.u32 %r0, %tid.x;
    cvt.rn.f32.u32 %f0, %r0;
    mul.f32 %f0, %f0, 0f3F000000;
    mov.f32 %f1, 0f3F800000;
    tex.2d.v4.f32.f32 {%f2, %f3, %f4, %f5}, [image, {%f0, %f1}];
    ld.param.u64 %rd0, [out];
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd0, %rd0, %rd1;
    st.global.f32 [%rd0], %f2;
    ret;
}

// The same, by the variable's address in a register.
.visible .entry sample_indirect(.param .u64 out)
{
    .reg .b32 %r<4>; .reg .f32 %f<8>; .reg .b64 %rd<4>;
    mov.u32 %r0, %tid.x;
    cvt.rn.f32.u32 %f0, %r0;
    mul.f32 %f0, %f0, 0f3F000000;
    mov.f32 %f1, 0f3F800000;
    mov.u64 %rd2, image;
    tex.2d.v4.f32.f32 {%f2, %f3, %f4, %f5}, [%rd2, {%f0, %f1}];
    ld.param.u64 %rd0, [out];
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd0, %rd0, %rd1;
    st.global.f32 [%rd0], %f2;
    ret;
}

.visible .entry fetch(.param .u64 out)
{
    .reg .b32 %r<8>; .reg .b64 %rd<4>;
    mov.u32 %r0, %tid.x;
    tex.1d.v4.s32.s32 {%r1, %r2, %r3, %r4}, [image, {%r0}];
    ld.param.u64 %rd0, [out];
    mul.wide.u32 %rd1, %r0, 4;
    add.u64 %rd0, %rd0, %rd1;
    st.global.u32 [%rd0], %r1;
    ret;
}

.visible .entry add_to_surface()
{
    .reg .b32 %r<6>;
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, %tid.y;
    shl.b32 %r2, %r0, 2;
    suld.b.2d.b32.trap {%r3}, [target, {%r2, %r1}];
    add.u32 %r3, %r3, 100;
    sust.b.2d.b32.trap [target, {%r2, %r1}], {%r3};
    ret;
}
)";

struct Module {
    CUmodule module;
    CUdeviceptr out;

    explicit Module(const char* text) {
        CHECK(cuModuleLoadData(&module, text));
        CHECK(cuMemAlloc(&out, 256));
    }

    std::vector<float> run(const char* name, int count) {
        CUfunction function;
        void* arguments[] = {&out};
        CHECK(cuModuleGetFunction(&function, module, name));
        CHECK(cuLaunchKernel(function, 1, 1, 1, count, 1, 1, 0, nullptr, arguments, nullptr));
        std::vector<float> values(count);
        CHECK(cuMemcpyDtoH(values.data(), out, count * 4));
        return values;
    }
};

void print(const char* name, const std::vector<float>& values) {
    printf("%s:", name);
    for (float value : values) printf(" %g", value);
    printf("\n");
}

int main() {
    start();
    Module module(unified);
    CUtexref reference, again;
    CHECK(cuModuleGetTexRef(&reference, module.module, "image"));
    CHECK(cuModuleGetTexRef(&again, module.module, "image"));
    printf("one reference: %s\n", reference == again ? "yes" : "no");
    printf("no such reference: %s\n", name_of(cuModuleGetTexRef(&again, module.module, "picture")));

    // 4 x 2 texels.
    const float texels[8] = {10, 20, 30, 40, 50, 60, 70, 80};
    CUDA_ARRAY_DESCRIPTOR described = {4, 2, CU_AD_FORMAT_FLOAT, 1};
    CUarray array, bound;
    CHECK(cuArrayCreate(&array, &described));
    CUDA_MEMCPY2D copy = {};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = texels;
    copy.srcPitch = copy.WidthInBytes = 16;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.dstArray = array;
    copy.Height = 2;
    CHECK(cuMemcpy2D(&copy));

    CHECK(cuTexRefSetArray(reference, array, CU_TRSA_OVERRIDE_FORMAT));
    for (int d = 0; d < 2; d++) CHECK(cuTexRefSetAddressMode(reference, d, CU_TR_ADDRESS_MODE_CLAMP));
    CHECK(cuTexRefSetFilterMode(reference, CU_TR_FILTER_MODE_POINT));
    print("nearest", module.run("sample", 9));
    CHECK(cuTexRefSetFilterMode(reference, CU_TR_FILTER_MODE_LINEAR));
    print("linear", module.run("sample", 9));
    print("by address", module.run("sample_indirect", 9));
    CHECK(cuTexRefSetFilterMode(reference, CU_TR_FILTER_MODE_POINT));
    CHECK(cuTexRefSetAddressMode(reference, 0, CU_TR_ADDRESS_MODE_BORDER));
    print("border", module.run("sample", 12));

    CUaddress_mode mode;
    CUfilter_mode filter;
    CHECK(cuTexRefGetAddressMode(&mode, reference, 0));
    CHECK(cuTexRefGetFilterMode(&filter, reference));
    CHECK(cuTexRefGetArray(&bound, reference));
    printf("read back: %d %d %s\n", mode, filter, bound == array ? "the array" : "another");

    // Linear memory of integers.
    int numbers[32];
    for (int i = 0; i < 32; i++) numbers[i] = i * i - 100;
    CUdeviceptr memory;
    size_t offset = 1;
    CHECK(cuMemAlloc(&memory, sizeof(numbers)));
    CHECK(cuMemcpyHtoD(memory, numbers, sizeof(numbers)));
    CHECK(cuTexRefSetFormat(reference, CU_AD_FORMAT_SIGNED_INT32, 1));
    CHECK(cuTexRefSetFlags(reference, CU_TRSF_READ_AS_INTEGER));
    CHECK(cuTexRefSetAddress(&offset, reference, memory, sizeof(numbers)));
    std::vector<float> fetched = module.run("fetch", 32);
    printf("fetched: %s, offset %d\n", memcmp(fetched.data(), numbers, sizeof(numbers)) ? "WRONG" : "ok", (int)offset);

    // A surface.
    CUDA_ARRAY3D_DESCRIPTOR surface_described = {8, 4, 0, CU_AD_FORMAT_SIGNED_INT32, 1, CUDA_ARRAY3D_SURFACE_LDST};
    CUarray surface_array;
    CUsurfref surface;
    CHECK(cuArray3DCreate(&surface_array, &surface_described));
    copy.srcHost = numbers;
    copy.srcPitch = copy.WidthInBytes = 32;
    copy.dstArray = surface_array;
    copy.Height = 4;
    CHECK(cuMemcpy2D(&copy));
    CHECK(cuModuleGetSurfRef(&surface, module.module, "target"));
    CHECK(cuSurfRefSetArray(surface, surface_array, 0));
    CUfunction function;
    CHECK(cuModuleGetFunction(&function, module.module, "add_to_surface"));
    CHECK(cuLaunchKernel(function, 1, 1, 1, 8, 4, 1, 0, nullptr, nullptr, nullptr));
    int results[32], wrong = 0;
    CUDA_MEMCPY2D home = {};
    home.srcMemoryType = CU_MEMORYTYPE_ARRAY;
    home.srcArray = surface_array;
    home.dstMemoryType = CU_MEMORYTYPE_HOST;
    home.dstHost = results;
    home.dstPitch = home.WidthInBytes = 32;
    home.Height = 4;
    CHECK(cuMemcpy2D(&home));
    for (int i = 0; i < 32; i++) wrong += results[i] != i * i;
    printf("surface: mismatches %d\n", wrong);
    CHECK(cuModuleUnload(module.module));
    CHECK(cuArrayDestroy(array));
    CHECK(cuArrayDestroy(surface_array));
    return 0;
}

// RUN: nvcc -Xcompiler=-Wno-deprecated-declarations -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: one reference: yes
// EXPECT: no such reference: CUDA_ERROR_NOT_FOUND
// EXPECT: nearest: 50 50 60 60 70 70 80 80 80
// EXPECT: linear: 30 30 35 40 45 50 55 60 60
// EXPECT: by address: 30 30 35 40 45 50 55 60 60
// EXPECT: border: 50 50 60 60 70 70 80 80 0 0 0 0
// EXPECT: read back: 3 0 the array
// EXPECT: fetched: ok, offset 0
// EXPECT: surface: mismatches 0
