#===- check_grouped.py - Several matmuls in one launch of the GPU ----------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Groups of matmuls, and of row-wise kernels, of equal and unequal shapes, and what they give in
float64, for check_kernels.py."""

import re

import numpy as np

from check_rows import ROWS, TILE_64, matmul, rowwise, tile
from kernel_harness import ELEMENTS, Outcome, Sweep, launch, relative_error

CHIPS = ["sm_90a"]


class Group:
    """Kernels of one kind in one launch; where they are `joined`, side by side in the first one's
    buffer."""

    def __init__(self, *members, config=None, joined=False, max_blocks=0, forms_clusters=False):
        self.members, self.config, self.joined = members, config, joined
        self.max_blocks, self.forms_clusters = max_blocks, forms_clusters

    def kind(self):
        return self.members[0].op.split()[0]

    @staticmethod
    def rename(text, number):
        """A member's operands, named apart from those of the others."""
        return re.sub(r"%(rows|\d+)\b", rf"%m{number}_\1", text)

    def functions(self, name):
        names, types, products = [], [], ""
        for number, member in enumerate(self.members):
            names += [f"m{number}_{i}" for i in ["rows", *range(len(member.types))]]
            types += ["index"] + member.types
            operands = ", ".join(["index"] + [member.types[int(i)] for i in member.used])
            products += f"\n    kern.{self.rename(member.op, number)} : ({operands}) -> ()"
        operands = list(names)
        if self.joined:
            first, *others = [f"m{i}_{member.out}" for i, member in enumerate(self.members)]
            operands = [first if operand in others else operand for operand in operands]
        declare = lambda prefix: ", ".join(f"%{prefix}{one}: {kind}" for one, kind in zip(names, types))
        config = f" {{config = {{{self.config}}}}}" if self.config else ""
        return f"""
  func.func @{name}({declare("of_")}) attributes {{kern.kernel}} {{
    kern.grouped_{self.kind()}({", ".join("%of_" + operand for operand in operands)}) {{
    ^bb0({declare("")}):{products}
    }}{config} : ({", ".join(types)}) -> ()
    return
  }}"""

    def check(self, name, directory, runner):
        memory = runner.memory()
        pointers = [[memory.put(array) for array in member.arrays] for member in self.members]
        launch(runner, directory, name, memory,
               [value for member, own in zip(self.members, pointers) for value in [member.rows] + own],
               self.max_blocks, self.forms_clusters)
        errors, untouched = [], True
        for number, member in enumerate(self.members):
            owner = 0 if self.joined else number
            out = self.members[owner].out
            initial = self.members[owner].arrays[out]
            stored = memory.view(pointers[owner][out], initial.shape, initial.dtype)
            targets, expected = member.expected
            result = ELEMENTS[member.out_element].decode(stored[targets][:, member.out_columns])
            errors.append((f"relative error of member {number}",
                           relative_error(result.astype(np.float64), expected),
                           ELEMENTS[member.element].tolerance))
            beside = np.ones(stored.shape, bool)
            for one in self.members if self.joined else [member]:
                beside[one.expected[0], one.out_columns] = False
            untouched &= bool((stored[beside] == initial[beside]).all())
        yield Outcome("", errors, untouched)


def shared(columns, stages, cluster, products=0):
    """A configuration where the last tiles are those of clusters, or all of the first products."""
    return (f"{tile(128, columns, stages)}, cluster = {cluster}"
            + (f", shared_products = {products}" if products else ""))


def alike(rows, k):
    return matmul(rows, 328, k, out_element="f32", stream="row", scatter=True)


