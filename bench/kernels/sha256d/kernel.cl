// SHA-256 of the SHA-256 of a header of 80 bytes, a nonce a work item. The header's first 64 bytes are the same for all
// and hashed already. A group leaves the smallest hash with its nonce, compared by what Bitcoin has in front: the last
// word, its bytes reversed.
#define BLOCK 256

__constant uint constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

__constant uint first[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint rotated(uint x, uint count) { return rotate(x, 32 - count); }

static inline void compress(uint* state, uint* words) {
    uint a = state[0], b = state[1], c = state[2], d = state[3];
    uint e = state[4], f = state[5], g = state[6], h = state[7];
#pragma unroll
    for (int i = 0; i < 64; i++) {
        uint word = words[i % 16];
        if (i >= 16) {
            uint w15 = words[(i + 1) % 16], w2 = words[(i + 14) % 16];
            word += words[(i + 9) % 16] + (rotated(w15, 7) ^ rotated(w15, 18) ^ w15 >> 3) +
                    (rotated(w2, 17) ^ rotated(w2, 19) ^ w2 >> 10);
            words[i % 16] = word;
        }
        uint t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + (g ^ (e & (f ^ g))) + constants[i] + word;
        uint t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) | (c & (a | b)));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

__kernel void sha256d(__global const uint* restrict middle, __global const uint* restrict tail,
                      __global ulong* restrict best) {
    __local ulong candidates[BLOCK];
    int local_id = get_local_id(0);
    uint nonce = get_global_id(0);
    uint state[8], words[16];
#pragma unroll
    for (int i = 0; i < 8; i++) state[i] = middle[i];
#pragma unroll
    for (int i = 0; i < 16; i++) words[i] = i < 3 ? tail[i] : 0;
    words[3] = nonce;
    words[4] = 0x80000000u;
    words[15] = 80 * 8;
    compress(state, words);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        words[i] = state[i];
        words[i + 8] = 0;
        state[i] = first[i];
    }
    words[8] = 0x80000000u;
    words[15] = 32 * 8;
    compress(state, words);
    candidates[local_id] = (ulong)as_uint(as_uchar4(state[7]).wzyx) << 32 | nonce;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int offset = BLOCK / 2; offset > 0; offset /= 2) {
        if (local_id < offset) candidates[local_id] = min(candidates[local_id], candidates[local_id + offset]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (local_id == 0) best[get_group_id(0)] = candidates[0];
}
