// Memory of the driver API: fills of 8, 16 and 32 bits in one and two dimensions, copies of rectangles and boxes with
// offsets, pitched, pinned, registered and managed memory, attributes of pointers, and address ranges.
#include "case.h"

const char* source =
    "extern \"C\" __global__ void twice(int* values, int count) {\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < count) values[i] *= 2;\n}\n";

void fills() {
    CUdeviceptr memory;
    CHECK(cuMemAlloc(&memory, 4096));
    CHECK(cuMemsetD32(memory, 0xdeadbeef, 1024));
    CHECK(cuMemsetD16(memory + 6, 0x1234, 5));
    CHECK(cuMemsetD8(memory + 101, 0x77, 3));
    CHECK(cuMemsetD2D32(memory + 1024, 256, 7, 3, 4));
    CHECK(cuMemsetD2D8(memory + 2048 + 1, 128, 0xee, 5, 2));
    std::vector<unsigned char> bytes = to_host<unsigned char>(memory, 4096), expected(4096);
    const unsigned char pattern[4] = {0xef, 0xbe, 0xad, 0xde};
    for (int i = 0; i < 4096; i++) expected[i] = pattern[i % 4];
    for (int i = 0; i < 5; i++) expected[6 + 2 * i] = 0x34, expected[7 + 2 * i] = 0x12;
    for (int i = 0; i < 3; i++) expected[101 + i] = 0x77;
    for (int row = 0; row < 4; row++)
        for (int i = 0; i < 12; i++) expected[1024 + 256 * row + i] = i % 4 == 0 ? 7 : 0;
    for (int row = 0; row < 2; row++)
        for (int i = 0; i < 5; i++) expected[2049 + 128 * row + i] = 0xee;
    printf("fills: %s\n", bytes == expected ? "ok" : "WRONG");
    printf("16 bits at an odd address: %s\n", name_of(cuMemsetD16(memory + 1, 0, 1)));
    CHECK(cuMemFree(memory));
}

void rectangles() {
    const int width = 50, height = 20;
    std::vector<unsigned char> host(width * height), back(30 * 10, 0), expected(30 * 10, 0);
    for (int i = 0; i < width * height; i++) host[i] = static_cast<unsigned char>(mix(i));
    CUdeviceptr pitched;
    size_t pitch;
    CHECK(cuMemAllocPitch(&pitched, &pitch, width, height, 4));
    CUDA_MEMCPY2D copy = {};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = host.data();
    copy.srcPitch = width;
    copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    copy.dstDevice = pitched;
    copy.dstPitch = pitch;
    copy.WidthInBytes = width;
    copy.Height = height;
    CHECK(cuMemcpy2D(&copy));
    CUDA_MEMCPY2D part = {};
    part.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    part.srcDevice = pitched;
    part.srcPitch = pitch;
    part.srcXInBytes = 7;
    part.srcY = 5;
    part.dstMemoryType = CU_MEMORYTYPE_HOST;
    part.dstHost = back.data();
    part.dstPitch = 30;
    part.dstXInBytes = 2;
    part.dstY = 1;
    part.WidthInBytes = 25;
    part.Height = 8;
    CHECK(cuMemcpy2DUnaligned(&part));
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 25; x++) expected[(y + 1) * 30 + x + 2] = host[(y + 5) * width + x + 7];
    printf("rectangle: %s\n", back == expected ? "ok" : "WRONG");
    CHECK(cuMemFree(pitched));
}

void boxes() {
    std::vector<int> host(6 * 5 * 4), back(6 * 5 * 4, -1), expected(6 * 5 * 4, -1);
    for (int i = 0; i < 120; i++) host[i] = i;
    CUdeviceptr memory = to_device(host);
    CUDA_MEMCPY3D copy = {};
    copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    copy.srcDevice = memory;
    copy.srcPitch = 6 * 4;
    copy.srcHeight = 5;
    copy.srcXInBytes = 4;
    copy.srcY = 1;
    copy.srcZ = 2;
    copy.dstMemoryType = CU_MEMORYTYPE_HOST;
    copy.dstHost = back.data();
    copy.dstPitch = 6 * 4;
    copy.dstHeight = 5;
    copy.dstZ = 1;
    copy.WidthInBytes = 3 * 4;
    copy.Height = 4;
    copy.Depth = 2;
    CHECK(cuMemcpy3D(&copy));
    for (int z = 0; z < 2; z++)
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 3; x++) expected[((z + 1) * 5 + y) * 6 + x] = host[((z + 2) * 5 + y + 1) * 6 + x + 1];
    printf("box: %s\n", back == expected ? "ok" : "WRONG");
    CHECK(cuMemFree(memory));
}

