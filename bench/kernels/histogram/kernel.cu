// How often each byte occurs: a histogram a block in shared memory, added to the one in global memory at the end.
extern "C" __global__ void histogram(const unsigned* words, int count, unsigned* bins) {
    __shared__ unsigned block_bins[256];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) block_bins[i] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        unsigned word = words[i];
        atomicAdd(&block_bins[word & 255], 1u);
        atomicAdd(&block_bins[word >> 8 & 255], 1u);
        atomicAdd(&block_bins[word >> 16 & 255], 1u);
        atomicAdd(&block_bins[word >> 24], 1u);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 256; i += blockDim.x) atomicAdd(&bins[i], block_bins[i]);
}
