// Kernels whose memory traffic is known by heart, one launch each: what a card's performance counters say of them is
// recorded in h100.json beside this file, and APEX's counters have to say the same.

#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        cudaError_t error = (call);                                                                \
        if (error != cudaSuccess) {                                                                \
            fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error));                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

extern "C" {

__global__ void saxpy(int n, float a, const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
}

__global__ void strided_read(int n, int stride, const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[(long)i * stride % n];
}

__global__ void unaligned_copy(int n, const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i + 1 < n) y[i] = x[i + 1];
}

__global__ void bytes_copy(int n, const unsigned char *x, unsigned char *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i];
}

__global__ void transpose_naive(int n, const float *in, float *out) {
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8) out[(long)x * n + y + j] = in[(long)(y + j) * n + x];
}

__global__ void transpose_tiled(int n, const float *in, float *out) {
    __shared__ float tile[32][32];
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8) tile[threadIdx.y + j][threadIdx.x] = in[(long)(y + j) * n + x];
    __syncthreads();
    x = blockIdx.y * 32 + threadIdx.x;
    y = blockIdx.x * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8) out[(long)(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j];
}

__global__ void transpose_padded(int n, const float *in, float *out) {
    __shared__ float tile[32][33];
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8) tile[threadIdx.y + j][threadIdx.x] = in[(long)(y + j) * n + x];
    __syncthreads();
    x = blockIdx.y * 32 + threadIdx.x;
    y = blockIdx.x * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8) out[(long)(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j];
}

// Neighbours first, the way that diverges.
__global__ void reduce_interleaved(const int *in, int *out) {
    __shared__ int part[256];
    part[threadIdx.x] = in[blockIdx.x * 256 + threadIdx.x];
    __syncthreads();
    for (int s = 1; s < 256; s *= 2) {
        int index = 2 * s * threadIdx.x;
        if (index < 256) part[index] += part[index + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

__global__ void reduce_sequential(const int *in, int *out) {
    __shared__ int part[256];
    part[threadIdx.x] = in[blockIdx.x * 256 + threadIdx.x];
    __syncthreads();
    for (int s = 128; s > 0; s /= 2) {
        if (threadIdx.x < s) part[threadIdx.x] += part[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}

__global__ void histogram(int n, const unsigned *in, unsigned *bins) {
    __shared__ unsigned part[64];
    if (threadIdx.x < 64) part[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&part[in[i] & 63], 1u);
    __syncthreads();
    if (threadIdx.x < 64) atomicAdd(&bins[threadIdx.x], part[threadIdx.x]);
}

__global__ void sgemm_tiled(int n, const float *a, const float *b, float *c) {
    __shared__ float as[16][16], bs[16][16];
    int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    float sum = 0;
    for (int tile = 0; tile < n; tile += 16) {
        as[threadIdx.y][threadIdx.x] = a[row * n + tile + threadIdx.x];
        bs[threadIdx.y][threadIdx.x] = b[(tile + threadIdx.y) * n + column];
        __syncthreads();
        for (int k = 0; k < 16; k++) sum += as[threadIdx.y][k] * bs[k][threadIdx.x];
        __syncthreads();
    }
    c[row * n + column] = sum;
}

__global__ void stencil(int n, const float *in, float *out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x > 0 && x < n - 1 && y > 0 && y < n - 1)
        out[y * n + x] = 0.2f * (in[y * n + x] + in[y * n + x - 1] + in[y * n + x + 1] + in[(y - 1) * n + x] +
                                 in[(y + 1) * n + x]);
}

__global__ void divergent(int n, const int *in, int *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int value = in[i], turns = 0;
    while (value != 1) {
        value = value & 1 ? 3 * value + 1 : value >> 1;
        turns++;
    }
    if (turns & 1) out[2 * i] = turns;
    else out[2 * i + 1] = turns;
}

__global__ void vectors_float4(int n, const float4 *in, float4 *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float4 v = in[i];
        out[i] = make_float4(v.w, v.z, v.y, v.x);
    }
}

__global__ void vectors_float2(int n, const float2 *in, float2 *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float2 v = in[2 * i];
        out[i] = make_float2(v.y, v.x);
    }
}

__global__ void atomics_global(int n, const unsigned *in, unsigned *bins, unsigned *places) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        atomicAdd(&bins[in[i] & 255], 1u);
        places[i] = atomicAdd(&bins[256 + (i & 15)], 1u);
    }
}

// Shared memory by 4, 8 and 16 bytes, with a stride in elements.
__global__ void shared_words(int stride, const float *in, float *out) {
    __shared__ float tile[2048];
    for (int i = threadIdx.x; i < 2048; i += 64) tile[i] = in[i];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x * stride];
}

__global__ void shared_doubles(int stride, const double *in, double *out) {
    __shared__ double tile[2048];
    for (int i = threadIdx.x; i < 2048; i += 64) tile[i] = in[i];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x * stride];
}

__global__ void shared_quads(int stride, const float4 *in, float4 *out) {
    __shared__ float4 tile[2048];
    for (int i = threadIdx.x; i < 2048; i += 64) tile[i] = in[i];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x * stride];
}

// Lane l reads and writes element map[l]: patterns that strides do not make.
__global__ void shared_doubles_by_map(const int *map, const double *in, double *out) {
    __shared__ double tile[1024];
    for (int i = threadIdx.x; i < 1024; i += 32) tile[i] = in[i];
    __syncthreads();
    out[threadIdx.x] = tile[map[threadIdx.x]];
}

__global__ void shared_quads_by_map(const int *map, const float4 *in, float4 *out) {
    __shared__ float4 tile[1024];
    for (int i = threadIdx.x; i < 1024; i += 32) tile[i] = in[i];
    __syncthreads();
    out[threadIdx.x] = tile[map[threadIdx.x]];
}

