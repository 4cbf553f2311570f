// Single-pass scan with decoupled look-back (Merrill and Garland): a block waits for the flags of the blocks before
// it, so blocks that spin must not keep the blocks that they wait for from running.
#include "case.h"

constexpr int threads = 128;
constexpr int per_thread = 4;
constexpr int tile_size = threads * per_thread;

// State of a tile in the upper half, value in the lower: one 64-bit store publishes both.
constexpr unsigned long long aggregate_ready = 1ull << 32;
constexpr unsigned long long prefix_ready = 2ull << 32;

__global__ void scan(const unsigned* input, unsigned* output, int count, unsigned* next_tile,
                     volatile unsigned long long* states) {
    __shared__ unsigned tile, tile_prefix, of_warp[threads / 32];
    // Tiles are handed out in the order in which blocks really start.
    if (threadIdx.x == 0) tile = atomicAdd(next_tile, 1);
    __syncthreads();

    unsigned values[per_thread], sum = 0;
    int first = tile * tile_size + threadIdx.x * per_thread;
    for (int k = 0; k < per_thread; k++) {
        sum += first + k < count ? input[first + k] : 0;
        values[k] = sum;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned inclusive = sum;
    for (int distance = 1; distance < 32; distance *= 2) {
        unsigned below = __shfl_up_sync(0xffffffffu, inclusive, distance);
        if (lane >= distance) inclusive += below;
    }
    if (lane == 31) of_warp[warp] = inclusive;
    __syncthreads();
    unsigned before = inclusive - sum, total = 0;
    for (int w = 0; w < threads / 32; w++) {
        if (w < warp) before += of_warp[w];
        total += of_warp[w];
    }

    if (threadIdx.x == 0) {
        unsigned prefix = 0;
        if (tile > 0) {
            states[tile] = aggregate_ready | total;
            __threadfence();
            for (int previous = tile - 1;;) {
                unsigned long long state = states[previous];
                if (state & prefix_ready) {
                    prefix += static_cast<unsigned>(state);
                    break;
                }
                if (state & aggregate_ready) {
                    prefix += static_cast<unsigned>(state);
                    previous--;
                }
                __threadfence();
            }
        }
        states[tile] = prefix_ready | (prefix + total);
        tile_prefix = prefix;
    }
    __syncthreads();
    for (int k = 0; k < per_thread; k++)
        if (first + k < count) output[first + k] = tile_prefix + before + values[k];
}

int main() {
    const int count = 500001, tiles = (count + tile_size - 1) / tile_size;
    std::vector<unsigned> input(count), expected(count);
    unsigned sum = 0;
    for (int i = 0; i < count; i++) {
        input[i] = mix(i) % 5000;
        expected[i] = sum += input[i];
    }
    unsigned* input_device = to_device(input);
    unsigned* output_device = device_alloc<unsigned>(count);
    unsigned* next_tile = device_zeros<unsigned>(1);
    unsigned long long* states = device_zeros<unsigned long long>(tiles);
    scan<<<tiles, threads>>>(input_device, output_device, count, next_tile, states);
    CHECK_KERNEL();
    std::vector<unsigned> output = to_host(output_device, count);
    printf("tiles %d, last %u\n", tiles, output[count - 1]);
    printf("mismatches %d\n", mismatches(output, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: tiles 977, last 1250676353
// EXPECT: mismatches 0
