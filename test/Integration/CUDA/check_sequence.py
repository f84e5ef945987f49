#===- check_sequence.py - Scan, convolution and attention for the GPU ------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Scans, convolutions and attention and what they give in float64, for check_kernels.py."""

import re

import numpy as np

from kernel_harness import ELEMENTS, Outcome, Sweep, launch, relative_error

LENGTHS = [37, 0, 1, 150, 16]


class Memory:
    """The buffers of a launch, filled with random numbers; rows are of type `element`."""

    def __init__(self, seed, memory, element="bf16"):
        self.rng = np.random.default_rng(seed)
        self.memory, self.element = memory, element
        self.pointers = []

    def put(self, array):
        self.pointers.append(self.memory.put(array))
        return self.pointers[-1]

    def rows(self, count, width, scale=1.0, shift=0.0):
        """Random rows; the values that the kernel reads, as float64."""
        values = self.rng.standard_normal((count, width)) * scale + shift
        element = ELEMENTS[self.element]
        stored = element.encode(values.astype(np.float32))
        self.put(stored)
        return element.decode(stored).astype(np.float64)

    def floats(self, values):
        stored = np.asarray(values, np.float32)
        self.put(stored)
        return stored.astype(np.float64)

    def results(self, count, width):
        return self.put(np.zeros((count, width), ELEMENTS[self.element].stored))


def offsets_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def silu(x):
    return x / (1 + np.exp(-x))


class Case:
    """An op over sequences of `lengths`; `reference` fills its buffers, gives its results."""

    def __init__(self, op, operands, region, attributes, types, out_width, out_column, reference,
                 lengths, element="bf16"):
        self.op, self.operands, self.region, self.attributes = op, operands, region, attributes
        self.types, self.out_width, self.out_column = types, out_width, out_column
        self.reference, self.lengths, self.element = reference, lengths, element

    def functions(self, name):
        arguments = ", ".join(f"%{i}: {type}" for i, type in enumerate(self.types))
        used = [self.types[int(i)] for i in re.findall(r"%(\d+)", self.operands)]
        used.sort(key=lambda type: type != "index")
        region = f"{{{self.region}\n    }} " if self.region else ""
        return f"""
  func.func @{name}(%batch: index, %max: index, {arguments}) attributes {{kern.kernel}} {{
    kern.{self.op} batch(%batch, %max) {self.operands} {region}{{{self.attributes}}} :
      (index, index, {", ".join(used)}) -> ()
    return
  }}"""

    def check(self, name, directory, runner):
        memory = Memory(len(name), runner.memory(), self.element)
        out, expected = self.reference(memory)
        launch(runner, directory, name, memory.memory,
               [len(self.lengths), max(self.lengths)] + memory.pointers)
        element = ELEMENTS[self.element]
        stored = memory.memory.view(out, (len(expected), self.out_width), element.stored)
        columns = slice(self.out_column, self.out_column + expected.shape[1])
        error = relative_error(element.decode(stored[:, columns]).astype(np.float64), expected)
        outside = np.delete(stored, np.arange(self.out_width)[columns], axis=1)
        yield Outcome("", [("relative error", error, element.tolerance)], not outside.any())


SILU = """
      %one = arith.constant 1.0 : f32
      %n = arith.negf %{0} : f32
      %e = math.exp %n : f32
      %d = arith.addf %one, %e : f32
      %s = arith.divf %{0}, %d : f32"""


def conv_case(channels, taps, in_width, in_column, out_width, out_column, lengths=LENGTHS,
              element="bf16"):
    """SiLU(convolution + bias) + a row of its own."""
    region = f"""
    ^bb0(%sum: f32, %bias: f32, %row: f32):
      %x = arith.addf %sum, %bias : f32{SILU.format("x")}
      %y = arith.addf %s, %row : f32
      kern.yield %y"""
    types = [
        f"memref<?x{in_width}x{element}>", f"memref<{taps}x{channels}x{element}>", "memref<?xi32>",
        f"memref<?x{out_width}x{element}>", f"memref<{channels + 2}x{element}>",
        f"memref<?x{channels + 1}x{element}>",
    ]
    operands = "%0, %1 offsets(%2) -> %3 extras(%4, %5)"
    attributes = (f"in_column = {in_column}, out_column = {out_column}, "
                  "accesses = [#kern.access<column>, #kern.access<row>], "
                  "extra_columns = array<i64: 2, 1>")

    def reference(memory):
        total = sum(lengths)
        x = memory.rows(total, in_width)[:, in_column:in_column + channels]
        weight = memory.rows(taps, channels)
        offsets = offsets_of(lengths)
        memory.put(offsets)
        out = memory.results(total, out_width)
        bias = memory.rows(1, channels + 2)[0, 2:]
        row = memory.rows(total, channels + 1)[:, 1:]
        expected = np.zeros((total, channels))
        for begin, end in zip(offsets, offsets[1:]):
            padded = np.concatenate([np.zeros((taps - 1, channels)), x[begin:end]])
            for tap in range(taps):
                expected[begin:end] += weight[tap] * padded[tap:tap + end - begin]
        return out, silu(expected + bias) + row

    return Case("conv1d", operands, region, attributes, types, out_width, out_column, reference,
                lengths, element)


