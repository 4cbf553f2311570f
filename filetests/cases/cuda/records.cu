// Structures in arrays, which threads take member by member: points, pixels, pairs of vectors; all of them or some, in place, beside a neighbour's, behind a bound that
// many threads meet, by a part of the threads, and with something in between that touches them.
#include "case.h"

constexpr int threads = 192, blocks = 3, count = threads * blocks;

struct Point { float x, y, z; };
struct Pixel { unsigned char r, g, b; };
struct Mixed { float weight; int index; };
struct Wide { double x, y, z; };
struct Pair { float4 low, high; };
struct Five { short a, b, c, d, e; };

__global__ void move_points(const Point* from, Point* to, float by) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Point point = from[i];
    to[i] = Point{point.y + by, point.z * by, point.x - by};
}

// In place, and some of the threads.
__global__ void scale_points(Point* points, int every) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i % every == 0) return;
    points[i].x *= 2;
    points[i].y += points[i].x;
    points[i].z -= points[i].y;
}

__global__ void grey(const Pixel* from, Pixel* to, int last) {
    int i = min(static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x), last);
    Pixel pixel = from[i];
    unsigned char mean = (pixel.r + 2 * pixel.g + pixel.b) / 4;
    to[i] = Pixel{mean, static_cast<unsigned char>(mean ^ pixel.r), static_cast<unsigned char>(255 - mean)};
}

// Rows of 16 threads.
__global__ void blur(const Pixel* from, Pixel* to, int pitch) {
    int i = (blockIdx.y * blockDim.y + threadIdx.y) * pitch + blockIdx.x * blockDim.x + threadIdx.x;
    Pixel a = from[i], b = from[i + 1];
    to[i] = Pixel{static_cast<unsigned char>((a.r + b.r) / 2), static_cast<unsigned char>((a.g + b.g) / 2),
                  static_cast<unsigned char>((a.b + b.b) / 2)};
}

__global__ void mixed(const Mixed* from, Mixed* to, unsigned* seen) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Mixed value = from[i];
    to[i].weight = value.weight * 0.5f;
    atomicAdd(seen, value.index >> 20 & 3);
    to[i].index = value.index + 1;
}

__global__ void cross(const Wide* a, const Wide* b, Wide* to) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Wide u = a[i], v = b[i];
    to[i] = Wide{u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x};
}

__global__ void exchange(Pair* pairs) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Pair pair = pairs[i];
    pairs[i] = Pair{make_float4(pair.high.w, pair.low.y, pair.high.x, pair.low.z), pair.low};
}

// Behind an index that is counted down, and with one member left alone.
__global__ void turned(const Five* from, Five* to) {
    int i = count - 1 - (blockIdx.x * blockDim.x + threadIdx.x);
    Five five = from[i];
    to[i].a = five.e;
    to[i].b = five.d;
    to[i].d = five.b + five.c;
    to[i].e = five.a;
}

unsigned digest(const void* memory, size_t bytes) {
    unsigned sum = 2166136261u;
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ static_cast<const unsigned char*>(memory)[i]) * 16777619u;
    return sum;
}

template <typename T> struct Array {
    T* device;
    explicit Array(int seed) {
        std::vector<T> host(count + 16);
        fill(host.data(), seed);
        cudaMalloc(&device, host.size() * sizeof(T));
        cudaMemcpy(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice);
    }
    // Numbers without NaNs, of which a card makes others.
    template <typename Number> static void numbers(Number* to, size_t bytes, int seed) {
        for (size_t i = 0; i < bytes / sizeof(Number); i++)
            to[i] = static_cast<Number>((i * 37 + static_cast<size_t>(seed) * 11) % 251);
    }
    static void fill(Pixel* to, int seed) { numbers(reinterpret_cast<unsigned char*>(to), sizeof(Pixel) * (count + 16), seed); }
    static void fill(Five* to, int seed) { numbers(reinterpret_cast<short*>(to), sizeof(Five) * (count + 16), seed); }
    static void fill(Wide* to, int seed) { numbers(reinterpret_cast<double*>(to), sizeof(Wide) * (count + 16), seed); }
    template <typename Other> static void fill(Other* to, int seed) {
        numbers(reinterpret_cast<float*>(to), sizeof(Other) * (count + 16), seed);
    }
    void show(const char* name) const {
        std::vector<T> host(count + 16);
        cudaMemcpy(host.data(), device, host.size() * sizeof(T), cudaMemcpyDeviceToHost);
        std::printf("%s %08x %s\n", name, digest(host.data(), host.size() * sizeof(T)),
                    cudaGetErrorString(cudaGetLastError()));
    }
};

int main() {
    Array<Point> points(1), moved(2);
    move_points<<<blocks, threads>>>(points.device, moved.device, 3.0f);
    moved.show("moved");
    scale_points<<<blocks, threads>>>(points.device, 3);
    points.show("scaled");
    Array<Pixel> pixels(3), greys(4), blurred(5);
    grey<<<blocks, threads>>>(pixels.device, greys.device, count - 8);
    greys.show("grey");
    blur<<<dim3(3, 4), dim3(16, 3)>>>(pixels.device, blurred.device, 48);
    blurred.show("blurred");
    Array<Mixed> some(6), others(7);
    unsigned *seen, sum = 0;
    cudaMalloc(&seen, sizeof *seen);
    cudaMemset(seen, 0, sizeof *seen);
    mixed<<<blocks, threads>>>(some.device, others.device, seen);
    cudaMemcpy(&sum, seen, sizeof sum, cudaMemcpyDeviceToHost);
    others.show("mixed");
    std::printf("seen %u\n", sum);
    Array<Wide> a(8), b(9), product(10);
    cross<<<blocks, threads>>>(a.device, b.device, product.device);
    product.show("cross");
    Array<Pair> pairs(11);
    exchange<<<blocks, threads>>>(pairs.device);
    pairs.show("exchanged");
    Array<Five> fives(12), turns(13);
    turned<<<blocks, threads>>>(fives.device, turns.device);
    turns.show("turned");
}

// EXPECT-EXIT: 0
// EXPECT: moved 41cd9322 no error
// EXPECT: scaled 712cc4da no error
// EXPECT: grey 094dc617 no error
// EXPECT: blurred 39655dac no error
// EXPECT: mixed 2f7935e1 no error
// EXPECT: seen 819
// EXPECT: cross 22ec7ece no error
// EXPECT: exchanged 5b4756fc no error
// EXPECT: turned 783a3da7 no error
