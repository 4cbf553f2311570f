// Boxes of tensors of one to five dimensions: element strides, swizzling, interleaved slices, coordinates beyond the tensor, and
// what fills shared memory then. Each is loaded, and stored back into an empty tensor.
#include "case.h"

#include <cudaTypedefs.h>

constexpr int shared_bytes = 16384, tensor_bytes = 65536;

struct Coordinates {
    int c[5];
};

#define COORDINATES1 "{%1}"
#define COORDINATES2 "{%1, %2}"
#define COORDINATES3 "{%1, %2, %3}"
#define COORDINATES4 "{%1, %2, %3, %4}"
#define COORDINATES5 "{%1, %2, %3, %4, %5}"
#define MOVE(rank)                                                                                                        \
    if (store)                                                                                                            \
        asm volatile("cp.async.bulk.tensor." #rank "d.global.shared::cta.bulk_group [%0, " COORDINATES##rank "], [%6];"   \
                     :: "l"(map), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]), "r"(box) : "memory");            \
    else                                                                                                                  \
        asm volatile("cp.async.bulk.tensor." #rank "d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%6], [%0, " \
                     COORDINATES##rank "], [%7];"                                                                         \
                     :: "l"(map), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]), "r"(box), "r"(barrier) : "memory")

__device__ void move_box(const CUtensorMap* map, int rank, const int* c, uint32_t box, uint32_t barrier, bool store) {
    if (rank == 1) MOVE(1);
    if (rank == 2) MOVE(2);
    if (rank == 3) MOVE(3);
    if (rank == 4) MOVE(4);
    if (rank == 5) MOVE(5);
}

// Loads a box and copies all of shared memory out; or copies it in and stores the box.
__global__ void run(const __grid_constant__ CUtensorMap map, int rank, Coordinates at, uint32_t bytes, uint32_t* words, bool store) {
    extern __shared__ __align__(1024) uint32_t box[];
    __shared__ alignas(8) uint64_t arrivals;
    uint32_t box_address = __cvta_generic_to_shared(box), barrier = __cvta_generic_to_shared(&arrivals);
    for (int i = threadIdx.x; i < shared_bytes / 4; i += blockDim.x) box[i] = store ? words[i] : 0xeeeeeeee;
    if (threadIdx.x == 0) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(barrier) : "memory");
    asm volatile("fence.proxy.async;" ::: "memory");
    __syncthreads();
    if (threadIdx.x == 0) {
        if (!store) asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(bytes) : "memory");
        move_box(&map, rank, at.c, box_address, barrier, store);
        asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
    }
    if (store) return;
    asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], 0;\n@!p bra again;\n}" :: "r"(barrier) : "memory");
    for (int i = threadIdx.x; i < shared_bytes / 4; i += blockDim.x) words[i] = box[i];
}

struct Case {
    const char* name;
    int type, rank, bytes;
    cuuint64_t sizes[5], strides[4];
    cuuint32_t box[5], steps[5];
    int interleave, swizzle, fill;
    Coordinates at;
};

const Case cases[] = {
    {"1d", 0, 1, 48, {100}, {}, {48}, {1}, 0, 0, 0, {64}},
    {"2d before", 2, 2, 512, {40, 20}, {160}, {16, 8}, {1, 1}, 0, 0, 0, {-8, -3}},
    {"2d behind", 4, 2, 512, {21, 9}, {176}, {8, 8}, {1, 1}, 0, 0, 0, {16, 6}},
    {"2d of NaNs", 7, 2, 512, {40, 20}, {160}, {16, 8}, {1, 1}, 0, 0, 1, {32, 17}},
    {"2d of half NaNs", 6, 2, 512, {40, 20}, {80}, {32, 8}, {1, 1}, 0, 0, 1, {16, 16}},
    {"2d steps", 1, 2, 96, {64, 30}, {128}, {16, 8}, {3, 3}, 0, 0, 0, {8, 5}},
    {"swizzle 32", 1, 2, 512, {64, 40}, {128}, {16, 16}, {1, 1}, 0, 1, 0, {16, 3}},
    {"swizzle 64", 1, 2, 1024, {64, 40}, {128}, {32, 16}, {1, 1}, 0, 2, 0, {16, 3}},
    {"swizzle 128", 1, 2, 2048, {64, 40}, {128}, {64, 16}, {1, 1}, 0, 3, 0, {0, 30}},
    {"swizzle 128, narrow", 2, 2, 768, {64, 40}, {256}, {12, 16}, {1, 1}, 0, 3, 0, {56, 30}},
    {"3d", 9, 3, 640, {24, 10, 9}, {48, 512}, {16, 5, 4}, {1, 1, 1}, 0, 0, 0, {8, 6, 7}},
    {"4d steps", 3, 4, 576, {12, 5, 6, 7}, {48, 256, 1536}, {12, 4, 3, 5}, {1, 2, 1, 3}, 0, 0, 0, {0, 1, 4, 2}},
    {"5d", 8, 5, 3072, {8, 3, 4, 5, 3}, {64, 192, 768, 4096}, {8, 2, 2, 4, 3}, {1, 1, 1, 1, 1}, 0, 2, 0, {4, 1, 3, 2, 1}},
    {"interleave 16", 1, 3, 256, {20, 6, 5}, {320, 2048}, {8, 3, 2}, {1, 1, 1}, 1, 0, 0, {14, 2, 1}},
    {"interleave 16, steps", 1, 4, 128, {20, 6, 4, 3}, {320, 2048, 8192}, {8, 3, 1, 2}, {2, 3, 1, 1}, 1, 2, 0, {3, 4, 1, 2}},
    {"interleave 32", 2, 5, 1536, {10, 5, 2, 3, 2}, {320, 1600, 3200, 9600}, {4, 3, 2, 2, 2}, {1, 1, 1, 1, 1}, 2, 1, 0, {7, 1, 1, 2, 0}},
    {"rounded", 11, 2, 512, {40, 20}, {160}, {16, 8}, {1, 1}, 0, 0, 0, {16, 4}},
};