def scan_case(states, channels, width, column, bc_width, b_column, lengths=LENGTHS,
              element="bf16"):
    """(y + D · u) · SiLU(gate); b and c lie side by side in one buffer."""
    region = f"""
    ^bb0(%y: f32, %u: f32, %skip: f32, %gate: f32):
      %p = arith.mulf %skip, %u : f32
      %q = arith.addf %y, %p : f32{SILU.format("gate")}
      %r = arith.mulf %q, %s : f32
      kern.yield %r"""
    types = [
        f"memref<?x{width}x{element}>", f"memref<?x{channels}x{element}>",
        f"memref<{states}x{channels}xf32>", f"memref<?x{bc_width}x{element}>", "memref<?xi32>",
        f"memref<?x{width}x{element}>",
        f"memref<{channels}x{element}>", f"memref<?x{channels + 3}x{element}>",
    ]
    operands = "%0, %1, %2, %3, %3 offsets(%4) -> %5 extras(%6, %7)"
    attributes = (f"u_column = {column}, out_column = {column}, b_column = {b_column}, "
                  f"c_column = {b_column + states}, "
                  "accesses = [#kern.access<column>, #kern.access<row>], "
                  "extra_columns = array<i64: 0, 3>")

    def reference(memory):
        total = sum(lengths)
        u = memory.rows(total, width)[:, column:column + channels]
        delta = np.logaddexp(0, memory.rows(total, channels, 2.0, -4.0))
        a = memory.floats(-memory.rng.uniform(0.5, 16, (states, channels)))
        bc = memory.rows(total, bc_width)[:, b_column:]
        offsets = offsets_of(lengths)
        memory.put(offsets)
        out = memory.results(total, width)
        skip = memory.rows(1, channels)[0]
        gate = memory.rows(total, channels + 3)[:, 3:]
        expected = np.zeros((total, channels))
        for begin, end in zip(offsets, offsets[1:]):
            h = np.zeros((states, channels))
            for row in range(begin, end):
                b, c = bc[row, :states, None], bc[row, states:2 * states, None]
                h = np.exp(delta[row] * a) * h + delta[row] * u[row] * b
                expected[row] = (h * c).sum(0)
        return out, (expected + skip * u) * silu(gate)

    return Case("scan", operands, region, attributes, types, width, column, reference,
                lengths, element)


def softplus_case(channels=601):
    """The first row of a scan over u = 1 / softplus(x): 1, whatever x is, if Δ = softplus(x)."""
    region = """
    ^bb0(%y: f32, %u: f32):
      kern.yield %y"""
    rows = f"memref<?x{channels}xf32>"
    types = [rows, rows, f"memref<1x{channels}xf32>", "memref<?x1xf32>", "memref<?xi32>", rows]
    operands = "%0, %1, %2, %3, %3 offsets(%4) -> %5"
    attributes = "accesses = [], extra_columns = array<i64>"

    def reference(memory):
        x = np.linspace(-30, 30, channels, dtype=np.float32)[None]
        softplus = np.logaddexp(0, x.astype(np.float64))
        u = memory.floats(1 / softplus)
        memory.floats(x)
        memory.floats(-np.ones_like(x))
        memory.floats([[1]])
        memory.put(offsets_of([1]))
        return memory.results(1, channels), softplus * u

    return Case("scan", operands, region, attributes, types, channels, 0, reference, [1], "f32")


