// Fourier transforms of 1024 points by steps of radix 4 that order their results themselves (Stockham). A thread makes
// as many at a time as a vector has lanes, so that all steps are of whole vectors.
#include "arguments.h"

#define SIZE 1024
#define QUARTER (SIZE / 4)
#define LANES 16
// Points of a cache line.
#define LINE 8

// The same point of LANES transforms.
typedef struct {
    float real[LANES], imaginary[LANES];
} points;

static void step(int done, const points* restrict from, const float* restrict roots, points* restrict to) {
    for (int i = 0; i < QUARTER; i++) {
        int within = i % done, place = (i - within) * 4 + within;
        const float* root = roots + 2 * within * (QUARTER / done);
        const float* root2 = roots + 4 * within * (QUARTER / done);
        const float* root3 = roots + 6 * within * (QUARTER / done);
        const points *a = from + i, *b = a + QUARTER, *c = b + QUARTER, *d = c + QUARTER;
        points *w = to + place, *x = w + done, *y = x + done, *z = y + done;
#pragma omp simd
        for (int j = 0; j < LANES; j++) {
            float b_real = b->real[j] * root[0] - b->imaginary[j] * root[1];
            float b_imaginary = b->real[j] * root[1] + b->imaginary[j] * root[0];
            float c_real = c->real[j] * root2[0] - c->imaginary[j] * root2[1];
            float c_imaginary = c->real[j] * root2[1] + c->imaginary[j] * root2[0];
            float d_real = d->real[j] * root3[0] - d->imaginary[j] * root3[1];
            float d_imaginary = d->real[j] * root3[1] + d->imaginary[j] * root3[0];
            float ac_sum_real = a->real[j] + c_real, ac_sum_imaginary = a->imaginary[j] + c_imaginary;
            float ac_real = a->real[j] - c_real, ac_imaginary = a->imaginary[j] - c_imaginary;
            float bd_sum_real = b_real + d_real, bd_sum_imaginary = b_imaginary + d_imaginary;
            float bd_real = b_real - d_real, bd_imaginary = b_imaginary - d_imaginary;
            w->real[j] = ac_sum_real + bd_sum_real;
            w->imaginary[j] = ac_sum_imaginary + bd_sum_imaginary;
            x->real[j] = ac_real + bd_imaginary;
            x->imaginary[j] = ac_imaginary - bd_real;
            y->real[j] = ac_sum_real - bd_sum_real;
            y->imaginary[j] = ac_sum_imaginary - bd_sum_imaginary;
            z->real[j] = ac_real - bd_imaginary;
            z->imaginary[j] = ac_imaginary + bd_real;
        }
    }
}

static void fft1d(int batch, const float* input, const float* roots, float* output) {
#pragma omp parallel for schedule(static)
    for (int start = 0; start < batch; start += LANES) {
        static _Thread_local points even[SIZE], odd[SIZE];
        const float* from = input + 2L * start * SIZE;
        float* to = output + 2L * start * SIZE;
        // The same point of all transforms would be as many cache lines that all want the same place.
        for (int line = 0; line < SIZE; line += LINE)
            for (int j = 0; j < LANES; j++)
                for (int i = line; i < line + LINE; i++) {
                    even[i].real[j] = from[2 * (j * SIZE + i)];
                    even[i].imaginary[j] = from[2 * (j * SIZE + i) + 1];
                }
        step(1, even, roots, odd);
        step(4, odd, roots, even);
        step(16, even, roots, odd);
        step(64, odd, roots, even);
        step(256, even, roots, odd);
        for (int line = 0; line < SIZE; line += LINE)
            for (int j = 0; j < LANES; j++)
                for (int i = line; i < line + LINE; i++) {
                    to[2 * (j * SIZE + i)] = odd[i].real[j];
                    to[2 * (j * SIZE + i) + 1] = odd[i].imaginary[j];
                }
    }
}

void run(void** arguments) {
    fft1d(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(const float*, 2), ARGUMENT(float*, 3));
}