MULTICAST = tile(128, 256, 4) + ", multicast = 2"
CASES = {
    "equal": lambda: Group(matmul(200, 256, 128), matmul(200, 256, 128)),
    "unequal": lambda: Group(matmul(131, 320, 200, residuals=True, a_column=8),
                             matmul(270, 96, 328, out_column=8)),
    "gate": lambda: Group(matmul(150, 384, 72, groups=2), matmul(65, 200, 136, groups=2)),
    "stream": lambda: Group(
        matmul(150, 264, 72, out_element="f32", stream="gathered", scatter=True),
        matmul(129, 256, 136, out_element="f32", stream="row")),
    "columns_192": lambda: Group(matmul(400, 384, 64), matmul(300, 192, 136), config=tile(128, 192, 4)),
    "columns_152": lambda: Group(matmul(131, 320, 200), matmul(270, 136, 328, out_column=8),
                                 config=tile(128, 152, 5)),
    "rows_64": lambda: Group(matmul(137, 96, 64), matmul(70, 77, 130), config=TILE_64),
    "rows_64_alike": lambda: Group(alike(131, 200), alike(270, 1160), config=tile(64, 128, 9), max_blocks=12),
    "rows_64_gate": lambda: Group(matmul(150, 384, 72, groups=2), matmul(65, 200, 136, groups=2),
                                  config=tile(64, 256, 5)),
    "rows_64_stream": lambda: Group(
        matmul(150, 264, 72, out_element="f32", stream="gathered", scatter=True),
        matmul(129, 256, 136, out_element="f32", stream="row"), config=tile(64, 96, 11)),
    "shared": lambda: Group(matmul(70, 256, 1160, residuals=True),
                            matmul(9, 250, 200, out_element="f32", stream="row", scatter=True),
                            config=shared(192, 4, 2), max_blocks=24),
    "shared_192": lambda: Group(matmul(9, 144, 776, out_element="f32", stream="gathered", scatter=True),
                                matmul(0, 96, 264), config=shared(192, 4, 4)),
    "shared_gate": lambda: Group(matmul(70, 200, 1160, groups=2), matmul(127, 77, 130, groups=2),
                                 config=shared(256, 4, 2), max_blocks=12),
    "shared_halves": lambda: Group(matmul(1, 512, 136, residuals=True),
                                   matmul(129, 256, 328, out_element="f32", stream="row", scatter=True),
                                   config=shared(256, 4, 2), max_blocks=16),
    "shared_quarters": lambda: Group(matmul(1, 256, 136, out_width=264), matmul(70, 512, 328),
                                     config=shared(256, 4, 2), max_blocks=24),
    # Longer products come first, whatever their place; two rounds of blocks, and fewer tiles than these.
    "shared_first": lambda: Group(alike(131, 200), alike(270, 1160), config=shared(128, 4, 2, 1),
                                  max_blocks=14),
    "shared_first_of_one_round": lambda: Group(matmul(1, 256, 72), matmul(70, 128, 328),
                                               config=shared(128, 4, 2, 1)),
    "shared_first_alone": lambda: Group(matmul(0, 256, 72), matmul(129, 160, 328),
                                        config=shared(160, 4, 2, 1)),
    "shared_all": lambda: Group(alike(131, 200), alike(270, 1160), config=shared(192, 4, 2, 2),
                                max_blocks=10),
    "shared_all_unlike": lambda: Group(matmul(131, 320, 200, residuals=True, a_column=8),
                                       matmul(270, 96, 328, out_column=8), config=shared(160, 5, 2, 2)),
    "shared_all_by_four": lambda: Group(alike(9, 264), alike(137, 776), config=shared(192, 4, 4, 2),
                                        max_blocks=8),
    "multicast": lambda: Group(matmul(300, 512, 136, residuals=True), matmul(131, 260, 328, out_column=8),
                               config=MULTICAST, max_blocks=6, forms_clusters=True),
    "multicast_gate": lambda: Group(matmul(150, 264, 200, groups=2), matmul(9, 128, 200, groups=2),
                                    config=MULTICAST, max_blocks=4, forms_clusters=True),
    "multicast_alone": lambda: Group(alike(131, 200), alike(270, 1160), config=MULTICAST, max_blocks=4),
    "joined": lambda: Group(matmul(137, 128, 64, out_width=264),
                            matmul(137, 136, 72, out_width=264, out_column=128), joined=True),
    "joined_quarters": lambda: Group(matmul(70, 256, 136, out_width=768),
                                     matmul(70, 512, 328, out_width=768, out_column=256), joined=True,
                                     config=shared(256, 4, 2), max_blocks=24),
    "three": lambda: Group(matmul(70, 256, 72), matmul(1, 128, 200), matmul(140, 300, 64)),
    "empty_first": lambda: Group(matmul(0, 256, 72), matmul(150, 256, 136)),
    "empty_last": lambda: Group(matmul(150, 256, 72, residuals=True), matmul(0, 256, 136)),
    "norms": lambda: Group(rowwise(37, [0, 256]), rowwise(5, [0, 256])),
    "norms_unlike": lambda: Group(rowwise(19, [0, 13, 50], in_column=3, gather=True),
                                  rowwise(9, [0, 64, 72, 80], in_column=16, scatter=True)),
    "norms_few": lambda: Group(rowwise(3, [0, 1100], gather=True, max_rows=1536),
                               rowwise(2, [0, 13, 50], scatter=True, max_rows=1536)),
    "norms_empty_first": lambda: Group(rowwise(0, [0, 264], max_rows=1536),
                                       rowwise(5, [0, 264], max_rows=1536)),
    "norms_empty_last": lambda: Group(rowwise(5, [0, 256]), rowwise(0, [0, 256])),
    "f16": lambda: Group(matmul(131, 260, 200, residuals=True, element="f16"),
                         matmul(77, 320, 64, element="f16")),
}

SWEEPS = {
    "unequal_512x192_768x264": Sweep(lambda rows: Group(matmul(rows, 512, 192),
                                                matmul(577 - rows % 577, 768, 264)), ROWS),
    "gate_384x256": Sweep(lambda rows: Group(matmul(129, 384, 256, groups=2),
                                             matmul(rows, 384, 256, groups=2)), ROWS),
}


def published(size, hidden, mlp, inner, max_rows, calls):
    """The launches of both branches' products in a block of a published size, each for calls of so
    many tokens of one and of the other."""
    launches = {"in": lambda branch, rows: product(rows, [3 * hidden // 2, 2 * inner][branch], hidden),
                "out": lambda branch, rows: product(rows, hidden, [hidden, inner][branch],
                                                    out_element="f32", stream="gathered"),
                "gate": lambda _, rows: product(rows, mlp, hidden, groups=2),
                "down": lambda _, rows: product(rows, hidden, mlp, stream="row", scatter=True)}
    # Kernels that differ in their bounds alone would be one.
    product = lambda rows, n, k, **options: matmul(rows, n, k, max_rows=max_rows,
                                                   out_width=n + (max_rows or 0) // 96, **options)
    group = lambda make: lambda call: Group(*(make(branch, rows) for branch, rows in enumerate(call)))
    return {f"real_{size}_rows{max_rows or ''}_{name}": Sweep(group(make), calls)
            for name, make in launches.items()}


# At 1x256 and 1x1024, 3x777, and 8x1024.
CALLS = {512: [(141, 115)], 608: [(564, 460)], 1536: [(951, 1380)], None: [(4512, 3680)]}
REAL_CASES = {name: entry
              for size in [("135M", 768, 2048, 1536), ("350M", 1024, 4096, 2048), ("1B", 2048, 8192, 4096)]
              for max_rows, calls in CALLS.items()
              for name, entry in published(*size, max_rows, calls).items()}
