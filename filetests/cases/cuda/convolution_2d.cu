// 2-D convolution of several channels with a 5x5 filter a channel, strides and zero padding as in a neural network.
#include "case.h"

struct Shape {
    int channels, height, width, filters, stride, padding;
    __host__ __device__ int out_height() const { return (height + 2 * padding - 5) / stride + 1; }
    __host__ __device__ int out_width() const { return (width + 2 * padding - 5) / stride + 1; }
};

__host__ __device__ float convolve_at(const float* image, const float* filters, Shape s, int f, int y, int x) {
    float sum = 0;
    for (int channel = 0; channel < s.channels; channel++)
        for (int dy = 0; dy < 5; dy++)
            for (int dx = 0; dx < 5; dx++) {
                int source_y = y * s.stride + dy - s.padding, source_x = x * s.stride + dx - s.padding;
                if (source_y < 0 || source_y >= s.height || source_x < 0 || source_x >= s.width) continue;
                sum += image[(channel * s.height + source_y) * s.width + source_x] *
                       filters[((f * s.channels + channel) * 5 + dy) * 5 + dx];
            }
    return sum;
}

__global__ void convolve(const float* image, const float* filters, float* output, Shape s) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    int f = blockIdx.z;
    if (x >= s.out_width() || y >= s.out_height()) return;
    output[(f * s.out_height() + y) * s.out_width() + x] = convolve_at(image, filters, s, f, y, x);
}

void run(Shape s) {
    // Small integers: the sums are exact, with or without fused multiply-add.
    std::vector<float> image(s.channels * s.height * s.width), filters(s.filters * s.channels * 25);
    for (size_t i = 0; i < image.size(); i++) image[i] = static_cast<float>(mix(i) % 256);
    for (size_t i = 0; i < filters.size(); i++) filters[i] = static_cast<float>(mix(i + 99) % 15) - 7;
    int out_count = s.filters * s.out_height() * s.out_width();
    std::vector<float> expected(out_count);
    for (int i = 0; i < out_count; i++) {
        int x = i % s.out_width(), y = i / s.out_width() % s.out_height(), f = i / (s.out_width() * s.out_height());
        expected[i] = convolve_at(image.data(), filters.data(), s, f, y, x);
    }
    float* image_device = to_device(image);
    float* filters_device = to_device(filters);
    float* output_device = device_zeros<float>(out_count);
    dim3 block(16, 8), grid((s.out_width() + 15) / 16, (s.out_height() + 7) / 8, s.filters);
    convolve<<<grid, block>>>(image_device, filters_device, output_device, s);
    CHECK_KERNEL();
    std::vector<float> output = to_host(output_device, out_count);
    printf("%dx%dx%d -> %dx%dx%d: checksum %016llx, mismatches %d\n", s.channels, s.height, s.width, s.filters,
           s.out_height(), s.out_width(), (unsigned long long)checksum(output), mismatches(output, expected));
    CHECK(cudaFree(image_device));
    CHECK(cudaFree(filters_device));
    CHECK(cudaFree(output_device));
}

int main() {
    run({3, 64, 64, 4, 1, 2});
    run({2, 51, 37, 3, 2, 0});
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 3x64x64 -> 4x64x64: checksum d7cdb268944f64f2, mismatches 0
// EXPECT: 2x51x37 -> 3x24x17: checksum adc5c98638b208dd, mismatches 0
