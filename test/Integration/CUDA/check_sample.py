#===- check_sample.py - Drawing tokens on the GPU --------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""kern.sample beside its description in integers of any length, for check_kernels.py."""

import numpy as np

from check_rows import Case
from kernel_harness import Sweep

COEFFICIENTS = [2147483527, 1488513547, 515780381, 118751808, 19776564, 2033403]
ALL = 2**64 - 1
LAST_DISTANCE = 2**30 - 64
LOG2E = 1.4426950408889634


def weight(distance):
    fraction, total = (distance & 0xFFFFFF) * 256, 0
    for coefficient in reversed(COEFFICIENTS):
        total = coefficient - ((fraction * total) >> 32)
    return (total * 512) >> (distance >> 24)


def distances_of(logits, scale):
    largest = np.fmax.reduce(logits)
    with np.errstate(all="ignore"):
        scaled = np.fmin((largest - logits) * np.float32(scale), np.float32(LAST_DISTANCE))
    return [0 if logit == largest else int(value) for logit, value in zip(logits, scaled)]


def draw(logits, scale, top_k, share, random):
    distances = distances_of(logits, scale)
    limit = sorted(distances)[min(top_k or len(distances), len(distances)) - 1]
    kept = sorted(d for d in distances if d <= limit)
    sums = np.cumsum([weight(d) for d in kept], dtype=object)
    limit = next((d for d, total in zip(kept, sums) if total > share * sums[-1] >> 64), kept[-1])
    sums = np.cumsum([weight(d) if d <= limit else 0 for d in distances], dtype=object)
    return next((i for i, total in enumerate(sums) if total > random * sums[-1] >> 64), -1)


def penalized(logits, penalty, history):
    result = logits.copy()
    result[history] = np.where(logits[history] > 0, logits[history] / penalty,
                               logits[history] * penalty)
    return result


def scale_of(temperature):
    return np.float32(min(float(np.finfo(np.float32).max), 2.0**24 * LOG2E / temperature))


def halves(number):
    return [number & 0xFFFFFFFF, number >> 32]


# Temperature, penalty, top-k and share.
KINDS = [(1.0, 1, 0, 1), (1.0, 1, 1, 1), (0.7, 1.3, 7, 1), (1.0, 1, 0, 0.5), (1.3, 1.5, 40, 0.9),
         (1e-40, 1.2, 0, 1), (1e9, 1, 3, 1), (1.0, 0.5, 10**6, 1e-9), (2.0, 1, 0, 0.999)]


def sample(rows, n, width=None, kinds=KINDS):
    """Rows of every kind of draw; some with logits that are infinite, equal or no numbers."""
    case = Case(rows)
    x = np.full((rows, width or n), np.nan, np.float32)
    x[:, :n] = case.rng.standard_normal((rows, n)).astype(np.float32) * 4
    x[::3, ::2] = np.float32(1.5)
    x[1::4, ::5] = -np.inf
    x[2::4, ::7] = np.nan
    x[5::13, n // 2] = np.inf
    x[6::13, :n] = np.nan
    x[7::13, :n] = -np.inf
    draws, history, expected = [], [], []
    for row in range(rows):
        temperature, penalty, top_k, part = kinds[row % len(kinds)]
        scale, penalty = scale_of(temperature), np.float32(penalty)
        share = ALL if part == 1 else int(part * 2**64) - 1
        random = int(case.rng.integers(2**64, dtype=np.uint64))
        seen = case.rng.permutation(n)[:n // 3] if penalty != 1 else np.zeros(0, int)
        numbers = [int(scale.view(np.uint32)), int(penalty.view(np.uint32)), top_k, len(history),
                   len(seen)]
        draws.append(numbers + halves(share) + halves(random))
        history += list(seen)
        expected.append(draw(penalized(x[row, :n], penalty, seen), scale, top_k, share, random))
    logits = case.add(f"memref<?x{x.shape[1]}xf32>", x.view(np.uint32))
    table = case.add("memref<?xi32>", np.array(draws, np.uint32).view(np.int32))
    seen, _ = case.table(history + [0])
    out = case.numbers(rows, "i32")
    case.define(f"sample rows(%rows) {logits}, {table}, {seen} -> {out} {{n = {n}}}",
                (np.arange(rows), np.array(expected)[:, None]))
    return case


CHIPS = ["sm_90a"]  # the same code for all, of 1024 threads, which an interpreter takes long for
CASES = {
    "sample": lambda: sample(4, 77, width=90, kinds=[KINDS[i] for i in (3, 2, 4, 5)]),
    "sample_columns": lambda: sample(1, 2100),
    "sample_one": lambda: sample(1, 1),
    "sample_equal": lambda: sample(1, 77, kinds=[KINDS[6]]),
}
REAL_CASES = {
    "sample_256": lambda: sample(64, 256),
    "sample_65536_row": lambda: sample(1, 65536),
    "sample_65536_top_k": lambda: sample(1, 65536, kinds=[(1.0, 1, 40, 1)]),
    "sample_65536_top_p": lambda: sample(1, 65536, kinds=[(1.0, 1, 0, 0.9)]),
    "sample_65536_both": lambda: sample(1, 65536, kinds=[(0.8, 1, 40, 0.95)]),
    "sample_65536_equal": lambda: sample(1, 65536, kinds=[(1e9, 1, 40, 0.95)]),
    "sample_65536": lambda: sample(9, 65536),
}
SWEEPS = {
    "sample_77": Sweep(lambda rows: sample(rows, 77, width=90), [1, 9, 40]),
    "sample_3001": Sweep(lambda rows: sample(rows, 3001), [1, 2, 7, 40])}
