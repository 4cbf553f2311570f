// An image filtered by 7 x 7 weights from constant memory: a block loads its part with the margin around it into shared
// memory and makes a pixel a thread. Beyond the border, the image goes on with its last pixels.
#define WIDTH 32
#define HEIGHT 8
#define RADIUS 3
#define DIAMETER (2 * RADIUS + 1)

__constant__ float weights[DIAMETER * DIAMETER];

extern "C" __global__ void conv2d(int size, const float* __restrict__ input, float* __restrict__ output) {
    __shared__ float part[HEIGHT + 2 * RADIUS][WIDTH + 2 * RADIUS];
    int left = blockIdx.x * WIDTH - RADIUS, top = blockIdx.y * HEIGHT - RADIUS;
    for (int y = threadIdx.y; y < HEIGHT + 2 * RADIUS; y += HEIGHT)
        for (int x = threadIdx.x; x < WIDTH + 2 * RADIUS; x += WIDTH)
            part[y][x] = input[min(max(top + y, 0), size - 1) * size + min(max(left + x, 0), size - 1)];
    __syncthreads();
    float sum = 0.0f;
#pragma unroll
    for (int y = 0; y < DIAMETER; y++)
#pragma unroll
        for (int x = 0; x < DIAMETER; x++)
            sum += weights[y * DIAMETER + x] * part[threadIdx.y + y][threadIdx.x + x];
    output[(blockIdx.y * HEIGHT + threadIdx.y) * size + blockIdx.x * WIDTH + threadIdx.x] = sum;
}
