// Virtual functions on objects that the device made: a small scene of shapes, with multiple levels of inheritance,
// a virtual destructor and placement in memory from the device heap.
#include <new>

#include "case.h"

__device__ int alive;

struct Shape {
    int scale;
    __device__ explicit Shape(int scale) : scale(scale) { atomicAdd(&alive, 1); }
    __device__ virtual ~Shape() { atomicSub(&alive, 1); }
    __device__ virtual long long area() const = 0;
    __device__ virtual int corners() const { return 0; }
};

struct Rectangle : Shape {
    int width, height;
    __device__ Rectangle(int scale, int width, int height) : Shape(scale), width(width), height(height) {}
    __device__ long long area() const override { return 1ll * scale * scale * width * height; }
    __device__ int corners() const override { return 4; }
};

struct Square : Rectangle {
    __device__ Square(int scale, int side) : Rectangle(scale, side, side) {}
    // A square with a corner cut off.
    __device__ int corners() const override { return Rectangle::corners() + 1; }
};

struct Disc : Shape {
    int radius;
    __device__ Disc(int scale, int radius) : Shape(scale), radius(radius) {}
    __device__ long long area() const override { return 355ll * scale * scale * radius * radius / 113; }
};

__global__ void build(Shape** shapes, char* storage, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    void* place = storage + i * 64;
    switch (mix(i) % 3) {
        case 0: shapes[i] = new (place) Rectangle(i % 5 + 1, i % 11, i % 7); break;
        case 1: shapes[i] = new (place) Square(i % 3 + 1, i % 13); break;
        default: shapes[i] = new (place) Disc(i % 4 + 1, i % 17); break;
    }
}

__global__ void measure(Shape* const* shapes, long long* areas, int* corners, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    areas[i] = shapes[i]->area();
    corners[i] = shapes[i]->corners();
}

__global__ void destroy(Shape** shapes, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) shapes[i]->~Shape();
}

int main() {
    const int count = 5000, threads = 128, blocks = (count + threads - 1) / threads;
    static_assert(sizeof(Rectangle) <= 64);
    Shape** shapes = device_zeros<Shape*>(count);
    char* storage = device_alloc<char>(64 * count);
    long long* areas_device = device_zeros<long long>(count);
    int* corners_device = device_zeros<int>(count);
    build<<<blocks, threads>>>(shapes, storage, count);
    measure<<<blocks, threads>>>(shapes, areas_device, corners_device, count);
    CHECK_KERNEL();
    int now = 0, after = 0;
    CHECK(cudaMemcpyFromSymbol(&now, alive, sizeof(int)));
    destroy<<<blocks, threads>>>(shapes, count);
    CHECK(cudaMemcpyFromSymbol(&after, alive, sizeof(int)));

    std::vector<long long> areas = to_host(areas_device, count), expected_areas(count);
    std::vector<int> corners = to_host(corners_device, count), expected_corners(count);
    for (int i = 0; i < count; i++) {
        int kind = mix(i) % 3;
        long long scale = i % (kind == 0 ? 5 : kind == 1 ? 3 : 4) + 1;
        expected_areas[i] = kind == 0   ? scale * scale * (i % 11) * (i % 7)
                            : kind == 1 ? scale * scale * (i % 13) * (i % 13)
                                        : 355ll * scale * scale * (i % 17) * (i % 17) / 113;
        expected_corners[i] = kind == 0 ? 4 : kind == 1 ? 5 : 0;
    }
    printf("alive %d, after destruction %d\n", now, after);
    printf("areas checksum %016llx, mismatches %d\n", (unsigned long long)checksum(areas),
           mismatches(areas, expected_areas));
    printf("corners mismatches %d\n", mismatches(corners, expected_corners));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: alive 5000, after destruction 0
// EXPECT: areas checksum cd0eb5a49a2ec8f8, mismatches 0
// EXPECT: corners mismatches 0
