// Writes a record of each kind and version of CUPTI's that device-times reads, 512 bytes each, with the same values in all of them. Compiled with NVIDIA's
// headers by the test in src/cupti/record.rs.

#include <cstdio>
#include <cstring>

#include <cuda.h>

#include <cupti.h>

#include <cupti_activity_deprecated.h>

static void put(const void *record, size_t size) {
    char bytes[512] = {};
    memcpy(bytes, record, size);
    fwrite(bytes, sizeof bytes, 1, stdout);
}

template <typename Kernel> static void kernel(void) {
    Kernel record;
    memset(&record, 0xee, sizeof record);
    record.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
    record.start = 1000;
    record.end = 2500;
    record.deviceId = 3;
    record.gridX = 5, record.gridY = 6, record.gridZ = 7;
    record.blockX = 32, record.blockY = 2, record.blockZ = 1;
    record.dynamicSharedMemory = 4096;
    record.correlationId = 77;
    record.name = nullptr;
    record.graphNodeId = 9;
    put(&record, sizeof record);
}

template <typename Transfer> static void transfer(CUpti_ActivityKind kind) {
    Transfer record;
    memset(&record, 0xee, sizeof record);
    record.kind = kind;
    record.bytes = 1 << 20;
    record.start = 1000;
    record.end = 2500;
    record.deviceId = 3;
    record.correlationId = 77;
    record.graphNodeId = 0;
    put(&record, sizeof record);
}

int main(void) {
    kernel<CUpti_ActivityKernel5>();
    kernel<CUpti_ActivityKernel6>();
    kernel<CUpti_ActivityKernel7>();
    kernel<CUpti_ActivityKernel8>();
    kernel<CUpti_ActivityKernel9>();
    kernel<CUpti_ActivityKernel10>();
    transfer<CUpti_ActivityMemcpy4>(CUPTI_ACTIVITY_KIND_MEMCPY);
    transfer<CUpti_ActivityMemcpy5>(CUPTI_ACTIVITY_KIND_MEMCPY);
    transfer<CUpti_ActivityMemcpy6>(CUPTI_ACTIVITY_KIND_MEMCPY);
    transfer<CUpti_ActivityMemcpyPtoP3>(CUPTI_ACTIVITY_KIND_MEMCPY2);
    transfer<CUpti_ActivityMemcpyPtoP4>(CUPTI_ACTIVITY_KIND_MEMCPY2);
    transfer<CUpti_ActivityMemset3>(CUPTI_ACTIVITY_KIND_MEMSET);
    transfer<CUpti_ActivityMemset4>(CUPTI_ACTIVITY_KIND_MEMSET);
    CUpti_ActivityExternalCorrelation id;
    memset(&id, 0xee, sizeof id);
    id.kind = CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION;
    id.externalKind = CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM2;
    id.externalId = 1ull << 40;
    id.correlationId = 77;
    put(&id, sizeof id);
    CUpti_ActivityAPI call;
    memset(&call, 0xee, sizeof call);
    call.kind = CUPTI_ACTIVITY_KIND_DRIVER;
    put(&call, sizeof call);
    return 0;
}