def attention_case(head_size, heads, kv_heads, extra=0, out_width=None, lengths=LENGTHS,
                   element="bf16", queries=None):
    """Queries, keys and values in one buffer of projections, `extra` columns before them; with
    `queries`, those of the last rows of each sequence, so many, in one of their own."""
    width = extra + (heads + 2 * kv_heads) * head_size
    q_column, k_column = extra, extra + heads * head_size
    v_column = k_column + kv_heads * head_size
    out_column = 0 if out_width is None else out_width - heads * head_size
    out_width = out_width or heads * head_size
    types = [f"memref<?x{width}x{element}>", "memref<?xi32>", f"memref<?x{out_width}x{element}>"]
    operands = "%0, %0, %0 offsets(%1) -> %2"
    if queries is not None:
        types = ["index", types[0], *types[:2], types[1], types[2]]
        operands = "%1, %2, %2 offsets(%3) queries(%0, %4) -> %5"
    scale = np.float32(head_size ** -0.5)
    attributes = (f"heads = {heads}, kv_heads = {kv_heads}, head_size = {head_size}, "
                  f"scale = {scale:.9e} : f32, q_column = {q_column}, k_column = {k_column}, "
                  f"v_column = {v_column}, out_column = {out_column}")

    def reference(memory):
        total = sum(lengths)
        counts = lengths if queries is None else queries
        offsets, last = offsets_of(lengths), np.zeros(total, bool)
        for end, count in zip(offsets[1:], counts):
            last[end - count:end] = True
        if queries is not None:
            memory.pointers += [max(queries), 0]
        qkv = memory.rows(total, width)
        memory.put(offsets)
        if queries is not None:
            stored = ELEMENTS[element].encode(qkv[last].astype(np.float32))
            memory.pointers[1] = memory.memory.put(stored)
            memory.put(offsets_of(queries))
        out = memory.results(sum(counts), out_width)
        expected = np.zeros((total, heads * head_size))
        for begin, end in zip(offsets, offsets[1:]):
            for head in range(heads):
                columns = lambda first, number: qkv[begin:end, first + number * head_size:][:, :head_size]
                kv_head = head // (heads // kv_heads)
                scores = columns(q_column, head) @ columns(k_column, kv_head).T * float(scale)
                scores[np.triu_indices(end - begin, 1)] = -np.inf
                weights = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
                weights /= weights.sum(axis=1, keepdims=True)
                expected[begin:end, head * head_size:(head + 1) * head_size] = (
                    weights @ columns(v_column, kv_head))
        return out, expected[last]

    return Case("attention", operands, "", attributes, types, out_width, out_column, reference,
                lengths, element)


CASES = {
    "conv_aligned": conv_case(24, 4, 56, 8, 40, 16),
    "conv_odd": conv_case(21, 3, 37, 5, 26, 3),
    "conv_one_tap": conv_case(40, 1, 40, 0, 40, 0),
    "conv_many_blocks": conv_case(1100, 4, 1100, 0, 1100, 0, [19]),
    "scan_8": scan_case(8, 70, 80, 8, 21, 5),
    "scan_16": scan_case(16, 64, 64, 0, 40, 8),
    "scan_21": scan_case(21, 33, 37, 3, 48, 6, [37, 0, 1]),
    "scan_64": scan_case(64, 18, 20, 2, 128, 0, [37, 0, 1]),
    "scan_256": scan_case(256, 6, 7, 1, 520, 8, [21, 1]),
    "attention_16": attention_case(16, 4, 2),
    "attention_24": attention_case(24, 2, 1, extra=4),
    "attention_32_odd": attention_case(32, 2, 2, extra=5, out_width=67),
    "attention_40": attention_case(40, 1, 1, lengths=[130, 3]),
    "attention_64": attention_case(64, 3, 1, extra=2, out_width=194),
    "attention_72": attention_case(72, 1, 1, lengths=[130, 3]),
    "attention_128": attention_case(128, 2, 1, lengths=[200, 3]),
    "attention_256": attention_case(256, 1, 1, lengths=[70, 3]),
    "attention_last": attention_case(64, 3, 1, extra=2, out_width=194, queries=[1, 0, 1, 1, 1]),
    "attention_last_24": attention_case(24, 2, 1, queries=[3, 0, 1, 70, 16]),
    "attention_last_f32": attention_case(16, 4, 2, element="f32", queries=[1, 0, 0, 90, 2]),
    "softplus": softplus_case(),
    "conv_f16": conv_case(21, 3, 37, 5, 26, 3, [37, 0, 1], "f16"),
    "scan_f16": scan_case(16, 21, 40, 9, 44, 7, [37, 0, 1], "f16"),
    "attention_f16_32_odd": attention_case(32, 2, 2, 5, 67, [37, 1], "f16"),
    "conv_f32": conv_case(21, 3, 37, 5, 26, 3, [37, 0, 1], "f32"),
    "attention_f32_16": attention_case(16, 4, 2, lengths=[37, 0, 1, 70], element="f32"),
    "attention_f32_24": attention_case(24, 2, 1, extra=4, lengths=[37, 1], element="f32"),
    "attention_f32_32_odd": attention_case(32, 2, 2, 5, 67, [37, 1], "f32"),
    "attention_f32_64": attention_case(64, 3, 1, 2, 194, [70, 3], "f32"),
    "attention_f32_128": attention_case(128, 2, 1, lengths=[70, 1], element="f32"),
    "attention_f32_256": attention_case(256, 1, 1, lengths=[37, 3], element="f32"),
}

