"""randomParameters (include/flowhn/Runtime/ParameterSource.h) in NumPy, bit for bit.

usage: random_parameters.py SEED DTYPE NAME EXTENT...   prints the first values as hex bits
"""
import sys

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    """SplitMix64's finalizer on a uint64 array."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def fnv1a64(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return np.uint64(value)


def distribution(name, shape):
    """(is normal, offset, half width or standard deviation)"""
    if name.endswith("layernorm.weight") or name.split(".")[-1] == "D":
        return False, 1.0, 0.1
    if name.endswith("A_log"):
        return False, 1.385, 1.385
    if name.endswith("dt_proj.bias"):
        return False, -3.3, 1.3
    if name.endswith("bias"):
        return False, 0.0, 0.1
    if name.endswith("embed_tokens.weight"):
        return True, 0.0, 1.0
    fan_in = max(1, shape[-1]) if shape else 1
    return True, 0.0, 1.0 / np.sqrt(np.float64(fan_in))


def random_parameter(name, shape, seed=0):
    """The float32 array; `to_bfloat16_bits` rounds it further."""
    count = int(np.prod(shape, dtype=np.int64))
    with np.errstate(over="ignore"):
        start = mix(np.array([seed], np.uint64)) ^ fnv1a64(name)
        z = mix(start + np.arange(1, count + 1, dtype=np.uint64) * GOLDEN)
    normal, offset, width = distribution(name, shape)
    if normal:
        parts = sum((z >> np.uint64(s)) & np.uint64(0xFFFF) for s in (0, 16, 32, 48))
        integer = parts.astype(np.int64) - 131070
        scale = np.float32(np.float64(width) * np.sqrt(np.float64(3)) / 65536.0)
    else:
        integer = (z >> np.uint64(40)).astype(np.int64) - 8388608
        scale = np.float32(width / 8388608.0)
    value = offset + integer.astype(np.float64) * np.float64(scale)
    return value.astype(np.float32).reshape(shape)


def to_bfloat16_bits(values):
    """uint16 bit patterns, rounded to nearest even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    odd = bits >> np.uint32(16) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)).astype(np.uint16)


def main(seed, dtype, name, *extents):
    values = random_parameter(name, tuple(map(int, extents)), int(seed)).ravel()
    bits = to_bfloat16_bits(values) if dtype == "BF16" else values.view(np.uint32)
    print(" ".join(f"0x{int(b):0{bits.itemsize * 2}x}" for b in bits[:4]))


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
