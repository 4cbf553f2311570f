// The device code of every image in this folder; see README.md.
__device__ float twice_plus_one(float x) { return x * 2.0f + 1.0f; }

__global__ void add(const float *a, const float *b, float *sum, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) sum[i] = a[i] + b[i];
}

__global__ void scale(float *a, float factor, int count) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        a[i] = twice_plus_one(a[i]) * factor;
}
