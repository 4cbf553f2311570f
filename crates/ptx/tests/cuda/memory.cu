// Every space, width and cache hint; vector types; alignment; structures.
__constant__ float coefficients[16] = {1, 2, 3};
__constant__ struct { int a; double b[3]; } nested = {7, {1.0, 2.0, 3.0}};
__managed__ int managed_value = 5;
__device__ int matrix[3][4] = {{1, 2}, {3}};
__device__ const int *pointer_to_row = matrix[1];
__device__ volatile int flag;
__device__ char text[] = "text \"quoted\"\n";
struct __align__(16) Big { float4 v[3]; char tail; };
__device__ __noinline__ Big shift(Big b, int n) { b.v[n % 3].x += 1; b.tail ^= n; return b; }
__global__ void memory(float4 *v4, float2 *v2, uchar4 *c4, Big *bigs, const float *__restrict__ read_only, Big parameter, int n) {
  extern __shared__ float dynamic[];
  __shared__ double fixed[32][33];
  int t = threadIdx.x; float local[20];
  for (int i = 0; i < 20; i++) local[i] = read_only[t * i] + coefficients[i & 15];
  fixed[t & 31][n & 31] = nested.b[n % 3] + managed_value;
  dynamic[t] = local[n % 20]; __syncthreads();
  v4[t] = make_float4(dynamic[t ^ 1], fixed[n & 31][t & 31], matrix[n % 3][t & 3], *pointer_to_row);
  v2[t].x = v2[t + 1].y; c4[t] = make_uchar4(text[t], 2, 3, c4[t + 1].x);
  bigs[t] = shift(bigs[t + 1], n); bigs[t + 1].v[0].x = parameter.v[n % 3].y;
  while (flag == 0) {}
  __stcs(&v2[t], __ldcg(&v2[t + 2])); __stwt((float *)v4, __ldlu((float *)v4 + 1)); v4[t + 1] = __ldg(v4 + 5); c4[1] = __ldcs(c4 + 2);
}
