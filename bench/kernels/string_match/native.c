// How often each of eight patterns occurs in a text. As many places at a time as fit a vector of bytes: letter after
// letter, until no place is left where all were the same.
#include <stdint.h>
#include <string.h>

#include "arguments.h"

#define PATTERNS 8
#define LENGTH 12
#define GROUP 64

typedef uint8_t vector __attribute__((vector_size(GROUP)));

// The text as it begins here; it need not be aligned.
static inline vector load(const uint8_t* from) {
    vector value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline int any(vector value) {
    uint64_t words[GROUP / 8];
    memcpy(words, &value, sizeof value);
    uint64_t all = 0;
    for (int i = 0; i < GROUP / 8; i++) all |= words[i];
    return all != 0;
}

static unsigned matches(const uint8_t* text, const uint8_t* pattern) {
    vector same = (vector)(load(text) == pattern[0]);
    for (int i = 1; i < LENGTH; i++) {
        same &= (vector)(load(text + i) == pattern[i]);
        // Soon there is none, but hardly ever before the third letter.
        if (i >= 2 && !any(same)) return 0;
    }
    unsigned count = 0;
    for (int i = 0; i < GROUP; i++) count += same[i] & 1;
    return count;
}

static void string_match(int places, const uint8_t* patterns, const uint8_t* text, uint32_t* counts) {
    uint32_t sums[PATTERNS] = {0};
#pragma omp parallel for schedule(static) reduction(+ : sums)
    for (int start = 0; start < places; start += GROUP)
        for (int i = 0; i < PATTERNS; i++) sums[i] += matches(text + start, patterns + i * LENGTH);
    for (int i = 0; i < PATTERNS; i++) counts[i] += sums[i];
}

void run(void** arguments) {
    string_match(ARGUMENT(int, 0), ARGUMENT(const uint8_t*, 1), ARGUMENT(const uint8_t*, 2), ARGUMENT(uint32_t*, 3));
}
