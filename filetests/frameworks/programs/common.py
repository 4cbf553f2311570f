"""What the programs share: digests of results, and the way to say that this machine lacks something.

A program prints what has to be the same bit for bit whenever it is run on one machine: no times, no addresses.
"""

import hashlib
import importlib
import importlib.util
import sys

# The exit code of a program that cannot be run here; what is lacking stands in the last line of its output.
SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def require(module):
    """Imports a module; without it the program is skipped. One that is there and does not load is an error."""
    if importlib.util.find_spec(module) is None:
        skip(f"there is no Python module {module}")
    return importlib.import_module(module)


def digest(*arrays):
    """A short digest of the bytes of NumPy arrays, their types and shapes."""
    numpy = importlib.import_module("numpy")
    sha = hashlib.sha256()
    for array in arrays:
        array = numpy.ascontiguousarray(array)
        sha.update(f"{array.dtype} {array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()[:16]
