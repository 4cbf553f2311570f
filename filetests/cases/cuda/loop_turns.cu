// Loops whose turns end in several places: lanes that go on early wait for those that go on late, and none is lost. Each function is computed on the
// host too.
#include "case.h"

constexpr int count = 1024, window = 512;

struct Tables {
    unsigned left[window + 2], right[window + 2], numbers[count];
};

// Where the first `4 * index` of two sorted lists together end in the left one: a search that steps to either side, from two ends of a turn, by ever less.
// It has no count of turns.
__host__ __device__ unsigned meeting(const Tables& t, unsigned index) {
    unsigned step = index * 2, at = step + 1, both = index * 4 + 2;
    while (true) {
        step = (step + 1) >> 1;
        if (t.left[at] > t.right[both - at - 1]) {
            if (t.left[at - 1] <= t.right[both - at]) return at;
            at -= step;
        } else {
            at += step;
        }
    }
}

// Both ends of a turn are jumps, one of them behind the other.
__host__ __device__ unsigned steps_to_one(const Tables& t, unsigned index) {
    unsigned x = t.numbers[index] % 5000 + 1, steps = 0;
    while (x != 1) {
        steps++;
        if (x % 2 == 0) {
            x /= 2;
            continue;
        }
        x = 3 * x + 1;
    }
    return steps;
}

__host__ __device__ unsigned continued(const Tables& t, unsigned index) {
    unsigned sum = 0;
    for (unsigned i = 0; i < 40; i++) {
        unsigned word = t.numbers[(index + i) % count];
        if (word % 3 == 0) continue;
        sum = sum * 31 + word;
        if (word % 7 == 1) continue;
        sum ^= i;
        if (word % 61 == 5) break;
        if (word % 5 == index % 5) {
            sum += 3;
            continue;
        }
        sum -= word >> 3;
    }
    return sum;
}

// Turns of the outer loop that end within the inner one.
__host__ __device__ unsigned nested(const Tables& t, unsigned index) {
    unsigned sum = index;
    int rounds = t.numbers[index] % 9;
outer:
    for (; rounds > 0; rounds--) {
        for (unsigned i = 0; i < 12; i++) {
            unsigned word = t.numbers[(sum + i) % count];
            sum = sum * 5 + word;
            if (word % 11 == 2) {
                rounds -= 2;
                goto outer;
            }
            if (word % 13 == 3) continue;
            if (word % 17 == 4) return sum;
            sum ^= word >> 7;
            if (word % 19 == 6) break;
        }
        if (sum % 4 == 1) continue;
        sum += rounds;
    }
    return sum;
}

__host__ __device__ unsigned by_case(const Tables& t, unsigned index) {
    unsigned sum = 0, state = t.numbers[index] % 6;
    for (int i = 0; i < 50; i++) {
        switch (state) {
        case 0: state = (sum + i) % 6; continue;
        case 1: sum += 7; state = t.numbers[sum % count] % 6; continue;
        case 2: sum ^= index; break;
        case 3: sum = sum * 3 + 1; state = 5; continue;
        case 4: return sum;
        default: state = sum % 5;
        }
        state = (state + 1) % 6;
    }
    return sum;
}

typedef unsigned Of(const Tables& t, unsigned index);

template <Of of> __global__ void compute(const Tables* tables, unsigned* results, unsigned threads) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < threads) results[i] = of(*tables, i);
}

template <Of of> __global__ void compute_behind_barrier(const Tables* tables, unsigned* results, unsigned threads) {
    __shared__ Tables copy;
    for (unsigned i = threadIdx.x; i < sizeof(Tables) / 4; i += blockDim.x)
        reinterpret_cast<unsigned*>(&copy)[i] = reinterpret_cast<const unsigned*>(tables)[i];
    __syncthreads();
    unsigned result = threadIdx.x < threads ? of(copy, threadIdx.x) : 0;
    __syncthreads();
    if (threadIdx.x < threads) results[threadIdx.x] = result;
}

template <Of of> void compare(const char* name, const Tables* tables, unsigned* results, unsigned size) {
    unsigned sum = 0, wrong[2] = {};
    auto check = [&](unsigned threads, unsigned& wrong) {
        CHECK(cudaDeviceSynchronize());
        for (unsigned i = 0; i < threads; i++) {
            unsigned expected = of(*tables, i);
            sum = sum * 16777619u ^ expected;
            wrong += results[i] != expected;
            results[i] = 0;
        }
    };
    compute<of><<<(size + 95) / 96, 96>>>(tables, results, size);
    check(size, wrong[0]);
    for (unsigned threads : {128u, 99u, 7u}) {
        unsigned most = threads < size ? threads : size;
        compute_behind_barrier<of><<<1, 128>>>(tables, results, most);
        check(most, wrong[1]);
    }
    printf("%s: digest %08x, wrong %u and %u\n", name, sum, wrong[0], wrong[1]);
}

int main() {
    Tables* tables;
    unsigned* results;
    CHECK(cudaMallocManaged(&tables, sizeof(Tables)));
    CHECK(cudaMallocManaged(&results, sizeof(unsigned) * count));
    memset(results, 0, sizeof(unsigned) * count);
    unsigned random = 12345, sum = 0;
    auto next = [&] { return random = random * 1664525u + 1013904223u, random >> 8; };
    for (unsigned& number : tables->numbers) number = next();
    for (unsigned* list : {tables->left, tables->right}) {
        sum = 0;
        for (int i = 1; i <= window; i++) list[i] = sum += next() % 1000;
        list[0] = 0;
        list[window + 1] = ~0u;
    }
    compare<meeting>("meeting", tables, results, window / 4);
    compare<steps_to_one>("steps to one", tables, results, count);
    compare<continued>("continued", tables, results, count);
    compare<nested>("nested", tables, results, count);
    compare<by_case>("by case", tables, results, count);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: meeting: digest f0ee8b56, wrong 0 and 0
// EXPECT: steps to one: digest 123555a2, wrong 0 and 0
// EXPECT: continued: digest 84d2d247, wrong 0 and 0
// EXPECT: nested: digest 5ceace46, wrong 0 and 0
// EXPECT: by case: digest e83e5767, wrong 0 and 0
