// Warp operations and special registers.
__global__ void warp_operations(int *data, float *f, long long *l, double *d) {
  int lane = threadIdx.x & 31; int v = data[threadIdx.x];
  v += __shfl_sync(~0u, v, 3) + __shfl_up_sync(~0u, v, 1) + __shfl_down_sync(~0u, v, 2, 16) + __shfl_xor_sync(~0u, v, 4, 8);
  f[lane] = __shfl_sync(~0u, f[lane], lane ^ 5); l[lane] = __shfl_xor_sync(~0u, l[lane], 1); d[lane] = __shfl_down_sync(~0u, d[lane], 1);
  v += __ballot_sync(~0u, v > 1) + __any_sync(~0u, v) + __all_sync(~0u, v) + __activemask();
  if (v & 1) __syncwarp(__activemask());
  int pred; v += __match_any_sync(~0u, v) + __match_all_sync(~0u, l[0], &pred) + pred;
#if __CUDA_ARCH__ >= 800
  v += __reduce_add_sync(~0u, v) + __reduce_max_sync(~0u, (unsigned)v) + __reduce_xor_sync(~0u, (unsigned)v) + __reduce_min_sync(~0u, v);
#endif
  unsigned lt, smid, warpid, nsmid; asm volatile("mov.u32 %0, %%lanemask_lt;" : "=r"(lt)); asm volatile("mov.u32 %0, %%smid;" : "=r"(smid));
  asm volatile("mov.u32 %0, %%warpid;" : "=r"(warpid)); asm volatile("mov.u32 %0, %%nsmid;" : "=r"(nsmid));
  long long begin = clock64(); int ticks = clock(); __nanosleep(10);
  unsigned long long time; asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(time));
  data[threadIdx.x] = v + lt + smid + warpid + nsmid + ticks + (int)(clock64() - begin) + (int)time + blockIdx.z + gridDim.y + blockDim.z + threadIdx.y;
  v = __syncthreads_count(v > 3) + __syncthreads_and(v) + __syncthreads_or(v);
  if (v == 9) { asm volatile("exit;"); }
  asm volatile("bar.sync 1, 64;" ::: "memory"); asm volatile("bar.arrive 2, 64;");
  data[threadIdx.x + 1] = v;
}
