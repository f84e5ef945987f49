#===- check_state.py - Kernels that go on with sequences, for the GPU ------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Attention that reads keys from a cache, and convolutions and scans that take and leave a state
by slot, for check_kernels.py. What belongs to nobody is not a number."""

import numpy as np

import check_scan
from check_sequence import Case, offsets_of
from kernel_harness import ELEMENTS, Outcome, Sweep

NOT_A_NUMBER = {"bf16": 0x7FFF, "f16": 0x7FFF, "f32": 0x7FFFFFFF}
# New tokens of each sequence, and those before them.
LENGTHS, BEFORE = [1, 0, 3, 66, 1], [150, 7, 0, 63, 64]


def unknown(shape, element):
    return np.full(shape, NOT_A_NUMBER[element], ELEMENTS[element].stored)


def encoded(values, element):
    """Values as they are stored, and what is stored as float64."""
    stored = ELEMENTS[element].encode(np.asarray(values, np.float32))
    return stored, ELEMENTS[element].decode(stored).astype(np.float64)


def slots_of(memory, count):
    """Slots of sequences, in any order; one more is free."""
    return memory.rng.permutation(count + 1)[:count].astype(np.int32)


def attention(query, key, value, before):
    """Of one head, whose queries come behind `before` keys."""
    scores = query @ key.T
    for row in range(len(query)):
        scores[row, before + row + 1:] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
    return weights / weights.sum(axis=1, keepdims=True) @ value


def attention_case(head_size, heads, kv_heads, extra=0, lengths=LENGTHS, before=BEFORE,
                   element="bf16", limit=None, min_batch=1):
    """Queries behind `extra` columns; a row of the cache is a token's keys, then its values."""
    before = (before * len(lengths))[:len(lengths)]
    width, kv_width = extra + heads * head_size, kv_heads * head_size
    types = [f"memref<?x{width}x{element}>", f"memref<?x{2 * kv_width}x{element}>",
             "memref<?xi32>", "memref<?xi32>", "memref<?xi32>", f"memref<?x{width}x{element}>"]
    operands = "%0, %1, %1 offsets(%2) cache(%3, %4) -> %5"
    scale = np.float32(head_size ** -0.5)
    limited = f"query_limit = {limit}, min_batch = {min_batch}, " if limit else ""
    attributes = (f"{limited}heads = {heads}, kv_heads = {kv_heads}, head_size = {head_size}, "
                  f"scale = {scale:.9e} : f32, q_column = {extra}, v_column = {kv_width}, "
                  f"out_column = {extra}")

    def reference(memory):
        query = memory.rows(sum(lengths), width)[:, extra:]
        room = max(b + l for b, l in zip(before, lengths)) + 1
        slots, offsets = slots_of(memory, len(lengths)), offsets_of(lengths)
        cache = unknown(((len(lengths) + 1) * room, 2 * kv_width), element)
        expected = np.zeros((sum(lengths), heads * head_size))
        for number, slot in enumerate(slots):
            count = before[number] + lengths[number]
            stored, kept = encoded(memory.rng.standard_normal((count, 2 * kv_width)), element)
            cache[slot * room:slot * room + count] = stored
            rows = slice(offsets[number], offsets[number + 1])
            for head in range(heads):
                columns = slice(head * head_size, (head + 1) * head_size)
                first = head // (heads // kv_heads) * head_size
                key, value = (kept[:, at:at + head_size] for at in (first, kv_width + first))
                expected[rows, columns] = attention(query[rows, columns] * float(scale), key, value,
                                                    before[number])
        memory.put(cache)
        memory.put(offsets)
        memory.put(slots * np.int32(room))
        memory.put(np.asarray(before, np.int32))
        return memory.results(sum(lengths), width), expected

    return Case("attention", operands, "", attributes, types, width, extra, reference, lengths,
                element)


class ConvCase(Case):
    """A convolution that goes on from the last inputs of its sequences, and leaves new ones."""

    def __init__(self, channels, taps, in_width, in_column, lengths=LENGTHS, element="bf16"):
        region = """
    ^bb0(%sum: f32):
      kern.yield %sum"""
        rows = f"memref<?x{in_width}x{element}>"
        types = [rows, f"memref<{taps}x{channels}x{element}>", "memref<?xi32>",
                 f"memref<?x{channels}x{element}>", f"memref<?x{taps - 1}x{channels}x{element}>",
                 "memref<?xi32>"]
        attributes = f"in_column = {in_column}, accesses = [], extra_columns = array<i64>"
        super().__init__("conv1d", "%0, %1 offsets(%2) -> %3 state(%4, %5)", region, attributes,
                         types, channels, 0, self.continued, lengths, element)
        self.channels, self.taps, self.in_column, self.in_width = channels, taps, in_column, in_width

    def continued(self, memory):
        total, before = sum(self.lengths), self.taps - 1
        x = memory.rows(total, self.in_width)[:, self.in_column:self.in_column + self.channels]
        weight = memory.rows(self.taps, self.channels)
        slots, offsets = slots_of(memory, len(self.lengths)), offsets_of(self.lengths)
        memory.put(offsets)
        out = memory.results(total, self.channels)
        state = unknown((len(self.lengths) + 1, before, self.channels), self.element)
        expected, self.left = np.zeros((total, self.channels)), state.copy()
        for slot, begin, end in zip(slots, offsets, offsets[1:]):
            state[slot], start = encoded(memory.rng.standard_normal(state[slot].shape), self.element)
            padded = np.concatenate([start, x[begin:end]])
            for tap in range(self.taps):
                expected[begin:end] += weight[tap] * padded[tap:tap + end - begin]
            self.left[slot] = encoded(padded[len(padded) - before:], self.element)[0]
        self.memory, self.state = memory.memory, memory.put(state)
        memory.put(slots)
        return out, expected

    def check(self, name, directory, runner):
        for outcome in super().check(name, directory, runner):
            left = self.memory.view(self.state, self.left.shape, self.left.dtype)
            outcome.errors.append(("elements of the state", np.count_nonzero(left != self.left), 0))
            yield outcome


