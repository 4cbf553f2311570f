// A sweep of Jacobi's method for Laplace's equation: each cell becomes the mean of its four neighbours, the border
// stays.
__kernel void stencil2d(int size, __global const float* restrict from, __global float* restrict to) {
    int column = get_global_id(0);
    int row = get_global_id(1);
    int i = row * size + column;
    if (row == 0 || row == size - 1 || column == 0 || column == size - 1) {
        to[i] = from[i];
        return;
    }
    to[i] = 0.25f * (from[i - 1] + from[i + 1] + from[i - size] + from[i + size]);
}
