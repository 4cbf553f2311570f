// Processes made by fork before and after the driver is started: a child of before has a driver of its own, a child of after has
// none, and a program that such a child starts has one again. The parent goes on as if nothing had been.
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

const char* source =
    "extern \"C\" __global__ void sum(int* total, int count) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < count) atomicAdd(total, i);\n}\n";

void compute(const char* who, int count) {
    CUmodule module;
    CUfunction sum;
    CHECK(cuModuleLoadData(&module, compile(source).c_str()));
    CHECK(cuModuleGetFunction(&sum, module, "sum"));
    CUdeviceptr total = to_device(std::vector<int>{0});
    void* arguments[] = {&total, &count};
    CHECK(cuLaunchKernel(sum, (count + 127) / 128, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    printf("%s: %d\n", who, to_host<int>(total, 1)[0]);
    CHECK(cuMemFree(total));
    CHECK(cuModuleUnload(module));
}

// Runs a part of the program in a child and prints how that ended.
template <typename Body>
void in_child(const char* who, Body body) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int code = body();
        fflush(stdout);
        _exit(code);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) exit(2);
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", who, WTERMSIG(status));
    else printf("%s: exit code %d\n", who, WEXITSTATUS(status));
}

int main(int count, char** words) {
    if (count > 1) {
        start();
        compute("started by a child", 40);
        return 9;
    }
    in_child("child of before", [] {
        start();
        compute("child of before", 1000);
        return 7;
    });
    CUcontext context = start();
    compute("parent", 100);
    in_child("child of after", [&] {
        int number;
        CUdeviceptr memory;
        CUcontext current = nullptr;
        printf("child: cuDeviceGetCount %s\n", name_of(cuDeviceGetCount(&number)));
        printf("child: cuMemAlloc %s\n", name_of(cuMemAlloc(&memory, 16)));
        printf("child: cuCtxGetCurrent %s\n", name_of(cuCtxGetCurrent(&current)));
        printf("child: cuCtxSetCurrent %s\n", name_of(cuCtxSetCurrent(context)));
        printf("child: cuCtxSynchronize %s\n", name_of(cuCtxSynchronize()));
        printf("child: cuInit %s\n", name_of(cuInit(0)));
        printf("child: cuDeviceGetCount %s\n", name_of(cuDeviceGetCount(&number)));
        return 8;
    });
    in_child("child that starts a program", [&] {
        execl("/proc/self/exe", words[0], "again", nullptr);
        return 1;
    });
    compute("parent again", 100);
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: child of before: 499500
// EXPECT: child of before: exit code 7
// EXPECT: parent: 4950
// EXPECT: child: cuDeviceGetCount CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child: cuMemAlloc CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child: cuCtxGetCurrent CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child: cuCtxSetCurrent CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child: cuCtxSynchronize CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child: cuInit CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child: cuDeviceGetCount CUDA_ERROR_NOT_INITIALIZED
// EXPECT: child of after: exit code 8
// EXPECT: started by a child: 780
// EXPECT: child that starts a program: exit code 9
// EXPECT: parent again: 4950
