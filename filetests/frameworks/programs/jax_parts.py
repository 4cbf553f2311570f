"""A part of JAX, with a digest of what it computes.

    jax_parts.py jit|grad|scan|pmap
"""

import os
import sys

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# Otherwise algorithms are chosen by how long they take, and with them the order of sums.
os.environ.setdefault("XLA_FLAGS", "--xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0")

import common

jax = common.require("jax")
import jax.numpy as jnp


def numbers(*shape):
    return jax.random.normal(jax.random.PRNGKey(3), shape, jnp.float32)


def jit():
    f = jax.jit(lambda x: jnp.tanh(x @ x.T) + jnp.sort(x, axis=0)[:, :1])
    return [f(numbers(256, 128))]


def grad():
    def loss(weights, x):
        for weight in weights:
            x = jax.nn.gelu(x @ weight)
        return (x * x).mean()

    weights = [numbers(64, 64) * scale for scale in (0.1, 0.2, 0.3)]
    value, gradients = jax.jit(jax.value_and_grad(loss))(weights, numbers(32, 64))
    return [value, *gradients]


def scan():
    def body(carry, x):
        carry = jnp.cos(carry) * 0.9 + x
        return carry, carry.max()

    final, trace = jax.jit(lambda xs: jax.lax.scan(body, jnp.zeros(100), xs))(numbers(500, 100))
    return [final, trace]


def pmap():
    x = numbers(jax.local_device_count(), 1000)
    # The sum over devices is of as many as there are: the digest is of one machine.
    return [jax.pmap(lambda x: jax.lax.psum(x * 2, "devices"), axis_name="devices")(x)]


def main(part):
    if jax.default_backend() != "gpu":
        common.skip(f"JAX has no CUDA device, its back end is {jax.default_backend()}")
    for result in globals()[part]():
        print(part, result.dtype, result.shape, common.digest(jax.device_get(result)))


if __name__ == "__main__":
    main(sys.argv[1])
