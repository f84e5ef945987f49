#!/usr/bin/env python3
#===- shipped_table.py - The calibration that ships -------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Puts the kernels that run-bench.sh calibrate measured into a table that ships, in place of those
that it has: all but products of few rows and the shortest row-wise kernels. Rates stay, which are
fitted by hand, and the overlap, which blocks by themselves do not tell (docs/Performance.md).

    shipped_table.py MEASURED.json lib/Target/NVPTX/H200.json
"""

import json
import sys

FEW_ROWS = 64
LEAST_ROWWISE_US = 4


def is_kept(kind, row):
    if kind == "matmul":
        return row[0] > FEW_ROWS
    return kind != "rowwise" or row[-1] >= LEAST_ROWWISE_US


def main(measured, shipped):
    with open(measured) as file:
        kernels = json.load(file)["kernels"]
    with open(shipped) as file:
        rates = file.read().split(' "kernels"')[0]
    classes = (f'  "{kind}": [\n   '
               + ",\n   ".join(json.dumps(row) for row in sorted(rows) if is_kept(kind, row)) + "]"
               for kind, rows in kernels.items())
    with open(shipped, "w") as file:
        file.write(rates + ' "kernels": {\n' + ",\n".join(classes) + "\n }\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
