#===- check_inputs.py - What scans read, in one kernel, for the GPU --------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Convolution, projections, norms and step sizes in one kernel, around the rows of a tile, for
check_kernels.py."""

import numpy as np

from check_sequence import Memory, offsets_of, silu
from kernel_harness import ELEMENTS, Outcome, Sweep, launch, relative_error

CHIPS = ["sm_90a"]
EPS = 1e-5
NAMES = ["input", "conv_weight", "conv_bias", "x_weight", "norm_weight", "dt_weight", "dt_bias", "offsets",
         "u", "projections", "delta"]


class Case:
    """kern.scan_inputs over sequences of `lengths`. Results lie `column` columns from the left of
    their buffers, which are as much wider; the input has its columns behind others."""

    def __init__(self, channels, rank, states, lengths, config="", taps=4, column=0, element="bf16",
                 vector="f32", max_rows=1920):
        self.channels, self.rank, self.states, self.taps = channels, rank, states, taps
        self.lengths, self.column, self.element, self.vector = lengths, column, element, vector
        self.projected = rank + 2 * states
        self.config = f"config = {{{config}}}, " if config else ""
        self.max_rows = max_rows

    def types(self):
        element, vector, width = self.element, self.vector, self.channels + 2 * self.column
        padded = -(-self.rank // 8) * 8
        projections = -(-self.projected // 8) * 8 + 2 * self.column
        return {
            "input": f"memref<?x{width}x{element}>",
            "conv_weight": f"memref<{self.taps}x{self.channels}x{vector}>",
            "conv_bias": f"memref<{self.channels}x{vector}>",
            "x_weight": f"memref<{self.projected}x{self.channels}x{element}>",
            "norm_weight": f"memref<{self.projected}x{vector}>",
            "dt_weight": f"memref<{self.channels}x{padded}x{element}>",
            "dt_bias": f"memref<{self.channels}x{vector}>",
            "offsets": "memref<?xi32>",
            "u": f"memref<?x{width}x{element}>",
            "projections": f"memref<?x{projections}x{element}>",
            "delta": f"memref<?x{width}x{element}>",
        }

    def functions(self, name):
        types = self.types()
        arguments = ", ".join(f"%{name}: {types[name]}" for name in NAMES)
        column = self.column
        return f"""
  func.func @{name}(%rows: index, %batch: index, {arguments}) attributes {{kern.kernel}} {{
    kern.scan_inputs rows(%rows, %batch) %input, %conv_weight, %conv_bias, %x_weight, %norm_weight, %dt_weight,
      %dt_bias offsets(%offsets) -> %u, %projections, %delta {{{self.config}dt_rank = {self.rank},
      states = {self.states}, eps = {EPS:e} : f32, in_column = {2 * column}, u_column = {column},
      projection_column = {column}, delta_column = {column}, max_rows = {self.max_rows}}} :
      (index, index, {", ".join(types[name] for name in NAMES)}) -> ()
    return
  }}"""

    def check(self, name, directory, runner):
        data = Data(self, runner.memory())
        launch(runner, directory, name, data.memory.memory,
               [sum(self.lengths), len(self.lengths)] + data.memory.pointers)
        yield Outcome("", data.errors(), data.untouched())


class Data:
    """The buffers of a case and its results in float64."""

    def __init__(self, case, memory):
        self.case = case
        self.memory = Memory(case.channels + case.rank, memory, case.element)
        rows, channels, projected = sum(case.lengths), case.channels, case.projected
        self.x = self.memory.rows(rows, channels + 2 * case.column)[:, 2 * case.column:]
        self.conv = self.vector((case.taps, channels)), self.vector(channels)
        self.x_weight = self.memory.rows(projected, channels, channels ** -0.5)
        self.norm = self.vector(projected)
        # What lies behind a row of weights is not read.
        self.dt_weight = self.memory.rows(channels, -(-case.rank // 8) * 8, case.rank ** -0.5)[:, :case.rank]
        self.bias = self.vector(channels)
        self.offsets = offsets_of(case.lengths)
        self.memory.put(self.offsets)
        widths = [channels, -(-projected // 8) * 8, channels]
        self.shapes = [(rows, width + 2 * case.column) for width in widths]
        self.results = [self.memory.results(*shape) for shape in self.shapes]

    def vector(self, shape):
        values = self.memory.rng.standard_normal(shape).astype(np.float32)
        element = ELEMENTS[self.case.vector]
        stored = element.encode(values)
        self.memory.put(stored)
        return element.decode(stored).astype(np.float64)

    def rounded(self, values):
        element = ELEMENTS[self.case.element]
        return element.decode(element.encode(values.astype(np.float32))).astype(np.float64)

    def reference(self):
        case, (weight, bias) = self.case, self.conv
        u = np.zeros_like(self.x)
        for begin, end in zip(self.offsets, self.offsets[1:]):
            padded = np.concatenate([np.zeros((case.taps - 1, case.channels)), self.x[begin:end]])
            for tap in range(case.taps):
                u[begin:end] += weight[tap] * padded[tap:tap + end - begin]
        u = silu(u + bias)
        # What is rounded in between is part of what the kernel computes.
        projections = self.rounded(u) @ self.x_weight.T
        for part in np.split(projections, [case.rank, case.rank + case.states], axis=1):
            part /= np.sqrt(np.mean(part ** 2, axis=1, keepdims=True) + EPS)
        projections *= self.norm
        delta = self.rounded(projections[:, :case.rank]) @ self.dt_weight.T + self.bias
        return u, projections[:, case.rank:], delta

    def stored(self):
        element = ELEMENTS[self.case.element]
        return [self.memory.memory.view(pointer, shape, element.stored)
                for pointer, shape in zip(self.results, self.shapes)]

    def columns(self):
        case = self.case
        first = [case.column, case.column + case.rank, case.column]
        return [slice(begin, begin + width)
                for begin, width in zip(first, [case.channels, 2 * case.states, case.channels])]

    def errors(self):
        element = ELEMENTS[self.case.element]
        return [(what, relative_error(element.decode(stored[:, columns]).astype(np.float64), expected),
                 element.tolerance)
                for what, stored, columns, expected
                in zip(["u", "b and c", "delta"], self.stored(), self.columns(), self.reference())]

    def untouched(self):
        return not any(np.delete(stored, np.arange(stored.shape[1])[columns], axis=1).any()
                       for stored, columns in zip(self.stored(), self.columns()))


RAGGED = [1, 2, 0, 3, 29, 1, 40, 0]

CASES = {
    "inputs_64": Case(64, 5, 3, [1]),
    "inputs_128_ragged": Case(128, 12, 16, RAGGED, column=8),
    "inputs_256_tile": Case(256, 48, 4, [33], vector="bf16", taps=3),
    "inputs_192_rows64": Case(192, 65, 8, [0, 62, 5], "cluster = 1, tile_rows = 64", element="f16", taps=1),
    "inputs_512_rows64": Case(512, 16, 16, [40, 1, 24], "cluster = 4, tile_rows = 64"),
    "inputs_512": Case(512, 8, 2, [31, 1, 1], taps=2),
}

LENGTHS = [[1], [2, 1], [31], [32], [33], [63], [64], [65], RAGGED, [0, 97, 0, 0, 31, 1],
           [349, 349, 349], [460], [1] * 64, [23] * 64]
MANY = [*LENGTHS, [1024], [1380], [1536], [777, 777]]


def sweep(*arguments, lengths=MANY, **options):
    return Sweep(lambda extent: Case(*arguments, extent, **options), lengths)


SWEEPS = {
    "inputs_384": sweep(384, 12, 16, column=8),
    "inputs_1536_few": sweep(1536, 48, 16, config="cluster = 8, tile_rows = 32"),
    "inputs_2048_few": sweep(2048, 64, 16, config="cluster = 8, tile_rows = 32"),
    "inputs_2048_many": sweep(2048, 64, 16, config="cluster = 8, tile_rows = 64"),
    "inputs_4096": sweep(4096, 128, 16, config="cluster = 8, tile_rows = 32"),
    "inputs_320": sweep(320, 77, 5, taps=5, element="f16", lengths=LENGTHS),
}


def real(*arguments):
    return {f"real_inputs_{arguments[0]}_rows{rows}": sweep(
        *arguments, config=f"cluster = 8, tile_rows = {rows}",
        lengths=[[1], [64], [460], [512], [777], [1024], [349] * 3, [1380], [1536], [2048], [525] * 3])
        for rows in ([32, 64] if arguments[0] < 4096 else [32])}


REAL_CASES = {**real(1536, 48, 16), **real(2048, 64, 16), **real(4096, 128, 16)}
