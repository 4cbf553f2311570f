// Rows brought to mean 0 and variance 1, scaled and shifted: a sub-group a row, with both sums by reductions. Where there
// are no sub-groups, 32 work items a row with local memory between them.
#define WIDTH 32
#define GROUP 256
#define COLUMNS 1024
#define EPSILON 1e-5f

#ifdef cl_khr_subgroups
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#define SUM(value) sub_group_reduce_add(value)
#else
static float sum_of(float value, __local float* shared) {
    int local_id = get_local_id(0);
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = WIDTH / 2; offset > 0; offset /= 2) {
        value += shared[local_id ^ offset];
        barrier(CLK_LOCAL_MEM_FENCE);
        shared[local_id] = value;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return value;
}
#define SUM(value) sum_of(value, shared)
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void layer_norm(__global const float* restrict input,
                                                                            __global const float* restrict scales,
                                                                            __global const float* restrict shifts,
                                                                            __global float* restrict output) {
#ifdef cl_khr_subgroups
    // A group has the rows of 256 / 32 warps, whatever the width of a sub-group.
    int lane = get_sub_group_local_id(), width = get_max_sub_group_size();
    int first = get_sub_group_id(), step = get_num_sub_groups();
#else
    __local float shared[GROUP];
    int lane = get_local_id(0) % WIDTH, width = WIDTH, first = get_local_id(0) / WIDTH, step = GROUP / WIDTH;
#endif
    for (int row = first; row < GROUP / WIDTH; row += step) {
        __global const float* from = input + (get_group_id(0) * (GROUP / WIDTH) + row) * COLUMNS;
        __global float* to = output + (get_group_id(0) * (GROUP / WIDTH) + row) * COLUMNS;
        float sum = 0.0f, squares = 0.0f;
        for (int i = lane; i < COLUMNS; i += width) {
            sum += from[i];
            squares += from[i] * from[i];
        }
        float mean = SUM(sum) / COLUMNS;
        float inverse = rsqrt(SUM(squares) / COLUMNS - mean * mean + EPSILON);
        for (int i = lane; i < COLUMNS; i += width) to[i] = (from[i] - mean) * inverse * scales[i] + shifts[i];
    }
}
