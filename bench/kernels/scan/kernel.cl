// The inclusive prefix sum of an array: each group scans its part and leaves its total; the totals are scanned likewise
// and added. Within a group: shuffles within sub-groups and local memory between them; where there are no shuffles,
// steps in local memory.
#define BLOCK 256

#ifdef cl_khr_subgroup_shuffle_relative
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle_relative : enable

static uint sub_group_scan(uint value, uint lane) {
    for (uint offset = 1; offset < get_max_sub_group_size(); offset *= 2) {
        uint below = sub_group_shuffle_up(value, offset);
        if (lane >= offset) value += below;
    }
    return value;
}

// The sum of the values of a group's work items up to this one.
static uint group_scan(uint value, __local uint* shared) {
    uint lane = get_sub_group_local_id(), sub_group = get_sub_group_id(), width = get_max_sub_group_size();
    uint scanned = sub_group_scan(value, lane);
    if (lane == width - 1) shared[sub_group] = scanned;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (sub_group == 0) {
        uint before = 0;
        for (uint start = 0; start < get_num_sub_groups(); start += width) {
            uint sum = sub_group_scan(start + lane < get_num_sub_groups() ? shared[start + lane] : 0, lane) + before;
            if (start + lane < get_num_sub_groups()) shared[start + lane] = sum;
            before = sub_group_shuffle(sum, width - 1);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return scanned + (sub_group > 0 ? shared[sub_group - 1] : 0);
}
#else
static uint group_scan(uint value, __local uint* shared) {
    uint local_id = get_local_id(0);
    shared[local_id] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint offset = 1; offset < BLOCK; offset *= 2) {
        uint below = local_id >= offset ? shared[local_id - offset] : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        value += below;
        shared[local_id] = value;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return value;
}
#endif

// Four elements a work item; the number of elements is a multiple of that.
__kernel void scan_blocks(int count, __global const uint4* values, __global uint4* sums, __global uint* totals) {
    __local uint shared[BLOCK];
    int i = get_global_id(0);
    uint4 own = i * 4 < count ? values[i] : (uint4)(0);
    own.y += own.x;
    own.z += own.y;
    own.w += own.z;
    uint last = group_scan(own.w, shared);
    if (i * 4 < count) sums[i] = own + (last - own.w);
    if (get_local_id(0) == BLOCK - 1) totals[get_group_id(0)] = last;
}

// Adds to each group the scanned total of the one before.
__kernel void add_totals(int count, __global uint4* sums, __global const uint* totals) {
    int i = get_global_id(0);
    if (get_group_id(0) == 0 || i * 4 >= count) return;
    sums[i] += totals[get_group_id(0) - 1];
}
