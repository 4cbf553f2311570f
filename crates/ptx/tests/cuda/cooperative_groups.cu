// Cooperative groups: tiles, coalesced groups, block, grid.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
namespace cg = cooperative_groups;
__global__ void tiles(int *data, int n) {
  auto block = cg::this_thread_block();
  auto warp = cg::tiled_partition<32>(block);
  auto quad = cg::tiled_partition<4>(warp);
  int value = data[block.thread_rank()];
  int sum = cg::reduce(warp, value, cg::plus<int>());
  int max = cg::reduce(quad, value, cg::greater<int>());
  int scan = cg::inclusive_scan(warp, value);
  if (value & 1) {
    auto active = cg::coalesced_threads();
    sum += active.size() + active.shfl(value, 0) + cg::reduce(active, value, cg::bit_xor<int>());
    if (active.thread_rank() == 0) atomicAdd(data + n, active.size());
  }
  auto labelled = cg::labeled_partition(warp, value & 3);
  sum += labelled.size() + warp.ballot(value > 3) + quad.shfl_xor(value, 1) + warp.match_any(value);
  block.sync();
  data[block.thread_rank()] = sum + max + scan + warp.any(value == 7) + warp.all(value > 0);
}
__global__ void whole_grid(int *data) {
  auto grid = cg::this_grid();
  data[grid.thread_rank()] += 1;
  grid.sync();
  data[grid.thread_rank()] += data[(grid.thread_rank() + 1) % grid.size()];
}
