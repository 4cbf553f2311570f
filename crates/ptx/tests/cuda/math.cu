// The functions of the mathematics library, and all rounding modes.
__global__ void singles(float *x, float *out, int n) {
  int i = threadIdx.x; float a = x[i], b = x[i + 1];
  out[i] = sinf(a) + cosf(b) + tanf(a) + expf(a) + logf(b) + powf(a, b) + sqrtf(a) + rsqrtf(b) + cbrtf(a) + erff(a);
  out[i + n] = __sinf(a) + __cosf(b) + __expf(a) + __logf(b) + __powf(a, b) + __fdividef(a, b) + tanhf(a) + exp2f(a);
  out[i + 2 * n] = __fadd_rd(a, b) + __fmul_ru(a, b) + __fmaf_rz(a, b, a) + __frcp_rn(a) + __fsqrt_rd(b) + __fdiv_ru(a, b);
  out[i + 3 * n] = fminf(a, b) + fmaxf(a, b) + fabsf(a) + copysignf(a, b) + floorf(a) + ceilf(b) + truncf(a) + rintf(b) + roundf(a);
  out[i + 4 * n] = fmodf(a, b) + remainderf(a, b) + ldexpf(a, 3) + scalbnf(b, n) + lgammaf(a) + tgammaf(b) + j0f(a) + __saturatef(b);
  int e; out[i + 5 * n] = frexpf(a, &e) + e + ilogbf(b) + isnan(a) + isinf(b) + signbit(a) + atan2f(a, b) + hypotf(a, b) + normcdff(a);
}
__global__ void doubles(double *x, double *out, int n) {
  int i = threadIdx.x; double a = x[i], b = x[i + 1];
  out[i] = sin(a) + cos(b) + exp(a) + log(b) + pow(a, b) + sqrt(a) + rsqrt(b) + atan(a) + a / b;
  out[i + n] = __dadd_rd(a, b) + __dmul_ru(a, b) + __fma_rz(a, b, a) + __drcp_rn(a) + __dsqrt_rd(b) + __ddiv_ru(a, b);
  out[i + 2 * n] = fmin(a, b) + fmax(a, b) + fabs(a) + floor(a) + rint(b) + fmod(a, b) + tanh(a) + erf(b);
}
__global__ void conversions(float *f, double *d, int *i, unsigned *u, long long *l, short *s, signed char *c) {
  int t = threadIdx.x;
  i[t] = (int)f[t] + __float2int_rn(f[t + 1]) + __float2int_ru(f[t]) + (int)d[t] + __double2int_rd(d[t]) + s[t] + c[t];
  u[t] = (unsigned)f[t] + __double2uint_rn(d[t]) + (unsigned char)c[t] + (unsigned short)s[t];
  l[t] = (long long)f[t] + __double2ll_rn(d[t]) + (unsigned long long)d[t] + i[t] + u[t];
  f[t] = (float)d[t] + __double2float_rd(d[t]) + (float)i[t] + __int2float_rz(i[t]) + (float)u[t] + (float)l[t] + (float)c[t];
  d[t] = (double)f[t] + (double)i[t] + (double)(unsigned long long)l[t] + __ll2double_rd(l[t]) + __hiloint2double(i[t], u[t]);
  s[t] = (short)f[t]; c[t] = (signed char)d[t]; i[t + 1] = __float_as_int(f[t]) + __double2hiint(d[t]);
}
