// The softmax of each row, a sub-group a row: the largest value, the sum of exponentials and the quotients. Where there
// are no sub-groups, 32 work items a row with local memory between them.
#define WIDTH 32
#define GROUP 256
#define COLUMNS 1024

#ifdef cl_khr_subgroups
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#define LARGEST(value) sub_group_reduce_max(value)
#define SUM(value) sub_group_reduce_add(value)
#else
static float reduced(float value, int is_sum, __local float* shared) {
    int local_id = get_local_id(0);
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = WIDTH / 2; offset > 0; offset /= 2) {
        float other = shared[local_id ^ offset];
        value = is_sum ? value + other : fmax(value, other);
        barrier(CLK_LOCAL_MEM_FENCE);
        shared[local_id] = value;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return value;
}
#define LARGEST(value) reduced(value, 0, shared)
#define SUM(value) reduced(value, 1, shared)
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void softmax(__global const float* restrict input,
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
        float largest = -INFINITY;
        for (int i = lane; i < COLUMNS; i += width) largest = fmax(largest, from[i]);
        largest = LARGEST(largest);
        float sum = 0.0f;
        for (int i = lane; i < COLUMNS; i += width) {
            float power = exp(from[i] - largest);
            to[i] = power;
            sum += power;
        }
        float factor = 1.0f / SUM(sum);
        for (int i = lane; i < COLUMNS; i += width) to[i] *= factor;
    }
}
