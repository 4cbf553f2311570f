// Rows brought to mean 0 and variance 1, scaled and shifted: a group a row, which it keeps in registers, with both sums
// in one reduction: by shuffles within sub-groups and local memory between them; where there are no shuffles, by a tree
// in local memory.
#define BLOCK 256
#define COLUMNS 1024
#define EPSILON 1e-5f

#ifdef cl_khr_subgroup_shuffle
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable
static float2 group_sum(float2 value, __local float2* shared) {
    for (uint offset = get_max_sub_group_size() / 2; offset > 0; offset /= 2) {
        value.x += sub_group_shuffle_xor(value.x, offset);
        value.y += sub_group_shuffle_xor(value.y, offset);
    }
    if (get_sub_group_local_id() == 0) shared[get_sub_group_id()] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    value = 0.0f;
    for (uint i = 0; i < get_num_sub_groups(); i++) value += shared[i];
    return value;
}
#else
static float2 group_sum(float2 value, __local float2* shared) {
    int local_id = get_local_id(0);
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = BLOCK / 2; offset > 0; offset /= 2) {
        if (local_id < offset) shared[local_id] += shared[local_id + offset];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return shared[0];
}
#endif

__kernel void layer_norm(__global const float4* restrict input, __global const float4* restrict scales,
                         __global const float4* restrict shifts, __global float4* restrict output) {
    __local float2 shared[BLOCK];
    int local_id = get_local_id(0);
    int i = get_global_id(0);
    float4 own = input[i];
    float2 sums = (float2)(own.x + own.y + own.z + own.w, dot(own, own));
    sums = group_sum(sums, shared);
    float mean = sums.x / COLUMNS;
    float inverse = rsqrt(sums.y / COLUMNS - mean * mean + EPSILON);
    output[i] = (own - mean) * inverse * scales[local_id] + shifts[local_id];
}
