// Breadth-first search, a launch a level: work items take the vertices that the launch before found, mark neighbours
// that nobody has marked yet, and append them to the next list.
#define UNSEEN 0xffffffffu

__kernel void bfs(int level, __global const uint* restrict starts, __global const uint* restrict neighbours,
                  __global const uint* list, __global uint* next, __global uint* sizes,
                  volatile __global uint* levels) {
    uint size = sizes[level];
    for (uint i = get_global_id(0); i < size; i += get_global_size(0)) {
        uint vertex = list[i], end = starts[vertex + 1];
        for (uint edge = starts[vertex]; edge < end; edge++) {
            uint neighbour = neighbours[edge];
            // Most are marked already, which a load tells for less than an atomic does.
            if (levels[neighbour] != UNSEEN) continue;
            if (atomic_cmpxchg(&levels[neighbour], UNSEEN, level + 1) == UNSEEN)
                next[atomic_inc(&sizes[level + 1])] = neighbour;
        }
    }
}
