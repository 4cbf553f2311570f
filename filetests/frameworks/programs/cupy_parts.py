"""A part of CuPy, with a digest of what it computes.

    cupy_parts.py elementwise|reduction|raw_kernel|fft|blas|sort|random
"""

import sys

import common

cupy = common.require("cupy")
import numpy

SOURCE = r"""
extern "C" __global__ void collatz(const unsigned* values, unsigned* steps, int count) {
    int i = blockDim.x * blockIdx.x + threadIdx.x;
    if (i >= count) return;
    unsigned long long value = values[i];
    unsigned taken = 0;
    for (; value > 1 && taken < 1000; taken++) value = value % 2 ? 3 * value + 1 : value / 2;
    steps[i] = taken;
}
"""


def numbers(count, dtype=numpy.float32):
    return cupy.asarray(numpy.random.default_rng(1).standard_normal(count).astype(dtype))


@cupy.fuse()
def fused(x, y):
    return cupy.sqrt(cupy.abs(x)) * y + cupy.where(x > y, x, -y)


def elementwise():
    a, b = numbers(100_003), numbers(100_003)[::-1]
    kernel = cupy.ElementwiseKernel("float32 x, float32 y", "float32 z", "z = fmaf(x, y, x) / (1 + y * y)", "mix")
    return [a * b - a / (b + 4), cupy.exp(-a * a), fused(a, b), kernel(a, b)]


def reduction():
    a = numbers(1 << 20).reshape(512, 2048)
    whole = (a * 1000).astype(cupy.int64)
    kernel = cupy.ReductionKernel("int64 x", "int64 y", "x * x", "a + b", "y = a", "0", "squares")
    return [a.max(axis=0), a.min(axis=1), a.argmax(axis=1), whole.sum(axis=0), whole.cumsum(), kernel(whole)]


def raw_kernel():
    values = cupy.arange(1, 100_001, dtype=cupy.uint32)
    steps = cupy.zeros_like(values)
    kernel = cupy.RawKernel(SOURCE, "collatz")
    kernel(((values.size + 255) // 256,), (256,), (values, steps, numpy.int32(values.size)))
    return [steps]


def fft():
    a = numbers(1 << 18).reshape(64, 4096)
    return [cupy.fft.rfft(a), cupy.fft.fft2(a), cupy.fft.irfft(cupy.fft.rfft(a))]


def blas():
    a, b = numbers(512 * 300).reshape(512, 300), numbers(300 * 700).reshape(300, 700)
    return [a @ b, a.astype(cupy.float64) @ b.astype(cupy.float64), a.T @ a, cupy.linalg.norm(a, axis=1)]


def sort():
    a = numbers(300_000)
    keys = (a * 1e6).astype(cupy.int32)
    return [cupy.sort(a), cupy.argsort(keys, kind="stable"), cupy.unique(keys // 1000), cupy.sort(a.reshape(300, -1), axis=0)]


def random():
    generator = cupy.random.RandomState(7)
    return [generator.uniform(size=10_001), generator.normal(size=10_000), generator.randint(0, 1000, 10_001)]


def main(part):
    try:
        if cupy.cuda.runtime.getDeviceCount() == 0:
            common.skip("CuPy finds no CUDA device")
        results = globals()[part]()
    except Exception as error:
        # CuPy loads the libraries of its parts when they are first used.
        if not isinstance(error, ImportError) and type(error).__name__ != "DynamicLibNotFoundError":
            raise
        common.skip(f"a library for CuPy's {part} is missing: {str(error).splitlines()[0]}")
    for result in results:
        print(part, result.dtype, result.shape, common.digest(cupy.asnumpy(result)))


if __name__ == "__main__":
    main(sys.argv[1])
