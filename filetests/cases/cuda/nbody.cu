// N-body step with tiles of bodies in shared memory. The forces go through rsqrt and fused operations, so they are
// compared with an f64 host computation within a tolerance; momentum is checked too.
#include <cmath>

#include "case.h"

constexpr int bodies = 2048;
constexpr int block_size = 128;

__global__ void accelerate(const float4* positions, float4* accelerations) {
    __shared__ float4 tile[block_size];
    int i = blockIdx.x * block_size + threadIdx.x;
    float4 me = positions[i];
    float3 force = {0, 0, 0};
    for (int first = 0; first < bodies; first += block_size) {
        tile[threadIdx.x] = positions[first + threadIdx.x];
        __syncthreads();
#pragma unroll 8
        for (int j = 0; j < block_size; j++) {
            float4 other = tile[j];
            float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
            float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + 0.01f);
            float strength = other.w * inverse * inverse * inverse;
            force.x += dx * strength;
            force.y += dy * strength;
            force.z += dz * strength;
        }
        __syncthreads();
    }
    accelerations[i] = make_float4(force.x, force.y, force.z, 0);
}

int main() {
    std::vector<float4> positions(bodies);
    for (int i = 0; i < bodies; i++)
        positions[i] = make_float4(mix(4 * i) % 2000 / 1000.0f - 1, mix(4 * i + 1) % 2000 / 1000.0f - 1,
                                   mix(4 * i + 2) % 2000 / 1000.0f - 1, 0.5f + mix(4 * i + 3) % 100 / 100.0f);
    float4* positions_device = to_device(positions);
    float4* accelerations_device = device_zeros<float4>(bodies);
    accelerate<<<bodies / block_size, block_size>>>(positions_device, accelerations_device);
    CHECK_KERNEL();
    std::vector<float4> accelerations = to_host(accelerations_device, bodies);

    int checked = 0, outside = 0;
    for (int i = 0; i < bodies; i += 16, checked++) {
        double force[3] = {0, 0, 0};
        for (const float4& other : positions) {
            double d[3] = {other.x - positions[i].x, other.y - positions[i].y, other.z - positions[i].z};
            double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01;
            for (int k = 0; k < 3; k++) force[k] += d[k] * other.w / (square * sqrt(square));
        }
        double size = sqrt(force[0] * force[0] + force[1] * force[1] + force[2] * force[2]);
        double error = fabs(force[0] - accelerations[i].x) + fabs(force[1] - accelerations[i].y) +
                       fabs(force[2] - accelerations[i].z);
        outside += !(error <= 1e-4 * size + 1e-2);
    }
    double momentum[3] = {0, 0, 0};
    for (int i = 0; i < bodies; i++) {
        momentum[0] += accelerations[i].x * positions[i].w;
        momentum[1] += accelerations[i].y * positions[i].w;
        momentum[2] += accelerations[i].z * positions[i].w;
    }
    bool conserved = fabs(momentum[0]) < 5 && fabs(momentum[1]) < 5 && fabs(momentum[2]) < 5;
    printf("bodies checked %d, outside the tolerance %d\n", checked, outside);
    printf("momentum conserved: %s\n", conserved ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: bodies checked 128, outside the tolerance 0
// EXPECT: momentum conserved: yes
