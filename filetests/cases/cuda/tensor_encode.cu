// Which tensor maps the driver makes: each field at its limits and beyond, for tiles and pixels. What only later cards have is left out.
#include "case.h"

#include <cudaTypedefs.h>

constexpr cuuint64_t one = 1;

struct Map {
    int type = 1;
    cuuint32_t rank = 3;
    cuuint64_t address = one << 32, sizes[6] = {64, 8, 4, 2, 2, 2}, strides[5] = {256, 4096, 16384, 32768, 65536};
    cuuint32_t box[6] = {16, 4, 2, 1, 1, 1}, steps[6] = {1, 1, 1, 1, 1, 1};
    int interleave = 0, swizzle = 0, promotion = 0, fill = 0;
    int lower[4] = {}, upper[4] = {};
    cuuint32_t channels = 16, pixels = 8;
};

static void *encode_tiled, *encode_pixels, *replace_address;

int tiled(const Map& m, CUtensorMap* map = nullptr) {
    CUtensorMap unused;
    return reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(encode_tiled)(
        map ? map : &unused, static_cast<CUtensorMapDataType>(m.type), m.rank, reinterpret_cast<void*>(m.address), m.sizes, m.strides, m.box,
        m.steps, static_cast<CUtensorMapInterleave>(m.interleave), static_cast<CUtensorMapSwizzle>(m.swizzle),
        static_cast<CUtensorMapL2promotion>(m.promotion), static_cast<CUtensorMapFloatOOBfill>(m.fill));
}

int pixels(const Map& m) {
    CUtensorMap unused;
    return reinterpret_cast<PFN_cuTensorMapEncodeIm2col_v12000>(encode_pixels)(
        &unused, static_cast<CUtensorMapDataType>(m.type), m.rank, reinterpret_cast<void*>(m.address), m.sizes, m.strides, m.lower, m.upper,
        m.channels, m.pixels, m.steps, static_cast<CUtensorMapInterleave>(m.interleave), static_cast<CUtensorMapSwizzle>(m.swizzle),
        static_cast<CUtensorMapL2promotion>(m.promotion), static_cast<CUtensorMapFloatOOBfill>(m.fill));
}

// Prints the answers for some values of a field.
template <typename Set>
void sweep(const char* name, int (*encode)(const Map&), const Map& base, std::vector<int64_t> values, Set set) {
    printf("%s:", name);
    for (int64_t value : values) {
        Map map = base;
        set(map, value);
        printf(" %d", encode(map));
    }
    printf("\n");
}

