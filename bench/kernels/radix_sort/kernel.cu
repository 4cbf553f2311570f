// Radix sort, least digit first, four bits a pass. A pass counts the digits of each block's part, scans the counts over
// all blocks, and moves the keys of each part in their order to where their digit's run of that part begins.
#define BLOCK 256
#define ITEMS 8
#define PART (BLOCK * ITEMS)
#define DIGITS 16

// The sum of the values of the block's threads before this one.
static __device__ unsigned block_scan(unsigned value, unsigned* warp_sums) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    unsigned scanned = value;
#pragma unroll
    for (int offset = 1; offset < 32; offset *= 2) {
        unsigned below = __shfl_up_sync(0xffffffffu, scanned, offset);
        if (lane >= offset) scanned += below;
    }
    if (lane == 31) warp_sums[warp] = scanned;
    __syncthreads();
    unsigned before = scanned - value;
    for (int i = 0; i < warp; i++) before += warp_sums[i];
    return before;
}

// Counts, all of digit 0 first. The number of keys is a multiple of a block's part.
extern "C" __global__ void count_digits(int shift, const unsigned* keys, unsigned* counts) {
    __shared__ unsigned bins[DIGITS];
    if (threadIdx.x < DIGITS) bins[threadIdx.x] = 0;
    __syncthreads();
    const unsigned* part = keys + blockIdx.x * PART;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) atomicAdd(&bins[part[i * BLOCK + threadIdx.x] >> shift & (DIGITS - 1)], 1u);
    __syncthreads();
    if (threadIdx.x < DIGITS) counts[threadIdx.x * gridDim.x + blockIdx.x] = bins[threadIdx.x];
}

// Turns counts into the sums of those before, in one block.
extern "C" __global__ void scan_counts(int count, unsigned* counts) {
    __shared__ unsigned warp_sums[BLOCK / 32];
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

extern "C" __global__ void scatter(int shift, const unsigned* keys, const unsigned* starts, unsigned* sorted) {
    __shared__ unsigned part[PART];
    // How often each digit occurs in each thread's keys, then where a thread's keys of that digit go.
    __shared__ unsigned ranks[DIGITS * BLOCK];
    __shared__ unsigned warp_sums[BLOCK / 32];
    int thread = threadIdx.x;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) part[i * BLOCK + thread] = keys[blockIdx.x * PART + i * BLOCK + thread];
#pragma unroll
    for (int digit = 0; digit < DIGITS; digit++) ranks[digit * BLOCK + thread] = 0;
    __syncthreads();

    unsigned own[ITEMS], place[ITEMS];
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        own[i] = part[thread * ITEMS + i];
        place[i] = ranks[(own[i] >> shift & (DIGITS - 1)) * BLOCK + thread]++;
    }
    __syncthreads();

    unsigned* counts = ranks + thread * DIGITS;
    unsigned sum = 0;
#pragma unroll
    for (int i = 0; i < DIGITS; i++) sum += counts[i];
    sum = block_scan(sum, warp_sums);
#pragma unroll
    for (int i = 0; i < DIGITS; i++) {
        unsigned value = counts[i];
        counts[i] = sum;
        sum += value;
    }
    __syncthreads();

    // Sorted within the part first, so that runs of a digit are written side by side.
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
        part[place[i] + ranks[(own[i] >> shift & (DIGITS - 1)) * BLOCK + thread]] = own[i];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        unsigned index = i * BLOCK + thread;
        unsigned key = part[index], digit = key >> shift & (DIGITS - 1);
        sorted[starts[digit * gridDim.x + blockIdx.x] + index - ranks[digit * BLOCK]] = key;
    }
}
