// An 8-byte load from an address that is not a multiple of 8 ends the kernel; a 4-byte load from there is fine.
#include "case.h"

__global__ void load_four(const char* bytes, int offset, long long* result) {
    *result = *reinterpret_cast<const int*>(bytes + offset);
}
__global__ void load_eight(const char* bytes, int offset, long long* result) {
    *result = *reinterpret_cast<const long long*>(bytes + offset);
}

int main() {
    std::vector<char> bytes(64);
    for (int i = 0; i < 64; i++) bytes[i] = static_cast<char>(i);
    char* bytes_device = to_device(bytes);
    long long* result = device_zeros<long long>(1);
    load_four<<<1, 1>>>(bytes_device, 12, result);
    CHECK_KERNEL();
    printf("four bytes at 12: %llx\n", to_host(result, 1)[0]);
    load_eight<<<1, 1>>>(bytes_device, 16, result);
    CHECK_KERNEL();
    printf("eight bytes at 16: %llx\n", to_host(result, 1)[0]);
    load_eight<<<1, 1>>>(bytes_device, 12, result);
    printf("eight bytes at 12: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    printf("last error: %s\n", cudaGetErrorString(cudaGetLastError()));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: four bytes at 12: f0e0d0c
// EXPECT: eight bytes at 16: 1716151413121110
// EXPECT: eight bytes at 12: cudaErrorMisalignedAddress
// EXPECT: last error: misaligned address
