// The best local alignment of each pair of sequences, with a cost for opening gaps: a block a pair, a thread a letter
// of the query. Threads go along the target one behind the other, so that what one computes the next has a step later.
#define LENGTH 128
#define MATCH 5
#define MISMATCH -4
#define OPEN 10
#define EXTEND 1
// Less than any score that takes part, and far from where integers end.
#define NEVER -10000

extern "C" __global__ void __launch_bounds__(LENGTH)
    smith_waterman(const unsigned char* __restrict__ queries, const unsigned char* __restrict__ targets,
                   int* __restrict__ scores) {
    __shared__ unsigned char target[LENGTH];
    // What each thread hands to the next, in two copies: one is read while the other is written.
    __shared__ int scores_above[2][LENGTH + 1], gaps_above[2][LENGTH + 1];
    __shared__ int best_of_all;
    int row = threadIdx.x;
    unsigned char letter = queries[blockIdx.x * LENGTH + row];
    target[row] = targets[blockIdx.x * LENGTH + row];
    if (row == 0) {
        scores_above[0][0] = scores_above[1][0] = 0;
        gaps_above[0][0] = gaps_above[1][0] = NEVER;
        best_of_all = 0;
    }
    __syncthreads();
    int score = 0, gap = NEVER, diagonal = 0, best = 0;
    for (int step = 0; step < 2 * LENGTH - 1; step++) {
        int column = step - row, copy = step & 1;
        if (column >= 0 && column < LENGTH) {
            int above = scores_above[copy][row];
            int gap_above = max(gaps_above[copy][row] - EXTEND, above - OPEN);
            gap = max(gap - EXTEND, score - OPEN);
            score = diagonal + (letter == target[column] ? MATCH : MISMATCH);
            score = max(max(score, 0), max(gap, gap_above));
            best = max(best, score);
            diagonal = above;
            scores_above[1 - copy][row + 1] = score;
            gaps_above[1 - copy][row + 1] = gap_above;
        }
        __syncthreads();
    }
    atomicMax(&best_of_all, best);
    __syncthreads();
    if (row == 0) scores[blockIdx.x] = best_of_all;
}