int main() {
    void* encode = nullptr;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault));
    std::vector<uint32_t> pattern(tensor_bytes / 4), content(shared_bytes / 4);
    for (size_t i = 0; i < pattern.size(); i++) pattern[i] = mix(i) & 0xbfffffff;
    pattern[4 * 40 + 17] = 0x3f801000, pattern[4 * 40 + 18] = 0x3f803000, pattern[4 * 40 + 19] = 0x7f800001;
    for (size_t i = 0; i < content.size(); i++) content[i] = mix(i + 99);
    uint32_t *tensor = to_device(pattern), *empty = device_zeros<uint32_t>(tensor_bytes / 4), *words = to_device(content);
    for (const Case& box : cases) {
        CUtensorMap maps[2];
        for (int i = 0; i < 2; i++) {
            CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(encode)(
                &maps[i], static_cast<CUtensorMapDataType>(box.type), box.rank, i ? empty : tensor, box.sizes, box.strides, box.box,
                box.steps, static_cast<CUtensorMapInterleave>(box.interleave), static_cast<CUtensorMapSwizzle>(box.swizzle),
                CU_TENSOR_MAP_L2_PROMOTION_NONE, static_cast<CUtensorMapFloatOOBfill>(box.fill));
            if (made != CUDA_SUCCESS) printf("%s: not made\n", box.name);
        }
        run<<<1, 128, shared_bytes>>>(maps[0], box.rank, box.at, box.bytes, words, false);
        CHECK_KERNEL();
        std::vector<uint32_t> loaded = to_host(words, shared_bytes / 4);
        printf("%s: %016llx", box.name, static_cast<unsigned long long>(checksum(loaded)));
        Coordinates at = box.at;
        for (int& c : at.c) c = c < 0 ? 0 : c;
        CHECK(cudaMemset(empty, 0, tensor_bytes));
        CHECK(cudaMemcpy(words, content.data(), shared_bytes, cudaMemcpyHostToDevice));
        run<<<1, 128, shared_bytes>>>(maps[1], box.rank, at, box.bytes, words, true);
        CHECK_KERNEL();
        std::vector<uint32_t> stored = to_host(empty, tensor_bytes / 4);
        int changed = 0;
        for (uint32_t word : stored) changed += word != 0;
        printf(", words stored %d: %016llx\n", changed, static_cast<unsigned long long>(checksum(stored)));
    }
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: 1d: 55b3434b366ea47c, words stored 12: a463a7fb41710576
// EXPECT: 2d before: ad384b0f10090918, words stored 128: 5359fb4a5772c49b
// EXPECT: 2d behind: 9f2ff4ac5972396d, words stored 36: 7adb241d2a5da4ff
// EXPECT: 2d of NaNs: 837784dfa2eb036c, words stored 24: b67c82e354f39111
// EXPECT: 2d of half NaNs: 2590b293567e2d23, words stored 48: 3e66ae414b81db10
// EXPECT: 2d steps: f7babb200186b626, words stored 24: 026a932fb56ec550
// EXPECT: swizzle 32: c010c995cbe6f4ba, words stored 128: c945ef3772300e87
// EXPECT: swizzle 64: e545ef4cff207887, words stored 256: 5ed4125a832409be
// EXPECT: swizzle 128: b37c31fc7bc70e84, words stored 320: e69e5495fdae6c6c
// EXPECT: swizzle 128, narrow: c55a608dbbd95f66, words stored 80: ffe02ffbb935b52b
// EXPECT: 3d: 35255a8141369a60, words stored 64: b06c13838698d748
// EXPECT: 4d steps: ad57a9d5b67dc248, words stored 96: 5378c51de6cbb309
// EXPECT: 5d: 1543bc8032a3cb1a, words stored 96: 83424adb2d1531c4
// EXPECT: interleave 16: 5ca24f8ffd4d857c, words stored 48: 83b418f1a16e65c6
// EXPECT: interleave 16, steps: 37738d51efcf28f3, words stored 16: baf25a2d805cc162
// EXPECT: interleave 32: 82072016ebd4b9d3, words stored 144: 1b3754ec8e48f1e8
// EXPECT: rounded: c84da75dfa052be6, words stored 128: f0efb8e1bbc9329b
