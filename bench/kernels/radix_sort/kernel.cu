// Radix sort, least digit first, eight bits a pass. A pass counts the digits of each block's part, scans the counts over
// all blocks, and moves the keys of each part in their order to where their digit's run of that part begins.
#define WARP 32
#define BLOCK 256
#define WARPS (BLOCK / WARP)
#define ITEMS 16
#define PART (BLOCK * ITEMS)
#define DIGITS 256
#define ALL 0xffffffffu

// The sum of the values of the block's threads before this one.
static __device__ unsigned block_scan(unsigned value, unsigned* warp_sums) {
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    unsigned scanned = value;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
        unsigned below = __shfl_up_sync(ALL, scanned, offset);
        if (lane >= offset) scanned += below;
    }
    if (lane == WARP - 1) warp_sums[warp] = scanned;
    __syncthreads();
    unsigned before = scanned - value;
    for (int i = 0; i < warp; i++) before += warp_sums[i];
    return before;
}

// Counts, all of digit 0 first. The number of keys is a multiple of a block's part.
extern "C" __global__ void __launch_bounds__(BLOCK) count_digits(int shift, const unsigned* keys, unsigned* counts) {
    __shared__ unsigned bins[DIGITS];
    bins[threadIdx.x] = 0;
    __syncthreads();
    const unsigned* part = keys + blockIdx.x * PART;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) atomicAdd(&bins[part[i * BLOCK + threadIdx.x] >> shift & (DIGITS - 1)], 1u);
    __syncthreads();
    counts[threadIdx.x * gridDim.x + blockIdx.x] = bins[threadIdx.x];
}

// Turns counts into the sums of those before, in one block.
extern "C" __global__ void __launch_bounds__(BLOCK) scan_counts(int count, unsigned* counts) {
    __shared__ unsigned warp_sums[WARPS];
    int share = count / BLOCK;
    unsigned* own = counts + threadIdx.x * share;
    unsigned sum = 0;
    for (int i = 0; i < share; i++) sum += own[i];
    sum = block_scan(sum, warp_sums);
    for (int i = 0; i < share; i++) {
        unsigned value = own[i];
        own[i] = sum;
        sum += value;
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK)
    scatter(int shift, const unsigned* keys, const unsigned* starts, unsigned* sorted) {
    __shared__ unsigned part[PART];
    // How often each digit has occurred in each warp's keys, then where in the part its keys of that digit go.
    __shared__ unsigned counts[WARPS][DIGITS];
    // From the place in the part to that in all.
    __shared__ unsigned moves[DIGITS];
    __shared__ unsigned warp_sums[WARPS];
    int thread = threadIdx.x, lane = thread % WARP, warp = thread / WARP;
    unsigned* own_counts = counts[warp];
#pragma unroll
    for (int i = 0; i < WARPS; i++) counts[i][thread] = 0;
    __syncthreads();

    // A warp's keys, one line of them after the other.
    const unsigned* own = keys + blockIdx.x * PART + warp * (WARP * ITEMS) + lane;
    unsigned key[ITEMS], rank[ITEMS];
#pragma unroll
    for (int i = 0; i < ITEMS; i++) key[i] = own[i * WARP];
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        unsigned digit = key[i] >> shift & (DIGITS - 1);
        // Threads with the same digit: each counts those before it, the last one keeps the count.
        unsigned peers = __match_any_sync(ALL, digit);
        unsigned before = own_counts[digit];
        rank[i] = before + __popc(peers & ((1u << lane) - 1));
        __syncwarp();
        if (peers >> lane == 1) own_counts[digit] = rank[i] + 1;
        __syncwarp();
    }
    __syncthreads();

    unsigned sum = 0;
#pragma unroll
    for (int i = 0; i < WARPS; i++) {
        unsigned value = counts[i][thread];
        counts[i][thread] = sum;
        sum += value;
    }
    unsigned begin = block_scan(sum, warp_sums);
#pragma unroll
    for (int i = 0; i < WARPS; i++) counts[i][thread] += begin;
    moves[thread] = starts[thread * gridDim.x + blockIdx.x] - begin;
    __syncthreads();

    // Sorted within the part first, so that runs of a digit are written side by side.
#pragma unroll
    for (int i = 0; i < ITEMS; i++) part[rank[i] + own_counts[key[i] >> shift & (DIGITS - 1)]] = key[i];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        unsigned index = i * BLOCK + thread, moved = part[index];
        sorted[moves[moved >> shift & (DIGITS - 1)] + index] = moved;
    }
}
