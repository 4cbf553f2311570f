// C = A B for square matrices, an element a work item, all operands from global memory.
__kernel void sgemm_naive(int size, __global const float* a, __global const float* b, __global float* c) {
    int row = get_global_id(1);
    int column = get_global_id(0);
    if (row >= size || column >= size) return;
    float sum = 0.0f;
    for (int k = 0; k < size; k++) sum += a[row * size + k] * b[k * size + column];
    c[row * size + column] = sum;
}
