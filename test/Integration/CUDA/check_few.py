#===- check_few.py - Matmuls of few rows for the GPU -----------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Matmuls that promise few rows, or of few columns, around those of their tiles, and of k's share of a
block, for check_kernels.py."""

import check_rows
from kernel_harness import Sweep

CHIPS = ["sm_90a"]


def matmul(rows, n, k, *arguments, max_rows=64, **settings):
    return check_rows.matmul(rows, n, k, *arguments, max_rows=max_rows, **settings)


CASES = {
    "few_1_odd": lambda: matmul(1, 77, 133, residuals=True, out_column=3),
    "few_2_gate": lambda: matmul(2, 130, 72, groups=2),
    "few_7": lambda: matmul(7, 64, 16),
    "few_8": lambda: matmul(8, 130, 264, out_element="f32", stream="gathered", scatter=True),
    "few_8_ring": lambda: matmul(8, 64, 520, "cluster = 1, stages = 2"),
    "few_9": lambda: matmul(9, 96, 520, residuals=True, scatter=True, a_column=8),
    "few_33_gate": lambda: matmul(33, 77, 200, groups=2, out_column=2),
    "few_33_ring": lambda: matmul(33, 64, 392, "cluster = 2, stages = 2", groups=2),
    "few_63_f16": lambda: matmul(63, 72, 72, scatter=True, element="f16"),
    "few_64": lambda: matmul(64, 132, 264, out_element="f32", stream="row"),
    "few_at_most_8": lambda: matmul(5, 68, 392, "cluster = 2, stages = 2", max_rows=8, stream="row",
                                    out_element="f32"),
    "few_at_most_20": lambda: matmul(20, 68, 136, max_rows=20),
    "few_tiles": lambda: matmul(150, 96, 520, max_rows=608, out_element="f32"),
    "few_tiles_odd": lambda: matmul(129, 77, 328, max_rows=1536, residuals=True, scatter=True,
                                    a_column=8, out_column=3),
    "few_tiles_one": lambda: matmul(1, 21, 136, max_rows=608, stream="gathered", out_element="f32"),
    "few_tiles_ring": lambda: matmul(65, 64, 520, "cluster = 2, stages = 2, tile_rows = 64",
                                     max_rows=608),
}

ROWS = [1, 2, 7, 8, 9, 33, 63, 64]
TILES = [1, 8, 63, 64, 65, 127, 128, 129, 457, 767, 768]
SWEEPS = {
    "few_tiles_160x4096": Sweep(lambda rows: matmul(rows, 160, 4096, max_rows=608, out_element="f32"),
                                TILES),
    "few_tiles_96x2048": Sweep(lambda rows: matmul(rows, 96, 2048, max_rows=1536, residuals=True,
                                                   scatter=True), [*TILES, 1379, 1536]),
    "few_21x5": Sweep(lambda rows: matmul(rows, 21, 5), ROWS),
    "few_151x260": Sweep(lambda rows: matmul(rows, 151, 260, residuals=True, scatter=True), ROWS),
    "few_768x1024": Sweep(lambda rows: matmul(rows, 768, 1024, out_element="f32", stream="row"), ROWS),
    "few_160x4096": Sweep(lambda rows: matmul(rows, 160, 4096), ROWS),
    "few_gate_509x257": Sweep(lambda rows: matmul(rows, 509, 257, groups=2), ROWS),
    "few_gate_2048x768": Sweep(lambda rows: matmul(rows, 2048, 768, groups=2), ROWS),
}
