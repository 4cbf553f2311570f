// Sobel edges of a grey picture from an RGB one, with bytes throughout: gradients in integers, an integer square root,
// saturation, borders clamped; histogram equalisation afterwards.
#include "case.h"

constexpr int width = 400, height = 300;

__host__ __device__ int integer_root(int x) {
    int root = 0;
    for (int bit = 1 << 10; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= x) root += bit;
    return root;
}

__host__ __device__ int clamp(int x, int low, int high) { return x < low ? low : x > high ? high : x; }

__global__ void to_grey(const uchar3* colours, unsigned char* grey) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= width * height) return;
    uchar3 c = colours[i];
    grey[i] = static_cast<unsigned char>((77 * c.x + 150 * c.y + 29 * c.z + 128) >> 8);
}

__host__ __device__ unsigned char edge(const unsigned char* grey, int x, int y) {
    int p[3][3];
    for (int dy = 0; dy < 3; dy++)
        for (int dx = 0; dx < 3; dx++)
            p[dy][dx] = grey[clamp(y + dy - 1, 0, height - 1) * width + clamp(x + dx - 1, 0, width - 1)];
    int gx = p[0][2] + 2 * p[1][2] + p[2][2] - p[0][0] - 2 * p[1][0] - p[2][0];
    int gy = p[2][0] + 2 * p[2][1] + p[2][2] - p[0][0] - 2 * p[0][1] - p[0][2];
    return static_cast<unsigned char>(clamp(integer_root(gx * gx + gy * gy), 0, 255));
}

__global__ void sobel(const unsigned char* grey, unsigned char* edges) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width && y < height) edges[y * width + x] = edge(grey, x, y);
}

__global__ void equalise(const unsigned char* picture, unsigned char* result) {
    // One block: histogram, scan and mapping in shared memory.
    __shared__ int counts[256], sums[256];
    int thread = threadIdx.x;
    counts[thread] = 0;
    __syncthreads();
    for (int i = thread; i < width * height; i += 256) atomicAdd(&counts[picture[i]], 1);
    __syncthreads();
    sums[thread] = counts[thread];
    for (int d = 1; d < 256; d *= 2) {
        __syncthreads();
        int below = thread >= d ? sums[thread - d] : 0;
        __syncthreads();
        sums[thread] += below;
    }
    __syncthreads();
    for (int i = thread; i < width * height; i += 256)
        result[i] = static_cast<unsigned char>(sums[picture[i]] * 255 / (width * height));
}

int main() {
    std::vector<uchar3> colours(width * height);
    std::vector<unsigned char> grey(width * height), edges(width * height), equal(width * height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            bool disc = (x - 200) * (x - 200) + (y - 150) * (y - 150) < 80 * 80;
            unsigned noise = mix(y * width + x);
            colours[y * width + x] =
                make_uchar3((disc ? 200 : x / 4) + noise % 20, (y / 3 + (noise >> 8) % 9), disc ? 30 : 90);
        }
    for (int i = 0; i < width * height; i++)
        grey[i] = static_cast<unsigned char>((77 * colours[i].x + 150 * colours[i].y + 29 * colours[i].z + 128) >> 8);
    int counts[256] = {}, sums[256];
    for (int i = 0; i < width * height; i++) counts[edges[i] = edge(grey.data(), i % width, i / width)]++;
    for (int i = 0; i < 256; i++) sums[i] = counts[i] + (i ? sums[i - 1] : 0);
    for (int i = 0; i < width * height; i++)
        equal[i] = static_cast<unsigned char>(sums[edges[i]] * 255 / (width * height));

    unsigned char *grey_device = device_zeros<unsigned char>(width * height),
                  *edges_device = device_zeros<unsigned char>(width * height);
    to_grey<<<(width * height + 255) / 256, 256>>>(to_device(colours), grey_device);
    sobel<<<dim3((width + 31) / 32, (height + 7) / 8), dim3(32, 8)>>>(grey_device, edges_device);
    CHECK_KERNEL();
    printf("grey mismatches %d, edges mismatches %d\n", mismatches(to_host(grey_device, width * height), grey),
           mismatches(to_host(edges_device, width * height), edges));
    equalise<<<1, 256>>>(edges_device, grey_device);
    CHECK_KERNEL();
    std::vector<unsigned char> result = to_host(grey_device, width * height);
    printf("equalised checksum %016llx, mismatches %d\n", (unsigned long long)checksum(result),
           mismatches(result, equal));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: grey mismatches 0, edges mismatches 0
// EXPECT: equalised checksum 0674936a281fc1ab, mismatches 0
