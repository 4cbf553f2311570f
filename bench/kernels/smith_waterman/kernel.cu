// nvcc: -arch=compute_90
// The best local alignment of each pair of sequences, with a cost for opening gaps: a warp two pairs, whose scores are
// the halves of a word, a thread four letters of the queries. Threads go along the targets one behind the other, so that
// what one computes the next has a step later.
#define LENGTH 128
#define WARP 32
#define ROWS (LENGTH / WARP)
#define MATCH 5
#define MISMATCH -4
#define OPEN 10
#define EXTEND 1
// Less than any score that takes part, and far from where integers of 16 bits end.
#define NEVER -10000
// No letter of a sequence.
#define NOTHING 0xff

// Letters are kept times this, so that the bits in which two of them differ are more than what a match is better by.
#define SPREAD 16

static __device__ unsigned both(int low, int high) { return (low & 0xffffu) | (unsigned)high << 16; }

extern "C" __global__ void __launch_bounds__(4 * WARP)
    smith_waterman(const unsigned char* __restrict__ queries, const unsigned char* __restrict__ targets,
                   int* __restrict__ scores) {
    int lane = threadIdx.x % WARP;
    int pair = 2 * (blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP);
    const unsigned char* query = queries + pair * LENGTH + lane * ROWS;
    const unsigned char* target = targets + pair * LENGTH;
    const unsigned never = both(NEVER, NEVER), open = both(-OPEN, -OPEN), extend = both(-EXTEND, -EXTEND);
    const unsigned same = both(MATCH + 1, MATCH + 1), other = both(MISMATCH - MATCH - 1, MISMATCH - MATCH - 1);

    unsigned letters[ROWS], score[ROWS], gap[ROWS];
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
        letters[row] = ~both(SPREAD * query[row], SPREAD * query[LENGTH + row]);
        score[row] = 0;
        gap[row] = never;
    }
    const unsigned nothing = both(SPREAD * NOTHING, SPREAD * NOTHING);
    unsigned letter = nothing, gap_above = never, diagonal = 0, best = 0;
    for (int step = 0; step < LENGTH + WARP - 1; step++) {
        // From the thread before: its last row, and the letter that it had.
        unsigned above = __shfl_up_sync(0xffffffffu, score[ROWS - 1], 1);
        gap_above = __shfl_up_sync(0xffffffffu, gap_above, 1);
        letter = __shfl_up_sync(0xffffffffu, letter, 1);
        if (lane == 0) {
            above = 0;
            gap_above = never;
            // Beyond the end there is nothing that a letter would match.
            letter = step < LENGTH ? both(SPREAD * target[step], SPREAD * target[LENGTH + step]) : nothing;
        }
        unsigned next_diagonal = above;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            // -1 for the same letters, and less than -SPREAD for others.
            unsigned paired = __vadd2(same, __vmaxs2(letters[row] ^ letter, other));
            gap_above = __viaddmax_s16x2(gap_above, extend, __vadd2(above, open));
            gap[row] = __viaddmax_s16x2(gap[row], extend, __vadd2(score[row], open));
            above = __viaddmax_s16x2_relu(diagonal, paired, __vmaxs2(gap[row], gap_above));
            best = __vmaxs2(best, above);
            diagonal = score[row];
            score[row] = above;
        }
        diagonal = next_diagonal;
    }
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2)
        best = __vmaxs2(best, __shfl_xor_sync(0xffffffffu, best, offset));
    if (lane < 2) scores[pair + lane] = best >> 16 * lane & 0xffffu;
}
