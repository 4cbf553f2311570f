// A tile of a matrix for several blocks of a cluster at once: each waits at its own barrier, and one gets nothing.
#include "case.h"

#include <cudaTypedefs.h>

constexpr int blocks = 4, tile = 16, grid = 8;

__global__ void __cluster_dims__(blocks) spread(const __grid_constant__ CUtensorMap map, uint32_t* out) {
    __shared__ alignas(128) uint32_t box[tile * tile];
    __shared__ alignas(8) uint64_t arrivals;
    uint32_t rank, box_address = __cvta_generic_to_shared(box), barrier = __cvta_generic_to_shared(&arrivals);
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    const uint32_t mask = 0b1011;
    bool takes_part = mask >> rank & 1;
    for (int i = threadIdx.x; i < tile * tile; i += blockDim.x) box[i] = 7;
    if (threadIdx.x == 0) {
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(barrier) : "memory");
        asm volatile("fence.mbarrier_init.release.cluster;\nfence.proxy.async;" ::: "memory");
        if (takes_part) asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(4 * tile * tile) : "memory");
    }
    asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
    if (rank == 2 && threadIdx.x == 0) {
        int x = blockIdx.x / blocks * tile - 4, y = 3;
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;"
                     :: "r"(box_address), "l"(&map), "r"(x), "r"(y), "r"(barrier), "h"(static_cast<uint16_t>(mask)) : "memory");
    }
    if (takes_part)
        asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%0], 0;\n@!p bra again;\n}" :: "r"(barrier) : "memory");
    for (int i = threadIdx.x; i < tile * tile; i += blockDim.x) out[blockIdx.x * tile * tile + i] = box[i];
    asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}

int main() {
    void* encode = nullptr;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault));
    const int width = 24, height = 12;
    std::vector<uint32_t> matrix(width * height), expected;
    for (int i = 0; i < width * height; i++) matrix[i] = mix(i) % 1000;
    CUtensorMap map;
    cuuint64_t sizes[] = {width, height}, strides[] = {4 * width};
    cuuint32_t extents[] = {tile, tile}, steps[] = {1, 1};
    CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(encode)(
        &map, CU_TENSOR_MAP_DATA_TYPE_UINT32, 2, to_device(matrix), sizes, strides, extents, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
        CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    printf("made %d\n", made);
    uint32_t* out = device_zeros<uint32_t>(grid * tile * tile);
    spread<<<grid, 64>>>(map, out);
    CHECK_KERNEL();
    for (int block = 0; block < grid; block++)
        for (int i = 0; i < tile * tile; i++) {
            int x = block / blocks * tile - 4 + i % tile, y = 3 + i / tile;
            bool inside = x >= 0 && x < width && y < height;
            expected.push_back(block % blocks == 2 ? 7 : inside ? matrix[y * width + x] : 0);
        }
    std::vector<uint32_t> got = to_host(out, grid * tile * tile);
    printf("mismatches %d, sum %016llx\n", mismatches(got, expected), static_cast<unsigned long long>(checksum(got)));
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: made 0
// EXPECT: mismatches 0, sum 8da01f904d834788
