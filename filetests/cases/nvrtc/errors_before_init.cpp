// What calls answer before cuInit, and after it without a context.
#include "case.h"

void answers(const char* when) {
    int number = -1;
    size_t size = 0;
    CUdevice device = 0;
    CUcontext context = nullptr;
    CUstream stream = nullptr;
    CUevent event = nullptr;
    CUmodule module = nullptr;
    CUdeviceptr memory = 0;
    void* host = nullptr;
    void* address = nullptr;
    printf("%s\n", when);
    printf("  cuDriverGetVersion %s\n", name_of(cuDriverGetVersion(&number)));
    printf("  cuDeviceGetCount %s\n", name_of(cuDeviceGetCount(&number)));
    printf("  cuDeviceGet %s\n", name_of(cuDeviceGet(&device, 0)));
    printf("  cuDeviceGet of device 1000 %s\n", name_of(cuDeviceGet(&device, 1000)));
    printf("  cuDeviceGetAttribute %s\n",
           name_of(cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 0)));
    printf("  cuCtxGetCurrent %s\n", name_of(cuCtxGetCurrent(&context)));
    printf("  cuCtxGetDevice %s\n", name_of(cuCtxGetDevice(&device)));
    printf("  cuCtxSynchronize %s\n", name_of(cuCtxSynchronize()));
    printf("  cuCtxSetCurrent to none %s\n", name_of(cuCtxSetCurrent(nullptr)));
    printf("  cuMemAlloc %s\n", name_of(cuMemAlloc(&memory, 16)));
    printf("  cuMemAlloc of nothing %s\n", name_of(cuMemAlloc(&memory, 0)));
    printf("  cuMemFree of nothing %s\n", name_of(cuMemFree(0)));
    printf("  cuMemHostAlloc %s\n", name_of(cuMemHostAlloc(&host, 16, 0)));
    printf("  cuMemGetInfo %s\n", name_of(cuMemGetInfo(&size, &size)));
    printf("  cuMemcpyDtoH %s\n", name_of(cuMemcpyDtoH(&number, 16, 4)));
    printf("  cuStreamCreate %s\n", name_of(cuStreamCreate(&stream, 0)));
    printf("  cuStreamSynchronize %s\n", name_of(cuStreamSynchronize(nullptr)));
    printf("  cuEventCreate %s\n", name_of(cuEventCreate(&event, 0)));
    printf("  cuModuleLoadData %s\n", name_of(cuModuleLoadData(&module, "no module")));
    printf("  cuLaunchKernel %s\n",
           name_of(cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr)));
    CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SUCCESS;
    printf("  cuGetProcAddress %s\n", name_of(cuGetProcAddress("cuMemAlloc", &address, 12000, 0, &found)));
    printf("  cuGetProcAddress of no function %s", name_of(cuGetProcAddress("cuNothing", &address, 12000, 0, &found)));
    printf(", %d\n", found);
}

int main() {
    answers("before cuInit");
    printf("cuInit with flags %s\n", name_of(cuInit(1)));
    printf("cuInit %s\n", name_of(cuInit(0)));
    printf("cuInit again %s\n", name_of(cuInit(0)));
    answers("without a context");
    const char* text = nullptr;
    printf("the name of error 12345: %s\n", name_of(cuGetErrorName(static_cast<CUresult>(12345), &text)));
    CHECK(cuGetErrorString(CUDA_ERROR_INVALID_CONTEXT, &text));
    printf("%s\n", text);
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: before cuInit
// EXPECT:   cuDriverGetVersion CUDA_SUCCESS
// EXPECT:   cuDeviceGetCount CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuDeviceGet CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuDeviceGet of device 1000 CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuDeviceGetAttribute CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuCtxGetCurrent CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuCtxGetDevice CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuCtxSynchronize CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuCtxSetCurrent to none CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuMemAlloc CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuMemAlloc of nothing CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuMemFree of nothing CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuMemHostAlloc CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuMemGetInfo CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuMemcpyDtoH CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuStreamCreate CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuStreamSynchronize CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuEventCreate CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuModuleLoadData CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuLaunchKernel CUDA_ERROR_NOT_INITIALIZED
// EXPECT:   cuGetProcAddress CUDA_SUCCESS
// EXPECT:   cuGetProcAddress of no function CUDA_SUCCESS, 1
// EXPECT: cuInit with flags CUDA_ERROR_INVALID_VALUE
// EXPECT: cuInit CUDA_SUCCESS
// EXPECT: cuInit again CUDA_SUCCESS
// EXPECT: without a context
// EXPECT:   cuDriverGetVersion CUDA_SUCCESS
// EXPECT:   cuDeviceGetCount CUDA_SUCCESS
// EXPECT:   cuDeviceGet CUDA_SUCCESS
// EXPECT:   cuDeviceGet of device 1000 CUDA_ERROR_INVALID_DEVICE
// EXPECT:   cuDeviceGetAttribute CUDA_SUCCESS
// EXPECT:   cuCtxGetCurrent CUDA_SUCCESS
// EXPECT:   cuCtxGetDevice CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuCtxSynchronize CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuCtxSetCurrent to none CUDA_SUCCESS
// EXPECT:   cuMemAlloc CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuMemAlloc of nothing CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuMemFree of nothing CUDA_SUCCESS
// EXPECT:   cuMemHostAlloc CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuMemGetInfo CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuMemcpyDtoH CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuStreamCreate CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuStreamSynchronize CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuEventCreate CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuModuleLoadData CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuLaunchKernel CUDA_ERROR_INVALID_CONTEXT
// EXPECT:   cuGetProcAddress CUDA_SUCCESS
// EXPECT:   cuGetProcAddress of no function CUDA_SUCCESS, 1
// EXPECT: the name of error 12345: CUDA_ERROR_INVALID_VALUE
// EXPECT: invalid device context
