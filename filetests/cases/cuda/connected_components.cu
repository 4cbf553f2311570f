// Connected components by union-find with hooking by compare-and-swap and path halving; labels must be the smallest
// node of each component, whatever the order of the threads.
#include "case.h"

__device__ int find(int* parents, int node) {
    int parent = *const_cast<volatile int*>(&parents[node]);
    while (parent != node) {
        int grandparent = *const_cast<volatile int*>(&parents[parent]);
        if (grandparent != parent) atomicCAS(&parents[node], parent, grandparent);
        node = parent;
        parent = grandparent;
        if (parent == node) break;
        parent = *const_cast<volatile int*>(&parents[node]);
    }
    return node;
}

__global__ void hook(const int2* edges, int count, int* parents) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int a = find(parents, edges[i].x), b = find(parents, edges[i].y);
    while (a != b) {
        int low = min(a, b), high = max(a, b);
        // Only a root may be hooked, and only onto a smaller one.
        int old = atomicCAS(&parents[high], high, low);
        if (old == high) return;
        a = find(parents, low);
        b = find(parents, old);
    }
}

__global__ void flatten(int* parents, int nodes, int* roots) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= nodes) return;
    int root = find(parents, i);
    if (root == i) atomicAdd(roots, 1);
    parents[i] = root;
}

int main() {
    const int nodes = 40000, count = 28000;
    std::vector<int2> edges(count);
    std::vector<int> parents(nodes), expected(nodes);
    for (int i = 0; i < nodes; i++) parents[i] = expected[i] = i;
    for (int i = 0; i < count; i++) {
        int from = mix(i) % nodes;
        // A long chain through part of the graph, and random edges.
        edges[i] = i < 3000 ? make_int2(30000 + i, 30001 + i) : make_int2(from, mix(~i) % nodes);
    }
    auto root_of = [&](int node) {
        while (expected[node] != node) node = expected[node] = expected[expected[node]];
        return node;
    };
    for (int2 edge : edges) {
        int a = root_of(edge.x), b = root_of(edge.y);
        if (a < b) expected[b] = a;
        else expected[a] = b;
    }
    int components = 0;
    for (int i = 0; i < nodes; i++) components += root_of(i) == i;
    for (int i = 0; i < nodes; i++) expected[i] = root_of(i);

    int *parents_device = to_device(parents), *roots_device = device_zeros<int>(1);
    hook<<<(count + 127) / 128, 128>>>(to_device(edges), count, parents_device);
    flatten<<<(nodes + 127) / 128, 128>>>(parents_device, nodes, roots_device);
    CHECK_KERNEL();
    std::vector<int> labels = to_host(parents_device, nodes);
    printf("components %d, expected %d\n", to_host(roots_device, 1)[0], components);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(labels), mismatches(labels, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: components 13542, expected 13542
// EXPECT: checksum 22b5286f828820f9, mismatches 0
