// Breadth-first search by levels. Each thread collects what it finds in a small list of its own, so that the shared one
// grows by many at once. The vertices of a list lie anywhere, so that memory is asked early for what comes later.
#include <stdint.h>
#include <string.h>

#include "arguments.h"

#define UNSEEN 0xffffffffu
#define FOUND_MAX 1024
#define AHEAD 16

static void append(const uint32_t* found, int count, uint32_t* next, uint32_t* next_size) {
    uint32_t place = __atomic_fetch_add(next_size, count, __ATOMIC_RELAXED);
    memcpy(next + place, found, sizeof(uint32_t) * count);
}

static void level(uint32_t level, const uint32_t* starts, const uint32_t* neighbours, const uint32_t* list,
                  uint32_t* next, uint32_t* sizes, uint32_t* levels) {
#pragma omp parallel
    {
        uint32_t found[FOUND_MAX];
        int count = 0;
        uint32_t size = sizes[level];
#pragma omp for schedule(dynamic, 256)
        for (uint32_t i = 0; i < size; i++) {
            uint32_t vertex = list[i];
            if (i + 2 * AHEAD < size) __builtin_prefetch(&starts[list[i + 2 * AHEAD]]);
            if (i + AHEAD < size) {
                const uint32_t* later = &neighbours[starts[list[i + AHEAD]]];
                __builtin_prefetch(later);
                __builtin_prefetch(later + 16);
            }
            for (uint32_t edge = starts[vertex]; edge < starts[vertex + 1]; edge++) {
                uint32_t neighbour = neighbours[edge], unseen = UNSEEN;
                if (__atomic_load_n(&levels[neighbour], __ATOMIC_RELAXED) != UNSEEN) continue;
                if (!__atomic_compare_exchange_n(&levels[neighbour], &unseen, level + 1, 0, __ATOMIC_RELAXED,
                                                 __ATOMIC_RELAXED))
                    continue;
                found[count++] = neighbour;
                if (count == FOUND_MAX) {
                    append(found, count, next, &sizes[level + 1]);
                    count = 0;
                }
            }
        }
        append(found, count, next, &sizes[level + 1]);
    }
}

void run(void** arguments) {
    const uint32_t *starts = ARGUMENT(const uint32_t*, 0), *neighbours = ARGUMENT(const uint32_t*, 1);
    uint32_t *list = ARGUMENT(uint32_t*, 2), *next = ARGUMENT(uint32_t*, 3);
    uint32_t *sizes = ARGUMENT(uint32_t*, 4), *levels = ARGUMENT(uint32_t*, 5);
    for (uint32_t i = 0; sizes[i] > 0; i++) {
        level(i, starts, neighbours, list, next, sizes, levels);
        uint32_t* found = next;
        next = list;
        list = found;
    }
}
