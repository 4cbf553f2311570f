// Thrust: sort, stable sort by key with a comparator, unique, binary search and set operations.
#include <thrust/binary_search.h>
#include <thrust/device_vector.h>
#include <thrust/host_vector.h>
#include <thrust/sequence.h>
#include <thrust/sort.h>
#include <thrust/unique.h>

#include <algorithm>

#include "case.h"

struct ByLastDigit {
    __host__ __device__ bool operator()(unsigned a, unsigned b) const { return a % 10 < b % 10; }
};

int main() {
    const int count = 100000;
    thrust::host_vector<unsigned> keys(count);
    for (int i = 0; i < count; i++) keys[i] = mix(i);

    thrust::device_vector<unsigned> sorted = keys;
    thrust::sort(sorted.begin(), sorted.end());
    thrust::host_vector<unsigned> result = sorted, expected = keys;
    std::sort(expected.begin(), expected.end());
    printf("sort: median %u %s\n", result[count / 2], result == expected ? "ok" : "WRONG");

    thrust::device_vector<unsigned> by_digit = keys;
    thrust::device_vector<int> places(count);
    thrust::sequence(places.begin(), places.end());
    thrust::stable_sort_by_key(by_digit.begin(), by_digit.end(), places.begin(), ByLastDigit());
    thrust::host_vector<int> order = places;
    std::vector<int> expected_order(count);
    for (int i = 0; i < count; i++) expected_order[i] = i;
    std::stable_sort(expected_order.begin(), expected_order.end(),
                     [&](int a, int b) { return keys[a] % 10 < keys[b] % 10; });
    printf("stable sort by key: %s\n", std::equal(order.begin(), order.end(), expected_order.begin()) ? "ok" : "WRONG");

    thrust::device_vector<unsigned> few(count);
    for (int i = 0; i < count; i++) keys[i] = mix(i) % 1000 * 3;
    few = keys;
    thrust::sort(few.begin(), few.end(), thrust::greater<unsigned>());
    few.erase(thrust::unique(few.begin(), few.end()), few.end());
    printf("distinct %zu, first %u, last %u\n", few.size(), (unsigned)few.front(), (unsigned)few.back());

    thrust::device_vector<unsigned> wanted(3);
    wanted[0] = 300, wanted[1] = 301, wanted[2] = 2997;
    thrust::device_vector<int> found(3);
    thrust::sort(few.begin(), few.end());
    thrust::lower_bound(few.begin(), few.end(), wanted.begin(), wanted.end(), found.begin());
    printf("lower bounds %d %d %d\n", (int)found[0], (int)found[1], (int)found[2]);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: sort: median 2135227673 ok
// EXPECT: stable sort by key: ok
// EXPECT: distinct 1000, first 2997, last 0
// EXPECT: lower bounds 100 101 999
