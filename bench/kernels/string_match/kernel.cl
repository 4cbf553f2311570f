// How often each of eight patterns occurs in a text: a work item tries all patterns at one place, in the group's part
// of the text in local memory. Patterns are in constant memory, as all work items read the same letter at a time.
#define BLOCK 256
#define PATTERNS 8
#define LENGTH 12

__kernel void string_match(int places, __constant uchar* patterns, __global const uchar* restrict text,
                           __global uint* counts) {
    __local uchar part[BLOCK + LENGTH];
    __local uint group_counts[PATTERNS];
    int start = get_group_id(0) * BLOCK, local_id = get_local_id(0);
    // The text goes on for a pattern's length after the last place.
    part[local_id] = text[start + local_id];
    if (local_id < LENGTH) part[BLOCK + local_id] = text[start + BLOCK + local_id];
    if (local_id < PATTERNS) group_counts[local_id] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (start + local_id < places) {
        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            int same = 0;
            while (same < LENGTH && part[local_id + same] == patterns[pattern * LENGTH + same]) same++;
            if (same == LENGTH) atomic_inc(&group_counts[pattern]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (local_id < PATTERNS && group_counts[local_id] > 0) atomic_add(&counts[local_id], group_counts[local_id]);
}
