// The Mandelbrot set: after how many steps each point has left the circle, a point a work item.
__kernel void mandelbrot(int width, int height, int steps_max, __global int* steps) {
    size_t column = get_global_id(0);
    size_t row = get_global_id(1);
    if (column >= width || row >= height) return;
    float cx = -2.0f + 3.0f * column / width;
    float cy = -1.5f + 3.0f * row / height;
    float x = 0.0f, y = 0.0f;
    int step = 0;
    while (step < steps_max && x * x + y * y < 4.0f) {
        float next_x = x * x - y * y + cx;
        y = 2.0f * x * y + cy;
        x = next_x;
        step++;
    }
    steps[row * width + column] = step;
}