#define SWEEP(encode, base, field, ...) \
    sweep(#encode " " #base " " #field, encode, base, std::vector<int64_t>{__VA_ARGS__}, [](Map& m, int64_t v) { m.field = v; })

int only_tiled(const Map& m) { return tiled(m); }

int main() {
    CHECK(cudaFree(nullptr));
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode_tiled, 12000, cudaEnableDefault));
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeIm2col", &encode_pixels, 12000, cudaEnableDefault));
    CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapReplaceAddress", &replace_address, 12000, cudaEnableDefault));
    const Map plain, interleaved = [] { Map m; m.interleave = 1; return m; }(), wide = [] { Map m; m.interleave = 2; m.swizzle = 1; return m; }();
    const Map image = [] { Map m; m.rank = 4; return m; }(), volume = [] { Map m; m.rank = 5; return m; }();
    const Map bytes = [] { Map m; m.type = 0; m.box[0] = 256; m.box[2] = 1; return m; }();
    for (const Map* base : {&plain, &interleaved, &wide}) {
        const Map& of = *base;
        SWEEP(only_tiled, of, rank, 0, 1, 2, 3, 4, 5, 6);
        SWEEP(only_tiled, of, address, (one << 32) + 8, (one << 32) + 16, (one << 32) + 32, 0);
        SWEEP(only_tiled, of, sizes[0], 0, 1, one << 32, (one << 32) + 1);
        SWEEP(only_tiled, of, sizes[1], 0, 1, one << 32, (one << 32) + 1);
        SWEEP(only_tiled, of, strides[0], 0, 8, 16, 32, 48, (one << 40) - 32, one << 40);
        SWEEP(only_tiled, of, box[0], 0, 4, 8, 12, 248, 256, 264);
        SWEEP(only_tiled, of, box[1], 0, 1, 256, 257);
        SWEEP(only_tiled, of, steps[0], 0, 1, 8, 9);
        SWEEP(only_tiled, of, steps[2], 0, 1, 8, 9);
        SWEEP(only_tiled, of, type, 0, 5, 12, 16);
        SWEEP(only_tiled, of, swizzle, 0, 1, 2, 3, 7);
        SWEEP(only_tiled, of, promotion, 3, 4);
        SWEEP(only_tiled, of, interleave, 0, 1, 2, 3);
        SWEEP(pixels, of, rank, 1, 2, 3, 4, 5, 6);
        SWEEP(pixels, of, channels, 0, 4, 8, 12, 256, 264);
        SWEEP(pixels, of, lower[0], -32769, -32768, 7, 8, 63, 64);
    }
    sweep("NaNs", only_tiled, plain, {0, 5, 6, 7, 8, 9, 12}, [](Map& m, int64_t v) { m.type = v, m.fill = 1; });
    SWEEP(only_tiled, plain, fill, 1, 2);
    SWEEP(only_tiled, plain, address, one << 40, one << 48, one << 56, one << 57, one << 60);
    for (int swizzle = 1; swizzle < 4; swizzle++) {
        Map base;
        base.swizzle = swizzle;
        SWEEP(only_tiled, base, box[0], 8, 16, 24, 32, 40, 64, 72);
        SWEEP(pixels, base, channels, 8, 16, 24, 32, 40, 64, 72);
    }
    // Bytes of the whole box.
    SWEEP(only_tiled, bytes, box[1], 64, 128, 256);
    sweep("larger", only_tiled, bytes, {200, 224, 226, 227, 228, 229, 232, 240, 248, 255, 256}, [](Map& m, int64_t v) { m.box[1] = 4, m.box[2] = v; });
    sweep("larger, with steps", only_tiled, bytes, {200, 256}, [](Map& m, int64_t v) { m.box[1] = 8, m.box[2] = v, m.steps[1] = 8; });
    sweep("many pixels", pixels, plain, {1, 400, 454, 455, 512, 1024, 1025}, [](Map& m, int64_t v) { m.channels = 256, m.pixels = v; });
    SWEEP(pixels, plain, pixels, 0, 1, 1024, 1025);
    SWEEP(pixels, image, lower[1], -129, -128, 3, 4);
    SWEEP(pixels, image, upper[1], -129, -128, -4, -3, 127, 128);
    SWEEP(pixels, volume, lower[2], -17, -16, 1, 2);
    SWEEP(pixels, volume, upper[2], -17, -2, -1, 15, 16);
    CUtensorMap map;
    printf("made %d, replaced:", tiled(plain, &map));
    for (cuuint64_t address : {(one << 32) + 8, (one << 32) + 16, one << 33})
        printf(" %d", reinterpret_cast<PFN_cuTensorMapReplaceAddress_v12000>(replace_address)(&map, reinterpret_cast<void*>(address)));
    printf("\n");
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: only_tiled of rank: 1 0 0 0 0 0 1
// EXPECT: only_tiled of address: 1 0 0 0
// EXPECT: only_tiled of sizes[0]: 1 0 0 1
// EXPECT: only_tiled of sizes[1]: 1 0 0 1
// EXPECT: only_tiled of strides[0]: 0 1 0 0 0 0 1
// EXPECT: only_tiled of box[0]: 1 1 0 1 0 0 1
// EXPECT: only_tiled of box[1]: 1 0 0 1
// EXPECT: only_tiled of steps[0]: 1 0 0 1
// EXPECT: only_tiled of steps[2]: 1 0 0 1
// EXPECT: only_tiled of type: 0 0 0 1
// EXPECT: only_tiled of swizzle: 0 0 0 0 1
// EXPECT: only_tiled of promotion: 0 1
// EXPECT: only_tiled of interleave: 0 0 0 1
// EXPECT: pixels of rank: 1 1 0 0 0 1
// EXPECT: pixels of channels: 1 1 0 1 0 1
// EXPECT: pixels of lower[0]: 1 0 0 1 1 1
// EXPECT: only_tiled of rank: 1 1 1 0 0 0 1
// EXPECT: only_tiled of address: 1 0 0 0
// EXPECT: only_tiled of sizes[0]: 1 0 0 1
// EXPECT: only_tiled of sizes[1]: 1 0 0 1
// EXPECT: only_tiled of strides[0]: 0 1 0 0 0 0 1
// EXPECT: only_tiled of box[0]: 1 1 0 1 0 0 1
// EXPECT: only_tiled of box[1]: 1 0 0 1
// EXPECT: only_tiled of steps[0]: 1 0 0 1
// EXPECT: only_tiled of steps[2]: 1 0 0 1
// EXPECT: only_tiled of type: 0 0 0 1
// EXPECT: only_tiled of swizzle: 0 0 0 0 1
// EXPECT: only_tiled of promotion: 0 1
// EXPECT: only_tiled of interleave: 0 0 0 1
// EXPECT: pixels of rank: 1 1 0 0 0 1
// EXPECT: pixels of channels: 1 1 0 1 0 1
// EXPECT: pixels of lower[0]: 1 0 0 0 0 1
// EXPECT: only_tiled of rank: 1 1 1 0 0 0 1
// EXPECT: only_tiled of address: 1 1 0 0
// EXPECT: only_tiled of sizes[0]: 1 0 0 1
// EXPECT: only_tiled of sizes[1]: 1 0 0 1
// EXPECT: only_tiled of strides[0]: 0 1 1 0 1 0 1
// EXPECT: only_tiled of box[0]: 1 1 0 1 0 0 1
// EXPECT: only_tiled of box[1]: 1 0 0 1
// EXPECT: only_tiled of steps[0]: 1 0 0 1
// EXPECT: only_tiled of steps[2]: 1 0 0 1
// EXPECT: only_tiled of type: 0 0 0 1
// EXPECT: only_tiled of swizzle: 0 0 0 0 1
// EXPECT: only_tiled of promotion: 0 1
// EXPECT: only_tiled of interleave: 0 0 0 1
// EXPECT: pixels of rank: 1 1 0 0 0 1
// EXPECT: pixels of channels: 1 1 0 1 0 1
// EXPECT: pixels of lower[0]: 1 0 0 0 0 1
// EXPECT: NaNs: 1 1 0 0 0 0 0
// EXPECT: only_tiled plain fill: 1 1
// EXPECT: only_tiled plain address: 0 0 0 1 1
// EXPECT: only_tiled base box[0]: 0 0 1 1 1 1 1
// EXPECT: pixels base channels: 0 0 1 1 1 1 1
// EXPECT: only_tiled base box[0]: 0 0 0 0 1 1 1
// EXPECT: pixels base channels: 0 0 0 0 1 1 1
// EXPECT: only_tiled base box[0]: 0 0 0 0 0 0 1
// EXPECT: pixels base channels: 0 0 0 0 0 0 1
// EXPECT: only_tiled bytes box[1]: 0 0 0
// EXPECT: larger: 0 0 0 0 0 1 1 1 1 1 1
// EXPECT: larger, with steps: 0 0
// EXPECT: many pixels: 0 0 0 0 1 1 1
// EXPECT: pixels plain pixels: 1 0 0 1
// EXPECT: pixels image lower[1]: 1 0 0 1
// EXPECT: pixels image upper[1]: 1 1 1 0 0 1
// EXPECT: pixels volume lower[2]: 1 0 0 1
// EXPECT: pixels volume upper[2]: 1 1 0 0 1
// EXPECT: made 0, replaced: 1 0 0
