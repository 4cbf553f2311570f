// PTX written by hand and handed to the driver as text: comments and layout as people write them, several entries,
// a function with a call, tables in memory, and texts with mistakes that must be refused.
#include "case.h"

const char* text = R"(
// A module as a person writes it.
.version 6.4
.target sm_60
.address_size 64

.visible .const .align 4 .u32 primes[4] = {2, 3, 5, 7};
.visible .global .align 8 .u64 visits = 0;
.global .align 1 .b8 greeting[6] = {104, 101, 108, 108, 111, 0};
.global .u64 where = greeting;

.func (.reg .u32 out) collatz (.reg .u32 n)
{
    .reg .pred %odd, %more;
    .reg .u32  %steps, %t;
    mov.u32     %steps, 0;
Again:
    setp.gt.u32 %more, n, 1;
@!%more bra     Done;
    and.b32     %t, n, 1;
    setp.eq.u32 %odd, %t, 1;
    @%odd mad.lo.u32 n, n, 3, 1;
    @!%odd shr.u32 n, n, 1;
    add.u32     %steps, %steps, 1;
    bra.uni     Again;
Done:
    mov.u32     out, %steps;
    ret;
}

.visible .entry count_steps (.param .u64 output, .param .u32 count)
{
    .reg .b64 %rd<4>; .reg .b32 %r<7>; .reg .pred %p;
    mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x;
    mad.lo.s32 %r3, %r0, %r1, %r2;
    ld.param.u32 %r4, [count];
    setp.ge.u32 %p, %r3, %r4;
    @%p exit;
    call (%r5), collatz, (%r3);
    ld.param.u64 %rd0, [output];
    mul.wide.u32 %rd1, %r3, 4;
    add.s64 %rd0, %rd0, %rd1;
    and.b32 %r6, %r3, 3;
    mul.wide.u32 %rd2, %r6, 4;
    /* the constant bank, by an address that is computed */
    mov.u64 %rd3, primes;
    add.u64 %rd2, %rd2, %rd3;
    ld.const.u32 %r6, [%rd2];
    add.u32 %r5, %r5, %r6;
    st.global.u32 [%rd0], %r5;
    red.global.add.u64 [visits], 1;
    ret;
}

.visible .entry spell (.param .u64 output)
{
    .reg .b64 %rd<3>; .reg .b16 %h; .reg .b32 %r<2>;
    ld.param.u64 %rd0, [output];
    ld.global.u64 %rd1, [where];
    cvta.global.u64 %rd1, %rd1;
    mov.u32 %r0, %tid.x;
    cvt.u64.u32 %rd2, %r0;
    add.u64 %rd1, %rd1, %rd2;
    add.u64 %rd0, %rd0, %rd2;
    ld.u8 %h, [%rd1];
    st.u8 [%rd0], %h;
    ret;
}
)";

unsigned collatz(unsigned n) {
    unsigned steps = 0;
    for (; n > 1; steps++) n = n & 1 ? 3 * n + 1 : n >> 1;
    return steps;
}

int main() {
    start();
    CUmodule module;
    CHECK(cuModuleLoadData(&module, text));
    CUfunction count_steps, spell;
    CHECK(cuModuleGetFunction(&count_steps, module, "count_steps"));
    CHECK(cuModuleGetFunction(&spell, module, "spell"));

    int count = 3000;
    CUdeviceptr output = to_device(std::vector<unsigned>(count, 0));
    void* arguments[] = {&output, &count};
    CHECK(cuLaunchKernel(count_steps, 24, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    std::vector<unsigned> steps = to_host<unsigned>(output, count);
    const unsigned primes[4] = {2, 3, 5, 7};
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += steps[i] != collatz(i) + primes[i & 3];
    printf("steps of 27: %u, mismatches %d\n", steps[27] - 7, wrong);
    CUdeviceptr visits;
    CHECK(cuModuleGetGlobal(&visits, nullptr, module, "visits"));
    printf("visits %llu\n", to_host<unsigned long long>(visits, 1)[0]);

    void* spell_arguments[] = {&output};
    CHECK(cuLaunchKernel(spell, 1, 1, 1, 6, 1, 1, 0, nullptr, spell_arguments, nullptr));
    printf("%s\n", to_host<char>(output, 6).data());
    CHECK(cuModuleUnload(module));

    char log[4096] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void* values[] = {log, reinterpret_cast<void*>(sizeof(log))};
    const char* broken =
        ".version 6.4\n.target sm_60\n.address_size 64\n.visible .entry k() {\n  add.u32 %missing, 1, 2;\n  ret;\n}\n";
    printf("undeclared register: %s\n", name_of(cuModuleLoadDataEx(&module, broken, 2, options, values)));
    printf("the log has text: %s\n", log[0] != '\0' ? "yes" : "no");
    const char* future = ".version 99.0\n.target sm_60\n.address_size 64\n.visible .entry k() {\n  ret;\n}\n";
    printf("a version of the future: %s\n", name_of(cuModuleLoadData(&module, future)));
    printf("not PTX at all: %s\n", name_of(cuModuleLoadData(&module, "just some text")));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: steps of 27: 111, mismatches 0
// EXPECT: visits 3000
// EXPECT: hello
// EXPECT: undeclared register: CUDA_ERROR_INVALID_PTX
// EXPECT: the log has text: yes
// EXPECT: a version of the future: CUDA_ERROR_UNSUPPORTED_PTX_VERSION
// EXPECT: not PTX at all: CUDA_ERROR_INVALID_IMAGE
