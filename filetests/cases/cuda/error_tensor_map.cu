// The innermost coordinate of a tile comes to a multiple of 16 bytes, or the instruction is illegal.
#include "case.h"

#include <cudaTypedefs.h>

__global__ void load(const __grid_constant__ CUtensorMap map, int x) {
    __shared__ alignas(128) float box[32];
    __shared__ alignas(8) uint64_t arrivals;
    uint32_t barrier = __cvta_generic_to_shared(&arrivals);
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;\nfence.proxy.async;\nmbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 128;"
                 :: "r"(barrier) : "memory");
    asm volatile("cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2}], [%3];"
                 :: "r"(static_cast<uint32_t>(__cvta_generic_to_shared(box))), "l"(&map), "r"(x), "r"(barrier) : "memory");
    asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], 0;\n@!p bra again;\n}" :: "r"(barrier) : "memory");
}

int main() {
    void* encode = nullptr;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault));
    CUtensorMap map;
    cuuint64_t size = 1000, stride = 0;
    cuuint32_t extent = 32, step = 1;
    CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(encode)(
        &map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 1, device_zeros<float>(1000), &size, &stride, &extent, &step, CU_TENSOR_MAP_INTERLEAVE_NONE,
        CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    printf("made %d\n", made);
    load<<<1, 1>>>(map, 996);
    printf("by 4: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    load<<<1, 1>>>(map, 998);
    printf("by 2: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    printf("afterwards: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: made 0
// EXPECT: by 4: cudaSuccess
// EXPECT: by 2: cudaErrorIllegalInstruction
// EXPECT: afterwards: cudaErrorIllegalInstruction
