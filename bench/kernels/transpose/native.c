// Transposes a matrix by tiles that stay in the nearest cache.
#include "arguments.h"

#define TILE 32

static void transpose(int size, const float* restrict input, float* restrict output) {
#pragma omp parallel for schedule(static)
    for (int row = 0; row < size; row += TILE)
        for (int column = 0; column < size; column += TILE)
            for (int i = row; i < row + TILE; i++)
                for (int j = column; j < column + TILE; j++) output[(long)i * size + j] = input[(long)j * size + i];
}

void run(void** arguments) {
    transpose(ARGUMENT(int, 0), ARGUMENT(const float*, 1), ARGUMENT(float*, 2));
}
