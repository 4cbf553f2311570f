// Which devices a process sees, by the forms of CUDA_VISIBLE_DEVICES, and that variables of NVIDIA's multi-process service which lead nowhere change
// nothing. Each in a process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

void look() {
    int count = -1;
    CUresult result = cuInit(0);
    printf("%s", name_of(result));
    CUresult counted = cuDeviceGetCount(&count);
    if (counted == CUDA_SUCCESS) printf(", %d", count);
    else printf(", %s", name_of(counted));
    CUdevice device;
    if (result == CUDA_SUCCESS && count > 0) {
        CHECK(cuDeviceGet(&device, 0));
        CUcontext context;
        CUdeviceptr memory;
        CHECK(cuDevicePrimaryCtxRetain(&context, device));
        CHECK(cuCtxSetCurrent(context));
        CHECK(cuMemAlloc(&memory, 64));
        CHECK(cuMemsetD32(memory, 77, 16));
        printf(", works: %d", to_host<int>(memory, 16)[15]);
    }
    printf("\n");
}

// The device's name for the variable: all of it, or its first characters.
std::string uuid(size_t length) {
    CUuuid bytes;
    CHECK(cuInit(0));
    CHECK(cuDeviceGetUuid(&bytes, 0));
    std::string text = "GPU-";
    for (int i = 0; i < 16; i++) {
        char digits[4];
        snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(bytes.bytes[i]));
        text += digits;
        if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
    }
    return text.substr(0, length);
}

// Runs this program anew with a variable; `shown` stands for values that are a machine's own.
void with(const char* program, const char* variable, const std::string& value, const char* shown) {
    printf("%s=%s: ", variable, shown ? shown : value.c_str());
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        unsetenv("CUDA_VISIBLE_DEVICES");
        setenv(variable, value.c_str(), 1);
        execl("/proc/self/exe", program, "look", nullptr);
        _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) printf("status %d\n", status);
}

int main(int count, char** words) {
    if (count > 1) {
        look();
        return 0;
    }
    // The name is asked for by a child: this process starts no driver, so that its children can.
    int channel[2];
    if (pipe(channel) != 0) return 2;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        std::string text = uuid(100);
        _exit(write(channel[1], text.c_str(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    char name[100] = {};
    if (read(channel[0], name, sizeof name - 1) <= 0) return 2;
    waitpid(child, nullptr, 0);
    const std::string whole = name;

    const char* variable = "CUDA_VISIBLE_DEVICES";
    for (const char* value : {"0", "", "-1", "0,-1,0", "-1,0", "99", "0,99", "99,0", "0,0", " 0", "00", "0x0", "none", "NoDevFiles", "GPU-", "MIG-0"})
        with(words[0], variable, value, nullptr);
    with(words[0], variable, whole, "the whole name");
    with(words[0], variable, whole.substr(0, 12), "its first characters");
    with(words[0], variable, whole + "0", "more than the name");
    with(words[0], variable, "GPU-00000000-0000-0000-0000-000000000000", nullptr);
    with(words[0], "CUDA_DEVICE_ORDER", "PCI_BUS_ID", nullptr);
    with(words[0], "CUDA_DEVICE_ORDER", "nothing known", nullptr);
    with(words[0], "CUDA_MPS_PIPE_DIRECTORY", "/nowhere/at/all", nullptr);
    with(words[0], "CUDA_MPS_LOG_DIRECTORY", "/nowhere/at/all", nullptr);
    with(words[0], "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "50", nullptr);
    with(words[0], "CUDA_LAUNCH_BLOCKING", "1", nullptr);
    with(words[0], "CUDA_MODULE_LOADING", "EAGER", nullptr);
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: CUDA_VISIBLE_DEVICES=0: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=-1: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=0,-1,0: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=-1,0: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=99: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=0,99: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=99,0: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=0,0: CUDA_ERROR_INVALID_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES= 0: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=00: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=0x0: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=none: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=NoDevFiles: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=GPU-: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=MIG-0: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_VISIBLE_DEVICES=the whole name: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=its first characters: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=more than the name: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_VISIBLE_DEVICES=GPU-00000000-0000-0000-0000-000000000000: CUDA_ERROR_NO_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_DEVICE_ORDER=PCI_BUS_ID: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_DEVICE_ORDER=nothing known: CUDA_ERROR_INVALID_DEVICE, CUDA_ERROR_NOT_INITIALIZED
// EXPECT: CUDA_MPS_PIPE_DIRECTORY=/nowhere/at/all: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_MPS_LOG_DIRECTORY=/nowhere/at/all: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=50: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_LAUNCH_BLOCKING=1: CUDA_SUCCESS, 1, works: 77
// EXPECT: CUDA_MODULE_LOADING=EAGER: CUDA_SUCCESS, 1, works: 77
