// Division and remainder of all integer widths and signs, by variables and by constants, with the corner cases that
// are defined; 64-bit and 128-bit too.
#include "case.h"

template <typename T>
__global__ void divide(const T* a, const T* b, T* output, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    T x = a[i], y = b[i];
    T* mine = output + 8 * i;
    mine[0] = x / y;
    mine[1] = x % y;
    mine[2] = x / T(7);
    mine[3] = x % T(10);
    mine[4] = x / T(64);
    mine[5] = x % T(64);
    mine[6] = x / T(125);
    mine[7] = (x / T(3)) % T(11);
}

template <typename T>
void run(const char* name) {
    const int count = 10000;
    std::vector<T> a(count), b(count), expected(8 * count);
    const T smallest = T(-1) < T(0) ? T(uint64_t(1) << (8 * sizeof(T) - 1)) : T(0);
    const T largest = T(~smallest);
    const T corners[] = {0, 1, T(-1), smallest, T(smallest + 1), largest, T(largest - 1), 2, 3, 64};
    for (int i = 0; i < count; i++) {
        uint64_t x = static_cast<uint64_t>(mix(i)) << 32 | mix(~i),
                 y = static_cast<uint64_t>(mix(i + 77)) << 32 | mix(i + 99);
        a[i] = i < 100 ? corners[i / 10] : T(x >> (mix(i) % 64));
        b[i] = i < 100 ? corners[i % 10] : T(y >> (mix(i + 5) % 64));
        if (b[i] == 0) b[i] = 5;                                          // undefined in C++
        if (T(-1) < T(0) && a[i] == smallest && b[i] == T(-1)) b[i] = 9;  // likewise
        T row[8] = {T(a[i] / b[i]),  T(a[i] % b[i]),  T(a[i] / T(7)),   T(a[i] % T(10)),
                    T(a[i] / T(64)), T(a[i] % T(64)), T(a[i] / T(125)), T(a[i] / T(3) % T(11))};
        memcpy(&expected[8 * i], row, sizeof(row));
    }
    T* output_device = device_zeros<T>(8 * count);
    divide<<<(count + 127) / 128, 128>>>(to_device(a), to_device(b), output_device, count);
    CHECK_KERNEL();
    std::vector<T> output = to_host(output_device, 8 * count);
    printf("%-8s checksum %016llx, mismatches %d\n", name, (unsigned long long)checksum(output),
           mismatches(output, expected));
}

__global__ void digits(unsigned long long value, char* text) {
    // The classical loop: divisions by ten until nothing is left, in 128 bits.
    unsigned __int128 wide = static_cast<unsigned __int128>(value) * value;
    char reversed[40];
    int length = 0;
    do {
        reversed[length++] = static_cast<char>('0' + static_cast<int>(wide % 10));
        wide /= 10;
    } while (wide != 0);
    for (int i = 0; i < length; i++) text[i] = reversed[length - 1 - i];
    text[length] = 0;
}

__global__ void gcd(const unsigned* a, const unsigned* b, unsigned* output) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned x = a[i], y = b[i];
    while (y != 0) {
        unsigned r = x % y;
        x = y;
        y = r;
    }
    output[i] = x;
}

int main() {
    run<signed char>("int8");
    run<unsigned char>("uint8");
    run<short>("int16");
    run<unsigned short>("uint16");
    run<int>("int32");
    run<unsigned>("uint32");
    run<long long>("int64");
    run<unsigned long long>("uint64");

    char* text_device = device_zeros<char>(48);
    digits<<<1, 1>>>(18446744073709551615ull, text_device);
    CHECK_KERNEL();
    printf("(2^64-1)^2 = %s\n", to_host(text_device, 48).data());

    const int count = 8192;
    std::vector<unsigned> a(count), b(count), expected(count);
    for (int i = 0; i < count; i++) {
        unsigned factor = 1 + mix(i) % 1000;
        a[i] = factor * (mix(i + 1) % 100000), b[i] = factor * (mix(i + 2) % 100000);
        unsigned x = a[i], y = b[i];
        while (y) {
            unsigned r = x % y;
            x = y;
            y = r;
        }
        expected[i] = x;
    }
    unsigned* gcd_device = device_zeros<unsigned>(count);
    gcd<<<count / 256, 256>>>(to_device(a), to_device(b), gcd_device);
    CHECK_KERNEL();
    printf("gcd: mismatches %d\n", mismatches(to_host(gcd_device, count), expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: int8     checksum 6257960db49fda92, mismatches 0
// EXPECT: uint8    checksum 5bb61043facea0bb, mismatches 0
// EXPECT: int16    checksum 8e4af48a837a2079, mismatches 0
// EXPECT: uint16   checksum c5113d89bcd25710, mismatches 0
// EXPECT: int32    checksum 386ff26f99686eb3, mismatches 0
// EXPECT: uint32   checksum c3a2dc3438cec20d, mismatches 0
// EXPECT: int64    checksum 43c6f43c78369da7, mismatches 0
// EXPECT: uint64   checksum 2f7aafe8b274ede3, mismatches 0
// EXPECT: (2^64-1)^2 = 340282366920938463426481119284349108225
// EXPECT: gcd: mismatches 0
