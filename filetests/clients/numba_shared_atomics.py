"""Numba compiles kernels to PTX and hands them to the driver: shared memory, atomics, barriers, warp operations.

EXPECT lines at the end are what this writes; each line is also checked against NumPy here.
"""

import math

import numpy as np
from numba import cuda, float32, int32

THREADS = 128


@cuda.jit
def histogram(values, bins):
    local = cuda.shared.array(64, dtype=int32)
    thread = cuda.threadIdx.x
    if thread < 64:
        local[thread] = 0
    cuda.syncthreads()
    for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        cuda.atomic.add(local, values[i] % 64, 1)
    cuda.syncthreads()
    if thread < 64:
        cuda.atomic.add(bins, thread, local[thread])


@cuda.jit
def block_sums(values, sums, largest):
    tree = cuda.shared.array(THREADS, dtype=float32)
    thread = cuda.threadIdx.x
    i = cuda.grid(1)
    tree[thread] = values[i] if i < values.size else 0.0
    cuda.syncthreads()
    half = THREADS // 2
    while half > 0:
        if thread < half:
            tree[thread] += tree[thread + half]
        cuda.syncthreads()
        half //= 2
    if thread == 0:
        sums[cuda.blockIdx.x] = tree[0]
    if i < values.size:
        cuda.atomic.max(largest, 0, values[i])


@cuda.jit
def matrix_product(a, b, c):
    a_tile = cuda.shared.array((16, 16), dtype=float32)
    b_tile = cuda.shared.array((16, 16), dtype=float32)
    x, y = cuda.grid(2)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0.0)
    for step in range(math.ceil(a.shape[1] / 16)):
        k = step * 16
        a_tile[ty, tx] = a[y, k + tx] if y < a.shape[0] and k + tx < a.shape[1] else 0
        b_tile[ty, tx] = b[k + ty, x] if x < b.shape[1] and k + ty < b.shape[0] else 0
        cuda.syncthreads()
        for i in range(16):
            total += a_tile[ty, i] * b_tile[i, tx]
        cuda.syncthreads()
    if y < c.shape[0] and x < c.shape[1]:
        c[y, x] = total


@cuda.jit
def warp_scan(values, scanned):
    i = cuda.grid(1)
    lane = i % 32
    value = values[i]
    distance = 1
    while distance < 32:
        below = cuda.shfl_up_sync(0xFFFFFFFF, value, distance)
        if lane >= distance:
            value += below
        distance *= 2
    scanned[i] = value


@cuda.jit
def compare_and_swap(slots, winners):
    i = cuda.grid(1)
    if cuda.atomic.cas(slots, i % slots.size, -1, i) == -1:
        cuda.atomic.add(winners, 0, 1)


def main():
    random = np.random.default_rng(1)

    values = random.integers(0, 1000, 100_003).astype(np.int32)
    bins = cuda.to_device(np.zeros(64, np.int32))
    histogram[20, THREADS](cuda.to_device(values), bins)
    expected = np.bincount(values % 64, minlength=64)
    assert (bins.copy_to_host() == expected).all()
    print("histogram of", bins.copy_to_host().sum(), "values: ok")

    numbers = random.integers(-100, 100, 5000).astype(np.float32)
    blocks = math.ceil(numbers.size / THREADS)
    sums = cuda.device_array(blocks, np.float32)
    largest = cuda.to_device(np.full(1, -1000, np.float32))
    block_sums[blocks, THREADS](numbers, sums, largest)
    assert sums.copy_to_host().sum() == numbers.sum()
    assert largest.copy_to_host()[0] == numbers.max()
    print("block sums and maximum: ok")

    a = random.integers(-9, 9, (70, 45)).astype(np.float32)
    b = random.integers(-9, 9, (45, 52)).astype(np.float32)
    c = np.zeros((70, 52), np.float32)
    matrix_product[(4, 5), (16, 16)](a, b, c)
    assert (c == a @ b).all()
    print("matrix product: ok")

    integers = random.integers(0, 100, 256).astype(np.int32)
    scanned = np.zeros_like(integers)
    warp_scan[2, 128](integers, scanned)
    assert (scanned == integers.reshape(-1, 32).cumsum(axis=1).ravel()).all()
    print("warp scan: ok")

    slots = np.full(37, -1, np.int64)
    winners = np.zeros(1, np.int32)
    compare_and_swap[8, 64](slots, winners)
    assert winners[0] == 37 and (slots % 37 == np.arange(37)).all()
    print("winners", winners[0])

    stream = cuda.stream()
    with stream.auto_synchronize():
        there = cuda.to_device(numbers, stream=stream)
        back = there.copy_to_host(stream=stream)
    assert (back == numbers).all()
    print("stream: ok")


main()

# EXPECT: histogram of 100003 values: ok
# EXPECT: block sums and maximum: ok
# EXPECT: matrix product: ok
# EXPECT: warp scan: ok
# EXPECT: winners 37
# EXPECT: stream: ok
