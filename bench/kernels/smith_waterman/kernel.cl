// The best local alignment of each pair of sequences, with a cost for opening gaps: 32 work items two pairs, a work item
// four letters of the queries. Work items go along the targets one behind the other, so that what one computes the next
// has a step later, by way of local memory.
#define LENGTH 128
#define WIDTH 32
#define GROUP (4 * WIDTH)
#define ROWS (LENGTH / WIDTH)
#define MATCH 5
#define MISMATCH -4
#define OPEN 10
#define EXTEND 1
// Less than any score that takes part, and far from where integers of 16 bits end.
#define NEVER -10000
// No letter of a sequence.
#define NOTHING 0xff

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void smith_waterman(__global const uchar* restrict queries,
                                                                                __global const uchar* restrict targets,
                                                                                __global int* restrict scores) {
    // What each work item hands to the next, in two copies: one is read while the other is written.
    __local short scores_above[2][2][GROUP + 1], gaps_above[2][2][GROUP + 1], letters_before[2][2][GROUP + 1];
    __local int best_of[2][GROUP / WIDTH];
    int place = get_local_id(0), lane = place % WIDTH, part = place / WIDTH;
    int pair = 2 * (get_global_id(0) / WIDTH);
    __global const uchar* query = queries + pair * LENGTH + lane * ROWS;
    __global const uchar* target = targets + pair * LENGTH;
    short letters[2][ROWS], score[2][ROWS], gap[2][ROWS], diagonal[2] = {0, 0}, best[2] = {0, 0};
#pragma unroll
    for (int which = 0; which < 2; which++) {
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            letters[which][row] = query[which * LENGTH + row];
            score[which][row] = 0;
            gap[which][row] = NEVER;
        }
        scores_above[0][which][place + 1] = 0;
        gaps_above[0][which][place + 1] = NEVER;
        letters_before[0][which][place + 1] = NOTHING;
        if (lane == 0) best_of[which][part] = 0;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = 0; step < LENGTH + WIDTH - 1; step++) {
        int copy = step & 1;
#pragma unroll
        for (int which = 0; which < 2; which++) {
            // From the work item before: its last row, and the letter that it had. Beyond the end there is nothing that a
            // letter would match.
            short above = lane == 0 ? 0 : scores_above[copy][which][place];
            short gap_above = lane == 0 ? NEVER : gaps_above[copy][which][place];
            short first = step < LENGTH ? target[which * LENGTH + step] : NOTHING;
            short letter = lane == 0 ? first : letters_before[copy][which][place];
            short next_diagonal = above;
#pragma unroll
            for (int row = 0; row < ROWS; row++) {
                short paired = diagonal[which] + (letters[which][row] == letter ? MATCH : MISMATCH);
                gap_above = max((short)(gap_above - EXTEND), (short)(above - OPEN));
                gap[which][row] = max((short)(gap[which][row] - EXTEND), (short)(score[which][row] - OPEN));
                above = max(max(paired, (short)0), max(gap[which][row], gap_above));
                best[which] = max(best[which], above);
                diagonal[which] = score[which][row];
                score[which][row] = above;
            }
            diagonal[which] = next_diagonal;
            scores_above[1 - copy][which][place + 1] = above;
            gaps_above[1 - copy][which][place + 1] = gap_above;
            letters_before[1 - copy][which][place + 1] = letter;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int which = 0; which < 2; which++) atomic_max(&best_of[which][part], (int)best[which]);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < 2) scores[pair + lane] = best_of[lane][part];
}
