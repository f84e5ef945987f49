"""XXH3-128 of inputs longer than 240 bytes, as artifacts hash their sections.

The algorithm is that of https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md).
"""
import struct

MASK = (1 << 64) - 1
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIME64_1, PRIME64_2, PRIME64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
PRIME64_4, PRIME64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
STRIPE = 64
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def lanes(data, offset):
    return struct.unpack_from("<8Q", data, offset)


def accumulate(state, data, offset, secret_offset):
    keys = lanes(SECRET, secret_offset)
    for i, value in enumerate(lanes(data, offset)):
        key = value ^ keys[i]
        state[i ^ 1] = (state[i ^ 1] + value) & MASK
        state[i] = (state[i] + (key & 0xFFFFFFFF) * (key >> 32)) & MASK


def scramble(state):
    for i, key in enumerate(lanes(SECRET, len(SECRET) - STRIPE)):
        state[i] = (((state[i] ^ (state[i] >> 47)) ^ key) * PRIME32_1) & MASK


def merge(state, secret_offset, start):
    keys, result = lanes(SECRET, secret_offset), start
    for i in range(0, 8, 2):
        product = (state[i] ^ keys[i]) * (state[i + 1] ^ keys[i + 1])
        result += (product & MASK) ^ (product >> 64)
    result &= MASK
    result = ((result ^ (result >> 37)) * 0x165667919E3779F9) & MASK
    return result ^ (result >> 32)


def xxh3_128(data):
    """32 lower case hexadecimal digits."""
    length = len(data)
    if length <= 240:
        raise ValueError(f"only inputs longer than 240 bytes, got {length}")
    state = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    stripes_per_block = (len(SECRET) - STRIPE) // 8
    for stripe in range((length - 1) // STRIPE):
        position = stripe % stripes_per_block
        accumulate(state, data, stripe * STRIPE, position * 8)
        if position == stripes_per_block - 1:
            scramble(state)
    accumulate(state, data, length - STRIPE, len(SECRET) - STRIPE - 7)
    low = merge(state, 11, (length * PRIME64_1) & MASK)
    high = merge(state, len(SECRET) - STRIPE - 11, ~(length * PRIME64_2) & MASK)
    return f"{high:016x}{low:016x}"
