// Breadth-first search over a graph in CSR form with a frontier queue that grows by atomics; one launch a level.
#include "case.h"

constexpr int unreached = -1;

__global__ void expand(const int* row_starts, const int* neighbours, const int* frontier, int frontier_size,
                       int* next_frontier, int* next_size, int* distances, int level) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= frontier_size) return;
    int node = frontier[i];
    for (int edge = row_starts[node]; edge < row_starts[node + 1]; edge++) {
        int neighbour = neighbours[edge];
        if (atomicCAS(&distances[neighbour], unreached, level) == unreached)
            next_frontier[atomicAdd(next_size, 1)] = neighbour;
    }
}

int main() {
    const int nodes = 30000;
    std::vector<int> row_starts(nodes + 1, 0), neighbours;
    for (int node = 0; node < nodes; node++) {
        int degree = mix(node) % 5;
        if (node % 997 == 0) degree = 600;  // hubs: very uneven work
        for (int k = 0; k < degree; k++) neighbours.push_back(mix(node * 1021 + k) % nodes);
        // A few long chains give the search its depth.
        if (node % 3 == 0 && node + 3 < nodes) neighbours.push_back(node + 3);
        row_starts[node + 1] = static_cast<int>(neighbours.size());
    }
    std::vector<int> expected(nodes, unreached), queue = {1};
    expected[1] = 0;
    for (size_t head = 0; head < queue.size(); head++)
        for (int edge = row_starts[queue[head]]; edge < row_starts[queue[head] + 1]; edge++)
            if (expected[neighbours[edge]] == unreached) {
                expected[neighbours[edge]] = expected[queue[head]] + 1;
                queue.push_back(neighbours[edge]);
            }

    std::vector<int> distances(nodes, unreached);
    distances[1] = 0;
    int* row_starts_device = to_device(row_starts);
    int* neighbours_device = to_device(neighbours);
    int* distances_device = to_device(distances);
    int* frontiers[2] = {device_zeros<int>(nodes), device_zeros<int>(nodes)};
    int* size_device = device_zeros<int>(1);
    CHECK(cudaMemset(frontiers[0], 0, sizeof(int)));
    int start = 1;
    CHECK(cudaMemcpy(frontiers[0], &start, sizeof(int), cudaMemcpyHostToDevice));
    int size = 1, level = 0, reached = 1;
    while (size > 0) {
        level++;
        CHECK(cudaMemset(size_device, 0, sizeof(int)));
        expand<<<(size + 127) / 128, 128>>>(row_starts_device, neighbours_device, frontiers[(level + 1) % 2], size,
                                            frontiers[level % 2], size_device, distances_device, level);
        CHECK(cudaMemcpy(&size, size_device, sizeof(int), cudaMemcpyDeviceToHost));
        reached += size;
    }
    distances = to_host(distances_device, nodes);
    printf("nodes %d, edges %zu, levels %d, reached %d\n", nodes, neighbours.size(), level, reached);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(distances),
           mismatches(distances, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: nodes 30000, edges 88790, levels 17, reached 28324
// EXPECT: checksum 7fb19feb0ef58e42, mismatches 0
