// Ways for a process to end while it has a context, memory, and kernels under way: none is torn down by the program, and the exit code or
// signal is the program's own.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "case.h"

const char* source =
    "extern \"C\" __global__ void work(unsigned* p, int rounds) {\n"
    "    unsigned x = threadIdx.x;\n"
    "    for (int i = 0; i < rounds; i++) x = x * 1664525u + 1013904223u;\n"
    "    p[threadIdx.x] = x;\n}\n";

CUfunction work;
CUcontext context;
CUdeviceptr memory;

// A context with memory, and kernels that nobody waits for.
void begin() {
    context = start();
    CUmodule module;
    CHECK(cuModuleLoadData(&module, compile(source).c_str()));
    CHECK(cuModuleGetFunction(&work, module, "work"));
    CHECK(cuMemAlloc(&memory, 4096));
    int rounds = 1000000;
    void* arguments[] = {&memory, &rounds};
    for (int i = 0; i < 4; i++) CHECK(cuLaunchKernel(work, 1, 1, 1, 256, 1, 1, 0, nullptr, arguments, nullptr));
}

void launch_for_ever() {
    int rounds = 10;
    void* arguments[] = {&memory, &rounds};
    cuCtxSetCurrent(context);
    while (cuLaunchKernel(work, 1, 1, 1, 32, 1, 1, 0, CU_STREAM_PER_THREAD, arguments, nullptr) == CUDA_SUCCESS) {
    }
    // The driver has gone; the process goes as well.
    for (;;) pause();
}


int by_return() {
    begin();
    return 3;
}

int by_exit_in_a_thread() {
    begin();
    std::thread([] { exit(4); }).join();
    return 1;
}

int by_underscore_exit() {
    begin();
    _exit(5);
}

int by_quick_exit() {
    begin();
    quick_exit(6);
}

int by_abort() {
    begin();
    abort();
}

int by_kill() {
    begin();
    raise(SIGKILL);
    return 1;
}

int after_destroying() {
    CUdevice device;
    begin();
    CHECK(cuCtxGetDevice(&device));
    CHECK(cuDevicePrimaryCtxReset(device));
    return 7;
}

int with_threads_launching() {
    begin();
    for (int i = 0; i < 4; i++) std::thread(launch_for_ever).detach();
    usleep(20000);
    return 8;
}

int with_a_thread_waiting() {
    begin();
    std::thread([] {
        cuCtxSetCurrent(context);
        cuCtxSynchronize();
        for (;;) pause();
    }).detach();
    return 9;
}

int with_handlers() {
    atexit([] {
        CUresult result = cuMemFree(memory);
        printf("  handler from before cuInit: cuMemFree %s\n", name_of(result));
        printf("  cuCtxSynchronize %s\n", result == CUDA_SUCCESS ? "is not asked" : name_of(cuCtxSynchronize()));
    });
    begin();
    atexit([] {
        int value;
        printf("  handler from after cuInit: cuMemcpyDtoH %s\n", name_of(cuMemcpyDtoH(&value, memory, 4)));
    });
    return 10;
}

int main() {
    struct Way {
        const char* name;
        int (*way)();
    };
    const Way ways[] = {{"return", by_return},
                        {"exit in a thread", by_exit_in_a_thread},
                        {"_exit", by_underscore_exit},
                        {"quick_exit", by_quick_exit},
                        {"abort", by_abort},
                        {"SIGKILL", by_kill},
                        {"the context is reset", after_destroying},
                        {"threads are launching", with_threads_launching},
                        {"a thread is waiting", with_a_thread_waiting},
                        {"handlers at exit", with_handlers}};
    for (const Way& way : ways) {
        printf("%s\n", way.name);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) exit(way.way());
        int status = 0;
        if (waitpid(child, &status, 0) != child) return 1;
        if (WIFSIGNALED(status)) printf("  signal %d\n", WTERMSIG(status));
        else printf("  exit code %d\n", WEXITSTATUS(status));
    }
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: return
// EXPECT:   exit code 3
// EXPECT: exit in a thread
// EXPECT:   exit code 4
// EXPECT: _exit
// EXPECT:   exit code 5
// EXPECT: quick_exit
// EXPECT:   exit code 6
// EXPECT: abort
// EXPECT:   signal 6
// EXPECT: SIGKILL
// EXPECT:   signal 9
// EXPECT: the context is reset
// EXPECT:   exit code 7
// EXPECT: threads are launching
// EXPECT:   exit code 8
// EXPECT: a thread is waiting
// EXPECT:   exit code 9
// EXPECT: handlers at exit
// EXPECT:   handler from after cuInit: cuMemcpyDtoH CUDA_SUCCESS
// EXPECT:   handler from before cuInit: cuMemFree an error without a name
// EXPECT:   cuCtxSynchronize an error without a name
// EXPECT:   exit code 10
