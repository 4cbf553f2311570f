// SHA-256 and a random generator: rotations, constants, unrolled loops.
__constant__ unsigned K[64] = {0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u};
__device__ unsigned rotr(unsigned x, int n) { return (x >> n) | (x << (32 - n)); }
__global__ void sha256(const unsigned *in, unsigned *out) {
  unsigned w[64], s[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  for (int i = 0; i < 16; i++) w[i] = __byte_perm(in[threadIdx.x * 16 + i], 0, 0x0123);
  for (int i = 16; i < 64; i++) w[i] = w[i - 16] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >> 3)) + w[i - 7] + (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >> 10));
  for (int i = 0; i < 64; i++) {
    unsigned t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
    unsigned t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    for (int j = 7; j > 0; j--) s[j] = s[j - 1];
    s[4] += t1; s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) out[threadIdx.x * 8 + i] = s[i];
}
