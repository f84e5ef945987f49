#!/usr/bin/env python3
#===- make_jobs.py - Kernels of real sizes, for run_kernel -----------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Compiles matmuls and norms at the models' sizes and writes a job for run_kernel for
each: the kernel, its launch, and a float64 reference of sampled rows.

    make_jobs.py FLOWHN_OPT FOLDER [--ptxas]
"""

import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_rows import GATE, NORM
from kernel_harness import emit, evaluate

PLAIN = """
    ^bb0(%sum: f32):
      kern.yield %sum"""
RESIDUAL = """
    ^bb0(%sum: f32, %x: f32):
      %y = arith.addf %sum, %x : f32
      kern.yield %y"""
SAMPLES = 48


def random_values(rows, width, wanted, seed):
    """The rows `wanted` of what run_kernel fills a buffer with."""
    index = (np.asarray(wanted, np.uint64)[:, None] * width + np.arange(width, dtype=np.uint64))
    x = index.astype(np.uint32) ^ np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return ((x >> np.uint32(24)).astype(np.float64) - 128) / 128


def buffer(rows, width, seed=None):
    description = {"elements": rows * width, "type": "bf16"}
    return description if seed is None else {**description, "seed": seed}


def matmul(name, n, k, groups=1, residual=False):
    region = GATE if groups == 2 else RESIDUAL if residual else PLAIN
    types = [f"memref<?x{k}xbf16>", f"memref<{groups * n}x{k}xbf16>", f"memref<?x{n}xbf16>"]
    tail, accesses, offsets = "", "", ""
    if residual:
        types.append(f"memref<?x{n}xbf16>")
        tail, accesses, offsets = " extras(%3)", "#kern.access<row>", ": 0"
    arguments = ", ".join(f"%{i}: {t}" for i, t in enumerate(types))
    text = f"""
  func.func @{name}(%rows: index, {arguments}) attributes {{kern.kernel}} {{
    kern.matmul rows(%rows) %0, %1 -> %2{tail} {{{region}
    }} {{n = {n}, k = {k}, groups = {groups}, accesses = [{accesses}],
      extra_columns = array<i64{offsets}>}} : (index, {", ".join(types)}) -> ()
    return
  }}"""

    def job(rows, samples):
        a = random_values(rows, k, samples, 1)
        b = random_values(groups * n, k, np.arange(groups * n), 2)
        sums = (a @ b.T).reshape(len(samples), groups, n).transpose(1, 0, 2)
        values = sums[0] if groups == 1 else sums[0] / (1 + np.exp(-sums[0])) * sums[1]
        buffers = [buffer(rows, k, 1), buffer(groups * n, k, 2), buffer(rows, n)]
        if residual:
            values = values + random_values(rows, n, samples, 3)
            buffers.append(buffer(rows, n, 3))
        moved = 2 * (rows * k + groups * n * k + rows * n * (2 if residual else 1))
        return buffers, 3, n, values, 2 * rows * n * k * groups, moved

    return text, job


def norm(name, width):
    text = f"""
  func.func @{name}(%rows: index, %0: memref<?x{width}xbf16>, %1: memref<?x{width}xbf16>,
                    %2: memref<{width}xbf16>) attributes {{kern.kernel}} {{
    kern.rowwise rows(%rows) %0 -> %1 extras(%2) {{{NORM}
    }} {{sections = array<i64: 0, {width}>, reduction = #kern.reduction<mean_of_squares>,
      accesses = [#kern.access<column>], extra_columns = array<i64: 0>}}
      : (index, memref<?x{width}xbf16>, memref<?x{width}xbf16>, memref<{width}xbf16>) -> ()
    return
  }}"""

    def job(rows, samples):
        x = random_values(rows, width, samples, 1)
        weight = random_values(1, width, [0], 2)
        values = x / np.sqrt((x ** 2).mean(1, keepdims=True) + 1e-5) * weight
        buffers = [buffer(rows, width, 1), buffer(rows, width), buffer(1, width, 2)]
        return buffers, 2, width, values, 4 * rows * width, 4 * rows * width

    return text, job


# Name, kernel, rows.
KERNELS = [
    ("square", matmul("square", 4096, 4096), 4096),
    ("up", matmul("up", 8192, 2048, groups=2), 4536),
    ("down", matmul("down", 2048, 8192, residual=True), 4536),
    ("projection", matmul("projection", 3072, 2048), 4536),
    ("small", matmul("small", 1152, 768), 4608),
    ("narrow", matmul("narrow", 96, 2048), 3656),
    ("norm", norm("norm", 2048), 8192),
]


def write_job(folder, name, job, rows):
    with open(os.path.join(folder, name + ".json")) as file:
        launch = json.load(file)
    samples = np.unique(np.linspace(0, rows - 1, SAMPLES).astype(int)).tolist()
    buffers, argument, width, values, flops, moved = job(rows, samples)
    values.tofile(os.path.join(folder, name + ".f64"))
    blocks = evaluate(launch["grid"][0], rows)
    if launch["max_blocks"]:
        blocks = min(blocks, launch["max_blocks"])
    maps = [{**m, "rows": evaluate(m["rows"][0], rows)} for m in launch["tensor_maps"]]
    cubin = os.path.exists(os.path.join(folder, name + ".cubin"))
    description = {
        "code": name + (".cubin" if cubin else ".ptx"), "kernel": name, "grid": [blocks, 1, 1],
        "threads": launch["threads"], "shared_bytes": launch["shared_bytes"],
        "arguments": [{"index": rows}] + buffers, "tensor_maps": maps,
        "expected": {"argument": argument, "file": name + ".f64", "type": "bf16", "rows": samples,
                     "width": width, "column": 0, "columns": width},
        "flops": flops, "bytes": moved}
    with open(os.path.join(folder, name + ".job.json"), "w") as file:
        json.dump(description, file, indent=1)


def main():
    opt, folder, *options = sys.argv[1:]
    emit(opt, folder, [text for _, (text, _), _ in KERNELS], assemble="--ptxas" in options)
    for name, (_, job), rows in KERNELS:
        write_job(folder, name, job, rows)


if __name__ == "__main__":
    main()
