// printf in kernels: every conversion, flags, widths and precisions, strings, 64-bit values, its return value, and
// output in the order of the launches.
#include "case.h"

__global__ void integers() {
    printf("%d %i %u %x %X %o %c\n", -42, 7, 4000000000u, 0xbeef, 0xBEEF, 8, 'G');
    printf("[%5d] [%-5d] [%05d] [%+d] [% d] [%#x] [%#o]\n", 42, 42, 42, 42, 42, 255, 8);
    printf("[%8.3d] [%-8.3d] [%*d]\n", 5, 5, 6, 77);
    printf("%lld %llu %llx %ld %lu\n", -9223372036854775807ll, 18446744073709551615ull, 0x123456789abcdefull, -5l, 6ul);
    // Not %hhd: cards take the last value of a line with it from elsewhere.
    printf("%hd %hu\n", (short)-3, (unsigned short)65535);
}

__global__ void floats() {
    printf("%f %.3f %10.2f|%-10.2f|%+.1f\n", 3.140625, 2.71828, 1234.5678, 1234.5678, 0.05);
    printf("%e %.2e %E %g %g %G\n", 12345.678, 0.00012345, 1e100, 0.0001, 1234567.0, 1e-10);
    printf("%a %.0f %#.0f %f\n", 1.0, 2.5, 3.0, -0.0);
    printf("%f %f %f\n", INFINITY, -INFINITY, 1.5f);
}

__global__ void strings(const char* from_memory) {
    printf("%s|%10s|%-10s|%.3s|%%|%c%c\n", "plain", "right", "left", "cutoff", 'o', 'k');
    printf("%s\n", from_memory);
    printf("no arguments\n");
    printf("");
    printf("null %d\n", printf("x\n"));
    int returned = printf("%d %s %f\n", 1, "two", 3.0);
    printf("printf returned %d\n", returned);
}

__global__ void many(int launch) {
    printf("launch %d: %d %d %d %d %d %d %d %d %d %d %d %d\n", launch, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
}

__global__ void lanes() {
    // One lane at a time, so that the order is fixed.
    for (int lane = 0; lane < 4; lane++) {
        if (threadIdx.x == lane) printf("lane %d of block %d\n", lane, blockIdx.x);
        __syncwarp();
    }
}

int main() {
    const char text[] = "a string in global memory";
    char* text_device = to_device(std::vector<char>(text, text + sizeof(text)));
    integers<<<1, 1>>>();
    CHECK_KERNEL();
    floats<<<1, 1>>>();
    CHECK_KERNEL();
    strings<<<1, 1>>>(text_device);
    CHECK_KERNEL();
    for (int launch = 0; launch < 3; launch++) many<<<1, 1>>>(launch);
    CHECK_KERNEL();
    lanes<<<1, 4>>>();
    CHECK_KERNEL();
    size_t size = 0;
    CHECK(cudaDeviceGetLimit(&size, cudaLimitPrintfFifoSize));
    fflush(stdout);
    printf("buffer at least 64 KiB: %s\n", size >= 64 * 1024 ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: -42 7 4000000000 beef BEEF 10 G
// EXPECT: [   42] [42   ] [00042] [+42] [ 42] [0xff] [010]
// EXPECT: [     005] [005     ] [    77]
// EXPECT: -9223372036854775807 18446744073709551615 123456789abcdef -5 6
// EXPECT: -3 65535
// EXPECT: 3.140625 2.718    1234.57|1234.57   |+0.1
// EXPECT: 1.234568e+04 1.23e-04 1.000000E+100 0.0001 1.23457e+06 1E-10
// EXPECT: 0x1p+0 2 3. -0.000000
// EXPECT: inf -inf 1.500000
// EXPECT: plain|     right|left      |cut|%|ok
// EXPECT: a string in global memory
// EXPECT: no arguments
// EXPECT: x
// EXPECT: null 0
// EXPECT: 1 two 3.000000
// EXPECT: printf returned 3
// EXPECT: launch 0: 1 2 3 4 5 6 7 8 9 10 11 12
// EXPECT: launch 1: 1 2 3 4 5 6 7 8 9 10 11 12
// EXPECT: launch 2: 1 2 3 4 5 6 7 8 9 10 11 12
// EXPECT: lane 0 of block 0
// EXPECT: lane 1 of block 0
// EXPECT: lane 2 of block 0
// EXPECT: lane 3 of block 0
// EXPECT: buffer at least 64 KiB: yes
