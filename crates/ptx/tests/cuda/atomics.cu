// Atomic operations of every type, space and scope.
#include <cuda/atomic>
__device__ unsigned counter;
__global__ void atomics(int *i, unsigned *u, unsigned long long *l, float *f, double *d, unsigned short *h) {
  __shared__ int shared_sum;
  __shared__ float shared_float;
  if (threadIdx.x == 0) { shared_sum = 0; shared_float = 0; }
  __syncthreads();
  atomicAdd(&shared_sum, i[threadIdx.x]);
  atomicAdd(&shared_float, f[threadIdx.x]);
  atomicAdd(i, 1); atomicSub(i + 1, 2); atomicMin(i + 2, 3); atomicMax(i + 3, 4);
  atomicMin(u, 3u); atomicMax(u + 1, 4u); atomicInc(u + 2, 17u); atomicDec(u + 3, 17u);
  atomicAnd(u + 4, 0xffu); atomicOr(u + 5, 1u); atomicXor(u + 6, 5u);
  u[7] = atomicExch(u + 8, 9u); u[9] = atomicCAS(u + 10, 1u, 2u);
  l[0] = atomicAdd(l + 1, 5ull); l[2] = atomicCAS(l + 3, 1ull, 7ull); l[4] = atomicExch(l + 5, 1ull);
  atomicMax(l + 6, 9ull); atomicMin((long long *)l + 7, -9ll); atomicAnd(l + 8, 3ull);
  f[0] = atomicAdd(f + 1, 1.5f); d[0] = atomicAdd(d + 1, 2.5); f[2] = atomicExch(f + 3, 1.0f);
  h[0] = atomicCAS(h + 1, (unsigned short)1, (unsigned short)2);
  atomicAdd_block(i + 9, 1); atomicAdd_system(i + 10, 1);
  cuda::atomic_ref<int, cuda::thread_scope_device> ref(i[11]);
  ref.fetch_add(3, cuda::memory_order_relaxed);
  ref.store(4, cuda::memory_order_release);
  i[12] = ref.load(cuda::memory_order_acquire);
  int expected = 4;
  ref.compare_exchange_strong(expected, 5, cuda::memory_order_acq_rel);
  cuda::atomic_thread_fence(cuda::memory_order_seq_cst, cuda::thread_scope_system);
  if (atomicInc(&counter, gridDim.x) == gridDim.x - 1) i[13] = shared_sum + (int)shared_float;
  __threadfence(); __threadfence_block(); __threadfence_system();
}
