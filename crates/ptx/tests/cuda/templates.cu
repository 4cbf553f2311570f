// Templates, lambdas, variadic kernels, structures of arrays.
template <typename T, int N> struct Vec { T v[N]; __device__ T dot(const Vec &o) const { T s = 0; for (int i = 0; i < N; i++) s += v[i] * o.v[i]; return s; } };
template <typename T, int N> __global__ void dots(const Vec<T, N> *a, T *out) { out[threadIdx.x] = a[threadIdx.x].dot(a[threadIdx.x + 1]); }
template __global__ void dots<float, 4>(const Vec<float, 4> *, float *);
template __global__ void dots<double, 3>(const Vec<double, 3> *, double *);
template __global__ void dots<signed char, 7>(const Vec<signed char, 7> *, signed char *);
template __global__ void dots<unsigned long long, 2>(const Vec<unsigned long long, 2> *, unsigned long long *);
template <int... I> __global__ void variadic(int *out) { int values[] = {I...}; int s = 0; for (int v : values) s += v; out[0] = s; }
template __global__ void variadic<1, 2, 3>(int *);
template <int TILE> __global__ void matmul(const float *a, const float *b, float *c, int n) {
  __shared__ float as[TILE][TILE], bs[TILE][TILE];
  int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y; float sum = 0;
  for (int k = 0; k < n; k += TILE) {
    as[threadIdx.y][threadIdx.x] = a[y * n + k + threadIdx.x]; bs[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < TILE; i++) sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
    __syncthreads();
  }
  c[y * n + x] = sum;
}
template __global__ void matmul<16>(const float *, const float *, float *, int);
