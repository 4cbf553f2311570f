// Copies of arrays in all directions: parts of rows, array to array, through streams, in two and three dimensions.
#include "case.h"

constexpr int width = 50, height = 30;

cudaArray_t make(int columns, int rows) {
    cudaArray_t array;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
    CHECK(cudaMallocArray(&array, &format, columns, rows));
    return array;
}

std::vector<int> read(cudaArray_t array, int columns, int rows) {
    std::vector<int> values(columns * rows);
    CHECK(cudaMemcpy2DFromArray(values.data(), columns * 4, array, 0, 0, columns * 4, rows, cudaMemcpyDeviceToHost));
    return values;
}

int main() {
    std::vector<int> image(width * height);
    for (int i = 0; i < width * height; i++) image[i] = (int)mix(i);
    cudaArray_t first = make(width, height), second = make(width, height);
    CHECK(cudaMemcpy2DToArray(first, 0, 0, image.data(), width * 4, width * 4, height, cudaMemcpyHostToDevice));
    printf("there and back: mismatches %d\n", mismatches(read(first, width, height), image));

    // A rectangle from the middle, to another place.
    CHECK(cudaMemcpy2DToArray(second, 0, 0, image.data(), width * 4, width * 4, height, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy2DArrayToArray(second, 7 * 4, 3, first, 20 * 4, 10, 25 * 4, 12, cudaMemcpyDeviceToDevice));
    std::vector<int> expected = image;
    for (int y = 0; y < 12; y++)
        for (int x = 0; x < 25; x++) expected[(y + 3) * width + x + 7] = image[(y + 10) * width + x + 20];
    std::vector<int> got = read(second, width, height);
    printf("array to array: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, expected));

    // Device memory, with a pitch, through a stream.
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    int* memory;
    size_t pitch;
    CHECK(cudaMallocPitch(reinterpret_cast<void**>(&memory), &pitch, width * 4, height));
    CHECK(cudaMemcpy2DFromArrayAsync(memory, pitch, second, 4 * 4, 2, 40 * 4, 20, cudaMemcpyDeviceToDevice, stream));
    CHECK(cudaMemcpy2DToArrayAsync(first, 0, 5, memory, pitch, 40 * 4, 20, cudaMemcpyDeviceToDevice, stream));
    CHECK(cudaStreamSynchronize(stream));
    std::vector<int> moved = image;
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 40; x++) moved[(y + 5) * width + x] = expected[(y + 2) * width + x + 4];
    got = read(first, width, height);
    printf("through memory: %016llx, mismatches %d\n", (unsigned long long)checksum(got), mismatches(got, moved));

    // One row.
    cudaArray_t line = make(256, 0);
    std::vector<int> numbers(256), part(100);
    for (int i = 0; i < 256; i++) numbers[i] = i * i;
    CHECK(cudaMemcpy2DToArray(line, 0, 0, numbers.data(), 1024, 1024, 1, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy2DFromArray(part.data(), 400, line, 77 * 4, 0, 400, 1, cudaMemcpyDeviceToHost));
    printf("row: %d %d\n", part[0], part[99]);

    // Too far: refused, and nothing is changed.
    cudaError_t outside =
        cudaMemcpy2DToArray(first, 10 * 4, 0, image.data(), width * 4, width * 4, height, cudaMemcpyHostToDevice);
    printf("beyond the row: %s\n", cudaGetErrorName(outside));
    cudaGetLastError();
    printf("unchanged: mismatches %d\n", mismatches(read(first, width, height), moved));

    // Three dimensions, array to array.
    cudaArray_t block, other;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
    CHECK(cudaMalloc3DArray(&block, &format, make_cudaExtent(10, 10, 15)));
    CHECK(cudaMalloc3DArray(&other, &format, make_cudaExtent(10, 10, 15)));
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(image.data(), 40, 10, 10);
    copy.dstArray = block;
    copy.extent = make_cudaExtent(10, 10, 15);
    copy.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3DAsync(&copy, stream));
    cudaMemcpy3DParms across = {};
    across.srcArray = block;
    across.dstArray = other;
    across.extent = make_cudaExtent(10, 10, 15);
    across.kind = cudaMemcpyDeviceToDevice;
    CHECK(cudaMemcpy3DAsync(&across, stream));
    std::vector<int> back(1500);
    cudaMemcpy3DParms home = {};
    home.srcArray = other;
    home.dstPtr = make_cudaPitchedPtr(back.data(), 40, 10, 10);
    home.extent = make_cudaExtent(10, 10, 15);
    home.kind = cudaMemcpyDeviceToHost;
    CHECK(cudaMemcpy3DAsync(&home, stream));
    CHECK(cudaStreamSynchronize(stream));
    image.resize(1500);
    printf("three dimensions: %016llx, mismatches %d\n", (unsigned long long)checksum(back), mismatches(back, image));
    for (cudaArray_t array : {first, second, line, block, other}) CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: there and back: mismatches 0
// EXPECT: array to array: e36119d4176ecb15, mismatches 0
// EXPECT: through memory: c5c62a2ee4f1033c, mismatches 0
// EXPECT: row: 5929 30976
// EXPECT: beyond the row: cudaErrorInvalidValue
// EXPECT: unchanged: mismatches 0
// EXPECT: three dimensions: 148d415696a6aa94, mismatches 0
