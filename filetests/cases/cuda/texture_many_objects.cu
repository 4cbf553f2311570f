// Many texture objects in a table in memory, of which each block, each warp and at last each lane group chooses one; objects are
// destroyed and made again between launches.
#include "case.h"

constexpr int objects = 40, width = 64;

__global__ void by_block(const cudaTextureObject_t* table, int* output) {
    int which = blockIdx.x * 7 % objects;
    output[blockIdx.x * width + threadIdx.x] = tex1Dfetch<int>(table[which], threadIdx.x);
}

__global__ void by_warp(const cudaTextureObject_t* table, int* output) {
    int which = (blockIdx.x * 2 + threadIdx.x / 32) % objects;
    output[blockIdx.x * width + threadIdx.x] = tex1Dfetch<int>(table[which], width - 1 - threadIdx.x);
}

struct Pair {
    cudaTextureObject_t first, second;
};

__global__ void by_parameter(Pair pair, int* output) {
    int i = threadIdx.x;
    output[i] = tex1Dfetch<int>(pair.first, i) * 3 + tex1Dfetch<int>(pair.second, i);
}

cudaTextureObject_t texture_of(int* memory) {
    cudaResourceDesc resource = {};
    resource.resType = cudaResourceTypeLinear;
    resource.res.linear.devPtr = memory;
    resource.res.linear.desc = cudaCreateChannelDesc<int>();
    resource.res.linear.sizeInBytes = width * sizeof(int);
    cudaTextureDesc description = {};
    description.readMode = cudaReadModeElementType;
    cudaTextureObject_t texture;
    CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
    return texture;
}

int main() {
    // Parts of one allocation, each aligned as textures want it.
    std::vector<int> values(objects * 128);
    for (size_t i = 0; i < values.size(); i++) values[i] = (int)mix(i);
    int *memory = to_device(values), *output = device_zeros<int>(objects * width);
    std::vector<cudaTextureObject_t> table(objects);
    for (int i = 0; i < objects; i++) table[i] = texture_of(memory + i * 128);
    for (int round = 0; round < 3; round++) {
        cudaTextureObject_t* device_table = to_device(table);
        auto value = [&](int object, int i) { return values[(round ? (object + round * 5) % objects : object) * 128 + i]; };
        by_block<<<objects, width>>>(device_table, output);
        CHECK_KERNEL();
        std::vector<int> got = to_host(output, objects * width), expected(got.size());
        for (int b = 0; b < objects; b++)
            for (int i = 0; i < width; i++) expected[b * width + i] = value(b * 7 % objects, i);
        printf("round %d, by block: %016llx, mismatches %d\n", round, (unsigned long long)checksum(got),
               mismatches(got, expected));
        by_warp<<<objects, width>>>(device_table, output);
        CHECK_KERNEL();
        got = to_host(output, objects * width);
        for (int b = 0; b < objects; b++)
            for (int i = 0; i < width; i++) expected[b * width + i] = value((b * 2 + i / 32) % objects, width - 1 - i);
        printf("round %d, by warp: %016llx, mismatches %d\n", round, (unsigned long long)checksum(got),
               mismatches(got, expected));
        by_parameter<<<1, width>>>({table[round], table[objects - 1 - round]}, output);
        CHECK_KERNEL();
        got = to_host(output, width);
        expected.resize(width);
        for (int i = 0; i < width; i++)
            expected[i] = (int)((unsigned)value(round, i) * 3 + (unsigned)value(objects - 1 - round, i));
        printf("round %d, by parameter: mismatches %d\n", round, mismatches(got, expected));
        CHECK(cudaFree(device_table));
        for (cudaTextureObject_t texture : table) CHECK(cudaDestroyTextureObject(texture));
        for (int i = 0; i < objects; i++) table[i] = texture_of(memory + (i + (round + 1) * 5) % objects * 128);
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: round 0, by block: 8476ce939d3a6681, mismatches 0
// EXPECT: round 0, by warp: cb4e0db13e8c7645, mismatches 0
// EXPECT: round 0, by parameter: mismatches 0
// EXPECT: round 1, by block: 09948f78cb11d81d, mismatches 0
// EXPECT: round 1, by warp: 952cdc8a3f00c625, mismatches 0
// EXPECT: round 1, by parameter: mismatches 0
// EXPECT: round 2, by block: cec94f186dbbfccd, mismatches 0
// EXPECT: round 2, by warp: ae0e3a47025bfae5, mismatches 0
// EXPECT: round 2, by parameter: mismatches 0
