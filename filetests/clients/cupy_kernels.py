"""CuPy: raw kernels through NVRTC, element-wise and reduction kernels, its own array functions, streams and events.

Its runtime library is linked statically, and its array functions use the kernels that its wheel brings or that it
compiles when they are first used.
"""

import cupy as cp
import numpy as np

RAW = r"""
extern "C" __global__ void sum_rows(const int* values, long long* sums, int columns) {
    extern __shared__ long long partial[];
    long long sum = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += values[blockIdx.x * columns + i];
    partial[threadIdx.x] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}
"""

MODULE = r"""
__device__ int counter = 5;
__constant__ float factors[4];

template <typename T>
__global__ void scale(T* values, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i] = static_cast<T>(values[i] * factors[i % 4]);
    if (i == 0) atomicAdd(&counter, 1);
}
"""


def raw_kernel():
    values = cp.arange(40 * 1001, dtype=cp.int32).reshape(40, 1001) % 997
    sums = cp.zeros(40, dtype=cp.int64)
    kernel = cp.RawKernel(RAW, "sum_rows")
    kernel((40,), (128,), (values, sums, np.int32(1001)), shared_mem=128 * 8)
    assert (cp.asnumpy(sums) == cp.asnumpy(values).sum(axis=1)).all()
    print("RawKernel: ok")


def raw_module():
    module = cp.RawModule(code=MODULE, name_expressions=["scale<float>", "scale<short>"])
    factors = cp.ndarray(4, cp.float32, module.get_global("factors"))
    factors[...] = cp.asarray([1, 2, -3, 0.5], dtype=cp.float32)
    for kind, dtype in (("scale<float>", cp.float32), ("scale<short>", cp.int16)):
        values = cp.arange(1000, dtype=dtype)
        module.get_function(kind)((8,), (128,), (values, np.int32(1000)))
        expected = (np.arange(1000) * np.resize(np.float32([1, 2, -3, 0.5]), 1000)).astype(cp.asnumpy(values).dtype)
        assert (cp.asnumpy(values) == expected).all()
    counter = cp.ndarray(1, cp.int32, module.get_global("counter"))
    print("RawModule: counter", int(counter[0]))


def elementwise():
    squared = cp.ElementwiseKernel("T x, T y, int64 n", "T z", "z = (x - y) * (x - y) + n", "squared_difference")
    x, y = cp.arange(10_000, dtype=cp.float64).reshape(100, 100), cp.arange(100, dtype=cp.float64)
    expected = (cp.asnumpy(x) - cp.asnumpy(y)) ** 2 + 3
    assert (cp.asnumpy(squared(x, y, 3)) == expected).all()
    print("ElementwiseKernel: ok")


def reduction():
    norm = cp.ReductionKernel("T x", "T y", "x * x", "a + b", "y = a", "0", "sum_of_squares")
    x = (cp.arange(60_000, dtype=cp.int64) * 7919 % 1000).reshape(300, 200)
    host = cp.asnumpy(x)
    assert int(norm(x)) == (host**2).sum()
    assert (cp.asnumpy(norm(x, axis=1)) == (host**2).sum(axis=1)).all()
    assert (cp.asnumpy(norm(x, axis=0)) == (host**2).sum(axis=0)).all()
    print("ReductionKernel: ok")


def arrays():
    host = (np.arange(20_000) * 7919 % 10_007).astype(np.int32)
    x = cp.asarray(host)
    assert int(x.sum()) == host.sum() and int(x.max()) == host.max() and int(x.argmin()) == host.argmin()
    assert (cp.asnumpy(cp.cumsum(x)) == np.cumsum(host)).all()
    assert (cp.asnumpy(x[x % 3 == 0]) == host[host % 3 == 0]).all()
    assert (cp.asnumpy(x.reshape(100, 200).T.copy()) == host.reshape(100, 200).T).all()
    assert (cp.asnumpy(cp.where(x > 5000, x, -x)) == np.where(host > 5000, host, -host)).all()
    assert (cp.asnumpy(cp.bincount(x % 50)) == np.bincount(host % 50)).all()
    assert (cp.asnumpy(cp.sort(x)) == np.sort(host)).all()
    print("array functions: ok")


def fused():
    @cp.fuse
    def polynomial(x):
        return (x * 3 + 1) * x - 7

    x = cp.arange(5000, dtype=cp.float64)
    host = np.arange(5000, dtype=np.float64)
    assert (cp.asnumpy(polynomial(x)) == (host * 3 + 1) * host - 7).all()
    print("fusion: ok")


def streams():
    start, stop = cp.cuda.Event(), cp.cuda.Event()
    with cp.cuda.Stream(non_blocking=True) as stream:
        start.record()
        x = cp.arange(100_000, dtype=cp.int64)
        for _ in range(5):
            x = x * 3 + 1
        total = x.sum()
        stop.record()
        stream.synchronize()
    host = np.arange(100_000)
    for _ in range(5):
        host = host * 3 + 1
    assert int(total) == host.sum() and cp.cuda.get_elapsed_time(start, stop) >= 0
    print("streams and events: ok")


raw_kernel()
raw_module()
elementwise()
reduction()
arrays()
fused()
streams()

# EXPECT: RawKernel: ok
# EXPECT: RawModule: counter 7
# EXPECT: ElementwiseKernel: ok
# EXPECT: ReductionKernel: ok
# EXPECT: array functions: ok
# EXPECT: fusion: ok
# EXPECT: streams and events: ok
