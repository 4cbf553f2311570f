// A program on NVIDIA's runtime library as nvcc makes it, written by hand, so that it can be linked with runtime
// libraries of older generations, shared or static: it registers a fat binary, and launches kernels from it.
//
// The fat binary is read from the file that the first argument names.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned x, y, z;
} Dim3;
// The runtime takes Dim3 by value; its launch function is the same in all generations.
int cudaLaunchKernel(const void* function, Dim3 grid, Dim3 block, void** arguments, size_t shared, void* stream);
int cudaMalloc(void** memory, size_t size), cudaFree(void* memory),
    cudaMemcpy(void* to, const void* from, size_t size, int kind);
int cudaDeviceSynchronize(void), cudaRuntimeGetVersion(int* version), cudaGetLastError(void);
int cudaStreamCreate(void** stream), cudaStreamSynchronize(void* stream), cudaStreamDestroy(void* stream);
int cudaMemcpyToSymbol(const void* symbol, const void* from, size_t size, size_t offset, int kind);
int cudaMemcpyFromSymbol(void* to, const void* symbol, size_t size, size_t offset, int kind);
const char* cudaGetErrorName(int error);
void** __cudaRegisterFatBinary(void* wrapper);
void __cudaRegisterFatBinaryEnd(void** handle);
void __cudaUnregisterFatBinary(void** handle);
void __cudaRegisterFunction(void** handle, const char* host, char* device, const char* name, int thread_limit,
                            void* thread, void* block, void* block_size, void* grid_size, int* warp_size);
void __cudaRegisterVar(void** handle, char* host, char* device, const char* name, int external, size_t size,
                       int constant, int global);

enum { HOST_TO_DEVICE = 1, DEVICE_TO_HOST = 2 };

static void check(int error, const char* what, int line) {
    if (error == 0) return;
    printf("line %d: %s: %s\n", line, what, cudaGetErrorName(error));
    exit(1);
}
#define CHECK(call) check(call, #call, __LINE__)

static struct {
    uint32_t magic, version;
    const void* data;
    void* more;
} wrapper = {0x466243b1, 1, NULL, NULL};
// Their addresses stand for kernels and variables; nothing is ever read from them.
static char saxpy_symbol, block_sums_symbol, bias_symbol, launches_symbol;

static void* read_file(const char* path) {
    FILE* file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
    long size = ftell(file);
    // The driver reads it in place, and it begins with 64-bit words.
    void* data = aligned_alloc(16, ((size_t)size + 15) / 16 * 16);
    rewind(file);
    if (fread(data, 1, (size_t)size, file) != (size_t)size) exit(2);
    fclose(file);
    return data;
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    wrapper.data = read_file(argv[1]);
    void** handle = __cudaRegisterFatBinary(&wrapper);
    __cudaRegisterFunction(handle, &saxpy_symbol, "saxpy", "saxpy", -1, NULL, NULL, NULL, NULL, NULL);
    __cudaRegisterFunction(handle, &block_sums_symbol, "block_sums", "block_sums", -1, NULL, NULL, NULL, NULL, NULL);
    __cudaRegisterVar(handle, &bias_symbol, "bias", "bias", 0, 16, 1, 0);
    __cudaRegisterVar(handle, &launches_symbol, "launches", "launches", 0, 4, 0, 0);
    __cudaRegisterFatBinaryEnd(handle);

    enum { count = 5000, threads = 128, blocks = (count + threads - 1) / threads };
    static float x[count], y[count], expected[count];
    float bias[4] = {1, 2, 3, 4}, a = 2;
    int length = count, launches = 0;
    for (int i = 0; i < count; i++) {
        x[i] = (float)(i % 50);
        y[i] = (float)(i % 9);
        expected[i] = 2 * x[i] + y[i] + bias[i % 4];
    }
    void *x_device, *y_device, *sums_device, *stream;
    CHECK(cudaMalloc(&x_device, sizeof x));
    CHECK(cudaMalloc(&y_device, sizeof y));
    CHECK(cudaMalloc(&sums_device, blocks * sizeof(float)));
    CHECK(cudaMemcpy(x_device, x, sizeof x, HOST_TO_DEVICE));
    CHECK(cudaMemcpy(y_device, y, sizeof y, HOST_TO_DEVICE));
    CHECK(cudaMemcpyToSymbol(&bias_symbol, bias, sizeof bias, 0, HOST_TO_DEVICE));
    CHECK(cudaStreamCreate(&stream));

    void* saxpy_arguments[] = {&a, &x_device, &y_device, &length};
    Dim3 grid = {blocks, 1, 1}, block = {threads, 1, 1};
    CHECK(cudaLaunchKernel(&saxpy_symbol, grid, block, saxpy_arguments, 0, stream));
    CHECK(cudaStreamSynchronize(stream));
    CHECK(cudaMemcpy(y, y_device, sizeof y, DEVICE_TO_HOST));
    printf("saxpy: %s\n", memcmp(y, expected, sizeof y) == 0 ? "ok" : "WRONG");

    void* sum_arguments[] = {&y_device, &sums_device, &length};
    CHECK(cudaLaunchKernel(&block_sums_symbol, grid, block, sum_arguments, threads * sizeof(float), NULL));
    CHECK(cudaDeviceSynchronize());
    float sums[blocks], total = 0, expected_total = 0;
    CHECK(cudaMemcpy(sums, sums_device, sizeof sums, DEVICE_TO_HOST));
    for (int i = 0; i < blocks; i++) total += sums[i];
    for (int i = 0; i < count; i++) expected_total += expected[i];
    printf("sum %.0f, expected %.0f\n", total, expected_total);
    CHECK(cudaMemcpyFromSymbol(&launches, &launches_symbol, sizeof launches, 0, DEVICE_TO_HOST));
    printf("launches %d\n", launches);

    Dim3 too_large = {4096, 1, 1};
    printf("too large a block: %s\n",
           cudaGetErrorName(cudaLaunchKernel(&saxpy_symbol, grid, too_large, saxpy_arguments, 0, NULL)));
    (void)cudaGetLastError();
    CHECK(cudaStreamDestroy(stream));
    CHECK(cudaFree(x_device));
    CHECK(cudaFree(y_device));
    CHECK(cudaFree(sums_device));
    __cudaUnregisterFatBinary(handle);
    return 0;
}

// EXPECT: saxpy: ok
// EXPECT: sum 277490, expected 277490
// EXPECT: launches 2
// EXPECT: too large a block: cudaErrorInvalidConfiguration
