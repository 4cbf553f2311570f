// Loops whose lanes leave at different times: nested break and continue, early return, goto out of nests, do-while,
// the Collatz sequence and the sieve.
#include "case.h"

__host__ __device__ int collatz(unsigned long long n) {
    int steps = 0;
    for (; n != 1; steps++) n = n % 2 ? 3 * n + 1 : n / 2;
    return steps;
}

__host__ __device__ unsigned tangled(unsigned seed) {
    unsigned sum = seed;
    for (int i = 0; i < 40; i++) {
        unsigned word = mix(seed + i);
        if (word % 11 == 0) continue;
        for (int j = 0; j < static_cast<int>(word % 13); j++) {
            sum = sum * 5 + j;
            if ((sum >> 7) % 17 == 3) break;
            int k = 0;
            do {
                sum ^= sum << 3 ^ k;
                if (sum % 97 == 5) goto next_outer;
                if (sum % 1009 == 7) return sum;
            } while (++k < static_cast<int>(sum % 5));
            if (sum & 64) continue;
            sum += 3;
        }
        sum += 1;
    next_outer:
        if (i > static_cast<int>(seed % 40)) break;
    }
    return ~sum;
}

__host__ __device__ bool is_prime(unsigned n) {
    if (n < 2) return false;
    for (unsigned d = 2; d * d <= n; d++)
        if (n % d == 0) return false;
    return true;
}

__global__ void run(int* steps, unsigned* sums, unsigned char* primes, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    steps[i] = collatz(i + 1);
    sums[i] = tangled(i);
    primes[i] = is_prime(i);
}

int main() {
    const int count = 30000;
    int* steps_device = device_zeros<int>(count);
    unsigned* sums_device = device_zeros<unsigned>(count);
    unsigned char* primes_device = device_zeros<unsigned char>(count);
    run<<<(count + 191) / 192, 192>>>(steps_device, sums_device, primes_device, count);
    CHECK_KERNEL();
    std::vector<int> steps = to_host(steps_device, count), expected_steps(count);
    std::vector<unsigned> sums = to_host(sums_device, count), expected_sums(count);
    std::vector<unsigned char> primes = to_host(primes_device, count), expected_primes(count);
    int longest = 0, number_of_primes = 0;
    for (int i = 0; i < count; i++) {
        expected_steps[i] = collatz(i + 1);
        expected_sums[i] = tangled(i);
        expected_primes[i] = is_prime(i);
        if (steps[i] > steps[longest]) longest = i;
        number_of_primes += primes[i];
    }
    printf("longest Collatz: %d with %d steps, mismatches %d\n", longest + 1, steps[longest],
           mismatches(steps, expected_steps));
    printf("tangled: checksum %016llx, mismatches %d\n", (unsigned long long)checksum(sums),
           mismatches(sums, expected_sums));
    printf("primes %d, mismatches %d\n", number_of_primes, mismatches(primes, expected_primes));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: longest Collatz: 26623 with 307 steps, mismatches 0
// EXPECT: tangled: checksum 043bd47adae52fdd, mismatches 0
// EXPECT: primes 3245, mismatches 0
