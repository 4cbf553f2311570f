// Thrust: transform-reduce, reduce_by_key over runs, histogram by sorting, min-max and inner product.
#include <thrust/device_vector.h>
#include <thrust/execution_policy.h>
#include <thrust/extrema.h>
#include <thrust/inner_product.h>
#include <thrust/iterator/constant_iterator.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/reduce.h>
#include <thrust/sort.h>
#include <thrust/transform_reduce.h>

#include <map>

#include "case.h"

struct MixBelow100 {
    __host__ __device__ int operator()(int i) const { return static_cast<int>(mix(i) % 100); }
};

struct SquareWide {
    __host__ __device__ long long operator()(int x) const { return 1ll * x * x; }
};

int main() {
    const int count = 80000;
    thrust::device_vector<int> values(count), keys(count);
    thrust::counting_iterator<int> indices(0);
    thrust::transform(indices, indices + count, values.begin(), MixBelow100());
    std::vector<int> host(count);
    long long sum = 0, squares = 0, products = 0;
    for (int i = 0; i < count; i++) host[i] = MixBelow100()(i);
    for (int i = 0; i < count; i++) sum += host[i], squares += host[i] * host[i], products += 1ll * host[i] * i;
    printf("sum %d (%lld)\n", thrust::reduce(values.begin(), values.end()), sum);
    printf("squares %lld (%lld)\n",
           thrust::transform_reduce(values.begin(), values.end(), SquareWide(), 0ll, thrust::plus<long long>()),
           squares);
    printf("inner product %lld (%lld)\n", thrust::inner_product(values.begin(), values.end(), indices, 0ll), products);

    // Runs of equal keys, of very different lengths.
    std::vector<int> host_keys(count);
    for (int i = 0, key = 0, left = 0; i < count; i++, left--) {
        if (left == 0) key++, left = 1 + mix(key) % (key % 9 == 0 ? 5000 : 20);
        host_keys[i] = key;
    }
    thrust::copy(host_keys.begin(), host_keys.end(), keys.begin());
    thrust::device_vector<int> out_keys(count), out_sums(count);
    auto ends = thrust::reduce_by_key(keys.begin(), keys.end(), values.begin(), out_keys.begin(), out_sums.begin());
    size_t runs = ends.first - out_keys.begin();
    std::map<int, int> expected;
    for (int i = 0; i < count; i++) expected[host_keys[i]] += host[i];
    std::vector<int> got_keys(runs), got_sums(runs);
    thrust::copy(out_keys.begin(), out_keys.begin() + runs, got_keys.begin());
    thrust::copy(out_sums.begin(), out_sums.begin() + runs, got_sums.begin());
    int wrong = runs != expected.size();
    for (size_t i = 0; i < runs; i++) wrong += expected[got_keys[i]] != got_sums[i];
    printf("runs %zu, checksum %016llx, mismatches %d\n", runs, (unsigned long long)checksum(got_sums), wrong);

    // A histogram: sort, then count the runs.
    thrust::sort(thrust::device, values.begin(), values.end());
    ends = thrust::reduce_by_key(values.begin(), values.end(), thrust::constant_iterator<int>(1), out_keys.begin(),
                                 out_sums.begin());
    printf("bins %d, of 0: %d, of 99: %d\n", (int)(ends.first - out_keys.begin()), (int)out_sums[0], (int)out_sums[99]);
    auto extremes = thrust::minmax_element(values.begin(), values.end());
    printf("smallest %d largest %d\n", (int)*extremes.first, (int)*extremes.second);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sum 3959850 (3959850)
// EXPECT: squares 262525678 (262525678)
// EXPECT: inner product 158350198141 (158350198141)
// EXPECT: runs 315, checksum 36336771884128e8, mismatches 0
// EXPECT: bins 100, of 0: 818, of 99: 815
// EXPECT: smallest 0 largest 99
