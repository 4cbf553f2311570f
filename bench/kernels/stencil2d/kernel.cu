// A sweep of Jacobi's method for Laplace's equation: each cell becomes the mean of its four neighbours, the border
// stays.
extern "C" __global__ void stencil2d(int size, const float* __restrict__ from, float* __restrict__ to) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    int i = row * size + column;
    if (row == 0 || row == size - 1 || column == 0 || column == size - 1) {
        to[i] = from[i];
        return;
    }
    to[i] = 0.25f * (from[i - 1] + from[i + 1] + from[i - size] + from[i + size]);
}
