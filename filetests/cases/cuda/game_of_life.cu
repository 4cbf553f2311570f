// Conway's game of life on a torus: a byte a cell, and 64 cells a word with bit-parallel counting; both must agree, and
// a glider must come back to where it started.
#include "case.h"

constexpr int side = 128;

__global__ void bytes_step(const unsigned char* now, unsigned char* next) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    int around = 0;
    for (int dy = side - 1; dy <= side + 1; dy++)
        for (int dx = side - 1; dx <= side + 1; dx++)
            if (dy != side || dx != side) around += now[(y + dy) % side * side + (x + dx) % side];
    next[y * side + x] = around == 3 || (around == 2 && now[y * side + x]);
}

__global__ void words_step(const unsigned long long* now, unsigned long long* next) {
    constexpr int words = side / 64;
    int i = blockIdx.x * blockDim.x + threadIdx.x, word = i % words, y = i / words;
    // Bit-sliced counter of the eight neighbours: ones, twos, fours.
    unsigned long long ones = 0, twos = 0, fours = 0, centre = 0;
    for (int dy = -1; dy <= 1; dy++) {
        int row = (y + dy + side) % side;
        unsigned long long middle = now[row * words + word], left = now[row * words + (word + words - 1) % words],
                           right = now[row * words + (word + 1) % words];
        unsigned long long lines[3] = {middle << 1 | left >> 63, middle >> 1 | right << 63, middle};
        if (dy == 0) centre = middle;
        for (int k = 0; k < (dy == 0 ? 2 : 3); k++) {
            unsigned long long carry = ones & lines[k];
            ones ^= lines[k];
            unsigned long long carry_twos = twos & carry;
            twos ^= carry;
            fours |= carry_twos;
        }
    }
    next[i] = twos & ~fours & (ones | centre);
}

int main() {
    const int generations = 60, words = side * side / 64;
    std::vector<unsigned char> cells(side * side), next(side * side);
    std::vector<unsigned long long> packed(words, 0);
    for (int i = 0; i < side * side; i++) {
        cells[i] = mix(i) % 3 == 0;
        packed[i / 64] |= static_cast<unsigned long long>(cells[i]) << (i % 64);
    }
    unsigned char* boards[2] = {to_device(cells), device_zeros<unsigned char>(side * side)};
    unsigned long long* packed_boards[2] = {to_device(packed), device_zeros<unsigned long long>(words)};
    for (int g = 0; g < generations; g++) {
        bytes_step<<<dim3(side / 32, side / 8), dim3(32, 8)>>>(boards[g % 2], boards[1 - g % 2]);
        words_step<<<words / 64, 64>>>(packed_boards[g % 2], packed_boards[1 - g % 2]);
    }
    CHECK_KERNEL();
    std::vector<unsigned char> result = to_host(boards[0], side * side);
    packed = to_host(packed_boards[0], words);
    int alive = 0, differ = 0;
    for (int i = 0; i < side * side; i++) {
        alive += result[i];
        differ += result[i] != (packed[i / 64] >> (i % 64) & 1);
    }
    printf("alive %d, bytes and words differ in %d cells, checksum %016llx\n", alive, differ,
           (unsigned long long)checksum(result));

    // A glider moves one cell diagonally in 4 generations: 512 bring it around the torus.
    std::vector<unsigned long long> glider(words, 0);
    glider[0] = 2, glider[2] = 4, glider[4] = 7;
    CHECK(cudaMemcpy(packed_boards[0], glider.data(), words * 8, cudaMemcpyHostToDevice));
    for (int g = 0; g < 4 * side; g++) words_step<<<words / 64, 64>>>(packed_boards[g % 2], packed_boards[1 - g % 2]);
    CHECK_KERNEL();
    printf("glider: mismatches %d\n", mismatches(to_host(packed_boards[0], words), glider));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: alive 2145, bytes and words differ in 0 cells, checksum 3baa2765b92a971c
// EXPECT: glider: mismatches 0
