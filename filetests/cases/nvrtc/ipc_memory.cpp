// Device memory and an event of one process, used by another: handles of the driver's inter-process communication, through a pipe.
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

const char* source =
    "extern \"C\" __global__ void add(int* values, int count, int summand) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < count) values[i] += summand;\n}\n";

const int count = 10000;

struct Message {
    CUipcMemHandle memory;
    CUipcEventHandle event;
};

void add(CUdeviceptr memory, int summand, CUstream stream) {
    static CUfunction function = nullptr;
    if (function == nullptr) {
        CUmodule module;
        CHECK(cuModuleLoadData(&module, compile(source).c_str()));
        CHECK(cuModuleGetFunction(&function, module, "add"));
    }
    int length = count;
    void* arguments[] = {&memory, &length, &summand};
    CHECK(cuLaunchKernel(function, (count + 255) / 256, 1, 1, 256, 1, 1, 0, stream, arguments, nullptr));
}

int other(const int* there, const int* back) {
    Message message;
    const int input = there[0], output = back[1];
    close(there[1]);
    if (read(input, &message, sizeof message) != sizeof message) return 2;
    start();
    CUdeviceptr memory;
    CUevent event;
    CUstream stream;
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuIpcOpenMemHandle(&memory, message.memory, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
    CHECK(cuIpcOpenEventHandle(&event, message.event));
    CHECK(cuStreamWaitEvent(stream, event, 0));
    add(memory, 1000, stream);
    CHECK(cuEventRecord(event, stream));
    CHECK(cuStreamSynchronize(stream));
    std::vector<int> values = to_host<int>(memory, count);
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += values[i] != i + 1001;
    printf("the other process: %d of %d values wrong\n", wrong, count);
    printf("freed by the other %s\n", name_of(cuMemFree(memory)));
    CHECK(cuIpcCloseMemHandle(memory));
    printf("closed twice %s\n", name_of(cuIpcCloseMemHandle(memory)));
    fflush(stdout);
    return write(output, "x", 1) == 1 ? 0 : 2;
}

int main() {
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) return 2;
    pid_t child = fork();
    if (child == 0) _exit(other(there, back));
    // So that neither waits for the other when that has failed.
    close(there[0]);
    close(back[1]);
    start();
    std::vector<int> values(count);
    for (int i = 0; i < count; i++) values[i] = i;
    CUdeviceptr memory = to_device(values);
    CUevent event;
    Message message;
    CHECK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS));
    CHECK(cuIpcGetMemHandle(&message.memory, memory));
    CHECK(cuIpcGetEventHandle(&message.event, event));
    CUevent plain;
    CHECK(cuEventCreate(&plain, CU_EVENT_DEFAULT));
    CUipcEventHandle unused;
    printf("an event that is not for other processes %s\n", name_of(cuIpcGetEventHandle(&unused, plain)));
    CUdeviceptr own;
    printf("opened by its own process %s\n", name_of(cuIpcOpenMemHandle(&own, message.memory, 1)));
    fflush(stdout);
    add(memory, 1, nullptr);
    CHECK(cuEventRecord(event, nullptr));
    if (write(there[1], &message, sizeof message) != sizeof message) return 2;
    char done;
    if (read(back[0], &done, 1) != 1) return 2;
    int status = 0;
    waitpid(child, &status, 0);
    values = to_host<int>(memory, count);
    int wrong = 0;
    for (int i = 0; i < count; i++) wrong += values[i] != i + 1001;
    printf("this process: %d of %d values wrong, the other ended with %d\n", wrong, count, WEXITSTATUS(status));
    CHECK(cuMemFree(memory));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: an event that is not for other processes CUDA_ERROR_INVALID_HANDLE
// EXPECT: opened by its own process CUDA_ERROR_INVALID_CONTEXT
// EXPECT: the other process: 0 of 10000 values wrong
// EXPECT: freed by the other CUDA_ERROR_INVALID_VALUE
// EXPECT: closed twice CUDA_ERROR_INVALID_VALUE
// EXPECT: this process: 0 of 10000 values wrong, the other ended with 0
