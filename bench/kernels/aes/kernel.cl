// AES-128 in counter mode, a block of 16 bytes a work item. Each round is four lookups a word in a table that holds the
// substitution with the mixing of columns; the rotations of the words that it gives stand for three more tables.
#define ROUNDS 10
#define BLOCK 256

static uint swapped(uint word) { return as_uint(as_uchar4(word).wzyx); }

static uint mixed(__local const uint* table, uint a, uint b, uint c, uint d) {
    return table[a >> 24] ^ rotate(table[b >> 16 & 255], 24u) ^ rotate(table[c >> 8 & 255], 16u) ^
           rotate(table[d & 255], 8u);
}

// The last round does not mix; the second byte of an entry is the substitution alone.
static uint substituted(__local const uint* table, uint a, uint b, uint c, uint d) {
    return (table[a >> 24] << 8 & 0xff000000u) | (table[b >> 16 & 255] & 0x00ff0000u) |
           (table[c >> 8 & 255] & 0x0000ff00u) | (table[d & 255] >> 8 & 0x000000ffu);
}

__kernel void aes(__constant uint* round_keys, __global const uint* restrict global_table,
                  __global const uint4* restrict input, __global uint4* restrict output) {
    __local uint table[256];
    table[get_local_id(0)] = global_table[get_local_id(0)];
    barrier(CLK_LOCAL_MEM_FENCE);
    uint i = get_global_id(0);
    // The counter begins with three words of a nonce, all zero.
    uint a = round_keys[0], b = round_keys[1], c = round_keys[2], d = i ^ round_keys[3];
#pragma unroll
    for (int round = 1; round < ROUNDS; round++) {
        __constant uint* key = round_keys + 4 * round;
        uint next_a = mixed(table, a, b, c, d) ^ key[0];
        uint next_b = mixed(table, b, c, d, a) ^ key[1];
        uint next_c = mixed(table, c, d, a, b) ^ key[2];
        uint next_d = mixed(table, d, a, b, c) ^ key[3];
        a = next_a, b = next_b, c = next_c, d = next_d;
    }
    __constant uint* key = round_keys + 4 * ROUNDS;
    uint4 data = input[i];
    data.x ^= swapped(substituted(table, a, b, c, d) ^ key[0]);
    data.y ^= swapped(substituted(table, b, c, d, a) ^ key[1]);
    data.z ^= swapped(substituted(table, c, d, a, b) ^ key[2]);
    data.w ^= swapped(substituted(table, d, a, b, c) ^ key[3]);
    output[i] = data;
}
