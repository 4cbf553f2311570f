// Tensor maps that kernels change: each field is replaced in a copy in shared memory, the copy goes to global memory with a fence, and a
// box is loaded with it.
#include "case.h"

#include <cudaTypedefs.h>

constexpr int words = 256;

#define SET32(field, ordinal, value) \
    asm volatile("tensormap.replace.tile." #field ".shared::cta.b1024.b32 [%0], " ordinal "%1;" :: "r"(map), "r"(value) : "memory")
#define SET64(field, ordinal, value) \
    asm volatile("tensormap.replace.tile." #field ".shared::cta.b1024.b64 [%0], " ordinal "%1;" :: "r"(map), "l"(value) : "memory")
#define CHOOSE(field, value) \
    asm volatile("tensormap.replace.tile." #field ".shared::cta.b1024.b32 [%0], " value ";" :: "r"(map) : "memory")

// Makes the map of a matrix of `width` by `height` halves out of that of another one, of floats.
__global__ void change(const __grid_constant__ CUtensorMap original, CUtensorMap* changed, const uint16_t* matrix, int width, int height) {
    __shared__ alignas(128) CUtensorMap copy;
    if (threadIdx.x == 0) {
        copy = original;
        uint32_t map = __cvta_generic_to_shared(&copy);
        SET64(global_address, "", matrix);
        SET32(rank, "", 1);
        SET32(box_dim, "0, ", 32);
        SET32(box_dim, "1, ", 6);
        SET32(global_dim, "0, ", width);
        SET32(global_dim, "1, ", height);
        SET64(global_stride, "0, ", static_cast<uint64_t>(width) * 2);
        SET32(element_stride, "0, ", 1);
        SET32(element_stride, "1, ", 2);
        CHOOSE(elemtype, "10");
        CHOOSE(interleave_layout, "0");
        CHOOSE(swizzle_mode, "2");
        CHOOSE(fill_mode, "1");
    }
    __syncwarp();
    asm volatile("tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%0], [%1], 128;"
                 :: "l"(changed), "r"(static_cast<uint32_t>(__cvta_generic_to_shared(&copy))) : "memory");
}

__global__ void change_address(CUtensorMap* map, const uint16_t* matrix) {
    asm volatile("tensormap.replace.tile.global_address.global.b1024.b64 [%0], %1;" :: "l"(map), "l"(matrix) : "memory");
    asm volatile("fence.proxy.tensormap::generic.release.gpu;" ::: "memory");
}

__global__ void load(const CUtensorMap* map, int x, int y, uint32_t* out) {
    __shared__ alignas(1024) uint32_t box[words];
    __shared__ alignas(8) uint64_t arrivals;
    uint32_t barrier = __cvta_generic_to_shared(&arrivals);
    for (int i = threadIdx.x; i < words; i += blockDim.x) box[i] = 5;
    if (threadIdx.x == 0) {
        asm volatile("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" :: "l"(map) : "memory");
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;\nfence.proxy.async;" :: "r"(barrier) : "memory");
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 192;" :: "r"(barrier) : "memory");
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
                     :: "r"(static_cast<uint32_t>(__cvta_generic_to_shared(box))), "l"(map), "r"(x), "r"(y), "r"(barrier) : "memory");
    }
    asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], 0;\n@!p bra again;\n}" :: "r"(barrier) : "memory");
    for (int i = threadIdx.x; i < words; i += blockDim.x) out[i] = box[i];
}

int main() {
    void* encode = nullptr;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault));
    const int width = 40, height = 9;
    std::vector<uint16_t> matrix(2 * width * height);
    for (size_t i = 0; i < matrix.size(); i++) matrix[i] = i + 1;
    uint16_t* halves = to_device(matrix);
    CUtensorMap map;
    cuuint64_t sizes[] = {10, 10, 10}, strides[] = {48, 480};
    cuuint32_t extents[] = {8, 2, 2}, steps[] = {1, 1, 1};
    CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(encode)(
        &map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 3, device_zeros<float>(1200), sizes, strides, extents, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
        CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    printf("made %d\n", made);
    CUtensorMap* changed = device_alloc<CUtensorMap>(1);
    uint32_t* out = device_zeros<uint32_t>(words);
    change<<<1, 32>>>(map, changed, halves, width, height);
    CHECK_KERNEL();
    for (int turn = 0; turn < 2; turn++) {
        load<<<1, 64>>>(changed, 16, 5, out);
        CHECK_KERNEL();
        std::vector<uint32_t> got = to_host(out, words);
        printf("sum %016llx:", static_cast<unsigned long long>(checksum(got)));
        for (int i = 0; i < 52; i += 4) printf(" %x", got[i]);
        printf("\n");
        change_address<<<1, 1>>>(changed, halves + width * height);
        CHECK_KERNEL();
    }
    return 0;
}

// RUN: nvcc -gencode arch=compute_90a,code=compute_90a
// EXPECT-EXIT: 0
// EXPECT: made 0
// EXPECT: sum ebeb90813fdea0dd: da00d9 e200e1 ea00e9 7ff77ff7 12a0129 1320131 13a0139 7ff77ff7 7ff77ff7 7ff77ff7 7ff77ff7 7ff77ff7 5
// EXPECT: sum 61851779ad34a325: 2420241 24a0249 2520251 7ff77ff7 2920291 29a0299 2a202a1 7ff77ff7 7ff77ff7 7ff77ff7 7ff77ff7 7ff77ff7 5
