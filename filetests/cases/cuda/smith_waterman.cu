// Local alignment of two sequences with affine gaps: one block a pair, the matrix walked by anti-diagonals in shared
// memory, the best score kept by a block reduction.
#include <algorithm>

#include "case.h"

constexpr int length = 160;
constexpr int match_score = 3, mismatch_score = -2, gap_open = 5, gap_extend = 1;

__global__ void align(const char* a, const char* b, int* scores, int2* ends) {
    __shared__ int h[3][length + 1], e[2][length + 1], f[2][length + 1];
    __shared__ unsigned long long best;
    int row = threadIdx.x + 1;
    const char* x = a + blockIdx.x * length;
    const char* y = b + blockIdx.x * length;
    for (int k = 0; k < 3; k++) h[k][row] = 0;
    for (int k = 0; k < 2; k++) e[k][row] = f[k][row] = -1000;
    if (threadIdx.x == 0) {
        best = 0;
        for (int k = 0; k < 3; k++) h[k][0] = 0;
        for (int k = 0; k < 2; k++) e[k][0] = f[k][0] = -1000;
    }
    __syncthreads();
    unsigned long long mine = 0;
    for (int diagonal = 2; diagonal <= 2 * length; diagonal++) {
        int column = diagonal - row;
        int now = diagonal % 3, before = (diagonal + 2) % 3, twice = (diagonal + 1) % 3;
        if (column >= 1 && column <= length) {
            // The cell to the left has this row on the diagonal before, the cell above the row before.
            int left = column > 1 ? h[before][row] : 0, above = row > 1 ? h[before][row - 1] : 0;
            int corner = row > 1 && column > 1 ? h[twice][row - 1] : 0;
            int along = max((column > 1 ? e[(diagonal + 1) % 2][row] : -1000) - gap_extend, left - gap_open);
            int down = max((row > 1 ? f[(diagonal + 1) % 2][row - 1] : -1000) - gap_extend, above - gap_open);
            int score =
                max(max(0, corner + (x[row - 1] == y[column - 1] ? match_score : mismatch_score)), max(along, down));
            h[now][row] = score;
            e[diagonal % 2][row] = along;
            f[diagonal % 2][row] = down;
            unsigned long long here =
                static_cast<unsigned long long>(score) << 32 | (1000 - row) << 16 | (1000 - column);
            mine = max(mine, here);
        }
        __syncthreads();
    }
    atomicMax(&best, mine);
    __syncthreads();
    if (threadIdx.x == 0) {
        scores[blockIdx.x] = static_cast<int>(best >> 32);
        ends[blockIdx.x] =
            make_int2(1000 - static_cast<int>(best >> 16 & 0xffff), 1000 - static_cast<int>(best & 0xffff));
    }
}

int main() {
    const int pairs = 24;
    std::vector<char> a(pairs * length), b(pairs * length);
    for (int p = 0; p < pairs; p++)
        for (int i = 0; i < length; i++) {
            a[p * length + i] = "ACGT"[mix(p * length + i) % 4];
            // The second sequence is the first one, shifted, with errors.
            int source = i + p % 7 - 3 + (i > length / 2 ? p % 5 : 0);
            bool error = mix(p * 999 + i) % 8 == 0 || source < 0 || source >= length;
            b[p * length + i] = error ? "ACGT"[mix(i + p) % 4] : "ACGT"[mix(p * length + source) % 4];
        }
    int* scores_device = device_zeros<int>(pairs);
    int2* ends_device = device_zeros<int2>(pairs);
    align<<<pairs, length>>>(to_device(a), to_device(b), scores_device, ends_device);
    CHECK_KERNEL();
    std::vector<int> scores = to_host(scores_device, pairs), expected(pairs, 0);
    std::vector<int2> ends = to_host(ends_device, pairs), expected_ends(pairs);
    for (int p = 0; p < pairs; p++) {
        std::vector<int> h((length + 1) * (length + 1), 0), e = h, f = h;
        std::fill(e.begin(), e.end(), -1000);
        std::fill(f.begin(), f.end(), -1000);
        for (int i = 1; i <= length; i++)
            for (int j = 1; j <= length; j++) {
                int at = i * (length + 1) + j;
                e[at] = std::max(e[at - 1] - gap_extend, h[at - 1] - gap_open);
                f[at] = std::max(f[at - length - 1] - gap_extend, h[at - length - 1] - gap_open);
                int diagonal = h[at - length - 2] +
                               (a[p * length + i - 1] == b[p * length + j - 1] ? match_score : mismatch_score);
                h[at] = std::max(std::max(0, diagonal), std::max(e[at], f[at]));
                if (h[at] > expected[p]) expected[p] = h[at], expected_ends[p] = make_int2(i, j);
            }
    }
    printf("scores:");
    for (int score : scores) printf(" %d", score);
    printf("\nmismatches %d, ends %d\n", mismatches(scores, expected), mismatches(ends, expected_ends));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: scores: 401 419 398 394 392 424 398 400 379 386 415 404 367 390 397 399 402 428 426 364 403 401 393 359
// EXPECT: mismatches 0, ends 0
