// Thrust: inclusive, exclusive and segmented scans, scans with other operators, stream compaction, partition, gather.
#include <thrust/copy.h>
#include <thrust/device_vector.h>
#include <thrust/functional.h>
#include <thrust/gather.h>
#include <thrust/partition.h>
#include <thrust/scan.h>

#include "case.h"

struct DivisibleBySeven {
    __host__ __device__ bool operator()(int x) const { return x % 7 == 0; }
};

template <typename T>
bool equal(const thrust::device_vector<T>& got, const std::vector<T>& expected) {
    std::vector<T> host(got.size());
    thrust::copy(got.begin(), got.end(), host.begin());
    return mismatches(host, expected) == 0;
}

int main() {
    const int count = 120001;
    std::vector<int> host(count), inclusive(count), exclusive(count), largest(count), keys(count), segmented(count);
    for (int i = 0; i < count; i++) {
        host[i] = static_cast<int>(mix(i) % 201) - 100;
        keys[i] = i / 37;
        inclusive[i] = host[i] + (i ? inclusive[i - 1] : 0);
        exclusive[i] = i ? inclusive[i - 1] + 5 : 5;
        largest[i] = i ? std::max(largest[i - 1], host[i] + i / 100) : host[i];
        segmented[i] = i % 37 ? segmented[i - 1] + host[i] : host[i];
    }
    thrust::device_vector<int> values = host, output(count);
    thrust::inclusive_scan(values.begin(), values.end(), output.begin());
    printf("inclusive: last %d %s\n", (int)output.back(), equal(output, inclusive) ? "ok" : "WRONG");
    thrust::exclusive_scan(values.begin(), values.end(), output.begin(), 5);
    printf("exclusive: last %d %s\n", (int)output.back(), equal(output, exclusive) ? "ok" : "WRONG");
    thrust::device_vector<int> device_keys = keys;
    thrust::inclusive_scan_by_key(device_keys.begin(), device_keys.end(), values.begin(), output.begin());
    printf("by key: last %d %s\n", (int)output.back(), equal(output, segmented) ? "ok" : "WRONG");
    std::vector<int> raised = host;
    for (int i = 0; i < count; i++) raised[i] += i / 100;
    thrust::device_vector<int> raised_device = raised;
    thrust::inclusive_scan(raised_device.begin(), raised_device.end(), output.begin(), thrust::maximum<int>());
    printf("maximum: last %d %s\n", (int)output.back(), equal(output, largest) ? "ok" : "WRONG");

    std::vector<int> kept, parted;
    for (int value : host)
        if (value % 7 == 0) kept.push_back(value);
    parted = kept;
    for (int value : host)
        if (value % 7 != 0) parted.push_back(value);
    auto end = thrust::copy_if(values.begin(), values.end(), output.begin(), DivisibleBySeven());
    thrust::device_vector<int> kept_device(output.begin(), end);
    printf("copy_if: %zu kept %s\n", kept_device.size(), equal(kept_device, kept) ? "ok" : "WRONG");
    output = values;
    auto middle = thrust::stable_partition(output.begin(), output.end(), DivisibleBySeven());
    printf("stable_partition: %d before %s\n", (int)(middle - output.begin()), equal(output, parted) ? "ok" : "WRONG");

    std::vector<int> map(count), gathered(count);
    for (int i = 0; i < count; i++) map[i] = mix(i + 3) % count, gathered[i] = host[map[i]];
    thrust::device_vector<int> map_device = map;
    thrust::gather(map_device.begin(), map_device.end(), values.begin(), output.begin());
    printf("gather: %s\n", equal(output, gathered) ? "ok" : "WRONG");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: inclusive: last 6485 ok
// EXPECT: exclusive: last 6497 ok
// EXPECT: by key: last -99 ok
// EXPECT: maximum: last 1299 ok
// EXPECT: copy_if: 17401 kept ok
// EXPECT: stable_partition: 17401 before ok
// EXPECT: gather: ok
