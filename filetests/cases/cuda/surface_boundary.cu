// What lies outside of a surface: zeros and writes that do nothing, or the nearest texel.
#include "case.h"

constexpr int width = 20, height = 10, frame = 4;

template <cudaSurfaceBoundaryMode mode>
__global__ void read(cudaSurfaceObject_t surface, int* output) {
    int x = (int)threadIdx.x - frame, y = (int)blockIdx.x - frame;
    output[blockIdx.x * (width + 2 * frame) + threadIdx.x] = surf2Dread<int>(surface, x * 4, y, mode);
}

__global__ void write_frame(cudaSurfaceObject_t surface) {
    int x = (int)threadIdx.x - frame, y = (int)blockIdx.x - frame;
    if ((x + y) % 2 == 0) surf2Dwrite(1000 + x * 100 + y, surface, x * 4, y, cudaBoundaryModeZero);
}

__global__ void write_one_row(cudaSurfaceObject_t surface) {
    // Only lanes at the ends write, all to the same texel.
    int x = (int)threadIdx.x - 10;
    if (x < 0) surf2Dwrite(-1, surface, x * 4, 3, cudaBoundaryModeClamp);
    if (x >= width) surf2Dwrite(-2, surface, x * 4, 3, cudaBoundaryModeClamp);
}

int clamp(int i, int size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

int main() {
    const int columns = width + 2 * frame, rows = height + 2 * frame;
    std::vector<int> image(width * height), expected(columns * rows);
    for (int i = 0; i < width * height; i++) image[i] = (int)mix(i);
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeArray;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<int>();
    CHECK(cudaMallocArray(&resource.res.array.array, &format, width, height, cudaArraySurfaceLoadStore));
    cudaArray_t array = resource.res.array.array;
    CHECK(cudaMemcpy2DToArray(array, 0, 0, image.data(), width * 4, width * 4, height, cudaMemcpyHostToDevice));
    cudaSurfaceObject_t surface;
    CHECK(cudaCreateSurfaceObject(&surface, &resource));
    int* output = device_zeros<int>(columns * rows);

    read<cudaBoundaryModeZero><<<rows, columns>>>(surface, output);
    CHECK_KERNEL();
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            int i = x - frame, j = y - frame;
            expected[y * columns + x] = i < 0 || i >= width || j < 0 || j >= height ? 0 : image[j * width + i];
        }
    printf("zero: mismatches %d\n", mismatches(to_host(output, columns * rows), expected));

    read<cudaBoundaryModeClamp><<<rows, columns>>>(surface, output);
    CHECK_KERNEL();
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            expected[y * columns + x] = image[clamp(y - frame, height) * width + clamp(x - frame, width)];
    printf("clamp: mismatches %d\n", mismatches(to_host(output, columns * rows), expected));

    write_frame<<<rows, columns>>>(surface);
    CHECK_KERNEL();
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if ((x + y) % 2 == 0) image[y * width + x] = 1000 + x * 100 + y;
    std::vector<int> got(width * height);
    CHECK(cudaMemcpy2DFromArray(got.data(), width * 4, array, 0, 0, width * 4, height, cudaMemcpyDeviceToHost));
    printf("writes outside do nothing: mismatches %d\n", mismatches(got, image));

    write_one_row<<<1, 40>>>(surface);
    CHECK_KERNEL();
    image[3 * width] = -1;
    image[3 * width + width - 1] = -2;
    CHECK(cudaMemcpy2DFromArray(got.data(), width * 4, array, 0, 0, width * 4, height, cudaMemcpyDeviceToHost));
    printf("writes go to the nearest: mismatches %d\n", mismatches(got, image));
    CHECK(cudaDestroySurfaceObject(surface));
    CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: zero: mismatches 0
// EXPECT: clamp: mismatches 0
// EXPECT: writes outside do nothing: mismatches 0
// EXPECT: writes go to the nearest: mismatches 0