const char* kind_of(const void* pointer) {
    unsigned kind = 0;
    CUresult result =
        cuPointerGetAttribute(&kind, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, reinterpret_cast<CUdeviceptr>(pointer));
    if (result != CUDA_SUCCESS) return name_of(result);
    return kind == CU_MEMORYTYPE_HOST ? "host" : kind == CU_MEMORYTYPE_DEVICE ? "device" : "other";
}

int main() {
    start();
    fills();
    rectangles();
    boxes();

    CUmodule module;
    CUfunction twice;
    CHECK(cuModuleLoadData(&module, compile(source).c_str()));
    CHECK(cuModuleGetFunction(&twice, module, "twice"));
    int *pinned, count = 1000;
    CHECK(cuMemHostAlloc(reinterpret_cast<void**>(&pinned), 4000, CU_MEMHOSTALLOC_DEVICEMAP));
    CUdeviceptr mapped, managed;
    CHECK(cuMemHostGetDevicePointer(&mapped, pinned, 0));
    CHECK(cuMemAllocManaged(&managed, 4000, CU_MEM_ATTACH_GLOBAL));
    int* managed_host = reinterpret_cast<int*>(managed);
    int* registered = static_cast<int*>(aligned_alloc(4096, 4096));
    CHECK(cuMemHostRegister(registered, 4096, CU_MEMHOSTREGISTER_DEVICEMAP));
    CUdeviceptr registered_device;
    CHECK(cuMemHostGetDevicePointer(&registered_device, registered, 0));
    for (int i = 0; i < count; i++) pinned[i] = managed_host[i] = registered[i] = i;
    for (CUdeviceptr memory : {mapped, managed, registered_device}) {
        void* arguments[] = {&memory, &count};
        CHECK(cuLaunchKernel(twice, 8, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    }
    CHECK(cuCtxSynchronize());
    bool right = true;
    for (int i = 0; i < count; i++)
        right = right && pinned[i] == 2 * i && managed_host[i] == 2 * i && registered[i] == 2 * i;
    printf("pinned, managed, registered: %s\n", right ? "ok" : "WRONG");

    CUdeviceptr memory, base;
    size_t size;
    CHECK(cuMemAlloc(&memory, 10000));
    CHECK(cuMemGetAddressRange(&base, &size, memory + 5000));
    printf("range: same start %s, size %zu\n", base == memory ? "yes" : "no", size);
    int is_managed = -1;
    CHECK(cuPointerGetAttribute(&is_managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, managed));
    printf("kinds: %s, %s, managed %d\n", kind_of(pinned), kind_of(reinterpret_cast<void*>(memory + 77)), is_managed);
    int local;
    printf("stack: %s\n", kind_of(&local));
    CHECK(cuMemHostUnregister(registered));
    CHECK(cuMemFreeHost(pinned));
    CHECK(cuMemFree(managed));
    CHECK(cuMemFree(memory));
    printf("range of freed memory: %s\n", name_of(cuMemGetAddressRange(&base, &size, memory)));
    printf("no bytes: %s\n", name_of(cuMemAlloc(&memory, 0)));
    free(registered);
    return 0;
}

// RUN: nvcc -lnvrtc -lcuda
// EXPECT-EXIT: 0
// EXPECT: fills: ok
// EXPECT: 16 bits at an odd address: CUDA_ERROR_INVALID_VALUE
// EXPECT: rectangle: ok
// EXPECT: box: ok
// EXPECT: pinned, managed, registered: ok
// EXPECT: range: same start yes, size 10000
// EXPECT: kinds: host, device, managed 1
// EXPECT: stack: CUDA_ERROR_INVALID_VALUE
// EXPECT: range of freed memory: CUDA_ERROR_NOT_FOUND
// EXPECT: no bytes: CUDA_ERROR_INVALID_VALUE
