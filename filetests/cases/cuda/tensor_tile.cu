// Tiles of a matrix by libcu++, with tensor maps that are parameters, in global and in constant memory. What is beyond the matrix is
// zero when it is read, and is not written.
#include "case.h"

#include <cuda/barrier>
#include <cudaTypedefs.h>
#include <utility>

using barrier = cuda::barrier<cuda::thread_scope_block>;
namespace bulk = cuda::device::experimental;

constexpr int width = 100, height = 37, tile_x = 32, tile_y = 8, threads = 64;

__constant__ CUtensorMap constant_maps[2];

// Moves a tile by four columns and a row, and computes with it.
__device__ void move_tile(const CUtensorMap* from, const CUtensorMap* to) {
    __shared__ alignas(128) int tile[tile_x * tile_y];
#pragma nv_diag_suppress static_var_with_dynamic_init
    __shared__ barrier arrivals;
    int x = blockIdx.x * tile_x, y = blockIdx.y * tile_y;
    if (threadIdx.x == 0) {
        init(&arrivals, threads);
        bulk::fence_proxy_async_shared_cta();
    }
    __syncthreads();
    barrier::arrival_token token;
    if (threadIdx.x == 0) {
        bulk::cp_async_bulk_tensor_2d_global_to_shared(&tile, from, x - 4, y - 1, arrivals);
        token = cuda::device::barrier_arrive_tx(arrivals, 1, sizeof(tile));
    } else {
        token = arrivals.arrive();
    }
    arrivals.wait(std::move(token));
    for (int i = threadIdx.x; i < tile_x * tile_y; i += threads) tile[i] = 3 * tile[i] + 1;
    bulk::fence_proxy_async_shared_cta();
    __syncthreads();
    if (threadIdx.x == 0) {
        bulk::cp_async_bulk_tensor_2d_shared_to_global(to, x, y, &tile);
        bulk::cp_async_bulk_commit_group();
        bulk::cp_async_bulk_wait_group_read<0>();
    }
}

__global__ void by_parameter(const __grid_constant__ CUtensorMap from, const __grid_constant__ CUtensorMap to) {
    move_tile(&from, &to);
}

__global__ void by_pointer(const CUtensorMap* maps) { move_tile(maps, maps + 1); }

__global__ void by_constant() { move_tile(constant_maps, constant_maps + 1); }

CUtensorMap map_of(int* matrix) {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found));
    CUtensorMap map;
    cuuint64_t sizes[] = {width, height}, strides[] = {width * sizeof(int)};
    cuuint32_t box[] = {tile_x, tile_y}, steps[] = {1, 1};
    CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(function)(
        &map, CU_TENSOR_MAP_DATA_TYPE_INT32, 2, matrix, sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
        CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (made != CUDA_SUCCESS || found != cudaDriverEntryPointSuccess) printf("encode: %d\n", made);
    return map;
}

int main() {
    std::vector<int> input(width * height), expected(width * height);
    for (int i = 0; i < width * height; i++) input[i] = mix(i) % 1000;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) expected[y * width + x] = 3 * (x < 4 || y < 1 ? 0 : input[(y - 1) * width + x - 4]) + 1;
    int* output = device_zeros<int>(width * height);
    std::vector<CUtensorMap> maps{map_of(to_device(input)), map_of(output)};
    CHECK(cudaMemcpyToSymbol(constant_maps, maps.data(), sizeof(constant_maps)));
    CUtensorMap* global_maps = to_device(maps);
    dim3 grid((width + tile_x - 1) / tile_x, (height + tile_y - 1) / tile_y);
    for (int kind = 0; kind < 3; kind++) {
        CHECK(cudaMemset(output, 0, width * height * sizeof(int)));
        if (kind == 0) by_parameter<<<grid, threads>>>(maps[0], maps[1]);
        if (kind == 1) by_pointer<<<grid, threads>>>(global_maps);
        if (kind == 2) by_constant<<<grid, threads>>>();
        CHECK_KERNEL();
        std::vector<int> got = to_host(output, width * height);
        printf("mismatches %d, sum %016llx\n", mismatches(got, expected), static_cast<unsigned long long>(checksum(got)));
    }
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: mismatches 0, sum 76fb62b53f290eb8
// EXPECT: mismatches 0, sum 76fb62b53f290eb8
// EXPECT: mismatches 0, sum 76fb62b53f290eb8
