// Copies that kernels ask for, in order with the kernels that they launch.
#include "case.h"

__global__ void count(int* counter) { atomicAdd(counter, 1); }

__global__ void copies(int* a, int* b, int* c) {
    int local = 5;
    printf("to the host: %d\n", cudaMemcpyAsync(a, b, 4, cudaMemcpyDeviceToHost, 0));
    printf("to a local variable: %d\n", cudaMemcpyAsync(&local, b, 4, cudaMemcpyDeviceToDevice, 0));
    cudaGetLastError();
    printf("copy %d", cudaMemcpyAsync(b, a, 32 * sizeof(int), cudaMemcpyDeviceToDevice, 0));
    count<<<1, 5>>>(b + 3);
    printf(", copy 2D %d", cudaMemcpy2DAsync(c, 8, b, 16, 8, 4, cudaMemcpyDeviceToDevice, 0));
    printf(", copy by default %d\n", cudaMemcpyAsync(c + 16, b, 37, cudaMemcpyDefault, 0));
    printf("last %d\n", cudaGetLastError());
}

__global__ void tails(int* a, int* b) {
    printf("copy %d", cudaMemcpyAsync(b + 40, a, 16, cudaMemcpyDefault, cudaStreamTailLaunch));
    printf(", copy %d\n", cudaMemcpyAsync(b + 50, b + 3, 8, cudaMemcpyDefault, cudaStreamFireAndForget));
    count<<<1, 32>>>(a);
}

void show(const char* name, const int* memory) {
    printf("%s:", name);
    for (int value : to_host(memory, 64)) printf(" %x", value);
    printf("\n");
}

int main() {
    std::vector<int> values(64);
    for (int i = 0; i < 64; i++) values[i] = 0x1000 + i;
    int *a = to_device(values), *b = device_zeros<int>(64), *c = device_zeros<int>(64);
    copies<<<1, 1>>>(a, b, c);
    CHECK_KERNEL();
    show("b", b);
    show("c", c);
    tails<<<1, 1>>>(a, b);
    CHECK_KERNEL();
    show("a", a);
    show("b", b);
}

// RUN: nvcc -rdc=true
// EXPECT-EXIT: 0
// EXPECT: to the host: 21
// EXPECT: to a local variable: 1
// EXPECT: copy 0, copy 2D 0, copy by default 0
// EXPECT: last 0
// EXPECT: b: 1000 1001 1002 1008 1004 1005 1006 1007 1008 1009 100a 100b 100c 100d 100e 100f 1010 1011 1012 1013 1014 1015 1016 1017 1018 1019 101a 101b 101c 101d 101e 101f 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
// EXPECT: c: 1000 1001 1004 1005 1008 1009 100c 100d 0 0 0 0 0 0 0 0 1000 1001 1002 1008 1004 1005 1006 1007 1008 9 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
// EXPECT: copy 0, copy 0
// EXPECT: a: 1020 1001 1002 1003 1004 1005 1006 1007 1008 1009 100a 100b 100c 100d 100e 100f 1010 1011 1012 1013 1014 1015 1016 1017 1018 1019 101a 101b 101c 101d 101e 101f 1020 1021 1022 1023 1024 1025 1026 1027 1028 1029 102a 102b 102c 102d 102e 102f 1030 1031 1032 1033 1034 1035 1036 1037 1038 1039 103a 103b 103c 103d 103e 103f
// EXPECT: b: 1000 1001 1002 1008 1004 1005 1006 1007 1008 1009 100a 100b 100c 100d 100e 100f 1010 1011 1012 1013 1014 1015 1016 1017 1018 1019 101a 101b 101c 101d 101e 101f 0 0 0 0 0 0 0 0 1020 1001 1002 1003 0 0 0 0 0 0 1008 1004 0 0 0 0 0 0 0 0 0 0 0 0
