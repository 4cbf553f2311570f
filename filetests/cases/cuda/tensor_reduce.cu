// Reductions of boxes in shared memory into a tensor: every operation on every type that has it; numbers of which some are too small for
// ordinary floats, and a row that ends amid 16 bytes.
#include "case.h"

#include <cudaTypedefs.h>

constexpr int words = 64;

#define REDUCE(op)                                                                                                     \
    asm volatile("cp.reduce.async.bulk.tensor.2d.global.shared::cta." #op ".tile.bulk_group [%0, {%1, %2}], [%3];"     \
                 :: "l"(&map), "r"(0), "r"(1), "r"(static_cast<uint32_t>(__cvta_generic_to_shared(box))) : "memory")

__global__ void reduce(const __grid_constant__ CUtensorMap map, int op, const uint32_t* operands) {
    __shared__ alignas(128) uint32_t box[words];
    box[threadIdx.x] = operands[threadIdx.x];
    asm volatile("fence.proxy.async;" ::: "memory");
    __syncthreads();
    if (threadIdx.x != 0) return;
    if (op == 0) REDUCE(add);
    if (op == 1) REDUCE(min);
    if (op == 2) REDUCE(max);
    if (op == 3) REDUCE(inc);
    if (op == 4) REDUCE(dec);
    if (op == 5) REDUCE(and);
    if (op == 6) REDUCE(or);
    if (op == 7) REDUCE(xor);
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
}

