// Pixels of images as the rows of a matrix, for convolutions: bounding boxes with padding, offsets, strides, several images at once;
// images of one to three dimensions. And rows that go back into images.
#include "case.h"

#include <cudaTypedefs.h>

constexpr int shared_bytes = 4096, image_words = 4096;

struct Numbers {
    int c[5];
    uint16_t offsets[3];
};

#define LOAD(rank, coordinates, distances)                                                                                   \
    asm volatile("cp.async.bulk.tensor." #rank "d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%6], [%0, "   \
                 coordinates "], [%7], " distances ";"                                                                        \
                 :: "l"(map), "r"(at.c[0]), "r"(at.c[1]), "r"(at.c[2]), "r"(at.c[3]), "r"(at.c[4]), "r"(box), "r"(barrier), \
                    "h"(at.offsets[0]), "h"(at.offsets[1]), "h"(at.offsets[2]) : "memory")
#define STORE(rank, coordinates)                                                                                            \
    asm volatile("cp.async.bulk.tensor." #rank "d.global.shared::cta.im2col_no_offs.bulk_group [%0, " coordinates "], [%6];" \
                 :: "l"(map), "r"(at.c[0]), "r"(at.c[1]), "r"(at.c[2]), "r"(at.c[3]), "r"(at.c[4]), "r"(box) : "memory")

__device__ void move_pixels(const CUtensorMap* map, int rank, const Numbers& at, uint32_t box, uint32_t barrier, bool store) {
    if (rank == 3 && !store) LOAD(3, "{%1, %2, %3}", "{%8}");
    if (rank == 4 && !store) LOAD(4, "{%1, %2, %3, %4}", "{%8, %9}");
    if (rank == 5 && !store) LOAD(5, "{%1, %2, %3, %4, %5}", "{%8, %9, %10}");
    if (rank == 3 && store) STORE(3, "{%1, %2, %3}");
    if (rank == 4 && store) STORE(4, "{%1, %2, %3, %4}");
}

__global__ void run(const __grid_constant__ CUtensorMap map, int rank, Numbers at, uint32_t bytes, uint32_t* words, bool store) {
    __shared__ alignas(1024) uint32_t box[shared_bytes / 4];
    __shared__ alignas(8) uint64_t arrivals;
    uint32_t box_address = __cvta_generic_to_shared(box), barrier = __cvta_generic_to_shared(&arrivals);
    for (int i = threadIdx.x; i < shared_bytes / 4; i += blockDim.x) box[i] = store ? words[i] : 0xeeeeeeee;
    if (threadIdx.x == 0) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(barrier) : "memory");
    asm volatile("fence.proxy.async;" ::: "memory");
    __syncthreads();
    if (threadIdx.x == 0) {
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(store ? 0 : bytes) : "memory");
        move_pixels(&map, rank, at, box_address, barrier, store);
        asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
    }
    asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], 0;\n@!p bra again;\n}" :: "r"(barrier) : "memory");
    if (!store) for (int i = threadIdx.x; i < shared_bytes / 4; i += blockDim.x) words[i] = box[i];
}

struct Case {
    const char* name;
    int rank;
    cuuint64_t sizes[5], strides[4];
    int lower[3], upper[3];
    cuuint32_t channels, pixels, steps[5];
    int interleave, swizzle, fill;
    Numbers at;
    bool store;
};

