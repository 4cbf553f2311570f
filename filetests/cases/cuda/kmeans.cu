// k-means in integers: assignment by the nearest centre in shared memory, sums by atomics, centres by exact division.
#include "case.h"

constexpr int clusters = 12;

__host__ __device__ int nearest(int2 p, const int2* centres) {
    int best = 0;
    long long best_distance = -1;
    for (int c = 0; c < clusters; c++) {
        long long dx = p.x - centres[c].x, dy = p.y - centres[c].y, distance = dx * dx + dy * dy;
        if (best_distance < 0 || distance < best_distance) best = c, best_distance = distance;
    }
    return best;
}

__global__ void assign(const int2* points, int count, const int2* centres, int* labels, unsigned long long* sums,
                       int* changed) {
    __shared__ int2 local_centres[clusters];
    __shared__ unsigned long long local_sums[3 * clusters];
    if (threadIdx.x < clusters) local_centres[threadIdx.x] = centres[threadIdx.x];
    if (threadIdx.x < 3 * clusters) local_sums[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        int label = nearest(points[i], local_centres);
        if (labels[i] != label) atomicAdd(changed, 1);
        labels[i] = label;
        atomicAdd(&local_sums[3 * label], static_cast<unsigned long long>(points[i].x));
        atomicAdd(&local_sums[3 * label + 1], static_cast<unsigned long long>(points[i].y));
        atomicAdd(&local_sums[3 * label + 2], 1ull);
    }
    __syncthreads();
    if (threadIdx.x < 3 * clusters) atomicAdd(&sums[threadIdx.x], local_sums[threadIdx.x]);
}

__global__ void move_centres(const unsigned long long* sums, int2* centres) {
    int c = threadIdx.x;
    unsigned long long count = sums[3 * c + 2];
    if (count > 0)
        centres[c] = make_int2(static_cast<int>(sums[3 * c] / count), static_cast<int>(sums[3 * c + 1] / count));
}

int main() {
    const int count = 30000, rounds = 12;
    std::vector<int2> points(count), centres(clusters), host_centres;
    for (int i = 0; i < count; i++) {
        int home = mix(i) % 9;
        points[i] = make_int2(home % 3 * 30000 + 20000 + mix(i + 1) % 9000 + mix(i + 2) % 9000,
                              home / 3 * 30000 + 20000 + mix(i + 3) % 9000 + mix(i + 4) % 9000);
    }
    for (int c = 0; c < clusters; c++) centres[c] = points[c * 997];
    host_centres = centres;
    int2 *points_device = to_device(points), *centres_device = to_device(centres);
    std::vector<int> labels(count, -1), host_labels(count, -1);
    int *labels_device = to_device(labels), *changed_device = device_zeros<int>(1);
    unsigned long long* sums_device = device_zeros<unsigned long long>(3 * clusters);
    for (int round = 0; round < rounds; round++) {
        CHECK(cudaMemset(sums_device, 0, 3 * clusters * sizeof(unsigned long long)));
        CHECK(cudaMemset(changed_device, 0, sizeof(int)));
        assign<<<20, 128>>>(points_device, count, centres_device, labels_device, sums_device, changed_device);
        move_centres<<<1, clusters>>>(sums_device, centres_device);
        CHECK_KERNEL();
        int changed = 0;
        std::vector<unsigned long long> sums(3 * clusters, 0);
        for (int i = 0; i < count; i++) {
            int label = nearest(points[i], host_centres.data());
            changed += label != host_labels[i];
            host_labels[i] = label;
            sums[3 * label] += points[i].x, sums[3 * label + 1] += points[i].y, sums[3 * label + 2]++;
        }
        for (int c = 0; c < clusters; c++)
            if (sums[3 * c + 2])
                host_centres[c] = make_int2(static_cast<int>(sums[3 * c] / sums[3 * c + 2]),
                                            static_cast<int>(sums[3 * c + 1] / sums[3 * c + 2]));
        if (round % 4 == 3) printf("round %d: changed %d (%d)\n", round, to_host(changed_device, 1)[0], changed);
    }
    centres = to_host(centres_device, clusters);
    printf("first centre %d %d, mismatches: centres %d, labels %d\n", centres[0].x, centres[0].y,
           mismatches(centres, host_centres), mismatches(to_host(labels_device, count), host_labels));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: round 3: changed 202 (202)
// EXPECT: round 7: changed 33 (33)
// EXPECT: round 11: changed 6 (6)
// EXPECT: first centre 29097 29037, mismatches: centres 0, labels 0