__global__ void shared_quads_store_by_map(const int *map, const float4 *in, float4 *out) {
    __shared__ float4 tile[1024];
    tile[map[threadIdx.x]] = in[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void shared_doubles_store_by_map(const int *map, const double *in, double *out) {
    __shared__ double tile[1024];
    tile[map[threadIdx.x]] = in[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void shared_words_store_by_map(const int *map, const float *in, float *out) {
    __shared__ float tile[1024];
    tile[map[threadIdx.x]] = in[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void local_array(int n, const int *in, int *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    volatile int stack[16];
    for (int k = 0; k < 16; k++) stack[k] = in[i] + k;
    out[i] = stack[in[i] & 15];
}

} // extern "C"

static const int MAPS = 12;

// Maps of lanes to elements for the kernels that take one.
static int mapped(int map, int lane) {
    switch (map) {
    case 0: return lane;                                    // one after the other
    case 1: return 0;                                       // all the same
    case 2: return lane / 2;                                // pairs
    case 3: return lane & 15;                               // both halves alike
    case 4: return lane & 7;                                // all quarters alike
    case 5: return 16 * lane;                               // one bank
    case 6: return lane < 16 ? 0 : 16 + lane;               // half the same
    case 7: return (lane * 7 + 3) % 32;                     // permuted
    case 8: return 32 * (lane & 3) + lane / 4;              // columns of 4
    case 9: return lane & 1 ? lane + 16 : lane;             // a part of the banks twice
    case 10: return (lane & 1) * 64 + lane / 2;             // two rows taken in turns
    default: return (lane * 37 + 11) % 1024;                // scattered
    }
}

int main() {
    const int n = 1 << 16, side = 256;
    const size_t bytes = 4 << 20;
    char *host = (char *)malloc(bytes);
    unsigned state = 12345;
    unsigned *words = (unsigned *)host;
    for (size_t i = 0; i < bytes / 4; i++) {
        state = state * 1664525u + 1013904223u;
        words[i] = (state >> 8) % 1000 + 1;
    }
    char *a, *b, *c;
    int *maps;
    CHECK(cudaMalloc(&a, bytes));
    CHECK(cudaMalloc(&b, bytes));
    CHECK(cudaMalloc(&c, bytes));
    CHECK(cudaMalloc(&maps, MAPS * 32 * sizeof(int)));
    CHECK(cudaMemcpy(a, host, bytes, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(b, host, bytes, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(c, 0, bytes));
    int host_maps[MAPS * 32];
    for (int i = 0; i < MAPS * 32; i++) host_maps[i] = mapped(i / 32, i % 32);
    CHECK(cudaMemcpy(maps, host_maps, sizeof host_maps, cudaMemcpyHostToDevice));

    saxpy<<<(n - 13 + 255) / 256, 256>>>(n - 13, 2.0f, (float *)a, (float *)c);
    strided_read<<<n / 256, 256>>>(n, 7, (float *)a, (float *)c);
    unaligned_copy<<<n / 256, 256>>>(n, (float *)a, (float *)c);
    bytes_copy<<<n / 256, 256>>>(n, (unsigned char *)a, (unsigned char *)c);
    dim3 grid(side / 32, side / 32), tile(32, 8);
    transpose_naive<<<grid, tile>>>(side, (float *)a, (float *)c);
    transpose_tiled<<<grid, tile>>>(side, (float *)a, (float *)c);
    transpose_padded<<<grid, tile>>>(side, (float *)a, (float *)c);
    reduce_interleaved<<<n / 256, 256>>>((int *)a, (int *)c);
    reduce_sequential<<<n / 256, 256>>>((int *)a, (int *)c);
    CHECK(cudaMemset(c, 0, bytes));
    histogram<<<32, 256>>>(n, (unsigned *)a, (unsigned *)c);
    sgemm_tiled<<<dim3(128 / 16, 128 / 16), dim3(16, 16)>>>(128, (float *)a, (float *)b, (float *)c);
    stencil<<<dim3(side / 32, side / 8), dim3(32, 8)>>>(side, (float *)a, (float *)c);
    divergent<<<16384 / 256, 256>>>(16384, (int *)a, (int *)c);
    vectors_float4<<<16384 / 256, 256>>>(16384, (float4 *)a, (float4 *)c);
    vectors_float2<<<16384 / 256, 256>>>(16384, (float2 *)a, (float2 *)c);
    CHECK(cudaMemset(c, 0, bytes));
    atomics_global<<<16384 / 256, 256>>>(16384, (unsigned *)a, (unsigned *)c, (unsigned *)b);
    for (int stride : {1, 2, 3, 8, 31}) shared_words<<<1, 64>>>(stride, (float *)a, (float *)c);
    for (int stride : {1, 2, 3, 8, 31}) shared_doubles<<<1, 64>>>(stride, (double *)a, (double *)c);
    for (int stride : {1, 2, 3, 8, 31}) shared_quads<<<1, 64>>>(stride, (float4 *)a, (float4 *)c);
    for (int map = 0; map < MAPS; map++) {
        const int *one = maps + 32 * map;
        shared_doubles_by_map<<<1, 32>>>(one, (double *)a, (double *)c);
        shared_quads_by_map<<<1, 32>>>(one, (float4 *)a, (float4 *)c);
        shared_quads_store_by_map<<<1, 32>>>(one, (float4 *)a, (float4 *)c);
        shared_doubles_store_by_map<<<1, 32>>>(one, (double *)a, (double *)c);
        shared_words_store_by_map<<<1, 32>>>(one, (float *)a, (float *)c);
    }
    local_array<<<16, 256>>>(4096, (int *)a, (int *)c);
    CHECK(cudaDeviceSynchronize());
    printf("done\n");
    return 0;
}
