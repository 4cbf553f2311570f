// Integer arithmetic and bit operations.
__global__ void integers(int *i, unsigned *u, long long *l, unsigned long long *w) {
  int t = threadIdx.x; int a = i[t], b = i[t + 1]; unsigned x = u[t], y = u[t + 1]; long long p = l[t], q = l[t + 1];
  i[t] = a / b + a % b + a * b + (a << (b & 31)) + (a >> 3) + abs(a) + min(a, b) + max(a, b) + __mulhi(a, b) + __mul24(a, b);
  u[t] = x / y + x % y + __umulhi(x, y) + __brev(x) + __clz(x) + __popc(y) + __ffs(x) + __byte_perm(x, y, 0x4321) + __sad(a, b, x) + __umul24(x, y);
  u[t + 2] = __funnelshift_l(x, y, a) + __funnelshift_rc(x, y, b) + __vadd2(x, y) + __vabsdiffu4(x, y) + __vcmpeq4(x, y);
  l[t] = p / q + p % q + p * q + (p >> 5) + __mul64hi(p, q) + __clzll(p) + __popcll(q) + __brevll(p) + __ffsll(q);
  w[t] = w[t + 1] / (w[t + 2] | 1) + __umul64hi(w[t], w[t + 1]) + (a ? w[3] : w[4]);
  unsigned __int128 big = (unsigned __int128)w[t] * w[t + 1] + w[t + 2];
  big -= (unsigned __int128)x << 70;
  w[t + 5] = (unsigned long long)(big >> 64) ^ (unsigned long long)big;
  i[t + 3] = (a & b) | (~a ^ x) | ((a | b) & y);
  u[t + 6] = (x >> 5 & 0x1ff) | ((y & 0xff) << 13) | __vmaxs2(x, y) | __usad(x, y, 3) | __rhadd(a, b) | __uhadd(x, y) | __fns(x, 0, 2);
}
