// An image filtered by 7 x 7 weights from constant memory: a group loads its part with the margin around it into local
// memory and makes a pixel a work item. Beyond the border, the image goes on with its last pixels.
#define WIDTH 32
#define HEIGHT 8
#define RADIUS 3
#define DIAMETER (2 * RADIUS + 1)

__kernel __attribute__((reqd_work_group_size(WIDTH, HEIGHT, 1))) void conv2d(int size, __constant float* weights,
                                                                             __global const float* restrict input,
                                                                             __global float* restrict output) {
    __local float part[HEIGHT + 2 * RADIUS][WIDTH + 2 * RADIUS];
    int local_x = get_local_id(0), local_y = get_local_id(1);
    int left = (int)get_group_id(0) * WIDTH - RADIUS, top = (int)get_group_id(1) * HEIGHT - RADIUS;
    for (int y = local_y; y < HEIGHT + 2 * RADIUS; y += HEIGHT)
        for (int x = local_x; x < WIDTH + 2 * RADIUS; x += WIDTH)
            part[y][x] = input[clamp(top + y, 0, size - 1) * size + clamp(left + x, 0, size - 1)];
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0.0f;
#pragma unroll
    for (int y = 0; y < DIAMETER; y++)
#pragma unroll
        for (int x = 0; x < DIAMETER; x++) sum += weights[y * DIAMETER + x] * part[local_y + y][local_x + x];
    output[get_global_id(1) * size + get_global_id(0)] = sum;
}