int main() {
    void* encode = nullptr;
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault));
    const char* names[] = {"add", "min", "max", "inc", "dec", "and", "or", "xor"};
    const char* types[] = {"u8", "u16", "u32", "s32", "u64", "s64", "f16", "f32", "f64", "bf16", "f32.ftz", "tf32", "tf32.ftz"};
    const unsigned bytes_of[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
    // The operations that each type has, a bit for each.
    const unsigned has[] = {0, 0, 0xff, 0xe7, 0xe7, 0x06, 0x07, 0x01, 0x01, 0x07, 0x01, 0x01, 0x01};
    std::vector<uint32_t> initial(2 * words), operands(words);
    for (int i = 0; i < 2 * words; i++) initial[i] = mix(i) >> (mix(i + 7) % 3 * 9);
    for (int i = 0; i < words; i++) operands[i] = mix(i + 500) >> (mix(i + 9) % 3 * 9);
    // Subnormals of 32 and 16 bits, infinities, NaNs, equal numbers of different signs.
    uint32_t odd[][2] = {{0x00400000, 0x00200000}, {0x80400000, 0x00200001}, {0x00800000, 0x80400001}, {0x00010001, 0x80020002},
                         {0x7f800000, 0xff800000}, {0x7fc00001, 0x3f800000}, {0x7c007c01, 0xfc003c00}, {0x80000000, 0x00000000},
                         {0x7f807f81, 0x3f803f80}, {0x3f800000, 0x33800000}, {0x03ff03ff, 0x00010001}, {0x7fffffff, 0x7fffffff}};
    for (int i = 0; i < 12; i++) initial[words + i] = odd[i][0], operands[i] = odd[i][1];
    uint32_t *tensor = device_alloc<uint32_t>(2 * words), *given = to_device(operands);
    for (int type = 0; type < 13; type++)
        for (int op = 0; op < 8; op++) {
            if (!(has[type] >> op & 1)) continue;
            // 60 words are wanted, of which the row has 57 and a half.
            unsigned bytes = bytes_of[type];
            CUtensorMap map;
            cuuint64_t sizes[] = {230 / bytes, 2}, strides[] = {4 * words};
            cuuint32_t extents[] = {240 / bytes, 1}, steps[] = {1, 1};
            CUresult made = reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(encode)(
                &map, static_cast<CUtensorMapDataType>(type), 2, tensor, sizes, strides, extents, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
                CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
            if (made != CUDA_SUCCESS) printf("not made: %d\n", made);
            CHECK(cudaMemcpy(tensor, initial.data(), 8 * words, cudaMemcpyHostToDevice));
            reduce<<<1, words>>>(map, op, given);
            CHECK_KERNEL();
            std::vector<uint32_t> got = to_host(tensor, 2 * words);
            int last = 0;
            for (int i = 0; i < 2 * words; i++)
                if (got[i] != initial[i]) last = i - words;
            printf("%s %s: last %d, sum %016llx", types[type], names[op], last, static_cast<unsigned long long>(checksum(got)));
            for (int i = 0; i < 12; i++) printf(" %x", got[words + i]);
            printf("\n");
        }
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: u32 add: last 59, sum 495e89ff6d2e0c8d 600000 80600001 80c00001 80030003 7f000000 bf400001 7800b801 80000000 bf00bf01 73000000 4000400 fffffffe
// EXPECT: u32 min: last 59, sum 2e60f95fcf4c54da 200000 200001 800000 10001 7f800000 3f800000 7c007c01 0 3f803f80 33800000 10001 7fffffff
// EXPECT: u32 max: last 55, sum 9d0b84e2cb44dbb8 400000 80400000 80400001 80020002 ff800000 7fc00001 fc003c00 80000000 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: u32 inc: last 59, sum a26055460ff29c76 0 0 800001 10002 7f800001 0 7c007c02 0 0 0 0 0
// EXPECT: u32 dec: last 59, sum 1244c2e7492d6f10 200000 200001 7fffff 10000 7f7fffff 3f800000 7c007c00 0 3f803f80 33800000 10001 7ffffffe
// EXPECT: u32 and: last 59, sum 9e5db142e61102c0 0 0 0 0 7f800000 3f800000 7c003c00 0 3f803f80 33800000 10001 7fffffff
// EXPECT: u32 or: last 59, sum e593cd628fda7822 600000 80600001 80c00001 80030003 ff800000 7fc00001 fc007c01 80000000 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: u32 xor: last 59, sum 740e8d62d1dd5d25 600000 80600001 80c00001 80030003 80000000 40400001 80004001 80000000 40004001 c000000 3fe03fe 0
// EXPECT: s32 add: last 59, sum 495e89ff6d2e0c8d 600000 80600001 80c00001 80030003 7f000000 bf400001 7800b801 80000000 bf00bf01 73000000 4000400 fffffffe
// EXPECT: s32 min: last 58, sum 217a56a1c3b897b5 200000 80400000 80400001 80020002 ff800000 3f800000 fc003c00 80000000 3f803f80 33800000 10001 7fffffff
// EXPECT: s32 max: last 59, sum 5485148488274cff 400000 200001 800000 10001 7f800000 7fc00001 7c007c01 0 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: s32 and: last 59, sum 9e5db142e61102c0 0 0 0 0 7f800000 3f800000 7c003c00 0 3f803f80 33800000 10001 7fffffff
// EXPECT: s32 or: last 59, sum e593cd628fda7822 600000 80600001 80c00001 80030003 ff800000 7fc00001 fc007c01 80000000 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: s32 xor: last 59, sum 740e8d62d1dd5d25 600000 80600001 80c00001 80030003 80000000 40400001 80004001 80000000 40004001 c000000 3fe03fe 0
// EXPECT: u64 add: last 55, sum cec13e09dda1329f 600000 80600001 80c00001 80030003 7f000000 bf400002 7800b801 80000001 bf00bf01 73000000 4000400 fffffffe
// EXPECT: u64 min: last 53, sum c8bd5307cc7e21c2 200000 200001 800000 10001 ff800000 3f800000 fc003c00 0 3f803f80 33800000 10001 7fffffff
// EXPECT: u64 max: last 55, sum 324f31ea663bc6d4 400000 80400000 80400001 80020002 7f800000 7fc00001 7c007c01 80000000 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: u64 and: last 55, sum f7dbe9f764e08d66 0 0 0 0 7f800000 3f800000 7c003c00 0 3f803f80 33800000 10001 7fffffff
// EXPECT: u64 or: last 55, sum 6944e47737ba4748 600000 80600001 80c00001 80030003 ff800000 7fc00001 fc007c01 80000000 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: u64 xor: last 55, sum ac06e5a5b7f49744 600000 80600001 80c00001 80030003 80000000 40400001 80004001 80000000 40004001 c000000 3fe03fe 0
// EXPECT: s64 min: last 55, sum 90f83b2bf2b6e08a 400000 80400000 80400001 80020002 ff800000 3f800000 7c007c01 80000000 3f803f80 33800000 10001 7fffffff
// EXPECT: s64 max: last 49, sum a9f8e11d74af7374 200000 200001 800000 10001 7f800000 7fc00001 fc003c00 0 7f807f81 3f800000 3ff03ff 7fffffff
// EXPECT: f16 add: last 59, sum f11b3e87a26da1e2 600000 80200001 400001 80010003 7fff0000 7fff0001 7fff7fff 0 7fff7fff 40380000 4000400 7fff7fff
// EXPECT: f16 min: last 58, sum c7835fee3c724fef 200000 80400000 80400000 80020001 7fff0000 3f800000 fc003c00 80000000 3f803f80 33800000 10001 7fff7fff
// EXPECT: f16 max: last 59, sum 3073380bd6866ef2 400000 200001 800001 10002 7fff0000 3f800001 7c003c00 0 3f803f80 3f800000 3ff03ff 7fff7fff
// EXPECT: f32 add: last 58, sum 931295a374fb8ab6 600000 801fffff 3fffff 80010001 7fffffff 7fffffff 77800200 0 7fffffff 3f800000 3ff07ff 7fffffff
// EXPECT: f64 add: last 55, sum 5430a5c962a3e265 80700000 8037ffff 7fc00001 80010001 7f800000 7fc00001 7fffbfff 0 7f807f81 3f800000 10001 7fffffff
// EXPECT: bf16 add: last 59, sum 61148fbc1633e62f 600000 80200001 400001 80010003 7fff0000 7fff0001 7c01 0 7f807fff 3f800000 3ff03ff 7fff7fff
// EXPECT: bf16 min: last 58, sum 793c059b869c9577 200000 80400000 80400000 80020001 ff800000 3f800000 fc003c00 80000000 3f803f80 33800000 10001 7fff7fff
// EXPECT: bf16 max: last 59, sum 87392ce0aaca1b14 400000 200001 800001 10002 7f800000 3f800001 7c007c01 0 7f803f80 3f800000 3ff03ff 7fff7fff
// EXPECT: f32.ftz add: last 58, sum b5b5659a29489dc1 0 0 800000 0 7fffffff 7fffffff 77800200 0 7fffffff 3f800000 3ff03ff 7fffffff
// EXPECT: tf32 add: last 58, sum 931295a374fb8ab6 600000 801fffff 3fffff 80010001 7fffffff 7fffffff 77800200 0 7fffffff 3f800000 3ff07ff 7fffffff
// EXPECT: tf32.ftz add: last 58, sum b5b5659a29489dc1 0 0 800000 0 7fffffff 7fffffff 77800200 0 7fffffff 3f800000 3ff03ff 7fffffff
