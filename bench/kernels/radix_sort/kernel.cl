// Radix sort, least digit first, eight bits a pass. A pass counts the digits of each group's part, scans the counts over
// all groups, and moves the keys of each part in their order to where their digit's run of that part begins.
#define BLOCK 256
#define ITEMS 16
#define PART (BLOCK * ITEMS)
#define DIGITS 256
// Shares of a part, whose keys a work item each puts into their order.
#define SHARES 8
#define SHARE (PART / SHARES)

// The sum of the values of the group's work items before this one.
#ifdef cl_khr_subgroup_shuffle_relative
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle_relative : enable
static uint group_scan(uint value, __local uint* shared) {
    uint lane = get_sub_group_local_id(), sub_group = get_sub_group_id(), width = get_max_sub_group_size();
    uint scanned = value;
    for (uint offset = 1; offset < width; offset *= 2) {
        uint below = sub_group_shuffle_up(scanned, offset);
        if (lane >= offset) scanned += below;
    }
    if (lane == width - 1) shared[sub_group] = scanned;
    barrier(CLK_LOCAL_MEM_FENCE);
    uint before = scanned - value;
    for (uint i = 0; i < sub_group; i++) before += shared[i];
    return before;
}
#else
static uint group_scan(uint value, __local uint* shared) {
    uint local_id = get_local_id(0), scanned = value;
    shared[local_id] = scanned;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint offset = 1; offset < BLOCK; offset *= 2) {
        uint below = local_id >= offset ? shared[local_id - offset] : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        scanned += below;
        shared[local_id] = scanned;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return scanned - value;
}
#endif

// Counts, all of digit 0 first. The number of keys is a multiple of a group's part.
__kernel __attribute__((reqd_work_group_size(BLOCK, 1, 1))) void count_digits(int shift, __global const uint* keys,
                                                                              __global uint* counts) {
    __local uint bins[DIGITS];
    uint local_id = get_local_id(0), group = get_group_id(0);
    bins[local_id] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    __global const uint* part = keys + group * PART;
#pragma unroll
    for (uint i = 0; i < ITEMS; i++) atomic_inc(&bins[part[i * BLOCK + local_id] >> shift & (DIGITS - 1)]);
    barrier(CLK_LOCAL_MEM_FENCE);
    counts[local_id * get_num_groups(0) + group] = bins[local_id];
}

// Turns counts into the sums of those before, in one group.
__kernel __attribute__((reqd_work_group_size(BLOCK, 1, 1))) void scan_counts(int count, __global uint* counts) {
    __local uint shared[BLOCK];
    int share = count / BLOCK;
    __global uint* own = counts + get_local_id(0) * share;
    uint sum = 0;
    for (int i = 0; i < share; i++) sum += own[i];
    sum = group_scan(sum, shared);
    for (int i = 0; i < share; i++) {
        uint value = own[i];
        own[i] = sum;
        sum += value;
    }
}

__kernel __attribute__((reqd_work_group_size(BLOCK, 1, 1))) void scatter(int shift, __global const uint* keys,
                                                                         __global const uint* starts,
                                                                         __global uint* sorted) {
    __local uint part[PART], ordered[PART];
    // How often each digit occurs in each share, then where in the part the share's keys of that digit go.
    __local uint counts[SHARES][DIGITS];
    // From the place in the part to that in all.
    __local uint moves[DIGITS];
    __local uint shared[BLOCK];
    uint local_id = get_local_id(0), group = get_group_id(0);
#pragma unroll
    for (uint i = 0; i < ITEMS; i++) part[i * BLOCK + local_id] = keys[group * PART + i * BLOCK + local_id];
#pragma unroll
    for (uint i = 0; i < SHARES; i++) counts[i][local_id] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (local_id < SHARES)
        for (uint i = 0; i < SHARE; i++) counts[local_id][part[local_id * SHARE + i] >> shift & (DIGITS - 1)]++;
    barrier(CLK_LOCAL_MEM_FENCE);

    uint sum = 0;
#pragma unroll
    for (uint i = 0; i < SHARES; i++) {
        uint value = counts[i][local_id];
        counts[i][local_id] = sum;
        sum += value;
    }
    uint begin = group_scan(sum, shared);
#pragma unroll
    for (uint i = 0; i < SHARES; i++) counts[i][local_id] += begin;
    moves[local_id] = starts[local_id * get_num_groups(0) + group] - begin;
    barrier(CLK_LOCAL_MEM_FENCE);

    // Sorted within the part first, so that runs of a digit are written side by side.
    if (local_id < SHARES)
        for (uint i = 0; i < SHARE; i++) {
            uint key = part[local_id * SHARE + i];
            ordered[counts[local_id][key >> shift & (DIGITS - 1)]++] = key;
        }
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (uint i = 0; i < ITEMS; i++) {
        uint index = i * BLOCK + local_id, key = ordered[index];
        sorted[moves[key >> shift & (DIGITS - 1)] + index] = key;
    }
}
