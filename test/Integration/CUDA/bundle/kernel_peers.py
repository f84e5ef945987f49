#===- kernel_peers.py - Kernels by themselves beside PyTorch's -------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Times products and attention by themselves, ours and PyTorch's in turn, in short bursts.

    kernel_peers.py emit FLOWHN_OPT DIRECTORY   compiles them for sm_90a
    kernel_peers.py run DIRECTORY               prints the tables; needs PyTorch with CUDA

Both sides get the same operands and make the same bfloat16 result, which is compared. In a model
products do more behind the sums, and a GPU that computes for seconds runs at a lower clock:
peer_table.py has those numbers.
"""
import os
import statistics
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]
import graph_bench

TOKENS = 8 * 1024
# Width, inner channels, columns of b and c with the step's, intermediate size, rows of either
# branch of the FLOP-aware split of so many tokens.
MODELS = {
    "135M": (768, 1536, 80, 2048, 4616, 3576),
    "350M": (1024, 2048, 96, 4096, 4512, 3680),
    "1B": (2048, 4096, 160, 8192, 4536, 3656),
}
HEADS = {24: 32, 32: 32, 64: 32, 128: 16}
LENGTHS = [(8, 577), (8, 1024), (4, 2048), (2, 4096), (1, 8192), (1, 16384), (1, 32768)]
CHIP = "sm_90a"
TOLERANCE = 5e-3
REPEATS = 20


def products(model):
    """(columns, inner size, rows of a call's launches) of a model without a split, and with one."""
    width, inner, projected, intermediate, attention, ssm = MODELS[model]
    key_columns = width // 2
    of_split = [
        (width + key_columns, width, [attention]), (width, width, [attention]),
        (2 * inner, width, [ssm]), (projected, inner, [ssm]), (width, inner, [ssm]),
        (2 * intermediate, width, [attention, ssm]), (width, intermediate, [attention, ssm]),
    ]
    for columns, k, launches in of_split:
        yield from ((columns, k, [TOKENS]), (columns, k, launches))


def product_name(columns, inner, launches=()):
    """Of the kernel for launches of so many rows in a call of TOKENS, or of any."""
    return "_".join(["product", f"{columns}x{inner}", *map(str, launches)])


def product_text(columns, inner, launches=(), max_rows=None):
    types = [f"memref<?x{inner}xbf16>", f"memref<{columns}x{inner}xbf16>", f"memref<?x{columns}xbf16>"]
    arguments = ", ".join(f"%{i}: {kind}" for i, kind in enumerate(types))
    promise = f"max_rows = {max_rows}, " if max_rows else ""
    shares = ", ".join(repr(rows / TOKENS) for rows in launches)
    attributes = "kern.kernel" + (f", kern.token_shares = array<f64: {shares}>" if launches else "")
    return f"""
  func.func @{product_name(columns, inner, launches)}(%rows: index, {arguments}) attributes {{{attributes}}} {{
    kern.matmul rows(%rows) %0, %1 -> %2 {{
    ^bb0(%sum: f32):
      kern.yield %sum
    }} {{n = {columns}, k = {inner}, {promise}accesses = [], extra_columns = array<i64>}}
      : ({", ".join(["index"] + types)}) -> ()
    return
  }}"""


def attention_text(features):
    heads, kv_heads = HEADS[features], HEADS[features] // 4
    width = (heads + 2 * kv_heads) * features
    types = [f"memref<?x{width}xbf16>", "memref<?xi32>", f"memref<?x{heads * features}xbf16>"]
    operands = ["index"] * 3 + [types[0]] * 3 + types[1:]
    return f"""
  func.func @attention_{features}(%batch: index, %max: index, %rows: index, %0: {types[0]},
      %1: {types[1]}, %2: {types[2]}) attributes {{kern.kernel}} {{
    kern.attention batch(%batch, %max) rows(%rows) %0, %0, %0 offsets(%1) -> %2
      {{heads = {heads}, kv_heads = {kv_heads}, head_size = {features},
       scale = {features ** -0.5:.9e} : f32, k_column = {heads * features},
       v_column = {(heads + kv_heads) * features}}} : ({", ".join(operands)}) -> ()
    return
  }}"""


def emit(opt, directory):
    texts = {product_name(*kernel): product_text(*kernel) for model in MODELS for kernel in products(model)}
    graph_bench.emit(opt, directory, list(texts.values()) + [attention_text(f) for f in HEADS], CHIP)


class Bench(graph_bench.GraphBench):
    def compare(self, name, arguments, result, peer, expected):
        """Medians of five bursts each, in turn, and the relative difference of the results."""
        graphs = [self.capture([launch] * REPEATS) for launch in (self.launcher(name, arguments), peer)]
        times = [[self.time(graph, 1) / REPEATS for graph in graphs] for _ in range(5)]
        return *(statistics.median(side) for side in zip(*times)), self.difference(result, expected())

    def product(self, rows, columns, inner, name):
        a, b = self.random(rows, inner), self.random(columns, inner, scale=inner ** -0.5)
        result, peer = self.random(rows, columns), self.random(rows, columns)
        return self.compare(name, [rows, a, b, result], result,
                            lambda: self.torch.matmul(a, b.T, out=peer), lambda: peer)

    def attention(self, batch, length, features):
        from torch.nn.attention import SDPBackend, sdpa_kernel
        heads, kv_heads, rows = HEADS[features], HEADS[features] // 4, batch * length
        qkv = self.random(rows, (heads + 2 * kv_heads) * features)
        offsets = self.torch.arange(batch + 1, device="cuda", dtype=self.torch.int32) * length
        result = self.random(rows, heads * features)
        parts = qkv.view(batch, length, heads + 2 * kv_heads, features).transpose(1, 2)
        q, k, v = (part.contiguous() for part in parts.split([heads, kv_heads, kv_heads], dim=1))

        def peer():
            with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
                return self.torch.nn.functional.scaled_dot_product_attention(
                    q, k, v, is_causal=True, enable_gqa=True)
        return self.compare(f"attention_{features}", [batch, length, rows, qkv, offsets, result], result,
                            peer, lambda: peer().transpose(1, 2).reshape(rows, -1))


def row(label, flops, ours, peer, difference):
    mark = "" if difference <= TOLERANCE else f" DIFFERS by {difference:.1e}"
    print(f"| {label} | {ours:.4f} | {flops / ours / 1e9:.0f} | {peer:.4f} | {peer / ours:.2f}{mark} |",
          flush=True)
    return peer / ours, difference <= TOLERANCE


def table(head, rows):
    print(f"\n| {head} | ms | TFLOP/s | PyTorch ms | PyTorch's time / ours |\n| --- | --- | --- | --- | --- |")
    rows = list(rows)
    ratios = [ratio for ratio, _ in rows]
    print(f"\n{len(ratios)}: mean {statistics.mean(ratios):.2f}, least {min(ratios):.2f}")
    return all(good for _, good in rows)


def product_rows(bench):
    for model in MODELS:
        for columns, inner, launches in products(model):
            name = product_name(columns, inner, launches)
            for rows in launches:
                yield row(f"{model} {rows}×{columns}×{inner}", 2 * rows * columns * inner,
                          *bench.product(rows, columns, inner, name))


def attention_rows(bench):
    for features in HEADS:
        for batch, length in LENGTHS:
            flops = 2 * HEADS[features] * features * batch * length * (length + 1)
            yield row(f"{batch}×{length}, {features} features", flops,
                      *bench.attention(batch, length, features))


def run(directory):
    bench = Bench(directory)
    print(bench.torch.cuda.get_device_name())
    good = table("product rows×n×k", product_rows(bench))
    good = table("attention", attention_rows(bench)) and good
    sys.exit(not good)


def main(emit, run, usage):
    """The command line of a script that compiles kernels on one machine and times them on another."""
    if len(sys.argv) == 4 and sys.argv[1] == "emit":
        emit(*sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "run":
        run(sys.argv[2])
    else:
        sys.exit(usage)


if __name__ == "__main__":
    main(emit, run, __doc__)
