// How often each byte occurs: a histogram a group in local memory, added to the one in global memory at the end.
__kernel void histogram(__global const uint* words, int count, __global uint* bins) {
    __local uint group_bins[256];
    for (size_t i = get_local_id(0); i < 256; i += get_local_size(0)) group_bins[i] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (size_t i = get_global_id(0); i < count; i += get_global_size(0)) {
        uint word = words[i];
        atomic_inc(&group_bins[word & 255]);
        atomic_inc(&group_bins[word >> 8 & 255]);
        atomic_inc(&group_bins[word >> 16 & 255]);
        atomic_inc(&group_bins[word >> 24]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (size_t i = get_local_id(0); i < 256; i += get_local_size(0)) atomic_add(&bins[i], group_bins[i]);
}
