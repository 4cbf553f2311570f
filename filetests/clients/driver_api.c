// A C program on the driver API alone: compiles with NVRTC, loads PTX by module and by library, launches with both
// forms of arguments, and goes through contexts, memory, streams, events and errors.
#include <cuda.h>
#include <nvrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(CUresult result, const char* what, int line) {
    if (result == CUDA_SUCCESS) return;
    const char* name = "?";
    cuGetErrorName(result, &name);
    printf("line %d: %s: %s\n", line, what, name);
    exit(1);
}
#define CHECK(call) check(call, #call, __LINE__)
#define CHECK_NVRTC(call)                                                              \
    do {                                                                               \
        nvrtcResult result = (call);                                                   \
        if (result != NVRTC_SUCCESS) {                                                 \
            printf("line %d: %s: %s\n", __LINE__, #call, nvrtcGetErrorString(result)); \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

static const char* const source =
    "extern \"C\" __device__ int calls = 0;\n"
    "extern \"C\" __constant__ int offsets[4];\n"
    "extern \"C\" __global__ void saxpy(float a, const float* x, float* y, int count) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < count) y[i] = a * x[i] + y[i] + offsets[i % 4];\n"
    "    if (i == 0) atomicAdd(&calls, 1);\n"
    "}\n"
    "extern \"C\" __global__ void reverse(int* values, int count) {\n"
    "    extern __shared__ int staged[];\n"
    "    staged[threadIdx.x] = values[threadIdx.x];\n"
    "    __syncthreads();\n"
    "    values[threadIdx.x] = staged[count - 1 - threadIdx.x];\n"
    "}\n";

static char* compile(void) {
    nvrtcProgram program;
    const char* options[] = {"--gpu-architecture=compute_75", "--fmad=false"};
    size_t size;
    CHECK_NVRTC(nvrtcCreateProgram(&program, source, "kernels.cu", 0, NULL, NULL));
    if (nvrtcCompileProgram(program, 2, options) != NVRTC_SUCCESS) {
        CHECK_NVRTC(nvrtcGetProgramLogSize(program, &size));
        char* log = malloc(size);
        CHECK_NVRTC(nvrtcGetProgramLog(program, log));
        printf("%s\n", log);
        exit(1);
    }
    CHECK_NVRTC(nvrtcGetPTXSize(program, &size));
    char* ptx = malloc(size);
    CHECK_NVRTC(nvrtcGetPTX(program, ptx));
    CHECK_NVRTC(nvrtcDestroyProgram(&program));
    return ptx;
}

static void saxpy(CUmodule module, CUstream stream) {
    enum { count = 10000 };
    static float x[count], y[count], expected[count];
    int offsets[4] = {10, 20, 30, 40};
    for (int i = 0; i < count; i++) {
        x[i] = (float)(i % 100);
        y[i] = (float)(i % 7);
        expected[i] = 3 * x[i] + y[i] + (float)offsets[i % 4];
    }
    CUdeviceptr x_device, y_device, global;
    size_t size;
    CUfunction function;
    CHECK(cuModuleGetFunction(&function, module, "saxpy"));
    CHECK(cuModuleGetGlobal(&global, &size, module, "offsets"));
    printf("offsets has %zu bytes\n", size);
    CHECK(cuMemcpyHtoD(global, offsets, sizeof offsets));
    CHECK(cuMemAlloc(&x_device, sizeof x));
    CHECK(cuMemAlloc(&y_device, sizeof y));
    CHECK(cuMemcpyHtoDAsync(x_device, x, sizeof x, stream));
    CHECK(cuMemcpyHtoDAsync(y_device, y, sizeof y, stream));
    float a = 3;
    int length = count;
    void* arguments[] = {&a, &x_device, &y_device, &length};
    CHECK(cuLaunchKernel(function, (count + 127) / 128, 1, 1, 128, 1, 1, 0, stream, arguments, NULL));
    CHECK(cuMemcpyDtoHAsync(y, y_device, sizeof y, stream));
    CHECK(cuStreamSynchronize(stream));
    printf("saxpy: %s\n", memcmp(y, expected, sizeof y) == 0 ? "ok" : "WRONG");
    CHECK(cuMemFree(x_device));
    CHECK(cuMemFree(y_device));
    printf("freed twice: %d\n", cuMemFree(y_device));
}

static void reverse(CUlibrary library) {
    CUkernel kernel;
    CUfunction function;
    CUdeviceptr memory;
    enum { count = 100 };
    int values[count];
    for (int i = 0; i < count; i++) values[i] = i * i;
    CHECK(cuLibraryGetKernel(&kernel, library, "reverse"));
    CHECK(cuKernelGetFunction(&function, kernel));
    CHECK(cuMemAlloc(&memory, sizeof values));
    CHECK(cuMemcpyHtoD(memory, values, sizeof values));
    // Arguments as one buffer.
    struct {
        CUdeviceptr values;
        int count;
    } buffer = {memory, count};
    size_t size = 12;
    void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END};
    CHECK(cuLaunchKernel(function, 1, 1, 1, count, 1, 1, sizeof values, NULL, NULL, extra));
    CHECK(cuMemcpyDtoH(values, memory, sizeof values));
    printf("reversed: %d %d\n", values[0], values[count - 1]);
    CHECK(cuMemFree(memory));
}

int main(void) {
    int devices = 0, value = 0;
    CUdevice device;
    CUcontext context, current;
    CUmodule module;
    CUlibrary library;
    CUfunction function;
    CUstream stream;
    CUevent start, stop;
    float time_ms = -1;
    printf("before cuInit: %d\n", cuDeviceGetCount(&devices));
    CHECK(cuInit(0));
    CHECK(cuDeviceGetCount(&devices));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    CHECK(cuCtxGetCurrent(&current));
    printf("devices: %s, context is current: %s\n", devices > 0 ? "some" : "none", current == context ? "yes" : "no");

    char* ptx = compile();
    CHECK(cuModuleLoadData(&module, ptx));
    CHECK(cuLibraryLoadData(&library, ptx, NULL, NULL, 0, NULL, NULL, 0));
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuEventCreate(&start, CU_EVENT_DEFAULT));
    CHECK(cuEventCreate(&stop, CU_EVENT_DEFAULT));
    CHECK(cuEventRecord(start, stream));
    saxpy(module, stream);
    reverse(library);
    CHECK(cuEventRecord(stop, stream));
    CHECK(cuEventSynchronize(stop));
    CHECK(cuEventElapsedTime(&time_ms, start, stop));
    printf("time has passed: %s\n", time_ms > 0 ? "yes" : "no");

    CUdeviceptr calls;
    CHECK(cuModuleGetGlobal(&calls, NULL, module, "calls"));
    CHECK(cuMemcpyDtoH(&value, calls, sizeof value));
    printf("calls: %d\n", value);
    printf("no such function: %d\n", cuModuleGetFunction(&function, module, "missing"));
    printf("broken PTX: %d\n", cuModuleLoadData(&module, ".version 7.5\n.target sm_75\n.address_size 64\nnonsense"));
    CHECK(cuModuleGetFunction(&function, module, "saxpy"));
    CHECK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function));
    printf("threads per block: %d\n", value);

    CHECK(cuModuleUnload(module));
    CHECK(cuLibraryUnload(library));
    CHECK(cuEventDestroy(start));
    CHECK(cuEventDestroy(stop));
    CHECK(cuStreamDestroy(stream));
    CHECK(cuDevicePrimaryCtxRelease(device));
    free(ptx);
    printf("done\n");
    return 0;
}

// EXPECT: before cuInit: 3
// EXPECT: devices: some, context is current: yes
// EXPECT: offsets has 16 bytes
// EXPECT: saxpy: ok
// EXPECT: freed twice: 1
// EXPECT: reversed: 9801 0
// EXPECT: time has passed: yes
// EXPECT: calls: 1
// EXPECT: no such function: 500
// EXPECT: broken PTX: 218
// EXPECT: threads per block: 1024
// EXPECT: done
