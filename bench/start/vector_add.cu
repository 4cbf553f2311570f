// The first program of every course, as small as it is there: what it takes is what the driver takes.
#include <cstdio>
#include <cstdlib>

#define CHECK(call)                                                            \
    do {                                                                       \
        cudaError_t error = (call);                                            \
        if (error != cudaSuccess) {                                            \
            fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error));     \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

__global__ void vector_add(const float* a, const float* b, float* sum, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) sum[i] = a[i] + b[i];
}

int main() {
    const int count = 50000;
    const size_t size = count * sizeof(float);
    float* host = static_cast<float*>(malloc(3 * size));
    if (!host) return 1;
    float *a = host, *b = host + count, *sum = host + 2 * count;
    for (int i = 0; i < count; i++) {
        a[i] = i;
        b[i] = 2.0f * i;
    }
    float *a_device, *b_device, *sum_device;
    CHECK(cudaMalloc(&a_device, size));
    CHECK(cudaMalloc(&b_device, size));
    CHECK(cudaMalloc(&sum_device, size));
    CHECK(cudaMemcpy(a_device, a, size, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(b_device, b, size, cudaMemcpyHostToDevice));
    vector_add<<<(count + 255) / 256, 256>>>(a_device, b_device, sum_device, count);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(sum, sum_device, size, cudaMemcpyDeviceToHost));
    for (int i = 0; i < count; i++) {
        if (sum[i] != 3.0f * i) {
            fprintf(stderr, "element %d is %g\n", i, sum[i]);
            return 1;
        }
    }
    CHECK(cudaFree(a_device));
    CHECK(cudaFree(b_device));
    CHECK(cudaFree(sum_device));
    free(host);
    printf("passed\n");
    return 0;
}
