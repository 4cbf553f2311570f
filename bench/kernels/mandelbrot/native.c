// The Mandelbrot set: after how many steps each point has left the circle. Points go in groups that a vector holds, as
// a compiler does not turn a loop of unknown length into vectors by itself.
#include "arguments.h"

#define GROUP 32

static void mandelbrot(int width, int height, int steps_max, int* steps) {
#pragma omp parallel for schedule(dynamic, 4)
    for (int row = 0; row < height; row++) {
        float cy = -1.5f + 3.0f * row / height;
        for (int start = 0; start < width; start += GROUP) {
            float cx[GROUP], x[GROUP], y[GROUP];
            int step[GROUP];
            for (int i = 0; i < GROUP; i++) {
                cx[i] = -2.0f + 3.0f * (start + i) / width;
                x[i] = y[i] = 0.0f;
                step[i] = 0;
            }
            int alive = GROUP;
            for (int round = 0; round < steps_max && alive; round++) {
                alive = 0;
#pragma omp simd reduction(+ : alive)
                for (int i = 0; i < GROUP; i++) {
                    // A point that has left stays where it is, so it never comes back.
                    int inside = x[i] * x[i] + y[i] * y[i] < 4.0f;
                    float next_x = x[i] * x[i] - y[i] * y[i] + cx[i];
                    float next_y = 2.0f * x[i] * y[i] + cy;
                    x[i] = inside ? next_x : x[i];
                    y[i] = inside ? next_y : y[i];
                    step[i] += inside;
                    alive += inside;
                }
            }
            for (int i = 0; i < GROUP; i++) steps[row * width + start + i] = step[i];
        }
    }
}

void run(void** arguments) {
    mandelbrot(ARGUMENT(int, 0), ARGUMENT(int, 1), ARGUMENT(int, 2), ARGUMENT(int*, 3));
}
