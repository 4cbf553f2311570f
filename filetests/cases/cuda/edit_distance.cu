// Levenshtein distance of many pairs of words, one warp a pair: lanes hold columns and pass the diagonal on by
// shuffles; and N-queens counted by back-tracking with bit masks, a thread a start.
#include <algorithm>
#include <string>

#include "case.h"

constexpr int longest = 32;

__global__ void distances(const char* a, const char* b, const int* lengths, int* result, int pairs) {
    int pair = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (pair >= pairs) return;
    int a_length = lengths[2 * pair], b_length = lengths[2 * pair + 1];
    char mine = lane < b_length ? b[pair * longest + lane] : 0;
    // This lane computes column lane + 1, one row behind the lane before it.
    int above = lane + 1, corner = lane, value = lane + 1;
    for (int step = 0; step < a_length + 31; step++) {
        int row = step - lane;
        int left = __shfl_up_sync(0xffffffffu, value, 1);
        if (lane == 0) left = row + 1;
        if (row >= 0 && row < a_length) {
            int changed = corner + (a[pair * longest + row] != mine);
            value = min(min(above, left) + 1, changed);
            above = value;
            corner = left;
        }
    }
    int distance = __shfl_sync(0xffffffffu, value, b_length == 0 ? 0 : b_length - 1);
    if (lane == 0) result[pair] = b_length == 0 ? a_length : a_length == 0 ? b_length : distance;
}

int host_distance(const std::string& a, const std::string& b) {
    std::vector<int> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); j++) row[j] = static_cast<int>(j);
    for (size_t i = 1; i <= a.size(); i++) {
        int corner = row[0];
        row[0] = static_cast<int>(i);
        for (size_t j = 1; j <= b.size(); j++) {
            int old = row[j];
            row[j] = std::min(std::min(row[j], row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = old;
        }
    }
    return row[b.size()];
}

__global__ void queens(int size, int* total) {
    // The first two rows are fixed by the thread; the rest is searched with an explicit stack.
    int first = threadIdx.x, second = blockIdx.x, all = (1 << size) - 1, count = 0;
    int columns[16], left[16], right[16], open[16];
    if (first < size && abs(first - second) > 1) {
        int a = 1 << first, b = 1 << second, depth = 2;
        columns[2] = a | b;
        left[2] = (a << 2 | b << 1) & all;
        right[2] = a >> 2 | b >> 1;
        open[2] = all & ~(columns[2] | left[2] | right[2]);
        while (depth >= 2) {
            if (open[depth] == 0) {
                depth--;
                continue;
            }
            int bit = open[depth] & -open[depth];
            open[depth] ^= bit;
            if (depth == size - 1) {
                count++;
                continue;
            }
            columns[depth + 1] = columns[depth] | bit;
            left[depth + 1] = (left[depth] | bit) << 1 & all;
            right[depth + 1] = (right[depth] | bit) >> 1;
            depth++;
            open[depth] = all & ~(columns[depth] | left[depth] | right[depth]);
        }
    }
    atomicAdd(total, count);
}

int main() {
    const int pairs = 600;
    std::vector<std::string> a(pairs), b(pairs);
    for (int p = 0; p < pairs; p++) {
        int length = mix(p) % (longest + 1);
        for (int i = 0; i < length; i++) a[p] += static_cast<char>('a' + mix(p * 50 + i) % 4);
        for (char c : a[p])
            if (mix(p + b[p].size() * 7) % 6 == 0 && b[p].size() + 1 < longest) b[p] += "xyz"[p % 3];
            else if (mix(p + b[p].size() * 3) % 9 != 0) b[p] += c;
        if (b[p].size() > longest) b[p].resize(longest);
    }
    a[0] = "kitten", b[0] = "sitting", a[1] = "", b[1] = "abc", a[2] = "abc", b[2] = "";
    std::vector<char> a_text(pairs * longest, 0), b_text(pairs * longest, 0);
    std::vector<int> lengths(2 * pairs), expected(pairs);
    for (int p = 0; p < pairs; p++) {
        std::copy(a[p].begin(), a[p].end(), a_text.begin() + p * longest);
        std::copy(b[p].begin(), b[p].end(), b_text.begin() + p * longest);
        lengths[2 * p] = static_cast<int>(a[p].size()), lengths[2 * p + 1] = static_cast<int>(b[p].size());
        expected[p] = host_distance(a[p], b[p]);
    }
    int* result_device = device_zeros<int>(pairs);
    distances<<<(pairs + 3) / 4, 128>>>(to_device(a_text), to_device(b_text), to_device(lengths), result_device, pairs);
    CHECK_KERNEL();
    std::vector<int> result = to_host(result_device, pairs);
    printf("kitten to sitting: %d, checksum %016llx, mismatches %d\n", result[0], (unsigned long long)checksum(result),
           mismatches(result, expected));
    int* total_device = device_alloc<int>(1);
    for (int size : {6, 8, 9}) {
        CHECK(cudaMemset(total_device, 0, sizeof(int)));
        queens<<<size, 32>>>(size, total_device);
        CHECK_KERNEL();
        printf("%d queens: %d\n", size, to_host(total_device, 1)[0]);
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: kitten to sitting: 3, checksum 1588294b5049d8ea, mismatches 0
// EXPECT: 6 queens: 4
// EXPECT: 8 queens: 92
// EXPECT: 9 queens: 352
