// What the cases share: error checks for the driver API and NVRTC, and compilation of a text to PTX.
#pragma once

#include <cuda.h>
#include <nvrtc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

inline const char* name_of(CUresult result) {
    const char* name = "an error without a name";
    cuGetErrorName(result, &name);
    return name;
}

// Ends the program with the failing call and its error, so that a wrong answer is never mistaken for a right one.
#define CHECK(call)                                                              \
    do {                                                                         \
        CUresult check_result = (call);                                          \
        if (check_result != CUDA_SUCCESS) {                                      \
            printf("line %d: %s: %s\n", __LINE__, #call, name_of(check_result)); \
            exit(2);                                                             \
        }                                                                        \
    } while (0)

#define CHECK_NVRTC(call)                                                                    \
    do {                                                                                     \
        nvrtcResult check_result = (call);                                                   \
        if (check_result != NVRTC_SUCCESS) {                                                 \
            printf("line %d: %s: %s\n", __LINE__, #call, nvrtcGetErrorString(check_result)); \
            exit(2);                                                                         \
        }                                                                                    \
    } while (0)

// A 32-bit mixing function (Wellons' lowbias32).
inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

inline std::string log_of(nvrtcProgram program) {
    size_t size = 0;
    CHECK_NVRTC(nvrtcGetProgramLogSize(program, &size));
    std::string log(size, '\0');
    CHECK_NVRTC(nvrtcGetProgramLog(program, &log[0]));
    return log;
}

inline std::string ptx_of(nvrtcProgram program) {
    size_t size = 0;
    CHECK_NVRTC(nvrtcGetPTXSize(program, &size));
    std::string ptx(size, '\0');
    CHECK_NVRTC(nvrtcGetPTX(program, &ptx[0]));
    return ptx;
}

// Compiles a text to PTX for the oldest architecture that the toolkit knows.
inline std::string compile(const char* source, std::vector<const char*> options = {}) {
    nvrtcProgram program;
    CHECK_NVRTC(nvrtcCreateProgram(&program, source, "case.cu", 0, nullptr, nullptr));
    options.push_back("--gpu-architecture=compute_75");
    nvrtcResult result = nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
    if (result != NVRTC_SUCCESS) {
        printf("%s\n%s\n", nvrtcGetErrorString(result), log_of(program).c_str());
        exit(2);
    }
    std::string ptx = ptx_of(program);
    CHECK_NVRTC(nvrtcDestroyProgram(&program));
    return ptx;
}

// Makes the primary context of the first device current.
inline CUcontext start() {
    CUdevice device;
    CUcontext context;
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    return context;
}

template <typename T>
CUdeviceptr to_device(const std::vector<T>& values) {
    CUdeviceptr memory = 0;
    CHECK(cuMemAlloc(&memory, values.size() * sizeof(T)));
    CHECK(cuMemcpyHtoD(memory, values.data(), values.size() * sizeof(T)));
    return memory;
}

template <typename T>
std::vector<T> to_host(CUdeviceptr memory, size_t count) {
    std::vector<T> values(count);
    CHECK(cuMemcpyDtoH(values.data(), memory, count * sizeof(T)));
    return values;
}
