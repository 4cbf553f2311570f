// An error of a kernel stays with its context: what every later call answers. Each kind of error in a process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

const char* source =
    "extern \"C\" __global__ void illegal(int* p) { p[1ll << 40] = 1; }\n"
    "extern \"C\" __global__ void misaligned(char* p) { *(int*)(p + 1) = 1; }\n"
    "extern \"C\" __global__ void trap(int* p) { asm volatile(\"trap;\"); }\n"
    "extern \"C\" __global__ void fine(int* p) { *p = 3; }\n";

void later_calls(CUcontext context, CUmodule module, CUfunction fine, CUdeviceptr memory, CUstream stream, CUevent event) {
    int number = 0;
    size_t size = 0;
    CUdeviceptr more = 0;
    CUcontext current = nullptr;
    CUdevice device = 0;
    CUfunction function = nullptr;
    CUmodule another = nullptr;
    CUstream second = nullptr;
    CUevent later = nullptr;
    void* host = nullptr;
    void* arguments[] = {&memory};
    printf("  cuCtxSynchronize %s\n", name_of(cuCtxSynchronize()));
    printf("  cuStreamSynchronize %s\n", name_of(cuStreamSynchronize(stream)));
    printf("  cuStreamQuery %s\n", name_of(cuStreamQuery(nullptr)));
    printf("  cuEventSynchronize %s\n", name_of(cuEventSynchronize(event)));
    printf("  cuEventQuery %s\n", name_of(cuEventQuery(event)));
    printf("  cuEventRecord %s\n", name_of(cuEventRecord(event, stream)));
    printf("  cuLaunchKernel %s\n", name_of(cuLaunchKernel(fine, 1, 1, 1, 1, 1, 1, 0, stream, arguments, nullptr)));
    printf("  cuMemcpyDtoH %s\n", name_of(cuMemcpyDtoH(&number, memory, 4)));
    printf("  cuMemcpyHtoDAsync %s\n", name_of(cuMemcpyHtoDAsync(memory, &number, 4, stream)));
    printf("  cuMemsetD32 %s\n", name_of(cuMemsetD32(memory, 0, 1)));
    printf("  cuMemAlloc %s\n", name_of(cuMemAlloc(&more, 16)));
    printf("  cuMemHostAlloc %s\n", name_of(cuMemHostAlloc(&host, 16, 0)));
    printf("  cuMemGetInfo %s\n", name_of(cuMemGetInfo(&size, &size)));
    printf("  cuStreamCreate %s\n", name_of(cuStreamCreate(&second, 0)));
    printf("  cuEventCreate %s\n", name_of(cuEventCreate(&later, 0)));
    printf("  cuModuleLoadData %s\n", name_of(cuModuleLoadData(&another, compile(source).c_str())));
    printf("  cuModuleGetFunction %s\n", name_of(cuModuleGetFunction(&function, module, "fine")));
    printf("  cuFuncGetAttribute %s\n", name_of(cuFuncGetAttribute(&number, CU_FUNC_ATTRIBUTE_NUM_REGS, fine)));
    printf("  cuCtxGetCurrent %s\n", name_of(cuCtxGetCurrent(&current)));
    printf("  cuCtxGetDevice %s\n", name_of(cuCtxGetDevice(&device)));
    printf("  cuCtxSetCurrent %s\n", name_of(cuCtxSetCurrent(context)));
    printf("  cuDeviceGetCount %s\n", name_of(cuDeviceGetCount(&number)));
    printf("  cuMemFree %s\n", name_of(cuMemFree(memory)));
    printf("  cuModuleUnload %s\n", name_of(cuModuleUnload(module)));
    printf("  cuStreamDestroy %s\n", name_of(cuStreamDestroy(stream)));
    printf("  cuEventDestroy %s\n", name_of(cuEventDestroy(event)));
}

