// Virtual memory management: addresses are reserved, physical memory is made, mapped, moved to another address, and handed to another process
// as a file descriptor.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

const char* source =
    "extern \"C\" __global__ void fill(unsigned* p, unsigned count, unsigned seed) {\n"
    "    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)\n"
    "        p[i] = i * 2654435761u + seed;\n}\n";

void fill(CUdeviceptr memory, size_t bytes, unsigned seed) {
    static CUfunction function = nullptr;
    if (function == nullptr) {
        CUmodule module;
        CHECK(cuModuleLoadData(&module, compile(source).c_str()));
        CHECK(cuModuleGetFunction(&function, module, "fill"));
    }
    unsigned words = static_cast<unsigned>(bytes / 4);
    void* arguments[] = {&memory, &words, &seed};
    CHECK(cuLaunchKernel(function, 64, 1, 1, 256, 1, 1, 0, nullptr, arguments, nullptr));
    CHECK(cuCtxSynchronize());
}

int wrong(CUdeviceptr memory, size_t bytes, unsigned seed) {
    std::vector<unsigned> values = to_host<unsigned>(memory, bytes / 4);
    int found = 0;
    for (unsigned i = 0; i < values.size(); i++) found += values[i] != i * 2654435761u + seed;
    return found;
}

CUmemAllocationProp properties() {
    CUmemAllocationProp result = {};
    result.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    result.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    result.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    return result;
}

CUdeviceptr map(CUmemGenericAllocationHandle physical, size_t bytes, CUmemAccess_flags flags) {
    CUdeviceptr address;
    CHECK(cuMemAddressReserve(&address, bytes, 0, 0, 0));
    CHECK(cuMemMap(address, bytes, 0, physical, 0));
    CUmemAccessDesc access = {};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.flags = flags;
    CHECK(cuMemSetAccess(address, bytes, &access, 1));
    return address;
}

void send(int channel, int descriptor) {
    char control[CMSG_SPACE(sizeof(int))] = {}, byte = 'x';
    iovec data = {&byte, 1};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    if (sendmsg(channel, &message, 0) != 1) exit(2);
}

int receive(int channel) {
    char control[CMSG_SPACE(sizeof(int))], byte;
    iovec data = {&byte, 1};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(channel, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == nullptr) exit(2);
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
}

int other(int channel, size_t megabytes) {
    int descriptor = receive(channel);
    start();
    CUmemGenericAllocationHandle physical;
    void* handle = reinterpret_cast<void*>(static_cast<intptr_t>(descriptor));
    CHECK(cuMemImportFromShareableHandle(&physical, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
    size_t bytes = megabytes << 20;
    CUdeviceptr memory = map(physical, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    printf("the other process: %d words wrong\n", wrong(memory, bytes, 5));
    fill(memory, bytes, 6);
    fflush(stdout);
    return 0;
}

int main() {
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel) != 0) return 2;
    const size_t megabytes = 6;
    pid_t child = fork();
    if (child == 0) {
        // So that it does not wait when the parent has failed.
        close(channel[0]);
        _exit(other(channel[1], megabytes));
    }
    start();
    int supported = 0;
    CHECK(cuDeviceGetAttribute(&supported, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, 0));
    printf("supported: %d\n", supported);
    CUmemAllocationProp wanted = properties();
    size_t granularity = 0, bytes = megabytes << 20;
    CHECK(cuMemGetAllocationGranularity(&granularity, &wanted, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
    printf("granularity divides it: %s\n", bytes % granularity == 0 ? "yes" : "no");
    CUmemGenericAllocationHandle physical;
    CHECK(cuMemCreate(&physical, bytes, &wanted, 0));
    CUdeviceptr memory = map(physical, bytes, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
    fill(memory, bytes, 5);
    printf("this process: %d words wrong\n", wrong(memory, bytes, 5));

    // A second address for the same memory.
    CUdeviceptr second = map(physical, bytes, CU_MEM_ACCESS_FLAGS_PROT_READ);
    printf("at a second address: %d words wrong\n", wrong(second, bytes, 5));
    unsigned long long flags = 0;
    CUmemLocation location = {};
    location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    CHECK(cuMemGetAccess(&flags, &location, second));
    printf("which may be read: %s\n", flags == CU_MEM_ACCESS_FLAGS_PROT_READ ? "yes" : "no");
    CUmemGenericAllocationHandle again;
    CHECK(cuMemRetainAllocationHandle(&again, reinterpret_cast<void*>(second)));
    printf("the same allocation: %s\n", again == physical ? "yes" : "no");
    CHECK(cuMemRelease(again));
    printf("freed as other memory is %s\n", name_of(cuMemFree(memory)));
    printf("mapped twice at an address %s\n", name_of(cuMemMap(memory, bytes, 0, physical, 0)));
    printf("a size that is no multiple %s\n", name_of(cuMemCreate(&again, granularity + 1, &wanted, 0)));
    CHECK(cuMemUnmap(second, bytes));
    CHECK(cuMemAddressFree(second, bytes));

    int descriptor = -1;
    CHECK(cuMemExportToShareableHandle(&descriptor, physical, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    fflush(stdout);
    send(channel[0], descriptor);
    int status = 0;
    waitpid(child, &status, 0);
    printf("what the other wrote: %d words wrong, it ended with %d\n", wrong(memory, bytes, 6), WEXITSTATUS(status));
    CHECK(cuMemRelease(physical));
    printf("still mapped when it is released: %d words wrong\n", wrong(memory, bytes, 6));
    CHECK(cuMemUnmap(memory, bytes));
    CHECK(cuMemAddressFree(memory, bytes));
    printf("gone: %s\n", name_of(cuMemsetD32(memory, 0, 1)));
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: supported: 1
// EXPECT: granularity divides it: yes
// EXPECT: this process: 0 words wrong
// EXPECT: at a second address: 0 words wrong
// EXPECT: which may be read: yes
// EXPECT: the same allocation: yes
// EXPECT: freed as other memory is CUDA_ERROR_INVALID_VALUE
// EXPECT: mapped twice at an address CUDA_ERROR_INVALID_VALUE
// EXPECT: a size that is no multiple CUDA_ERROR_INVALID_VALUE
// EXPECT: the other process: 0 words wrong
// EXPECT: what the other wrote: 0 words wrong, it ended with 0
// EXPECT: still mapped when it is released: 0 words wrong
// EXPECT: gone: CUDA_ERROR_INVALID_VALUE
