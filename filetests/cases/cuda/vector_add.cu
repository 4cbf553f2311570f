// The first CUDA program that anyone writes, with a size that does not divide into blocks.
#include "case.h"

__global__ void vector_add(const float* a, const float* b, float* sum, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) sum[i] = a[i] + b[i];
}

int main() {
    const int count = 1000003;
    std::vector<float> a(count), b(count), expected(count);
    for (int i = 0; i < count; i++) {
        a[i] = static_cast<float>(mix(i) % 4096) * 0.25f;
        b[i] = static_cast<float>(mix(i + count) % 4096);
        expected[i] = a[i] + b[i];
    }
    float* a_device = to_device(a);
    float* b_device = to_device(b);
    float* sum_device = device_zeros<float>(count);

    vector_add<<<(count + 255) / 256, 256>>>(a_device, b_device, sum_device, count);
    CHECK_KERNEL();

    std::vector<float> sum = to_host(sum_device, count);
    printf("first %.2f last %.2f\n", sum[0], sum[count - 1]);
    printf("checksum %016llx\n", (unsigned long long)checksum(sum));
    printf("mismatches %d\n", mismatches(sum, expected));
    CHECK(cudaFree(a_device));
    CHECK(cudaFree(b_device));
    CHECK(cudaFree(sum_device));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: first 3047.00 last 795.00
// EXPECT: checksum 5073394bee22cf41
// EXPECT: mismatches 0
