// Instructions on textures and surfaces that CUDA C++ has no functions for: sizes, offsets in texels, halves, whether texels are
// there, reductions of surfaces.
#include "case.h"

const char* text = R"(
.version 7.1
.target sm_60
.address_size 64

.visible .entry sizes(.param .u64 texture, .param .u64 surface, .param .u64 out)
{
    .reg .b32 %r<4>; .reg .b64 %rd<4>;
    ld.param.u64 %rd0, [texture];
    ld.param.u64 %rd1, [surface];
    ld.param.u64 %rd2, [out];
    txq.width.b32 %r0, [%rd0];
    txq.height.b32 %r1, [%rd0];
    suq.width.b32 %r2, [%rd1];
    suq.height.b32 %r3, [%rd1];
    st.global.v4.u32 [%rd2], {%r0, %r1, %r2, %r3};
    ret;
}

// Eight texels: of each the one that is two to the right and one further down.
.visible .entry shifted(.param .u64 texture, .param .u64 out)
{
    .reg .b32 %r<4>; .reg .f32 %f<8>; .reg .b64 %rd<4>;
    mov.u32 %r0, %tid.x;
    cvt.rn.f32.u32 %f0, %r0;
    add.f32 %f0, %f0, 0f3F000000;
    mov.f32 %f1, 0f3F000000;
    mov.u32 %r1, 2;
    mov.u32 %r2, 1;
    ld.param.u64 %rd0, [texture];
    tex.2d.v4.f32.f32 {%f2, %f3, %f4, %f5}, [%rd0, {%f0, %f1}], {%r1, %r2};
    ld.param.u64 %rd1, [out];
    mul.wide.u32 %rd2, %r0, 4;
    add.u64 %rd1, %rd1, %rd2;
    st.global.f32 [%rd1], %f2;
    ret;
}

.visible .entry halves(.param .u64 texture, .param .u64 out)
{
    .reg .b16 %h<4>; .reg .b32 %r<4>; .reg .f32 %f<8>; .reg .b64 %rd<4>; .reg .pred %p<2>;
    mov.u32 %r0, %tid.x;
    cvt.rn.f32.u32 %f0, %r0;
    add.f32 %f0, %f0, 0f3F000000;
    mov.f32 %f1, 0f3FC00000;
    ld.param.u64 %rd0, [texture];
    tex.2d.v4.f16.f32 {%h0, %h1, %h2, %h3}|%p0, [%rd0, {%f0, %f1}];
    cvt.f32.f16 %f2, %h0;
    @!%p0 mov.f32 %f2, 0fBF800000;
    ld.param.u64 %rd1, [out];
    mul.wide.u32 %rd2, %r0, 4;
    add.u64 %rd1, %rd1, %rd2;
    st.global.f32 [%rd1], %f2;
    ret;
}

// Texels by integer coordinates.
.visible .entry by_integers(.param .u64 texture, .param .u64 out)
{
    .reg .b32 %r<4>; .reg .f32 %f<8>; .reg .b64 %rd<4>;
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, 3;
    ld.param.u64 %rd0, [texture];
    tex.2d.v4.f32.s32 {%f2, %f3, %f4, %f5}, [%rd0, {%r0, %r1}];
    ld.param.u64 %rd1, [out];
    mul.wide.u32 %rd2, %r0, 4;
    add.u64 %rd1, %rd1, %rd2;
    st.global.f32 [%rd1], %f2;
    ret;
}

// Every thread adds its number to one of four numbers, and leaves the largest in row 1.
.visible .entry reduce(.param .u64 surface)
{
    .reg .b32 %r<8>; .reg .b64 %rd<2>;
    mov.u32 %r0, %tid.x;
    mov.u32 %r1, %ctaid.x;
    mov.u32 %r2, %ntid.x;
    mad.lo.u32 %r3, %r1, %r2, %r0;
    and.b32 %r4, %r0, 3;
    shl.b32 %r4, %r4, 2;
    mov.u32 %r5, 0;
    mov.u32 %r6, 1;
    ld.param.u64 %rd0, [surface];
    sured.b.add.2d.u32.trap [%rd0, {%r4, %r5}], %r3;
    sured.b.max.2d.u32.trap [%rd0, {%r4, %r6}], %r3;
    ret;
}
)";

