// All shortest paths, blocked: each round does the diagonal block, then its row and column, then the rest, with
// predecessors to rebuild a path.
#include "case.h"

constexpr int tile = 16;
constexpr int nodes = 128;
constexpr int infinite = 1 << 28;

__device__ void relax(int (*c)[tile], int (*via)[tile], int (*a)[tile], int (*b)[tile], int base, bool dependent) {
    int y = threadIdx.y, x = threadIdx.x;
    for (int k = 0; k < tile; k++) {
        int through = a[y][k] + b[k][x];
        if (dependent) __syncthreads();
        if (through < c[y][x]) {
            c[y][x] = through;
            via[y][x] = base + k;
        }
        if (dependent) __syncthreads();
    }
}

__global__ void phase(int* distances, int* vias, int round, int kind) {
    __shared__ int a[tile][tile], b[tile][tile], c[tile][tile], via[tile][tile];
    int block_y, block_x, others = nodes / tile - 1;
    auto skip = [&](int i) { return i + (i >= round); };
    if (kind == 0) block_y = block_x = round;
    else if (kind == 1) {
        block_y = blockIdx.y == 0 ? round : skip(blockIdx.x);
        block_x = blockIdx.y == 0 ? skip(blockIdx.x) : round;
    } else {
        block_y = skip(blockIdx.x / others);
        block_x = skip(blockIdx.x % others);
    }
    int y = threadIdx.y, x = threadIdx.x;
    int cell = (block_y * tile + y) * nodes + block_x * tile + x;
    c[y][x] = distances[cell];
    via[y][x] = vias[cell];
    a[y][x] = distances[(block_y * tile + y) * nodes + round * tile + x];
    b[y][x] = distances[(round * tile + y) * nodes + block_x * tile + x];
    __syncthreads();
    bool a_is_c = block_x == round, b_is_c = block_y == round;
    relax(c, via, a_is_c ? c : a, b_is_c ? c : b, round * tile, a_is_c || b_is_c);
    distances[cell] = c[y][x];
    vias[cell] = via[y][x];
}

int main() {
    std::vector<int> distances(nodes * nodes, infinite), vias(nodes * nodes, -1);
    for (int i = 0; i < nodes; i++) {
        distances[i * nodes + i] = 0;
        for (int k = 0; k < 4; k++) {
            int j = mix(i * 4 + k) % nodes;
            if (j != i) distances[i * nodes + j] = 1 + mix(i + k * 1000) % 100;
        }
    }
    std::vector<int> expected = distances;
    for (int k = 0; k < nodes; k++)
        for (int i = 0; i < nodes; i++)
            for (int j = 0; j < nodes; j++)
                expected[i * nodes + j] =
                    min(expected[i * nodes + j], expected[i * nodes + k] + expected[k * nodes + j]);

    int *distances_device = to_device(distances), *vias_device = to_device(vias);
    const int rounds = nodes / tile;
    for (int round = 0; round < rounds; round++) {
        phase<<<1, dim3(tile, tile)>>>(distances_device, vias_device, round, 0);
        phase<<<dim3(rounds - 1, 2), dim3(tile, tile)>>>(distances_device, vias_device, round, 1);
        phase<<<(rounds - 1) * (rounds - 1), dim3(tile, tile)>>>(distances_device, vias_device, round, 2);
    }
    CHECK_KERNEL();
    std::vector<int> result = to_host(distances_device, nodes * nodes);
    vias = to_host(vias_device, nodes * nodes);
    // A node between two others is on a shortest path: the parts add up.
    int bad_paths = 0, unreachable = 0;
    for (int i = 0; i < nodes; i++)
        for (int j = 0; j < nodes; j++) {
            int via = vias[i * nodes + j];
            unreachable += result[i * nodes + j] >= infinite;
            if (via >= 0) bad_paths += result[i * nodes + via] + result[via * nodes + j] != result[i * nodes + j];
        }
    printf("0 to 127: %d, unreachable pairs %d, bad paths %d\n", result[127], unreachable, bad_paths);
    printf("checksum %016llx, mismatches %d\n", (unsigned long long)checksum(result), mismatches(result, expected));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: 0 to 127: 166, unreachable pairs 381, bad paths 0
// EXPECT: checksum 3c769aaddc498efe, mismatches 0
