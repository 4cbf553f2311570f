// Relocatable device code in three files: functions, variables, constants and tables of one are used by another, names
// that each file keeps for itself are the same in all, and inline functions and templates exist once.
#include "case.h"
#include "rdc_symbols/shared.h"

static __device__ int own = 1;
__device__ int calls;
__constant__ int weights[4] = {2, 3, 5, 7};
extern __shared__ int dynamic[];

static __device__ __noinline__ int helper(int x) { return x + own; }
__device__ int in_main(int x) { return helper(x) * 10; }

__global__ void use(int* out) {
    int i = threadIdx.x;
    dynamic[i] = i;
    __syncthreads();
    int* row = out + i * 8;
    row[0] = helper(i);
    row[1] = first_file(i);
    row[2] = second_file(i);
    row[3] = table[i % 3](i);
    row[4] = reversed_in_shared(i);
    row[5] = counted<int>(i);
    Shape* shape = make_shape(i % 2 == 0, i);
    row[6] = shape->area();
    delete shape;
    row[7] = total[i % 4] + limits.low;
}

__global__ void read_counters(int* out) {
    out[0] = calls;
    out[1] = counter<int>;
    out[2] = inline_counter();
    out[3] = managed_value;
}

int main() {
    int* out = device_zeros<int>(32 * 8);
    use<<<1, 32, 32 * sizeof(int)>>>(out);
    CHECK_KERNEL();
    auto rows = to_host(out, 32 * 8);
    for (int i : {0, 1, 2, 31}) {
        for (int j = 0; j < 8; j++) printf("%d%c", rows[i * 8 + j], j == 7 ? '\n' : ' ');
    }
    printf("rows %016llx\n", (unsigned long long)checksum(rows));

    // The host sets what the files share, and starts a kernel that another file keeps for itself.
    int weights_from_host[4] = {100, 200, 300, 400}, low = -5;
    CHECK(cudaMemcpyToSymbol(weights, weights_from_host, sizeof weights_from_host));
    CHECK(cudaMemcpyToSymbol(limits, &low, sizeof low));
    managed_value = 77;
    printf("weighted in another file %d\n", weigh_in_other_file());
    read_counters<<<1, 1>>>(out);
    CHECK_KERNEL();
    auto counters = to_host(out, 4);
    printf("counters %d %d %d %d\n", counters[0], counters[1], counters[2], counters[3]);
}

// RUN: nvcc -rdc=true
// EXPECT-EXIT: 0
// EXPECT: 1 6 40 6 31 0 0 9
// EXPECT: 2 9 70 -1 30 2 2 19
// EXPECT: 3 13 100 30 29 4 4 29
// EXPECT: 32 73 970 -31 0 62 -28 39
// EXPECT: rows 59910a54cf9619a3
// EXPECT: weighted in another file 3072
// EXPECT: counters 75 75 115 77