# The sizes of the 1B model, 8 × 1024, and of long sequences.
REAL_CASES = {
    "real_conv": conv_case(4096, 4, 8192, 0, 4096, 0, [1024] * 8),
    "real_scan": scan_case(16, 4096, 4096, 0, 160, 128, [1024] * 8),
    "real_attention_32": attention_case(32, 32, 8, lengths=[1024] * 8),
    "real_attention_64": attention_case(64, 32, 8, lengths=[1024] * 8),
    "real_attention_128": attention_case(128, 16, 4, lengths=[1024] * 8),
    "real_attention_long": attention_case(128, 16, 4, lengths=[8192]),
    "real_attention_f32_32": attention_case(32, 32, 8, lengths=[1024] * 8, element="f32"),
    "real_attention_f32_64": attention_case(64, 32, 8, lengths=[1024] * 8, element="f32"),
    "real_attention_f32_128": attention_case(128, 16, 4, lengths=[1024] * 8, element="f32"),
}

# At and around tiles and chunks, with empty rows, with nothing but empty rows.
SEQUENCES = [[1], [0], [0, 0, 5], [2, 7, 15, 16, 17], [31, 32, 33, 0], [63, 64, 65], [127, 128, 129],
             [37, 0, 1, 150, 16], [577], [1025, 3]]
SCANNED = SEQUENCES[:-1]


def sweep(case, *shape, lengths=SEQUENCES, **options):
    return Sweep(lambda extents: case(*shape, lengths=extents, **options), lengths)


def scan_sweep(states):
    """Of few channels, b and c at columns and in rows of other alignments."""
    return sweep(scan_case, states, 7, 9, 1, 2 * states + 9, states % 5, lengths=SCANNED)


# Those that the tables of small cases have, and all other sizes of heads.
HEADS = [size for size in range(16, 257, 8) if size not in (16, 24, 32, 40, 64, 72, 128, 256)]
SWEEPS = {
    "conv_aligned": sweep(conv_case, 24, 4, 56, 8, 40, 16),
    "conv_odd": sweep(conv_case, 21, 3, 37, 5, 26, 3),
    "conv_one_tap": sweep(conv_case, 40, 1, 40, 0, 40, 0),
    "conv_many_blocks": sweep(conv_case, 1100, 4, 1100, 0, 1100, 0),
    "scan_8": sweep(scan_case, 8, 70, 80, 8, 21, 5),
    "scan_16": sweep(scan_case, 16, 64, 64, 0, 40, 8),
    "scan_21": sweep(scan_case, 21, 33, 37, 3, 48, 6),
    "scan_64": sweep(scan_case, 64, 18, 20, 2, 128, 0),
    **{f"scan_{states}": scan_sweep(states)
       for states in (9, 15, 17, 24, 31, 32, 33, 48, 63, 65, 96, 100, 127, 128, 129, 200, 251, 255,
                      256)},
    "attention_16": sweep(attention_case, 16, 4, 2),
    "attention_24": sweep(attention_case, 24, 2, 1, extra=4),
    "attention_32_odd": sweep(attention_case, 32, 2, 2, extra=5, out_width=67),
    "attention_40": sweep(attention_case, 40, 1, 1),
    "attention_64": sweep(attention_case, 64, 3, 1, extra=2, out_width=194),
    "attention_72": sweep(attention_case, 72, 1, 1),
    "attention_128": sweep(attention_case, 128, 2, 1),
    "attention_256": sweep(attention_case, 256, 1, 1),
    "conv_f32": sweep(conv_case, 21, 3, 37, 5, 26, 3, element="f32"),
    "attention_f32_16": sweep(attention_case, 16, 4, 2, element="f32"),
    "attention_f32_24": sweep(attention_case, 24, 2, 1, extra=4, element="f32"),
    "attention_f32_32_odd": sweep(attention_case, 32, 2, 2, 5, 67, element="f32"),
    "attention_f32_64": sweep(attention_case, 64, 3, 1, 2, 194, element="f32"),
    "attention_f32_128": sweep(attention_case, 128, 2, 1, element="f32"),
    "attention_f32_256": sweep(attention_case, 256, 1, 1, element="f32"),
    **{f"attention_{size}": sweep(attention_case, size, 2, 1, lengths=SCANNED) for size in HEADS},
}
