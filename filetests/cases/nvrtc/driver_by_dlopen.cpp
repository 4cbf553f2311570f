// A program that is linked with no CUDA library: it loads the driver itself, closes it and loads it again. What it has in the driver outlives that, since
// somebody else may have the library open too.
#include <cuda.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

const char* ptx =
    ".version 6.4\n.target sm_75\n.address_size 64\n"
    ".visible .entry store(.param .u64 p, .param .u32 value) {\n"
    ".reg .u64 %a; .reg .u32 %v;\n"
    "ld.param.u64 %a, [p]; ld.param.u32 %v, [value]; st.global.u32 [%a], %v; ret; }\n";

void* open_driver() {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        printf("the driver cannot be loaded\n");
        exit(2);
    }
    return library;
}

template <typename Function>
Function* find(void* library, const char* name, Function*) {
    void* address = dlsym(library, name);
    if (address == nullptr) {
        printf("there is no %s\n", name);
        exit(2);
    }
    return reinterpret_cast<Function*>(address);
}

// The functions as cuda.h names them, some of them by macros for newer ones.
#define NAME_OF(function) NAME(function)
#define NAME(function) #function
#define FIND(library, function) find(library, NAME_OF(function), static_cast<decltype(&function)>(nullptr))
#define CALL(library, function, ...)                                          \
    do {                                                                      \
        CUresult result = FIND(library, function)(__VA_ARGS__);               \
        if (result != CUDA_SUCCESS) {                                         \
            printf("line %d: " NAME(function) ": error %d\n", __LINE__, result); \
            exit(2);                                                          \
        }                                                                     \
    } while (0)

void store(void* library, CUdeviceptr memory, unsigned value) {
    CUmodule module;
    CUfunction function;
    CALL(library, cuModuleLoadData, &module, ptx);
    CALL(library, cuModuleGetFunction, &function, module, "store");
    void* arguments[] = {&memory, &value};
    CALL(library, cuLaunchKernel, function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr);
    CALL(library, cuCtxSynchronize);
}

unsigned load(void* library, CUdeviceptr memory) {
    unsigned value = 0;
    CALL(library, cuMemcpyDtoH, &value, memory, sizeof value);
    return value;
}

int main() {
    // Loaded and closed before anything is asked of it.
    dlclose(open_driver());
    void* library = open_driver();
    CUdevice device;
    CUcontext context;
    CUdeviceptr memory;
    CALL(library, cuInit, 0);
    CALL(library, cuDeviceGet, &device, 0);
    CALL(library, cuDevicePrimaryCtxRetain, &context, device);
    CALL(library, cuCtxSetCurrent, context);
    CALL(library, cuMemAlloc, &memory, 64);
    store(library, memory, 11);
    printf("first: %u\n", load(library, memory));

    void* second = open_driver();
    printf("loaded twice, one library: %s\n", FIND(second, cuInit) == FIND(library, cuInit) ? "yes" : "no");
    dlclose(library);
    store(second, memory, 22);
    printf("one handle closed: %u\n", load(second, memory));
    CALL(second, cuDevicePrimaryCtxRelease, device);
    dlclose(second);

    void* third = open_driver();
    CALL(third, cuInit, 0);
    CALL(third, cuDeviceGet, &device, 0);
    CALL(third, cuDevicePrimaryCtxRetain, &context, device);
    CALL(third, cuCtxSetCurrent, context);
    CALL(third, cuMemAlloc, &memory, 64);
    store(third, memory, 33);
    printf("closed and loaded again: %u\n", load(third, memory));
    printf("no such function: %s\n", dlsym(third, "cuNothing") == nullptr ? "none" : "found");
    dlclose(third);
    return 0;
}

// RUN: nvcc -cudart none -ldl
// EXPECT-EXIT: 0
// EXPECT: first: 11
// EXPECT: loaded twice, one library: yes
// EXPECT: one handle closed: 22
// EXPECT: closed and loaded again: 33
// EXPECT: no such function: none
