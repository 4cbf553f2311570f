// CUB and Thrust over the whole device: radix sort, scan with look-back, reduce by key.
#include <cub/cub.cuh>
#include <thrust/device_vector.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
void run(thrust::device_vector<int> &keys, thrust::device_vector<float> &values) {
  thrust::sort_by_key(keys.begin(), keys.end(), values.begin());
  thrust::inclusive_scan(values.begin(), values.end(), values.begin());
  thrust::device_vector<int> out_keys(keys.size());
  thrust::device_vector<float> out_values(keys.size());
  thrust::reduce_by_key(keys.begin(), keys.end(), values.begin(), out_keys.begin(), out_values.begin());
  thrust::sort(values.begin(), values.end(), [] __device__(float a, float b) { return a > b; });
  size_t bytes = 0;
  cub::DeviceHistogram::HistogramEven(nullptr, bytes, keys.data().get(), out_keys.data().get(), 257, 0, 256, 1000);
}
