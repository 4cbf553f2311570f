// Separable Gaussian blur of RGBA pixels in two passes, rows through shared memory, columns with a sliding window in
// registers; weights are integers that add up to a power of two.
#include "case.h"

constexpr int width = 333, height = 222, radius = 4;

__constant__ int weights[2 * radius + 1];

__host__ __device__ inline int clamp(int x, int high) { return x < 0 ? 0 : x >= high ? high - 1 : x; }

__global__ void blur_rows(const uchar4* input, ushort4* output) {
    __shared__ uchar4 row[128 + 2 * radius];
    int x = blockIdx.x * 128 + threadIdx.x, y = blockIdx.y;
    for (int i = threadIdx.x; i < 128 + 2 * radius; i += 128)
        row[i] = input[y * width + clamp(static_cast<int>(blockIdx.x) * 128 + i - radius, width)];
    __syncthreads();
    if (x >= width) return;
    int4 sum = {0, 0, 0, 0};
    for (int k = 0; k <= 2 * radius; k++) {
        uchar4 p = row[threadIdx.x + k];
        sum.x += weights[k] * p.x, sum.y += weights[k] * p.y, sum.z += weights[k] * p.z, sum.w += weights[k] * p.w;
    }
    output[y * width + x] = make_ushort4(sum.x, sum.y, sum.z, sum.w);
}

__global__ void blur_columns(const ushort4* input, uchar4* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    if (x >= width) return;
    int first = blockIdx.y * 32, last = min(first + 32, height);
    ushort4 window[2 * radius + 1];
#pragma unroll
    for (int k = 0; k < 2 * radius; k++) window[k] = input[clamp(first + k - radius, height) * width + x];
    for (int y = first; y < last; y++) {
        window[2 * radius] = input[clamp(y + radius, height) * width + x];
        unsigned r = 1 << 15, g = 1 << 15, b = 1 << 15, a = 1 << 15;
#pragma unroll
        for (int k = 0; k <= 2 * radius; k++)
            r += weights[k] * window[k].x, g += weights[k] * window[k].y, b += weights[k] * window[k].z,
                a += weights[k] * window[k].w;
        output[y * width + x] = make_uchar4(r >> 16, g >> 16, b >> 16, a >> 16);
#pragma unroll
        for (int k = 0; k < 2 * radius; k++) window[k] = window[k + 1];
    }
}

int main() {
    // Binomial coefficients: 1 8 28 56 70 56 28 8 1 add up to 256.
    int w[2 * radius + 1] = {1};
    for (int k = 1; k <= 2 * radius; k++) w[k] = w[k - 1] * (2 * radius - k + 1) / k;
    CHECK(cudaMemcpyToSymbol(weights, w, sizeof(w)));
    std::vector<uchar4> picture(width * height), expected(width * height);
    for (int i = 0; i < width * height; i++) {
        unsigned word = mix(i);
        picture[i] = make_uchar4(word, word >> 8, i % width > 100 ? 255 : 0, word >> 24);
    }
    std::vector<int> between(4 * width * height, 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int k = 0; k <= 2 * radius; k++) {
                uchar4 p = picture[y * width + clamp(x + k - radius, width)];
                int* sum = &between[4 * (y * width + x)];
                sum[0] += w[k] * p.x, sum[1] += w[k] * p.y, sum[2] += w[k] * p.z, sum[3] += w[k] * p.w;
            }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            unsigned sum[4] = {1 << 15, 1 << 15, 1 << 15, 1 << 15};
            for (int k = 0; k <= 2 * radius; k++)
                for (int c = 0; c < 4; c++)
                    sum[c] += w[k] * between[4 * (clamp(y + k - radius, height) * width + x) + c];
            expected[y * width + x] = make_uchar4(sum[0] >> 16, sum[1] >> 16, sum[2] >> 16, sum[3] >> 16);
        }
    ushort4* between_device = device_zeros<ushort4>(width * height);
    uchar4* output_device = device_zeros<uchar4>(width * height);
    blur_rows<<<dim3((width + 127) / 128, height), 128>>>(to_device(picture), between_device);
    blur_columns<<<dim3((width + 63) / 64, (height + 31) / 32), 64>>>(between_device, output_device);
    CHECK_KERNEL();
    std::vector<uchar4> output = to_host(output_device, width * height);
    printf("pixel (100, 100): %d %d %d %d\n", output[100 * width + 100].x, output[100 * width + 100].y,
           output[100 * width + 100].z, output[100 * width + 100].w);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(output), mismatches(output, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: pixel (100, 100): 146 143 93 116
// EXPECT: checksum 7106857dd7974319, mismatches 0
