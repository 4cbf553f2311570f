// How often each of eight patterns occurs in a text: a thread tries all patterns at one place, in the block's part of
// the text in shared memory. Patterns are in constant memory, as all threads read the same letter at a time.
#define BLOCK 256
#define PATTERNS 8
#define LENGTH 12

__constant__ unsigned char patterns[PATTERNS][LENGTH];

extern "C" __global__ void string_match(int places, const unsigned char* __restrict__ text, unsigned* counts) {
    __shared__ unsigned char part[BLOCK + LENGTH];
    __shared__ unsigned block_counts[PATTERNS];
    int start = blockIdx.x * BLOCK, thread = threadIdx.x;
    // The text goes on for a pattern's length after the last place.
    part[thread] = text[start + thread];
    if (thread < LENGTH) part[BLOCK + thread] = text[start + BLOCK + thread];
    if (thread < PATTERNS) block_counts[thread] = 0;
    __syncthreads();
    if (start + thread < places) {
        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            int same = 0;
            while (same < LENGTH && part[thread + same] == patterns[pattern][same]) same++;
            if (same == LENGTH) atomicAdd(&block_counts[pattern], 1u);
        }
    }
    __syncthreads();
    if (thread < PATTERNS && block_counts[thread] > 0) atomicAdd(&counts[thread], block_counts[thread]);
}
