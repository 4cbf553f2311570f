// The inclusive prefix sum of an array: each block scans its part, by shuffles within warps and shared memory between
// them, and leaves its total; the totals are scanned likewise and added.
#define BLOCK 256

static __device__ unsigned warp_scan(unsigned value, int lane) {
#pragma unroll
    for (int offset = 1; offset < 32; offset *= 2) {
        unsigned below = __shfl_up_sync(0xffffffffu, value, offset);
        if (lane >= offset) value += below;
    }
    return value;
}

// Four elements a thread; the number of elements is a multiple of that.
extern "C" __global__ void scan_blocks(int count, const uint4* values, uint4* sums, unsigned* totals) {
    __shared__ unsigned warp_sums[BLOCK / 32];
    int i = blockIdx.x * BLOCK + threadIdx.x;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    uint4 own = i * 4 < count ? values[i] : make_uint4(0, 0, 0, 0);
    own.y += own.x;
    own.z += own.y;
    own.w += own.z;
    unsigned scanned = warp_scan(own.w, lane);
    if (lane == 31) warp_sums[warp] = scanned;
    __syncthreads();
    if (warp == 0) {
        unsigned sum = warp_scan(lane < BLOCK / 32 ? warp_sums[lane] : 0, lane);
        if (lane < BLOCK / 32) warp_sums[lane] = sum;
    }
    __syncthreads();
    unsigned before = scanned - own.w + (warp > 0 ? warp_sums[warp - 1] : 0);
    if (i * 4 < count) sums[i] = make_uint4(own.x + before, own.y + before, own.z + before, own.w + before);
    if (threadIdx.x == BLOCK - 1) totals[blockIdx.x] = before + own.w;
}

// Adds to each block the scanned total of the one before.
extern "C" __global__ void add_totals(int count, uint4* sums, const unsigned* totals) {
    int i = blockIdx.x * BLOCK + threadIdx.x;
    if (blockIdx.x == 0 || i * 4 >= count) return;
    unsigned before = totals[blockIdx.x - 1];
    uint4 own = sums[i];
    sums[i] = make_uint4(own.x + before, own.y + before, own.z + before, own.w + before);
}