int fail(const char* kernel) {
    CUcontext context = start();
    CUmodule module;
    CUfunction failing, fine;
    CUstream stream;
    CUevent event;
    CHECK(cuModuleLoadData(&module, compile(source).c_str()));
    CHECK(cuModuleGetFunction(&failing, module, kernel));
    CHECK(cuModuleGetFunction(&fine, module, "fine"));
    CHECK(cuStreamCreate(&stream, 0));
    CHECK(cuEventCreate(&event, 0));
    CUdeviceptr memory = to_device(std::vector<int>(4));
    void* arguments[] = {&memory};
    CHECK(cuLaunchKernel(fine, 1, 1, 1, 1, 1, 1, 0, stream, arguments, nullptr));
    CHECK(cuStreamSynchronize(stream));
    CHECK(cuLaunchKernel(failing, 1, 1, 1, 1, 1, 1, 0, stream, arguments, nullptr));
    printf("%s\n  first %s\n", kernel, name_of(cuStreamSynchronize(stream)));
    later_calls(context, module, fine, memory, stream, event);
    return 4;
}

int main() {
    for (const char* kernel : {"illegal", "misaligned", "trap"}) {
        fflush(stdout);
        pid_t child = fork();
        // A kernel's error does not change how the process ends.
        if (child == 0) exit(fail(kernel));
        int status = 0;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 1;
        printf("  exit code %d\n", WEXITSTATUS(status));
    }
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: illegal
// EXPECT:   first CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuCtxSynchronize CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuStreamSynchronize CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuStreamQuery CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuEventSynchronize CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuEventQuery CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuEventRecord CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuLaunchKernel CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuMemcpyDtoH CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuMemcpyHtoDAsync CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuMemsetD32 CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuMemAlloc CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuMemHostAlloc CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuMemGetInfo CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuStreamCreate CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuEventCreate CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuModuleLoadData CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuModuleGetFunction CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuFuncGetAttribute CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuCtxGetCurrent CUDA_SUCCESS
// EXPECT:   cuCtxGetDevice CUDA_SUCCESS
// EXPECT:   cuCtxSetCurrent CUDA_SUCCESS
// EXPECT:   cuDeviceGetCount CUDA_SUCCESS
// EXPECT:   cuMemFree CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuModuleUnload CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuStreamDestroy CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   cuEventDestroy CUDA_ERROR_ILLEGAL_ADDRESS
// EXPECT:   exit code 4
// EXPECT: misaligned
// EXPECT:   first CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuCtxSynchronize CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuStreamSynchronize CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuStreamQuery CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuEventSynchronize CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuEventQuery CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuEventRecord CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuLaunchKernel CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuMemcpyDtoH CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuMemcpyHtoDAsync CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuMemsetD32 CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuMemAlloc CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuMemHostAlloc CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuMemGetInfo CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuStreamCreate CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuEventCreate CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuModuleLoadData CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuModuleGetFunction CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuFuncGetAttribute CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuCtxGetCurrent CUDA_SUCCESS
// EXPECT:   cuCtxGetDevice CUDA_SUCCESS
// EXPECT:   cuCtxSetCurrent CUDA_SUCCESS
// EXPECT:   cuDeviceGetCount CUDA_SUCCESS
// EXPECT:   cuMemFree CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuModuleUnload CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuStreamDestroy CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   cuEventDestroy CUDA_ERROR_MISALIGNED_ADDRESS
// EXPECT:   exit code 4
// EXPECT: trap
// EXPECT:   first CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuCtxSynchronize CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuStreamSynchronize CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuStreamQuery CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuEventSynchronize CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuEventQuery CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuEventRecord CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuLaunchKernel CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuMemcpyDtoH CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuMemcpyHtoDAsync CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuMemsetD32 CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuMemAlloc CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuMemHostAlloc CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuMemGetInfo CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuStreamCreate CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuEventCreate CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuModuleLoadData CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuModuleGetFunction CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuFuncGetAttribute CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuCtxGetCurrent CUDA_SUCCESS
// EXPECT:   cuCtxGetDevice CUDA_SUCCESS
// EXPECT:   cuCtxSetCurrent CUDA_SUCCESS
// EXPECT:   cuDeviceGetCount CUDA_SUCCESS
// EXPECT:   cuMemFree CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuModuleUnload CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuStreamDestroy CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   cuEventDestroy CUDA_ERROR_LAUNCH_FAILED
// EXPECT:   exit code 4
