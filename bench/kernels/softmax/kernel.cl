// The softmax of each row, a group a row: the largest value, the sum of exponentials and the quotients. Reductions by
// shuffles within sub-groups and local memory between them; where there are no shuffles, a tree in local memory.
#define BLOCK 256

#ifdef cl_khr_subgroup_shuffle
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable

static float group_max(float value, __local float* shared) {
    for (uint offset = get_max_sub_group_size() / 2; offset > 0; offset /= 2)
        value = fmax(value, sub_group_shuffle_xor(value, offset));
    if (get_sub_group_local_id() == 0) shared[get_sub_group_id()] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    value = shared[0];
    for (uint i = 1; i < get_num_sub_groups(); i++) value = fmax(value, shared[i]);
    barrier(CLK_LOCAL_MEM_FENCE);
    return value;
}

static float group_sum(float value, __local float* shared) {
    for (uint offset = get_max_sub_group_size() / 2; offset > 0; offset /= 2)
        value += sub_group_shuffle_xor(value, offset);
    if (get_sub_group_local_id() == 0) shared[get_sub_group_id()] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    value = shared[0];
    for (uint i = 1; i < get_num_sub_groups(); i++) value += shared[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    return value;
}
#else
static float group_max(float value, __local float* shared) {
    int local_id = get_local_id(0);
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = BLOCK / 2; offset > 0; offset /= 2) {
        if (local_id < offset) shared[local_id] = fmax(shared[local_id], shared[local_id + offset]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    value = shared[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return value;
}

static float group_sum(float value, __local float* shared) {
    int local_id = get_local_id(0);
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = BLOCK / 2; offset > 0; offset /= 2) {
        if (local_id < offset) shared[local_id] += shared[local_id + offset];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    value = shared[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return value;
}
#endif

__kernel void softmax(int columns, __global const float* restrict input, __global float* restrict output) {
    __local float shared[BLOCK];
    int local_id = get_local_id(0);
    __global const float* from = input + get_group_id(0) * columns;
    __global float* to = output + get_group_id(0) * columns;
    float largest = -INFINITY;
    for (int i = local_id; i < columns; i += BLOCK) largest = fmax(largest, from[i]);
    largest = group_max(largest, shared);
    float sum = 0.0f;
    for (int i = local_id; i < columns; i += BLOCK) {
        float power = exp(from[i] - largest);
        to[i] = power;
        sum += power;
    }
    float factor = 1.0f / group_sum(sum, shared);
    // Each work item reads what it wrote itself.
    for (int i = local_id; i < columns; i += BLOCK) to[i] *= factor;
}
