// CUB within blocks and warps.
#include <cub/cub.cuh>
__global__ void block_algorithms(int *keys, float *values, int *out) {
  using Sort = cub::BlockRadixSort<int, 128, 4, float>;
  using Scan = cub::BlockScan<int, 128>;
  using Reduce = cub::BlockReduce<float, 128>;
  using Warp = cub::WarpReduce<int>;
  __shared__ union { typename Sort::TempStorage sort; typename Scan::TempStorage scan; typename Reduce::TempStorage reduce; typename Warp::TempStorage warp[4]; } storage;
  int k[4]; float v[4];
  cub::LoadDirectStriped<128>(threadIdx.x, keys, k);
  cub::LoadDirectBlocked(threadIdx.x, values, v);
  Sort(storage.sort).SortBlockedToStriped(k, v);
  __syncthreads();
  int total;
  Scan(storage.scan).ExclusiveSum(k, k, total);
  __syncthreads();
  float sum = Reduce(storage.reduce).Reduce(v[0], cuda::std::plus<>{});
  __syncthreads();
  int warp = Warp(storage.warp[threadIdx.x / 32]).Sum(k[1]);
  cub::StoreDirectStriped<128>(threadIdx.x, out, k);
  if (threadIdx.x == 0) out[1000] = total + (int)sum + warp;
}
