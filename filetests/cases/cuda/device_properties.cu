// What every CUDA device of today states about itself, and that attributes, properties and limits agree.
#include "case.h"

int attribute(cudaDeviceAttr which) {
    int value = -1;
    CHECK(cudaDeviceGetAttribute(&value, which, 0));
    return value;
}

int main() {
    int count = 0, current = -1, driver = 0, runtime = 0;
    CHECK(cudaGetDeviceCount(&count));
    CHECK(cudaGetDevice(&current));
    CHECK(cudaDriverGetVersion(&driver));
    CHECK(cudaRuntimeGetVersion(&runtime));
    printf("a device: %s, current %d, driver supports the runtime: %s\n", count >= 1 ? "yes" : "no", current,
           driver / 1000 >= runtime / 1000 ? "yes" : "no");

    cudaDeviceProp p;
    CHECK(cudaGetDeviceProperties(&p, 0));
    printf("warp %d, threads per block %d, block %d x %d x %d\n", p.warpSize, p.maxThreadsPerBlock, p.maxThreadsDim[0],
           p.maxThreadsDim[1], p.maxThreadsDim[2]);
    printf("grid %d x %d x %d, shared per block %zu, constant %zu\n", p.maxGridSize[0], p.maxGridSize[1],
           p.maxGridSize[2], p.sharedMemPerBlock, p.totalConstMem);
    printf("unified addressing %d, managed %d, mapped %d\n", p.unifiedAddressing, p.managedMemory, p.canMapHostMemory);
    printf("name: %s, capability at least 7.5: %s\n", p.name[0] ? "yes" : "no",
           p.major * 10 + p.minor >= 75 ? "yes" : "no");

    bool agree = p.warpSize == attribute(cudaDevAttrWarpSize) &&
                 p.major == attribute(cudaDevAttrComputeCapabilityMajor) &&
                 p.minor == attribute(cudaDevAttrComputeCapabilityMinor) &&
                 p.multiProcessorCount == attribute(cudaDevAttrMultiProcessorCount) &&
                 p.maxThreadsPerMultiProcessor == attribute(cudaDevAttrMaxThreadsPerMultiProcessor) &&
                 p.sharedMemPerBlockOptin == static_cast<size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)) &&
                 p.regsPerBlock == attribute(cudaDevAttrMaxRegistersPerBlock) &&
                 p.l2CacheSize == attribute(cudaDevAttrL2CacheSize);
    printf("attributes agree: %s\n", agree ? "yes" : "no");

    size_t free_bytes, total;
    CHECK(cudaMemGetInfo(&free_bytes, &total));
    printf("memory agrees: %s\n", total == p.totalGlobalMem ? "yes" : "no");
    char bus[32];
    int device = -1;
    CHECK(cudaDeviceGetPCIBusId(bus, sizeof(bus), 0));
    CHECK(cudaDeviceGetByPCIBusId(&device, bus));
    printf("found by its bus id: %d\n", device);

    CHECK(cudaDeviceSetLimit(cudaLimitStackSize, 4096));
    size_t stack = 0;
    CHECK(cudaDeviceGetLimit(&stack, cudaLimitStackSize));
    printf("stack limit: %s\n", stack >= 4096 ? "kept" : "lost");
    int peer = -1;
    printf("peer of itself: %s %d\n", cudaGetErrorName(cudaDeviceCanAccessPeer(&peer, 0, 0)), peer);
    printf("attribute 9999: %s\n",
           cudaGetErrorName(cudaDeviceGetAttribute(&device, static_cast<cudaDeviceAttr>(9999), 0)));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: a device: yes, current 0, driver supports the runtime: yes
// EXPECT: warp 32, threads per block 1024, block 1024 x 1024 x 64
// EXPECT: grid 2147483647 x 65535 x 65535, shared per block 49152, constant 65536
// EXPECT: unified addressing 1, managed 1, mapped 1
// EXPECT: name: yes, capability at least 7.5: yes
// EXPECT: attributes agree: yes
// EXPECT: memory agrees: yes
// EXPECT: found by its bus id: 0
// EXPECT: stack limit: kept
// EXPECT: peer of itself: cudaSuccess -1
// EXPECT: attribute 9999: cudaErrorInvalidValue
