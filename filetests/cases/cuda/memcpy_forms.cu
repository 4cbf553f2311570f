// Copies in one, two and three dimensions: pitched memory, sub-rectangles, boxes of a volume, host to host, device to
// device, overlapping streams of copies, and copies to the device itself as a peer.
#include "case.h"

__global__ void add_coordinates(cudaPitchedPtr volume, int width, int height, int depth) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    if (x >= width || y >= height || z >= depth) return;
    char* slice = static_cast<char*>(volume.ptr) + z * volume.pitch * volume.ysize;
    reinterpret_cast<int*>(slice + y * volume.pitch)[x] += 10000 * z + 100 * y + x;
}

void rectangles() {
    const int width = 37, height = 21;
    std::vector<int> host(width * height), back(width * height, -1);
    for (int i = 0; i < width * height; i++) host[i] = i;
    int* pitched;
    size_t pitch;
    CHECK(cudaMallocPitch(&pitched, &pitch, width * sizeof(int), height));
    printf("pitch holds a row: %s\n", pitch >= width * sizeof(int) && pitch % 4 == 0 ? "yes" : "no");
    CHECK(cudaMemcpy2D(pitched, pitch, host.data(), width * sizeof(int), width * sizeof(int), height,
                       cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy2D(back.data(), width * sizeof(int), pitched, pitch, width * sizeof(int), height,
                       cudaMemcpyDeviceToHost));
    printf("round trip: mismatches %d\n", mismatches(back, host));

    // A rectangle of 5x4 from (10, 3) to (20, 15) within the same memory, then everything back.
    char* bytes = reinterpret_cast<char*>(pitched);
    CHECK(cudaMemcpy2D(bytes + 15 * pitch + 20 * 4, pitch, bytes + 3 * pitch + 10 * 4, pitch, 5 * 4, 4,
                       cudaMemcpyDeviceToDevice));
    CHECK(cudaMemset2D(bytes + 6 * pitch, pitch, 0x11, 3 * sizeof(int), 2));
    CHECK(cudaMemcpy2D(back.data(), width * 4, pitched, pitch, width * 4, height, cudaMemcpyDeviceToHost));
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 5; x++) host[(15 + y) * width + 20 + x] = (3 + y) * width + 10 + x;
    for (int y = 6; y < 8; y++)
        for (int x = 0; x < 3; x++) host[y * width + x] = 0x11111111;
    printf("rectangle: mismatches %d\n", mismatches(back, host));
    CHECK(cudaFree(pitched));
}

void volumes() {
    const int width = 30, height = 12, depth = 7;
    cudaExtent extent = make_cudaExtent(width * sizeof(int), height, depth);
    cudaPitchedPtr device;
    CHECK(cudaMalloc3D(&device, extent));
    CHECK(cudaMemset3D(device, 0, extent));
    std::vector<int> host(width * height * depth);
    for (size_t i = 0; i < host.size(); i++) host[i] = mix(i) % 1000;
    cudaMemcpy3DParms in = {};
    in.srcPtr = make_cudaPitchedPtr(host.data(), width * sizeof(int), width, height);
    in.dstPtr = device;
    in.extent = extent;
    in.kind = cudaMemcpyHostToDevice;
    CHECK(cudaMemcpy3D(&in));
    add_coordinates<<<dim3(height, depth), width>>>(device, width, height, depth);
    CHECK_KERNEL();
    // A box of 8x5x3 from (4, 2, 1) in the volume to (1, 0, 2) in a host volume of another shape.
    std::vector<int> box(10 * 6 * 5, -1), expected(10 * 6 * 5, -1);
    cudaMemcpy3DParms out = {};
    out.srcPtr = device;
    out.srcPos = make_cudaPos(4 * sizeof(int), 2, 1);
    out.dstPtr = make_cudaPitchedPtr(box.data(), 10 * sizeof(int), 10, 6);
    out.dstPos = make_cudaPos(1 * sizeof(int), 0, 2);
    out.extent = make_cudaExtent(8 * sizeof(int), 5, 3);
    out.kind = cudaMemcpyDeviceToHost;
    CHECK(cudaMemcpy3D(&out));
    for (int z = 0; z < 3; z++)
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 8; x++)
                expected[((z + 2) * 6 + y) * 10 + x + 1] =
                    host[((z + 1) * height + y + 2) * width + x + 4] + 10000 * (z + 1) + 100 * (y + 2) + x + 4;
    printf("box: mismatches %d, checksum %016llx\n", mismatches(box, expected), (unsigned long long)checksum(box));
    CHECK(cudaFree(device.ptr));
}

int main() {
    rectangles();
    volumes();

    const int count = 100000;
    std::vector<unsigned> host(count), back(count);
    for (int i = 0; i < count; i++) host[i] = mix(i);
    unsigned* a = device_alloc<unsigned>(count);
    unsigned* b = device_alloc<unsigned>(count);
    CHECK(cudaMemcpy(a, host.data(), count * 4, cudaMemcpyDefault));
    CHECK(cudaMemcpyAsync(b, a, count * 4, cudaMemcpyDeviceToDevice));
    CHECK(cudaMemcpyPeer(a, 0, b, 0, count * 4));
    CHECK(cudaMemcpy(back.data(), a, count * 4, cudaMemcpyDefault));
    printf("chain of copies: mismatches %d\n", mismatches(back, host));
    std::vector<unsigned> other(count);
    CHECK(cudaMemcpy(other.data(), host.data(), count * 4, cudaMemcpyHostToHost));
    printf("host to host: mismatches %d\n", mismatches(other, host));
    // Odd sizes and offsets.
    CHECK(cudaMemcpy(reinterpret_cast<char*>(a) + 3, reinterpret_cast<char*>(host.data()) + 5, 1001,
                     cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(other.data(), a, 4 * 300, cudaMemcpyDeviceToHost));
    std::vector<char> expected(1200), got(1200);
    memcpy(expected.data(), back.data(), 1200);
    memcpy(expected.data() + 3, reinterpret_cast<char*>(host.data()) + 5, 1001);
    memcpy(got.data(), other.data(), 1200);
    printf("odd offsets: mismatches %d\n", mismatches(got, expected));
    printf("zero bytes: %s\n", cudaGetErrorName(cudaMemcpy(a, host.data(), 0, cudaMemcpyHostToDevice)));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: pitch holds a row: yes
// EXPECT: round trip: mismatches 0
// EXPECT: rectangle: mismatches 0
// EXPECT: box: mismatches 0, checksum 34d533ac0c1e5359
// EXPECT: chain of copies: mismatches 0
// EXPECT: host to host: mismatches 0
// EXPECT: odd offsets: mismatches 0
// EXPECT: zero bytes: cudaSuccess
