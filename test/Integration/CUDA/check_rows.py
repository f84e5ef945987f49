#===- check_rows.py - Matmul and row-wise kernels for the GPU --------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Matmuls and row-wise kernels of odd shapes and what they give in float64, for check_kernels.py."""

import re

import numpy as np

import ptx_interpreter as ptx
from kernel_harness import ELEMENTS, TOLERANCE, Outcome, Sweep, launch, relative_error

# What nobody may read or write: in every type, not a number.
POISON = 0x7FC17FC1


def poison(shape, dtype):
    return np.full(shape, POISON & np.iinfo(dtype).max, dtype)


PLAIN = """
    ^bb0(%sum: f32):
      kern.yield %sum"""
RESIDUALS = """
    ^bb0(%sum: f32, %row: f32, %gathered: f32, %bias: f32, %scale: f32):
      %scaled = arith.mulf %sum, %scale : f32
      %t0 = arith.addf %scaled, %row : f32
      %t1 = arith.mulf %t0, %bias : f32
      %t2 = arith.addf %t1, %gathered : f32
      kern.yield %t2"""
RESIDUAL = """
    ^bb0(%sum: f32, %x: f32):
      %y = arith.addf %sum, %x : f32
      kern.yield %y"""
GATE = """
    ^bb0(%gate: f32, %up: f32):
      %one = arith.constant 1.0 : f32
      %n = arith.negf %gate : f32
      %e = math.exp %n : f32
      %d = arith.addf %e, %one : f32
      %s = arith.divf %gate, %d : f32
      %y = arith.mulf %s, %up : f32
      kern.yield %y"""
NORM = """
    ^bb0(%x: f32, %mean: f32, %weight: f32):
      %eps = arith.constant 1.0e-5 : f32
      %one = arith.constant 1.0 : f32
      %t0 = arith.addf %mean, %eps : f32
      %t1 = math.sqrt %t0 : f32
      %t2 = arith.divf %one, %t1 : f32
      %t3 = arith.mulf %x, %t2 : f32
      %t4 = arith.mulf %t3, %weight : f32
      kern.yield %t4"""
SCALE = """
    ^bb0(%mean: f32):
      %eps = arith.constant 1.0e-5 : f32
      %one = arith.constant 1.0 : f32
      %t0 = arith.addf %mean, %eps : f32
      %t1 = math.sqrt %t0 : f32
      %t2 = arith.divf %one, %t1 : f32
      kern.yield %t2"""
COPY = """
    ^bb0(%x: f32):
      kern.yield %x"""


