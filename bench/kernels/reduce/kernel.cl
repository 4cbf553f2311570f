// Sums an array to one value a group: a strided loop, shuffles within sub-groups, local memory between them. Where
// there are no shuffles, a tree in local memory.
#ifdef cl_khr_subgroup_shuffle_relative
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle_relative : enable

static float sub_group_sum(float value) {
    for (uint offset = get_max_sub_group_size() / 2; offset > 0; offset /= 2)
        value += sub_group_shuffle_down(value, offset);
    return value;
}

__kernel void reduce(__global const float* values, __global float* sums, int count) {
    __local float partial_sums[64];
    float sum = 0.0f;
    for (size_t i = get_global_id(0); i < count; i += get_global_size(0)) sum += values[i];
    sum = sub_group_sum(sum);
    int lane = get_sub_group_local_id(), sub_group = get_sub_group_id();
    if (lane == 0) partial_sums[sub_group] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (sub_group == 0) {
        float total = 0.0f;
        for (int i = lane; i < get_num_sub_groups(); i += get_max_sub_group_size()) total += partial_sums[i];
        total = sub_group_sum(total);
        if (lane == 0) sums[get_group_id(0)] = total;
    }
}
#else
__kernel void reduce(__global const float* values, __global float* sums, int count) {
    __local float tree[1024];
    int local_id = get_local_id(0);
    float sum = 0.0f;
    for (size_t i = get_global_id(0); i < count; i += get_global_size(0)) sum += values[i];
    tree[local_id] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = get_local_size(0) / 2; offset > 0; offset /= 2) {
        if (local_id < offset) tree[local_id] += tree[local_id + offset];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (local_id == 0) sums[get_group_id(0)] = tree[0];
}
#endif
