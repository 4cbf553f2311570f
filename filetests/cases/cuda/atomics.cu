// Every atomic operation in global and shared memory: add, sub, min, max, inc, dec, and, or, xor, exchange and compare-
// and-swap, 32 and 64 bits, f32, f64 and 16-bit CAS, block and system scopes, and a loop of CAS for an operation that
// has no instruction.
#include "case.h"

constexpr int slots = 32;

__device__ int atomic_multiply(int* address, int factor) {
    int old = *address, assumed;
    do {
        assumed = old;
        old = atomicCAS(address, assumed, assumed * factor % 10007);
    } while (old != assumed);
    return old;
}

__global__ void all_operations(const int* values, int count, int* i, unsigned* u, long long* l, unsigned long long* ul,
                               float* f, double* d, unsigned short* h) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= count) return;
    int v = values[thread], slot = v & 7;
    unsigned w = static_cast<unsigned>(v);
    unsigned long long wide = static_cast<unsigned long long>(w) << 20 | w;
    atomicAdd(&i[slot], v);
    atomicSub(&i[8 + slot], v);
    atomicMin(&i[16 + slot], v);
    atomicMax(&i[24 + slot], v);
    atomic_multiply(&i[32], 3);
    atomicMin(&u[slot], w);
    atomicMax(&u[8 + slot], w);
    atomicInc(&u[16], 1000);
    atomicDec(&u[17], 777);
    atomicAnd(&u[18], w | 0x00ff00ffu);
    atomicOr(&u[19], w & 0xf0f0f0f0u);
    atomicXor(&u[20], w);
    atomicAdd_system(&u[21], w);
    atomicAdd_block(&u[22 + blockIdx.x % 2], 0);
    atomicMin(&l[0], static_cast<long long>(v) << 24);
    atomicMax(&l[1], static_cast<long long>(v) << 24);
    atomicAdd(&ul[0], wide);
    atomicXor(&ul[1], wide);
    atomicOr(&ul[2], wide & 0xff000000ff00ull);
    atomicAnd(&ul[3], wide | 0xffff0000ffffull);
    // Integers in floating point: any order of additions gives the same sum.
    atomicAdd(&f[slot], static_cast<float>(v & 15));
    atomicAdd(&d[slot], static_cast<double>(v & 1023) + 0.5);
    unsigned short old = h[slot], assumed;
    do {
        assumed = old;
        old = atomicCAS(&h[slot], assumed, static_cast<unsigned short>(assumed + v));
    } while (old != assumed);
}

// Exchange: every value is handed on exactly once, so the sum of what came back and what stays is the sum put in.
__global__ void exchanges(unsigned long long* cells, unsigned long long* sum) {
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    atomicAdd(sum, atomicExch(&cells[thread % 5], static_cast<unsigned long long>(thread + 1)));
}

__global__ void in_shared(int* output) {
    __shared__ int counters[slots];
    __shared__ unsigned tickets;
    __shared__ float total;
    if (threadIdx.x < slots) counters[threadIdx.x] = 0;
    if (threadIdx.x == 0) tickets = 0, total = 0;
    __syncthreads();
    atomicAdd(&counters[threadIdx.x * 7 % slots], static_cast<int>(threadIdx.x));
    atomicAdd(&total, static_cast<float>(threadIdx.x & 3));
    unsigned ticket = atomicInc(&tickets, 0xffffffffu);
    atomicMax(&counters[ticket % slots], static_cast<int>(ticket));
    __syncthreads();
    if (threadIdx.x < slots) output[blockIdx.x * (slots + 2) + threadIdx.x] = counters[threadIdx.x] >= 0;
    if (threadIdx.x == 0) {
        output[blockIdx.x * (slots + 2) + slots] = static_cast<int>(tickets);
        output[blockIdx.x * (slots + 2) + slots + 1] = static_cast<int>(total);
    }
}

