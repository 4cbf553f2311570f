// The product of a sparse matrix in rows (CSR) and a vector: 32 work items a row. Where there are shuffles, sub-groups
// that are a part of these add their sums by shuffles; otherwise, a tree in local memory does.
#define BLOCK 256
#define WIDTH 32

#ifdef cl_khr_subgroup_shuffle_relative
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle_relative : enable

// The sum over each 32 work items, for the first of them.
static float row_sum(float value, __local float* shared) {
    uint width = get_max_sub_group_size();
    for (uint offset = min(width, (uint)WIDTH) / 2; offset > 0; offset /= 2)
        value += sub_group_shuffle_down(value, offset);
    if (width >= WIDTH) return value;
    uint local_id = get_local_id(0);
    if (get_sub_group_local_id() == 0) shared[get_sub_group_id()] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (local_id % WIDTH == 0)
        for (uint i = 1; i < WIDTH / width; i++) value += shared[get_sub_group_id() + i];
    return value;
}
#else
static float row_sum(float value, __local float* shared) {
    uint local_id = get_local_id(0), lane = local_id % WIDTH;
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint offset = WIDTH / 2; offset > 0; offset /= 2) {
        if (lane < offset) shared[local_id] += shared[local_id + offset];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return shared[local_id];
}
#endif

// The number of rows is a multiple of those of a group.
__kernel void spmv_csr(int rows, __global const int* restrict starts, __global const int* restrict columns,
                       __global const float* restrict values, __global const float* restrict x,
                       __global float* restrict y) {
    __local float shared[BLOCK];
    int lane = get_local_id(0) % WIDTH;
    int row = get_global_id(0) / WIDTH;
    int end = starts[row + 1];
    float sum = 0.0f;
    for (int i = starts[row] + lane; i < end; i += WIDTH) sum += values[i] * x[columns[i]];
    sum = row_sum(sum, shared);
    if (lane == 0) y[row] = sum;
}
