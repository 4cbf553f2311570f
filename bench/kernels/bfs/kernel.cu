// Breadth-first search, a launch a level: threads take the vertices that the launch before found, mark neighbours that
// nobody has marked yet, and append them to the next list.
#define UNSEEN 0xffffffffu

extern "C" __global__ void bfs(int level, const unsigned* __restrict__ starts, const unsigned* __restrict__ neighbours,
                               const unsigned* list, unsigned* next, unsigned* sizes, unsigned* levels) {
    unsigned size = sizes[level];
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += gridDim.x * blockDim.x) {
        unsigned vertex = list[i], end = starts[vertex + 1];
        for (unsigned edge = starts[vertex]; edge < end; edge++) {
            unsigned neighbour = neighbours[edge];
            // Most are marked already, which a load tells for less than an atomic does.
            if (levels[neighbour] != UNSEEN) continue;
            if (atomicCAS(&levels[neighbour], UNSEEN, level + 1) == UNSEEN)
                next[atomicAdd(&sizes[level + 1], 1u)] = neighbour;
        }
    }
}