int main() {
    const int count = 20000;
    std::vector<int> values(count), i(33, 0), wi;
    std::vector<unsigned> u(24, 0), wu;
    std::vector<long long> l = {INT64_MAX, INT64_MIN}, wl;
    std::vector<unsigned long long> ul = {0, 0, 0, ~0ull}, wul;
    std::vector<float> f(8, 0), wf;
    std::vector<double> d(8, 0), wd;
    std::vector<unsigned short> h(8, 0), wh;
    for (int k = 0; k < 8; k++) i[16 + k] = INT32_MAX, i[24 + k] = INT32_MIN, u[k] = ~0u;
    i[32] = 1, u[18] = ~0u;
    for (int k = 0; k < count; k++) values[k] = static_cast<int>(mix(k));
    wi = i, wu = u, wl = l, wul = ul, wf = f, wd = d, wh = h;
    for (int v : values) {
        int slot = v & 7;
        unsigned w = static_cast<unsigned>(v);
        unsigned long long wide = static_cast<unsigned long long>(w) << 20 | w;
        wi[slot] = static_cast<int>(static_cast<unsigned>(wi[slot]) + w);
        wi[8 + slot] = static_cast<int>(static_cast<unsigned>(wi[8 + slot]) - w);
        wi[16 + slot] = min(wi[16 + slot], v), wi[24 + slot] = max(wi[24 + slot], v);
        wi[32] = wi[32] * 3 % 10007;
        wu[slot] = min(wu[slot], w), wu[8 + slot] = max(wu[8 + slot], w);
        wu[16] = wu[16] >= 1000 ? 0 : wu[16] + 1;
        wu[17] = wu[17] == 0 || wu[17] > 777 ? 777 : wu[17] - 1;
        wu[18] &= w | 0x00ff00ffu, wu[19] |= w & 0xf0f0f0f0u, wu[20] ^= w, wu[21] += w;
        wl[0] = min(wl[0], static_cast<long long>(v) * (1 << 24)),
        wl[1] = max(wl[1], static_cast<long long>(v) * (1 << 24));
        wul[0] += wide, wul[1] ^= wide, wul[2] |= wide & 0xff000000ff00ull, wul[3] &= wide | 0xffff0000ffffull;
        wf[slot] += v & 15, wd[slot] += (v & 1023) + 0.5, wh[slot] = static_cast<unsigned short>(wh[slot] + v);
    }
    int* di = to_device(i);
    unsigned* du = to_device(u);
    long long* dl = to_device(l);
    unsigned long long* dul = to_device(ul);
    float* df = to_device(f);
    double* dd = to_device(d);
    unsigned short* dh = to_device(h);
    all_operations<<<(count + 127) / 128, 128>>>(to_device(values), count, di, du, dl, dul, df, dd, dh);
    CHECK_KERNEL();
    printf("int %d unsigned %d int64 %d uint64 %d float %d double %d short %d mismatches\n",
           mismatches(to_host(di, 33), wi), mismatches(to_host(du, 24), wu), mismatches(to_host(dl, 2), wl),
           mismatches(to_host(dul, 4), wul), mismatches(to_host(df, 8), wf), mismatches(to_host(dd, 8), wd),
           mismatches(to_host(dh, 8), wh));

    unsigned long long* cells = device_zeros<unsigned long long>(6);
    exchanges<<<20, 100>>>(cells, cells + 5);
    CHECK_KERNEL();
    unsigned long long sum = 0;
    for (unsigned long long value : to_host(cells, 6)) sum += value;
    printf("exchanged sum %llu\n", sum);

    int* output_device = device_zeros<int>(4 * (slots + 2));
    in_shared<<<4, 256>>>(output_device);
    CHECK_KERNEL();
    std::vector<int> output = to_host(output_device, 4 * (slots + 2));
    int good = 0;
    for (int value : output) good += value == 1;
    printf("shared: tickets %d, total %d, good slots %d\n", output[slots], output[slots + 1], good);
    return 0;
}

// RUN: nvcc -arch=compute_75
// EXPECT-EXIT: 0
// EXPECT: int 0 unsigned 0 int64 0 uint64 0 float 0 double 0 short 0 mismatches
// EXPECT: exchanged sum 2001000
// EXPECT: shared: tickets 256, total 384, good slots 128
