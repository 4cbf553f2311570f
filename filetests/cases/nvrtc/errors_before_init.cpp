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
