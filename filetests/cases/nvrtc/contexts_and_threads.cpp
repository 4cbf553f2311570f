// Contexts of the driver API: created ones beside the primary one, the stack of current contexts, modules and memory
// that belong to a context, and threads with contexts of their own.
#include <thread>

#include "case.h"

const char* source =
    "extern \"C\" __device__ int state = 100;\n"
    "extern \"C\" __global__ void add(int value) { atomicAdd(&state, value); }\n";

std::string ptx;

int value_of(CUmodule module) {
    CUdeviceptr state;
    int value = 0;
    CHECK(cuModuleGetGlobal(&state, nullptr, module, "state"));
    CHECK(cuMemcpyDtoH(&value, state, sizeof(value)));
    return value;
}

void add(CUmodule module, int value, int threads) {
    CUfunction function;
    CHECK(cuModuleGetFunction(&function, module, "add"));
    void* arguments[] = {&value};
    CHECK(cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, nullptr, arguments, nullptr));
    CHECK(cuCtxSynchronize());
}

int main() {
    printf("before cuInit: %s\n", name_of(cuCtxSynchronize()));
    CHECK(cuInit(0));
    printf("without a context: %s\n", name_of(cuCtxSynchronize()));
    CUdevice device;
    CHECK(cuDeviceGet(&device, 0));
    ptx = compile(source);

    CUcontext first, second, primary, current;
    CHECK(cuCtxCreate(&first, nullptr, 0, device));
    CUmodule in_first, in_second;
    CHECK(cuModuleLoadData(&in_first, ptx.c_str()));
    CHECK(cuCtxCreate(&second, nullptr, CU_CTX_SCHED_BLOCKING_SYNC, device));
    CHECK(cuModuleLoadData(&in_second, ptx.c_str()));
    add(in_second, 1, 10);
    CHECK(cuCtxPopCurrent(&current));
    printf("popped the second: %s\n", current == second ? "yes" : "no");
    CHECK(cuCtxGetCurrent(&current));
    printf("the first is current: %s\n", current == first ? "yes" : "no");
    add(in_first, 5, 3);
    printf("first %d\n", value_of(in_first));
    CHECK(cuCtxPushCurrent(second));
    printf("second %d\n", value_of(in_second));
    unsigned flags = 0;
    CHECK(cuCtxGetFlags(&flags));
    printf("scheduling kept: %s\n", (flags & CU_CTX_SCHED_MASK) == CU_CTX_SCHED_BLOCKING_SYNC ? "yes" : "no");
    CHECK(cuCtxPopCurrent(nullptr));

    // Each thread has a stack of its own, and none to begin with.
    std::vector<int> results(4);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            CUcontext none;
            CHECK(cuCtxGetCurrent(&none));
            if (none != nullptr) return;
            CUcontext mine;
            CHECK(cuCtxCreate(&mine, nullptr, 0, device));
            CUmodule module;
            CHECK(cuModuleLoadData(&module, ptx.c_str()));
            for (int round = 0; round < 10; round++) add(module, t + 1, 32);
            results[t] = value_of(module);
            CHECK(cuCtxDestroy(mine));
        });
    for (std::thread& thread : threads) thread.join();
    for (int result : results) printf("thread: %d\n", result);

    CHECK(cuDevicePrimaryCtxRetain(&primary, device));
    CHECK(cuCtxSetCurrent(primary));
    int active = 0;
    CHECK(cuDevicePrimaryCtxGetState(device, &flags, &active));
    printf("primary context is active: %d\n", active);
    CUmodule module;
    CHECK(cuModuleLoadData(&module, ptx.c_str()));
    add(module, -1, 64);
    printf("primary %d\n", value_of(module));
    CHECK(cuDevicePrimaryCtxRelease(device));
    CHECK(cuDevicePrimaryCtxGetState(device, &flags, &active));
    printf("after its release: %d\n", active);

    CHECK(cuCtxSetCurrent(first));
    printf("first still has %d\n", value_of(in_first));
    CHECK(cuCtxDestroy(second));
    CHECK(cuCtxDestroy(first));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: before cuInit: CUDA_ERROR_NOT_INITIALIZED
// EXPECT: without a context: CUDA_ERROR_INVALID_CONTEXT
// EXPECT: popped the second: yes
// EXPECT: the first is current: yes
// EXPECT: first 115
// EXPECT: second 110
// EXPECT: scheduling kept: yes
// EXPECT: thread: 420
// EXPECT: thread: 740
// EXPECT: thread: 1060
// EXPECT: thread: 1380
// EXPECT: primary context is active: 1
// EXPECT: primary 36
// EXPECT: after its release: 0
// EXPECT: first still has 115
