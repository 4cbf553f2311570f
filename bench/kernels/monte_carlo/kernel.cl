// The price of a European call by simulation: Philox gives four numbers for each counter, Box and Muller's method makes
// them normal, each is the end of a path. Sums by shuffles within sub-groups and local memory between them; where there
// are no shuffles, by a tree in local memory.
#define BLOCK 256
#define COUNTERS 16
#define KEY 0x2545f491u

static uint4 philox(uint counter) {
    uint x = counter, y = 0, z = 0, w = 0, key_x = KEY, key_y = 0;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        uint high_x = mul_hi(0xd2511f53u, x), low_x = 0xd2511f53u * x;
        uint high_z = mul_hi(0xcd9e8d57u, z), low_z = 0xcd9e8d57u * z;
        x = high_z ^ y ^ key_x;
        y = low_z;
        z = high_x ^ w ^ key_y;
        w = low_x;
        key_x += 0x9e3779b9u;
        key_y += 0xbb67ae85u;
    }
    return (uint4)(x, y, z, w);
}

// Between 0 and 1 and neither of them.
static float unit(uint number) { return ((number >> 9) + 0.5f) * 0x1p-23f; }

static float2 normal(uint first, uint second) {
    float radius = sqrt(-2.0f * log(unit(first))), turn = 2.0f * unit(second);
    return radius * (float2)(cospi(turn), sinpi(turn));
}

#ifdef cl_khr_subgroup_shuffle_relative
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle_relative : enable
static float group_sum(float sum, __local float* shared) {
    for (uint offset = get_max_sub_group_size() / 2; offset > 0; offset /= 2)
        sum += sub_group_shuffle_down(sum, offset);
    if (get_sub_group_local_id() == 0) shared[get_sub_group_id()] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = 0.0f;
    for (uint i = 0; i < get_num_sub_groups(); i++) sum += shared[i];
    return sum;
}
#else
static float group_sum(float sum, __local float* shared) {
    int local_id = get_local_id(0);
    shared[local_id] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = BLOCK / 2; offset > 0; offset /= 2) {
        if (local_id < offset) shared[local_id] += shared[local_id + offset];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return shared[0];
}
#endif

__kernel void simulate(float price, float strike, float drift, float deviation, __global float* sums) {
    __local float shared[BLOCK];
    float sum = 0.0f;
    uint counter = get_global_id(0) * COUNTERS;
    for (int i = 0; i < COUNTERS; i++) {
        uint4 numbers = philox(counter + i);
        float2 one = normal(numbers.x, numbers.y), other = normal(numbers.z, numbers.w);
        sum += fmax(price * exp(drift + deviation * one.x) - strike, 0.0f);
        sum += fmax(price * exp(drift + deviation * one.y) - strike, 0.0f);
        sum += fmax(price * exp(drift + deviation * other.x) - strike, 0.0f);
        sum += fmax(price * exp(drift + deviation * other.y) - strike, 0.0f);
    }
    sum = group_sum(sum, shared);
    if (get_local_id(0) == 0) sums[get_group_id(0)] = sum;
}

// The mean over all paths, of one group's sums each.
__kernel void mean(int groups, __global const float* sums, __global float* result) {
    __local float shared[BLOCK];
    float sum = 0.0f;
    for (int i = get_local_id(0); i < groups; i += BLOCK) sum += sums[i];
    sum = group_sum(sum, shared);
    if (get_local_id(0) == 0) *result = sum / (4.0f * COUNTERS * BLOCK * groups);
}