class Case:
    """A kernel's arguments, in order, and what it should do; numbers are of type `element`."""

    def __init__(self, rows, element="bf16"):
        self.rows, self.element, self.max_blocks, self.forms_clusters = rows, element, 0, False
        self.rng = np.random.default_rng(rows)
        self.types, self.arrays = [], []

    def add(self, kind, stored):
        self.types.append(kind)
        self.arrays.append(stored)
        return f"%{len(self.types) - 1}"

    def random(self, shape, element=None):
        """Random numbers as they are stored."""
        numbers = self.rng.standard_normal(shape).astype(np.float32)
        return ELEMENTS[element or self.element].encode(numbers)

    def values(self, stored, element=None):
        return ELEMENTS[element or self.element].decode(stored).astype(np.float64)

    def activations(self, rows, width, columns=None, element=None):
        """Rows of which only `columns` may be read; their values."""
        element = element or self.element
        stored = poison((rows, width), ELEMENTS[element].stored)
        columns = columns or slice(0, width)
        stored[:, columns] = self.random(stored[:, columns].shape, element)
        return (self.add(f"memref<?x{width}x{element}>", stored),
                self.values(stored[:, columns], element))

    def weights(self, rows, columns, padded=None):
        stored = poison((rows, padded or columns), ELEMENTS[self.element].stored)
        stored[:, :columns] = self.random((rows, columns))
        name = self.add(f"memref<{rows}x{padded or columns}x{self.element}>", stored)
        return name, self.values(stored[:, :columns])

    def vector(self, size):
        stored = self.random(size)
        return self.add(f"memref<{size}x{self.element}>", stored), self.values(stored)

    def scalars(self, rows):
        stored = self.rng.standard_normal(rows).astype(np.float32)
        return self.add("memref<?xf32>", stored.view(np.uint32)), stored.astype(float)

    def table(self, values):
        stored = np.asarray(values, np.int32)
        return self.add("memref<?xi32>", stored), stored

    def output(self, rows, width, columns, element=None):
        element = element or self.element
        stored = poison((rows, width), ELEMENTS[element].stored)
        self.out, self.out_columns, self.out_element = len(self.types), columns, element
        return self.add(f"memref<?x{width}x{element}>", stored)

    def numbers(self, rows, element):
        """One i32 or f32 per row."""
        stored = poison((rows, 1), np.uint32)
        self.out, self.out_columns, self.out_element = len(self.types), slice(0, 1), element
        return self.add(f"memref<?x{element}>", stored)

    def functions(self, name):
        arguments = ", ".join(f"%{i}: {kind}" for i, kind in enumerate(self.types))
        operands = ", ".join(["index"] + [self.types[int(i)] for i in self.used])
        return f"""
  func.func @{name}(%rows: index, {arguments}) attributes {{kern.kernel}} {{
    kern.{self.op} : ({operands}) -> ()
    return
  }}"""

    def define(self, op, expected):
        """`op` in the assembly format, and the rows of the result by number."""
        self.op, self.expected = op, expected
        self.used = re.findall(r"%(\d+)", op.split("{")[0])

    def check(self, name, directory, runner):
        memory = runner.memory()
        pointers = [memory.put(array) for array in self.arrays]
        launch(runner, directory, name, memory, [self.rows] + pointers, self.max_blocks,
               self.forms_clusters)
        initial = self.arrays[self.out]
        stored = memory.view(pointers[self.out], initial.shape, initial.dtype)
        targets, expected = self.expected
        result = stored[targets][:, self.out_columns]
        result = result.view(np.int32) if self.out_element == "i32" else (
            ELEMENTS[self.out_element].decode(result))
        beside = np.ones(stored.shape, bool)
        beside[targets, self.out_columns] = False
        error = relative_error(result.astype(np.float64), expected)
        yield Outcome("", [("relative error", error, ELEMENTS[self.element].tolerance)],
                      (stored[beside] == initial[beside]).all())