struct Function {
    CUfunction function;

    Function(CUmodule module, const char* name) { CHECK(cuModuleGetFunction(&function, module, name)); }

    void operator()(std::vector<void*> arguments, int blocks, int threads) {
        CHECK(cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, nullptr, arguments.data(), nullptr));
        CHECK(cuCtxSynchronize());
    }
};

template <typename T>
void print(const char* name, const std::vector<T>& values) {
    printf("%s:", name);
    for (T value : values) printf(" %g", (double)value);
    printf("\n");
}

CUarray array_of(CUarray_format format, int width, int height, unsigned flags, const void* texels) {
    CUDA_ARRAY3D_DESCRIPTOR described = {};
    described.Width = width;
    described.Height = height;
    described.Format = format;
    described.NumChannels = 1;
    described.Flags = flags;
    CUarray array;
    CHECK(cuArray3DCreate(&array, &described));
    CUDA_MEMCPY2D copy = {};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = texels;
    copy.srcPitch = copy.WidthInBytes = width * 4;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.dstArray = array;
    copy.Height = height;
    CHECK(cuMemcpy2D(&copy));
    return array;
}

int main() {
    start();
    CUmodule module;
    CHECK(cuModuleLoadData(&module, text));
    std::vector<float> texels(12 * 5);
    for (int i = 0; i < 60; i++) texels[i] = 100 * (i / 12) + i % 12;
    std::vector<unsigned> numbers(8 * 2, 0);
    CUarray image = array_of(CU_AD_FORMAT_FLOAT, 12, 5, 0, texels.data());
    CUarray sums = array_of(CU_AD_FORMAT_UNSIGNED_INT32, 8, 2, CUDA_ARRAY3D_SURFACE_LDST, numbers.data());

    CUDA_RESOURCE_DESC resource = {};
    CUDA_TEXTURE_DESC description = {};
    resource.resType = CU_RESOURCE_TYPE_ARRAY;
    resource.res.array.hArray = image;
    for (auto& mode : description.addressMode) mode = CU_TR_ADDRESS_MODE_CLAMP;
    CUtexObject texture;
    CUsurfObject surface;
    CHECK(cuTexObjectCreate(&texture, &resource, &description, nullptr));
    resource.res.array.hArray = sums;
    CHECK(cuSurfObjectCreate(&surface, &resource));

    CUdeviceptr out = to_device(std::vector<float>(16));
    Function(module, "sizes")({&texture, &surface, &out}, 1, 1);
    print("sizes", to_host<unsigned>(out, 4));
    Function(module, "shifted")({&texture, &out}, 1, 12);
    print("shifted", to_host<float>(out, 12));
    Function(module, "halves")({&texture, &out}, 1, 12);
    print("halves", to_host<float>(out, 12));
    Function(module, "by_integers")({&texture, &out}, 1, 12);
    print("by integers", to_host<float>(out, 12));
    Function(module, "reduce")({&surface}, 50, 128);
    CUDA_MEMCPY2D copy = {};
    copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.srcArray = sums;
    copy.dstMemoryType = CU_MEMORYTYPE_HOST;
    copy.dstHost = numbers.data();
    copy.dstPitch = copy.WidthInBytes = 32;
    copy.Height = 2;
    CHECK(cuMemcpy2D(&copy));
    print("reduced", numbers);

    CUDA_RESOURCE_DESC found = {};
    CHECK(cuSurfObjectGetResourceDesc(&found, surface));
    printf("the surface's array: %s\n", found.res.array.hArray == sums ? "found" : "another");
    CHECK(cuTexObjectDestroy(texture));
    CHECK(cuSurfObjectDestroy(surface));
    CHECK(cuArrayDestroy(image));
    CHECK(cuArrayDestroy(sums));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: sizes: 12 5 8 2
// EXPECT: shifted: 102 103 104 105 106 107 108 109 110 111 111 111
// EXPECT: halves: 100 101 102 103 104 105 106 107 108 109 110 111
// EXPECT: by integers: 300 301 302 303 304 305 306 307 308 309 310 311
// EXPECT: reduced: 5.1168e+06 5.1184e+06 5.12e+06 5.1216e+06 0 0 0 0 6396 6397 6398 6399 0 0 0 0
// EXPECT: the surface's array: found