def scan_case(*shape, **options):
    return check_scan.Case(*shape, slots=True, **options)


CASES = {
    "attention_64": attention_case(64, 3, 1, extra=8),
    "attention_24": attention_case(24, 2, 1, extra=2, lengths=[1, 2], before=[70, 0]),
    "attention_128": attention_case(128, 2, 1, lengths=[1, 0, 1], before=[130, 64, 63]),
    "attention_f32_16": attention_case(16, 4, 2, element="f32"),
    "attention_f32_64": attention_case(64, 3, 1, extra=2, lengths=[1, 3], before=[70, 31],
                                       element="f32"),
    "attention_f16_32": attention_case(32, 2, 2, lengths=[1, 5], before=[64, 3], element="f16"),
    "split_64": attention_case(64, 4, 1, extra=8, lengths=[1, 0, 4], before=[150, 7, 0],
                               limit=4),
    "split_24": attention_case(24, 8, 2, extra=2, lengths=[2], before=[70], limit=4),
    "split_128": attention_case(128, 2, 1, lengths=[1, 7], before=[130, 63], limit=8),
    "split_two_tiles": attention_case(32, 8, 1, lengths=[3, 4], before=[64, 0], limit=4),
    "split_f32": attention_case(32, 3, 1, lengths=[1, 3], before=[70, 31], element="f32", limit=4),
    "split_f16": attention_case(16, 2, 2, lengths=[1, 16], before=[64, 3], element="f16",
                                limit=16),
    # Many sequences are not split, many heads are split less.
    "split_many": attention_case(24, 4, 1, lengths=[1, 0, 2], before=[150, 7, 0], limit=4,
                                 min_batch=264),
    "split_by_4": attention_case(16, 2, 1, lengths=[1], before=[600], limit=8, min_batch=100),
    # Each warp of the cluster takes several turns.
    "split_turns": attention_case(16, 1, 1, lengths=[1], before=[1100], limit=16),
    "conv_aligned": ConvCase(24, 4, 56, 8),
    "conv_odd": ConvCase(21, 3, 37, 5, [37, 0, 1, 2, 16, 17]),
    "conv_two_taps": ConvCase(40, 2, 40, 0, [1, 0, 2]),
    "conv_many_taps": ConvCase(8, 20, 8, 0, [1, 0, 18, 19, 20, 45]),
    "conv_f32": ConvCase(21, 4, 37, 5, [1, 2, 3, 4, 40], "f32"),
    "conv_f16": ConvCase(16, 4, 16, 0, [1, 0, 5], "f16"),
    "scan_16": scan_case(16, 64, "f32"),
    "scan_16_one_token": scan_case(16, 9, lengths=[1, 1, 0, 1], chunk_rows=(None, 16)),
    "scan_8": scan_case(8, 67),
    "scan_17": scan_case(17, 33, "f32", chunk_rows=(None, 5, 16)),
}
REAL_CASES = {
    f"real_attention_{element}_{batch}x1024{'_split' * bool(limit)}":
        lambda batch=batch, element=element, limit=limit: attention_case(
            64, 32, 8, lengths=[1] * batch, before=[1023], element=element, limit=limit,
            min_batch=33 if batch > 32 else 1)
    for batch in (1, 64) for element in ("bf16", "f32") for limit in (None, 4)
}

# Of new tokens: one each, as many as are around tiles and chunks, none.
SEQUENCES = [[1], [0], [1, 1, 1], [0, 2, 0], [15, 16, 17], [63, 64, 65], [127, 1, 128, 129]]
# Of tokens before: around blocks of keys.
BEFORES = [[0], [1], [31, 32, 33], [63, 64, 65], [127, 128, 129], [95, 96, 97, 577]]


def sweep(case, *shape, **options):
    return Sweep(lambda lengths: case(*shape, lengths=lengths, **options), SEQUENCES)


def attention_sweep(*shape, **options):
    extents = [(lengths, before) for lengths in SEQUENCES for before in BEFORES]
    return Sweep(lambda extent: attention_case(*shape, lengths=extent[0], before=extent[1],
                                               **options), extents)


SWEEPS = {
    **{f"attention_{size}": attention_sweep(size, 3, 1) for size in (16, 40, 64, 128)},
    **{f"attention_f32_{size}": attention_sweep(size, 3, 1, element="f32")
       for size in (32, 64)},
    "conv_aligned": sweep(ConvCase, 24, 4, 56, 8),
    "conv_many_blocks": sweep(ConvCase, 1100, 4, 1100, 0),
    "conv_f32": sweep(ConvCase, 21, 4, 37, 5, element="f32"),
    "scan_16": Sweep(lambda lengths: scan_case(16, 64, lengths=lengths,
                                               chunk_rows=(None, 16, max(*lengths, 1))),
                     SEQUENCES),
}