def matmul(rows, n, k, config=None, groups=1, a_column=0, out_column=0, a_width=None, out_width=None,
           out_element=None, residuals=False, stream=None, scatter=False, residual_element=None,
           element="bf16", max_rows=None, max_blocks=0, forms_clusters=False):
    """With `residuals` one extra of each access, with `stream` a residual of that access."""
    case = Case(rows, element)
    case.max_blocks, case.forms_clusters = max_blocks, forms_clusters
    align = lambda width: -(-width // 8) * 8
    a, a_values = case.activations(rows, a_width or align(a_column + k), slice(a_column, a_column + k))
    b, b_values = case.weights(groups * n, k, align(k))
    columns = slice(out_column, out_column + n)
    out = case.output(rows + 3, out_width or align(out_column + n), columns, out_element)
    sums = (a_values @ b_values.T).reshape(rows, groups, n).transpose(1, 0, 2)
    tail, accesses, offsets, region, values = "", "", "", PLAIN, sums[0]
    if groups == 2:
        region, values = GATE, sums[0] / (1 + np.exp(-sums[0])) * sums[1]
    if residuals:
        row, row_values = case.activations(rows, n + 4, slice(4, n + 4), residual_element)
        gathered, gathered_values = case.activations(rows + 5, n + 1, slice(1, n + 1))
        bias, bias_values = case.vector(n + 2)
        scale, scale_values = case.scalars(rows)
        gather, gather_rows = case.table(case.rng.permutation(rows + 5)[:rows])
        region = RESIDUALS
        tail = f" extras({row}, {gathered}, {bias}, {scale}) gather({gather})"
        accesses = ", ".join(f"#kern.access<{access}>"
                             for access in ("row", "gathered", "column", "scalar"))
        offsets = ": 4, 1, 2, 0"
        values = (values * scale_values[:, None] + row_values) * bias_values[2:] + gathered_values[gather_rows]
    if stream:
        x, x_values = case.activations(rows + 5, n + 4, slice(4, n + 4), "f32")
        region, tail, accesses, offsets = RESIDUAL, f" extras({x})", f"#kern.access<{stream}>", ": 4"
        sources = np.arange(rows)
        if stream == "gathered":
            table, sources = case.table(case.rng.permutation(rows + 5)[:rows])
            tail += f" gather({table})"
        values = values + x_values[sources]
    targets = np.arange(rows)
    if scatter:
        table, targets = case.table(case.rng.permutation(rows + 3)[:rows])
        tail += f" scatter({table})"
    settings = f", config = {{{config}}}" if config else ""
    settings += f", max_rows = {max_rows}" if max_rows else ""
    case.define(f"""matmul rows(%rows) {a}, {b} -> {out}{tail} {{{region}
    }} {{n = {n}, k = {k}, groups = {groups}, a_column = {a_column}, out_column = {out_column},
      accesses = [{accesses}], extra_columns = array<i64{offsets}>{settings}}}""",
                (targets, values))
    return case


def rowwise(rows, sections, in_column=0, out_column=0, in_width=None, out_width=None, norm=True,
            gather=False, scatter=False, element="bf16", max_rows=None):
    case = Case(rows)
    width = sections[-1]
    columns = slice(in_column, in_column + width)
    source, x = case.activations(rows + 4, in_width or in_column + width, columns, element)
    out = case.output(rows + 3, out_width or out_column + width,
                      slice(out_column, out_column + width))
    tail, accesses, offsets, region = "", "", "", COPY
    if norm:
        weight, weight_values = case.vector(width)
        region, tail, accesses, offsets = NORM, f" extras({weight})", "#kern.access<column>", ": 0"
        for begin, end in zip(sections, sections[1:]):
            mean = (x[:, begin:end] ** 2).mean(1, keepdims=True)
            x[:, begin:end] /= np.sqrt(mean + 1e-5)
        x = x * weight_values
    x = x[:rows] if not gather else x
    targets = np.arange(rows)
    if gather:
        table, sources = case.table(case.rng.permutation(rows + 4)[:rows])
        tail, x = tail + f" gather({table})", x[sources]
    if scatter:
        table, targets = case.table(case.rng.permutation(rows + 3)[:rows])
        tail += f" scatter({table})"
    reduction = "mean_of_squares" if norm else "none"
    bounds = ", ".join(map(str, sections))
    limit = f"max_rows = {max_rows}, " if max_rows else ""
    case.define(f"""rowwise rows(%rows) {source} -> {out}{tail} {{{region}
    }} {{sections = array<i64: {bounds}>, reduction = #kern.reduction<{reduction}>,
      in_column = {in_column}, out_column = {out_column}, {limit}
      accesses = [{accesses}], extra_columns = array<i64{offsets}>}}""",
                (targets, x))
    return case


def norm_scale(rows, width, in_column=0, in_width=None, gather=False):
    case = Case(rows)
    columns = slice(in_column, in_column + width)
    source, x = case.activations(rows + 4, in_width or in_column + width, columns)
    out = case.numbers(rows + 3, "f32")
    tail, sources = "", np.arange(rows)
    if gather:
        table, sources = case.table(case.rng.permutation(rows + 4)[:rows])
        tail = f" gather({table})"
    mean = (x[sources] ** 2).mean(1, keepdims=True)
    case.define(f"""rowwise rows(%rows) {source} -> {out}{tail} {{{SCALE}
    }} {{sections = array<i64: 0, {width}>, reduction = #kern.reduction<mean_of_squares>,
      in_column = {in_column}, accesses = [], extra_columns = array<i64>}}""",
                (np.arange(rows), 1 / np.sqrt(mean + 1e-5)))
    return case


def argmax(rows, n, in_column=0, width=None):
    """Rows with equal largest elements, with NaN, with nothing but NaN and of minus infinity."""
    case = Case(rows)
    x = np.full((rows, width or in_column + n), np.nan, np.float32)
    values = case.rng.integers(-9, 9, (rows, n)).astype(np.float32)
    values[0, ::3] = np.nan
    values[1 % rows] = -np.inf
    values[2 % rows] = np.nan
    x[:, in_column:in_column + n] = values
    source = case.add(f"memref<?x{x.shape[1]}xf32>", x.view(np.uint32))
    out = case.numbers(rows, "i32")
    best = np.where(np.isnan(values), -np.inf, values).max(1, keepdims=True)
    hits = values == best
    expected = np.where(hits.any(1), hits.argmax(1), -1)
    case.define(f"argmax rows(%rows) {source} -> {out} {{n = {n}, in_column = {in_column}}}",
                (np.arange(rows), expected[:, None]))
    return case




def tile(rows, columns, stages):
    """A configuration, of warpgroups and of single warps as far as they can have it."""
    row_warps = rows // 32
    return (f"tile_rows = {rows}, tile_columns = {columns}, stages = {stages}, warp_rows = 32, "
            f"warp_columns = 32, row_warps = {row_warps}, column_warps = {8 // row_warps}")


TILE_256, TILE_128, TILE_64 = tile(128, 256, 4), tile(128, 128, 3), tile(64, 64, 2)
CLUSTERS = TILE_256 + ", cluster = 2"
NARROW = TILE_256 + ", narrow_columns = 192"  # where two blocks have a round of either width


def multicast(*arguments, config=TILE_256, **options):
    """A product whose blocks copy for each other in clusters of two."""
    return matmul(*arguments, config + ", multicast = 2", forms_clusters=True, **options)


CASES = {
    "matmul_odd": lambda: matmul(131, 21, 5),
    "matmul_151": lambda: matmul(70, 151, 40, residuals=True),
    "matmul_even": lambda: matmul(270, 320, 200, TILE_128, residuals=True, out_column=8, a_column=8),
    "matmul_256": lambda: matmul(300, 256, 192, residuals=True),
    "matmul_gate_tiles": lambda: matmul(300, 192, 72, TILE_128, groups=2),
    "matmul_300": lambda: matmul(70, 300, 64),
    "matmul_out_column": lambda: matmul(70, 128, 64, out_column=6),
    "matmul_192": lambda: matmul(400, 384, 64, tile(128, 192, 4)),
    "matmul_gate": lambda: matmul(150, 200, 72, groups=2),
    "matmul_gate_halves": lambda: matmul(100, 384, 72, groups=2),
    "matmul_pieces": lambda: matmul(300, 260, 72, TILE_256, residuals=True, max_blocks=5),
    "matmul_thirds": lambda: matmul(300, 400, 72, tile(128, 192, 4), max_blocks=4),
    "matmul_narrow": lambda: matmul(100, 376, 72, NARROW, residuals=True),
    "matmul_narrow_stream": lambda: matmul(200, 768, 136, NARROW, out_element="f32",
                                           stream="gathered", scatter=True, max_blocks=6),
    "matmul_narrow_176": lambda: matmul(200, 696, 72, tile(128, 192, 4) + ", narrow_columns = 176",
                                        max_blocks=4),
    "matmul_not_narrow": lambda: matmul(100, 512, 72, NARROW),
    "matmul_pieces_outside": lambda: matmul(70, 330, 136, TILE_256, max_blocks=8),
    # Quarters of tiles have two tiles in k to a stage, where all blocks have whole stages.
    "matmul_pieces_deep": lambda: matmul(70, 512, 712, TILE_256, residuals=True, max_blocks=8),
    "matmul_pieces_stream": lambda: matmul(70, 512, 72, TILE_256, out_element="f32",
                                           stream="gathered", scatter=True, max_blocks=8),
    "matmul_gate_odd": lambda: matmul(65, 77, 130, TILE_64, groups=2, out_column=3),
    "matmul_scatter": lambda: matmul(137, 96, 64, TILE_64, scatter=True, residuals=True),
    "matmul_logits": lambda: matmul(9, 260, 64, out_element="f32"),
    "matmul_stream": lambda: matmul(150, 264, 72, out_element="f32", residuals=True,
                                    residual_element="f32"),
    "matmul_stream_odd": lambda: matmul(67, 99, 40, TILE_64, out_element="f32", residuals=True,
                                        residual_element="f32", scatter=True),
    "matmul_stream_row": lambda: matmul(300, 256, 136, out_element="f32", stream="row", scatter=True),
    "matmul_stream_rounded": lambda: matmul(70, 256, 72, stream="gathered"),
    "matmul_stream_gathered": lambda: matmul(70, 192, 200, out_element="f32", stream="gathered",
                                             out_column=4),
    # As calls of few rows have them.
    "matmul_64_rows_wide": lambda: matmul(137, 512, 200, tile(64, 256, 3), out_element="f32",
                                          stream="gathered", scatter=True),
    "matmul_64_rows_deep": lambda: matmul(70, 512, 200, tile(64, 256, 5), max_blocks=16),
    "matmul_64_rows_pieces": lambda: matmul(70, 384, 136, tile(64, 128, 5), residuals=True, max_blocks=6),
    # Tiles that are not whole batches of 64 columns.
    "matmul_168": lambda: matmul(200, 376, 136, tile(128, 168, 5), out_column=8),
    "matmul_72_rows_64": lambda: matmul(70, 232, 72, tile(64, 72, 6), out_width=240),
    "matmul_gate_144": lambda: matmul(150, 264, 200, tile(128, 144, 5), groups=2),
    "matmul_stream_176": lambda: matmul(137, 512, 72, tile(128, 176, 5), out_element="f32",
                                        stream="gathered", scatter=True),
    "matmul_residual_168": lambda: matmul(137, 400, 72, tile(128, 168, 5), residuals=True),
    "matmul_shared": lambda: matmul(70, 96, 776, tile(128, 96, 6) + ", cluster = 4"),
    "matmul_shared_odd": lambda: matmul(3, 77, 708, tile(128, 128, 6) + ", cluster = 8",
                                        residuals=True),
    # Two blocks share quarters and halves of a tile, beside whole ones and beyond the result.
    "matmul_shared_quarters": lambda: matmul(70, 512, 136, CLUSTERS, residuals=True, max_blocks=16),
    "matmul_shared_deep": lambda: matmul(70, 512, 504, CLUSTERS, residuals=True, max_blocks=16),
    "matmul_shared_halves": lambda: matmul(70, 330, 136, CLUSTERS, max_blocks=8),
    "matmul_shared_stream": lambda: matmul(131, 512, 136, CLUSTERS, out_element="f32", stream="gathered",
                                           scatter=True, max_blocks=18),
    "matmul_shared_last": lambda: matmul(300, 768, 136, CLUSTERS, max_blocks=4),
    "matmul_shared_thirds": lambda: matmul(7, 384, 136, tile(128, 192, 4) + ", cluster = 2",
                                           residuals=True, max_blocks=12),
    "matmul_shared_narrow": lambda: matmul(100, 576, 1160, NARROW + ", cluster = 2"),
    "matmul_shared_64_rows": lambda: matmul(129, 96, 776, tile(64, 96, 4) + ", cluster = 2"),
    "matmul_multicast": lambda: multicast(300, 512, 328, max_blocks=4, residuals=True),
    "matmul_multicast_gate": lambda: multicast(131, 264, 200, groups=2, max_blocks=4),
    "matmul_multicast_rest": lambda: multicast(300, 768, 136, max_blocks=8),
    "matmul_multicast_narrow": lambda: multicast(100, 376, 136, config=NARROW, residuals=True),
    "matmul_multicast_stream": lambda: multicast(270, 512, 392, out_element="f32", stream="gathered",
                                                 scatter=True, max_blocks=4),
    "matmul_multicast_alone": lambda: matmul(300, 512, 328, TILE_256 + ", multicast = 2", max_blocks=4),
    "matmul_multicast_shared": lambda: matmul(3100, 260, 136, CLUSTERS + ", multicast = 2", max_blocks=48),
    "matmul_one_row": lambda: matmul(1, 64, 16, TILE_64),
    "matmul_f16": lambda: matmul(131, 260, 200, residuals=True, out_column=8, element="f16"),
    "matmul_f16_odd": lambda: matmul(70, 77, 133, groups=2, scatter=True, element="f16"),
    "matmul_f32": lambda: matmul(131, 260, 200, residuals=True, out_column=8, element="f32"),
    "matmul_f32_odd": lambda: matmul(70, 77, 133, groups=2, a_column=4, scatter=True,
                                     element="f32"),
    "argmax": lambda: argmax(5, 3000),
    "argmax_odd": lambda: argmax(4, 77, in_column=3, width=90),
    "argmax_one": lambda: argmax(1, 1),
    "rowwise_norm": lambda: rowwise(37, [0, 256]),
    "rowwise_odd": lambda: rowwise(19, [0, 13, 50], in_column=3, out_column=5, gather=True,
                                   scatter=True),
    "rowwise_few": lambda: rowwise(3, [0, 2100], gather=True, max_rows=64),
    "rowwise_few_odd": lambda: rowwise(2, [0, 13, 50], in_column=3, scatter=True, max_rows=64),
    "rowwise_sections": lambda: rowwise(9, [0, 64, 72, 80], in_column=16, in_width=104),
    "rowwise_batches": lambda: rowwise(5, [0, 4100]),
    "rowwise_whole_batches": lambda: rowwise(5, [0, 4096], gather=True),
    "rowwise_odd_batches": lambda: rowwise(3, [0, 2049, 4097], in_column=1),
    "rowwise_stream": lambda: rowwise(21, [0, 200], gather=True, element="f32"),
    "rowwise_scale": lambda: norm_scale(37, 256),
    "rowwise_scale_odd": lambda: norm_scale(19, 77, in_column=3, in_width=90, gather=True),
    "rowwise_embedding": lambda: rowwise(33, [0, 96], norm=False, gather=True),
}

# Around the rows of tiles and warps, and the rows of a whole call.
ROWS = [1, 2, 7, 63, 64, 65, 127, 128, 129, 577, 4536]
SWEEPS = {
    "matmul_1x1": Sweep(lambda rows: matmul(rows, 1, 1), ROWS),
    "matmul_21x5": Sweep(lambda rows: matmul(rows, 21, 5), ROWS),
    "matmul_97x61": Sweep(lambda rows: matmul(rows, 97, 61, residuals=True), ROWS),
    "matmul_151x40": Sweep(lambda rows: matmul(rows, 151, 40, out_column=3, a_column=8), ROWS),
    "matmul_300x64": Sweep(lambda rows: matmul(rows, 300, 64), ROWS),
    "matmul_320x200": Sweep(lambda rows: matmul(rows, 320, 200, residuals=True, out_column=8), ROWS),
    "matmul_509x257": Sweep(lambda rows: matmul(rows, 509, 257, scatter=True), ROWS),
    "matmul_512x192": Sweep(lambda rows: matmul(rows, 512, 192), ROWS),
    "matmul_1021x127": Sweep(lambda rows: matmul(rows, 1021, 127, residuals=True, out_column=5),
                             ROWS),
    "matmul_96x2048": Sweep(lambda rows: matmul(rows, 96, 2048, a_column=40), ROWS),
    "matmul_768x1024": Sweep(lambda rows: matmul(rows, 768, 1024, residuals=True, scatter=True), ROWS),
    "matmul_stream_768x1024": Sweep(lambda rows: matmul(rows, 768, 1024, out_element="f32",
                                                        stream="gathered", scatter=True), ROWS),
    "matmul_stream_192x136": Sweep(lambda rows: matmul(rows, 192, 136, out_element="f32",
                                                       stream="row"), ROWS),
    "matmul_gate_77x130": Sweep(lambda rows: matmul(rows, 77, 130, groups=2), ROWS),
    "matmul_gate_151x251": Sweep(lambda rows: matmul(rows, 151, 251, groups=2, out_column=2), ROWS),
    "matmul_gate_200x72": Sweep(lambda rows: matmul(rows, 200, 72, groups=2), ROWS),
    "matmul_gate_384x256": Sweep(lambda rows: matmul(rows, 384, 256, groups=2), ROWS),
    "matmul_logits_260x64": Sweep(lambda rows: matmul(rows, 260, 64, out_element="f32"), ROWS),
    "argmax_3000": Sweep(lambda rows: argmax(rows, 3000), ROWS[:8]),
    "argmax_77": Sweep(lambda rows: argmax(rows, 77, in_column=3, width=90), ROWS),
    "rowwise_256": Sweep(lambda rows: rowwise(rows, [0, 256]), ROWS),
    "rowwise_2048": Sweep(lambda rows: rowwise(rows, [0, 2048]), ROWS),
    "rowwise_2049_4097": Sweep(lambda rows: rowwise(rows, [0, 2049, 4097], in_column=1), ROWS),
    "rowwise_13_37": Sweep(lambda rows: rowwise(rows, [0, 13, 50], in_column=3, out_column=5,
                                                gather=True, scatter=True), ROWS),
    "rowwise_sections": Sweep(lambda rows: rowwise(rows, [0, 64, 72, 80], in_column=16, in_width=104),
                              ROWS),
    "rowwise_scale_2048": Sweep(lambda rows: norm_scale(rows, 2048), ROWS),
    "rowwise_scale_77": Sweep(lambda rows: norm_scale(rows, 77, in_column=3, in_width=90,
                                                      gather=True), ROWS),
    "rowwise_embedding": Sweep(lambda rows: rowwise(rows, [0, 96], norm=False, gather=True), ROWS),
}
