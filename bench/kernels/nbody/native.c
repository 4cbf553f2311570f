// The acceleration of each body by all bodies. Positions are taken apart into arrays first, which vectors need.
#include <math.h>
#include <stdlib.h>

#include "arguments.h"

#define SOFTENING 1e-3f

static void nbody(int count, const float* bodies, float* accelerations) {
    float* x = malloc(sizeof(float) * 4 * count);
    float *y = x + count, *z = y + count, *mass = z + count;
    for (int i = 0; i < count; i++) {
        x[i] = bodies[4 * i];
        y[i] = bodies[4 * i + 1];
        z[i] = bodies[4 * i + 2];
        mass[i] = bodies[4 * i + 3];
    }
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++) {
        float xi = x[i], yi = y[i], zi = z[i];
        float ax = 0.0f, ay = 0.0f, az = 0.0f;
#pragma omp simd reduction(+ : ax, ay, az)
        for (int j = 0; j < count; j++) {
            float dx = x[j] - xi, dy = y[j] - yi, dz = z[j] - zi;
            float inverse = 1.0f / sqrtf(dx * dx + dy * dy + dz * dz + SOFTENING);
            float strength = mass[j] * inverse * inverse * inverse;
            ax += dx * strength;
            ay += dy * strength;
            az += dz * strength;
        }
        accelerations[4 * i] = ax;
        accelerations[4 * i + 1] = ay;
        accelerations[4 * i + 2] = az;
        accelerations[4 * i + 3] = 0.0f;
    }
    free(x);
}

void run(void** arguments) {
    nbody(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(float*, 2));
}