const Case cases[] = {
    {"signal", 3, {8, 11, 3}, {32, 352}, {-1}, {-1}, 8, 14, {1, 1, 1}, 0, 0, 1, {{0, 7, 0}, {2}}, false},
    {"image", 4, {12, 6, 5, 3}, {48, 320, 1600}, {-1, -1}, {-1, -1}, 8, 20, {1, 1, 1, 1}, 0, 1, 0, {{8, 3, 2, 0}, {0, 2}}, false},
    {"strides", 4, {8, 7, 7, 2}, {32, 256, 1792}, {-1, -1}, {-1, -1}, 8, 12, {1, 2, 2, 1}, 0, 0, 0, {{0, 1, 3, 0}, {1, 1}}, false},
    {"dilation", 4, {16, 8, 6, 2}, {64, 512, 3072}, {-2, -2}, {-2, -2}, 16, 16, {1, 1, 1, 1}, 0, 2, 0, {{0, 3, 1, 1}, {4, 2}}, false},
    {"volume", 5, {4, 5, 4, 3, 2}, {16, 80, 320, 960}, {-1, -1, 0}, {-1, 0, -1}, 4, 40, {1, 1, 1, 1, 1}, 0, 0, 0, {{0, 2, 3, 1, 0}, {2, 0, 1}}, false},
    {"interleaved", 4, {7, 5, 2, 2}, {112, 560, 1120}, {0, -1}, {-1, 0}, 4, 20, {1, 1, 1, 1}, 1, 0, 0, {{3, 2, 1, 0}, {1, 1}}, false},
    {"signal back", 3, {6, 11, 3}, {32, 352}, {1}, {-1}, 8, 14, {1, 2, 1}, 0, 0, 0, {{0, 7, 0}, {}}, true},
    {"image back", 4, {12, 6, 5, 3}, {48, 320, 1600}, {0, 0}, {-1, -2}, 8, 20, {1, 1, 1, 1}, 0, 1, 0, {{8, 3, 1, 0}, {}}, true},
};

int main() {
    void* encode = nullptr;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeIm2col", &encode, 12000, cudaEnableDefault));
    std::vector<uint32_t> pattern(image_words), content(shared_bytes / 4);
    for (int i = 0; i < image_words; i++) pattern[i] = i + 1;
    for (size_t i = 0; i < content.size(); i++) content[i] = mix(i + 99);
    uint32_t *images = device_alloc<uint32_t>(image_words), *words = device_alloc<uint32_t>(shared_bytes / 4);
    for (const Case& box : cases) {
        CUtensorMap map;
        CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeIm2col_v12000>(encode)(
            &map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, box.rank, images, box.sizes, box.strides, box.lower, box.upper, box.channels,
            box.pixels, box.steps, static_cast<CUtensorMapInterleave>(box.interleave), static_cast<CUtensorMapSwizzle>(box.swizzle),
            CU_TENSOR_MAP_L2_PROMOTION_NONE, static_cast<CUtensorMapFloatOOBfill>(box.fill));
        if (made != CUDA_SUCCESS) printf("not made: %d\n", made);
        CHECK(cudaMemcpy(images, pattern.data(), 4 * image_words, cudaMemcpyHostToDevice));
        CHECK(cudaMemcpy(words, content.data(), shared_bytes, cudaMemcpyHostToDevice));
        uint32_t bytes = box.pixels * (box.interleave ? 16 : 4 * box.channels);
        run<<<1, 64>>>(map, box.rank, box.at, bytes, words, box.store);
        CHECK_KERNEL();
        std::vector<uint32_t> got = box.store ? to_host(images, image_words) : to_host(words, shared_bytes / 4);
        printf("%s: %016llx:", box.name, static_cast<unsigned long long>(checksum(got)));
        // The first word of each pixel's first piece.
        for (cuuint32_t i = 0; i < box.pixels && !box.store; i++) printf(" %x", got[i * bytes / box.pixels / 4]);
        printf("\n");
    }
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: signal: a6cce74e1f0b8ee5: 49 51 7ff77ff7 61 69 71 79 81 89 91 99 a1 a9 7ff77ff7
// EXPECT: image: 33eecc66da5b1205: 16d 179 0 0 0 0 0 0 0 1e9 1f5 201 0 0 0 0 245 251 25d 269
// EXPECT: strides: 19f05d20727efe85: 111 121 131 181 191 1a1 1b1 1c1 1d1 1e1 1f1 241
// EXPECT: dilation: 7cd10c09feb2a04a: 4f1 0 0 525 539 549 55d 56d 571 0 0 5a5 5b9 5c9 5dd 5ed
// EXPECT: volume: dfd7d1d38b9d0499: ed 0 0 0 0 0 0 145 149 14d 151 0 159 15d 161 165 0 16d 171 175 179 0 181 185 189 18d 0 0 0 0 0 0 195 199 19d 1a1 0 1a9 1ad 1b1
// EXPECT: interleaved: 4255cd9acca1f4e9: f1 f5 f9 101 105 109 10d 111 115 0 0 0 0 0 0 1a9 1ad 1b1 1b5 1b9
// EXPECT: signal back: e53dd5388bb438ea:
// EXPECT: image back: 82ef568bf5527fd3:
