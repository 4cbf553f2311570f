// Functions with unusual signatures: many arguments, small integers, booleans, pointers to members, 128-bit values.
#if __CUDA_ARCH__ >= 900
#define CLUSTER __cluster_dims__(2, 1, 1)
#else
#define CLUSTER
#endif
struct Empty {};
struct Mixed { bool flag; short s; float f[3]; long long l; };
__device__ __noinline__ bool small(bool b, char c, unsigned char uc, short s, unsigned short us) { return b ? c > s : uc < us; }
__device__ __noinline__ Mixed many(int a, long long b, float c, double d, Mixed m, Empty, const Mixed &r, float4 v, int3 t) {
  m.flag = !m.flag; m.s += (short)a; m.f[1] = c + v.y + t.z; m.l += b + (long long)d + r.l; return m;
}
__device__ __noinline__ unsigned __int128 wide(unsigned __int128 a, unsigned long long b) { return a * b; }
__device__ __noinline__ void nothing() { asm volatile("" ::: "memory"); }
__device__ __noinline__ void by_reference(int &x, float (&array)[8]) { x++; array[x & 7] = x; }
__global__ void __launch_bounds__(128, 4) CLUSTER separate(Mixed *m, int n, unsigned long long *w) {
  float array[8] = {}; int x = n; nothing(); by_reference(x, array);
  m[0] = many(n, n, n, n, m[1], Empty(), m[2], make_float4(1, 2, 3, 4), make_int3(n, 2, 3));
  if (small(n & 1, n, n, n, n)) w[0] = (unsigned long long)(wide(w[1], w[2]) >> 64) + (int)array[n & 7] + x;
}
