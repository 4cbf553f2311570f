// The best local alignment of each pair of sequences, with a cost for opening gaps. As many pairs at a time as a vector
// has lanes of 16 bits, which scores of such short sequences fit; a row of the table stays in the nearest cache.
#include <stdint.h>

#include "arguments.h"

#define LENGTH 128
#define LANES 32
#define MATCH 5
#define MISMATCH -4
#define OPEN 10
#define EXTEND 1
#define NEVER -10000

typedef int16_t lanes[LANES];

static inline int16_t larger(int16_t a, int16_t b) { return a > b ? a : b; }

static void align(const uint8_t* restrict queries, const uint8_t* restrict targets, int* restrict scores) {
    lanes target[LENGTH], above[LENGTH], gaps_above[LENGTH], best = {0};
    for (int column = 0; column < LENGTH; column++)
        for (int i = 0; i < LANES; i++) {
            target[column][i] = targets[i * LENGTH + column];
            above[column][i] = 0;
            gaps_above[column][i] = NEVER;
        }
    for (int row = 0; row < LENGTH; row++) {
        lanes letter, score = {0}, gap, diagonal = {0};
        for (int i = 0; i < LANES; i++) {
            letter[i] = queries[i * LENGTH + row];
            gap[i] = NEVER;
        }
        for (int column = 0; column < LENGTH; column++) {
#pragma omp simd
            for (int i = 0; i < LANES; i++) {
                int16_t gap_above = larger(gaps_above[column][i] - EXTEND, above[column][i] - OPEN);
                int16_t gap_left = larger(gap[i] - EXTEND, score[i] - OPEN);
                int16_t paired = diagonal[i] + (letter[i] == target[column][i] ? MATCH : MISMATCH);
                int16_t result = larger(larger(paired, 0), larger(gap_left, gap_above));
                gap[i] = gap_left;
                score[i] = result;
                best[i] = larger(best[i], result);
                diagonal[i] = above[column][i];
                above[column][i] = result;
                gaps_above[column][i] = gap_above;
            }
        }
    }
    for (int i = 0; i < LANES; i++) scores[i] = best[i];
}

static void smith_waterman(int pairs, const uint8_t* queries, const uint8_t* targets, int* scores) {
#pragma omp parallel for schedule(static)
    for (int pair = 0; pair < pairs; pair += LANES)
        align(queries + pair * LENGTH, targets + pair * LENGTH, scores + pair);
}

void run(void** arguments) {
    smith_waterman(ARGUMENT(int, 0), ARGUMENT(const uint8_t*, 1), ARGUMENT(const uint8_t*, 2), ARGUMENT(int*, 3));
}
