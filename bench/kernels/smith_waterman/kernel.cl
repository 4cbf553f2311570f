// The best local alignment of each pair of sequences, with a cost for opening gaps: a group a pair, a work item a
// letter of the query. Work items go along the target one behind the other, so that what one computes the next has a
// step later.
#define LENGTH 128
#define MATCH 5
#define MISMATCH -4
#define OPEN 10
#define EXTEND 1
// Less than any score that takes part, and far from where integers end.
#define NEVER -10000

__kernel __attribute__((reqd_work_group_size(LENGTH, 1, 1))) void smith_waterman(__global const uchar* restrict queries,
                                                                                 __global const uchar* restrict targets,
                                                                                 __global int* restrict scores) {
    __local uchar target[LENGTH];
    // What each work item hands to the next, in two copies: one is read while the other is written.
    __local int scores_above[2][LENGTH + 1], gaps_above[2][LENGTH + 1];
    __local int best_of_all;
    int row = get_local_id(0);
    uchar letter = queries[get_global_id(0)];
    target[row] = targets[get_global_id(0)];
    if (row == 0) {
        scores_above[0][0] = scores_above[1][0] = 0;
        gaps_above[0][0] = gaps_above[1][0] = NEVER;
        best_of_all = 0;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
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
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    atomic_max(&best_of_all, best);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (row == 0) scores[get_group_id(0)] = best_of_all;
}
