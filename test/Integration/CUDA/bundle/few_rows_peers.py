#===- few_rows_peers.py - Products of few rows beside PyTorch's ------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Times the products of a step by themselves, ours and PyTorch's: what a matrix of weights that no
cache holds takes to be read.

    few_rows_peers.py emit FLOWHN_OPT DIRECTORY   compiles them for sm_90a
    few_rows_peers.py run DIRECTORY               prints the table; needs PyTorch with CUDA

Each graph has a kernel for each of so many copies of the weights that together they exceed the
cache. Ours run twice: one after the other, and with the next one's weights on their way while
one ends, as in a model's step. The share is that of what the memory gives in copies.
"""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]
import graph_bench
from kernel_peers import CHIP, MODELS, TOLERANCE, main, product_text, products

ROWS = [1, 8, 64]
VOCABULARY = 65536
COPY_RATE = 4.2e12
CACHE_BYTES = 50 << 20


def shapes(model):
    width = MODELS[model][0]
    return list(dict.fromkeys([shape[:2] for shape in products(model)] + [(VOCABULARY, width)]))


def emit(opt, directory):
    distinct = sorted({shape for model in MODELS for shape in shapes(model)})
    graph_bench.emit(opt, directory,
                     [product_text(*shape, max_rows=max(ROWS)) for shape in distinct], CHIP)


class Bench(graph_bench.GraphBench):
    def compare(self, rows, columns, inner):
        torch = self.torch
        count = min(max(4 * CACHE_BYTES // (2 * columns * inner), 2), 128)
        weights = [self.random(columns, inner) for _ in range(count)]
        a = self.random(rows, inner, scale=inner ** -0.5)
        result, peer = self.random(rows, columns), self.random(rows, columns)
        recorder = self.record(f"product_{columns}x{inner}", [[rows, a, b, result] for b in weights])

        def matmuls():
            for b in weights:
                torch.matmul(a, b.T, out=peer)
        launches = [lambda: self.replay(recorder), lambda: self.replay(recorder, overlaps=True), matmuls]
        seconds = [self.milliseconds([launch]) / count / 1e3 for launch in launches]
        return *seconds, self.difference(result, peer)


def run(directory):
    bench, good = Bench(directory), True
    print(bench.torch.cuda.get_device_name())
    print("\n| product rows×n×k | µs | share | overlapping, µs | share | PyTorch µs |\n"
          "| --- | --- | --- | --- | --- | --- |")
    for model in MODELS:
        for columns, inner in shapes(model):
            for rows in ROWS:
                alone, overlapping, peer, difference = bench.compare(rows, columns, inner)
                bytes = 2 * (columns * inner + rows * (columns + inner))
                share = lambda seconds: f"{seconds * 1e6:.2f} | {bytes / seconds / COPY_RATE:.0%}"
                good &= difference <= TOLERANCE
                mark = "" if difference <= TOLERANCE else f" DIFFERS by {difference:.1e}"
                print(f"| {model} {rows}×{columns}×{inner} | {share(alone)} | {share(overlapping)} | "
                      f"{peer * 1e6:.2f}{mark} |", flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main(emit, run, __doc__)
