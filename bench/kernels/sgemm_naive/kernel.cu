// C = A B for square matrices, an element a thread, all operands from global memory.
extern "C" __global__ void sgemm_naive(int size, const float* a, const float* b, float* c) {
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= size || column >= size) return;
    float sum = 0.0f;
    for (int k = 0; k < size; k++) sum += a[row * size + k] * b[k * size + column];
    c[row * size + column] = sum;
}
