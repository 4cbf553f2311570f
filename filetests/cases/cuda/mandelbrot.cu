// Mandelbrot iteration counts in fixed point, so that the picture is the same to the last pixel everywhere, and a
// small f64 picture as text.
#include "case.h"

constexpr int width = 320, height = 200, limit = 200;

// numerator / denominator with 24 bits behind the point.
__host__ __device__ int fixed(int numerator, int denominator) {
    return static_cast<int>(static_cast<long long>(numerator) * (1 << 24) / denominator);
}

// 32.32 arithmetic would need 128-bit products; 8.24 is enough for this view.
__host__ __device__ int iterations(int x0, int y0) {
    int x = 0, y = 0;
    for (int i = 0; i < limit; i++) {
        long long xx = static_cast<long long>(x) * x, yy = static_cast<long long>(y) * y;
        if (xx + yy > (4ll << 48)) return i;
        int xy = static_cast<int>(static_cast<long long>(x) * y >> 23);
        x = static_cast<int>((xx - yy) >> 24) + x0;
        y = xy + y0;
    }
    return limit;
}

__global__ void mandelbrot(unsigned short* counts) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    counts[y * width + x] = iterations(fixed(x - 220, 110), fixed(y - 100, 90));
}

__global__ void small_picture(char* text, int columns, int rows) {
    int x = threadIdx.x, y = threadIdx.y;
    double cx = -2.0 + 2.5 * x / columns, cy = -1.0 + 2.0 * y / (rows - 1), zx = 0, zy = 0;
    int i = 0;
    while (i < 60 && zx * zx + zy * zy < 4) {
        double next = zx * zx - zy * zy + cx;
        zy = 2 * zx * zy + cy;
        zx = next;
        i++;
    }
    text[y * (columns + 1) + x] = i == 60 ? '#' : i > 6 ? '+' : i > 3 ? '.' : ' ';
    if (x == columns - 1) text[y * (columns + 1) + columns] = '\n';
}

int main() {
    unsigned short* counts_device = device_zeros<unsigned short>(width * height);
    mandelbrot<<<dim3((width + 31) / 32, (height + 7) / 8), dim3(32, 8)>>>(counts_device);
    CHECK_KERNEL();
    std::vector<unsigned short> counts = to_host(counts_device, width * height);
    long long total = 0;
    int inside = 0, wrong = 0;
    for (int i = 0; i < width * height; i++) {
        total += counts[i];
        inside += counts[i] == limit;
        if (i % 7 == 0) wrong += counts[i] != iterations(fixed(i % width - 220, 110), fixed(i / width - 100, 90));
    }
    printf("iterations %lld, inside %d, checksum %016llx, mismatches %d\n", total, inside,
           (unsigned long long)checksum(counts), wrong);

    const int columns = 48, rows = 17;
    char* text_device = device_zeros<char>((columns + 1) * rows + 1);
    small_picture<<<1, dim3(columns, rows)>>>(text_device, columns, rows);
    CHECK_KERNEL();
    printf("%s", to_host(text_device, (columns + 1) * rows + 1).data());
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: iterations 3345303, inside 15187, checksum 395aa97007fd9ef6, mismatches 0
// EXPECT:                           .........++++.....
// EXPECT:                        ..........+++#+++......
// EXPECT:                     ...........+++####+++.......
// EXPECT:                  .........+++++#+#########+++++.
// EXPECT:              ............+++#################++.
// EXPECT:        .......++++++++++++###################+++
// EXPECT:    ..........++++#####+++#####################++
// EXPECT:  .........+++++#########+#####################+.
// EXPECT:  ###########################################+++.
// EXPECT:  .........+++++#########+#####################+.
// EXPECT:    ..........++++#####+++#####################++
// EXPECT:        .......++++++++++++###################+++
// EXPECT:              ............+++#################++.
// EXPECT:                  .........+++++#+#########+++++.
// EXPECT:                     ...........+++####+++.......
// EXPECT:                        ..........+++#+++......
// EXPECT:                           .........++++.....
