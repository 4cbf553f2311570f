// Half and bfloat16 arithmetic, scalar and packed.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
__global__ void half_math(const __half *a, const __half2 *b, __half *out, __half2 *out2, int n) {
  int i = threadIdx.x;
  __half x = a[i], y = a[i + 1], z = __hfma(x, y, x);
  out[i] = z + x * y - x / y;
  out[i + n] = __hmax(hsqrt(x), __hmin(hexp(y), hsin(x)));
  if (__hlt(x, y) || __hisnan(z) || x == y) out[i + 2 * n] = __float2half(__half2float(x) + 1.0f);
  __half2 p = b[i], q = b[i + 1];
  out2[i] = __hfma2(p, q, __hadd2(p, q));
  out2[i + n] = __hmul2(h2exp2(p), __hsub2(__hneg2(q), h2rcp(p)));
  out2[i + 2 * n] = __hgt2(p, q);
  if (__hbeq2(p, q)) out2[i] = __floats2half2_rn(1.f, 2.f);
  out[i + 3 * n] = __hfma_relu(x, y, z);
  out[i + 4 * n] = __int2half_rn(__half2int_rz(x)) + __ushort2half_rn(__half2ushort_rd(y)) + __double2half(2.0);
  atomicAdd(out, x); atomicAdd(out2, p);
}
#if __CUDA_ARCH__ >= 800 || !defined(__CUDA_ARCH__)
__global__ void bfloat(const __nv_bfloat16 *a, const __nv_bfloat162 *b, __nv_bfloat16 *out, __nv_bfloat162 *out2) {
  int i = threadIdx.x;
  __nv_bfloat16 x = a[i], y = a[i + 1];
  out[i] = __hfma(x, y, x) + x * y - x / y;
  out[i + 1] = __hmax(x, __hmin(y, __hneg(x)));
  out[i + 2] = __float2bfloat16(__bfloat162float(x) * 2.f);
  out[i + 3] = __int2bfloat16_rn(__bfloat162int_rz(x));
  __nv_bfloat162 p = b[i], q = b[i + 1];
  out2[i] = __hfma2(p, q, __hadd2(p, q));
  out2[i + 1] = __hmax2(p, __hmul2(q, q));
  if (__hgt(x, y)) out2[i + 2] = __floats2bfloat162_rn(1.f, 2.f);
}
#endif
