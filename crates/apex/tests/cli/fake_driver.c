// A stand-in for libcuda.so.1: one device with a few facts, or the error that FAKE_CUINIT holds.
#include <stdlib.h>
#include <string.h>

int cuInit(unsigned flags) {
    const char *error = getenv("FAKE_CUINIT");
    return error ? atoi(error) : 0;
}
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    const char *profile = getenv("APEX_DEVICE");
    strncpy(name, profile ? profile : "Fake GPU", length);
    return 0;
}
int cuDeviceGetPCIBusId(char *id, int length, int device) { strncpy(id, "0000:01:00.0", length); return 0; }
int cuDeviceGetUuid_v2(char *uuid, int device) { memset(uuid, 0xab, 16); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)24 << 30; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    switch (attribute) {
    case 10: *value = 32; return 0;      // WARP_SIZE
    case 16: *value = 84; return 0;      // MULTIPROCESSOR_COUNT
    case 75: *value = 8; return 0;       // COMPUTE_CAPABILITY_MAJOR
    case 76: *value = 6; return 0;       // COMPUTE_CAPABILITY_MINOR
    default: return 1;                   // CUDA_ERROR_INVALID_VALUE
    }
}
