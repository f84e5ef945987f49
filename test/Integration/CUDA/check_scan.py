#!/usr/bin/env python3
#===- check_scan.py - Scans with states and in chunks, for the GPU ---------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Checks scans that start from states, end in states or run in chunks, in float64.

    check_scan.py FLOWHN_OPT [NAME...]

compiles them at small, odd shapes and runs their PTX in an interpreter, without a GPU.

    check_scan.py --emit FLOWHN_OPT DIRECTORY
    check_scan.py --gpu DIRECTORY [NAME...]

compile them into a directory, those of real sizes too, and run them from there on a GPU,
with the time of each kernel.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_sequence
import ptx_interpreter as ptx
from check_sequence import Memory, offsets_of, silu

# Of float32 results; those that are stored as bfloat16 have check_sequence's.
TOLERANCE = 1e-6
LENGTHS = [0, 1, 15, 16, 17, 35, 0]


class Case:
    """A scan of `states` by `channels`, its rows float32 or bfloat16.

    The scan starts from the states of one buffer and leaves them there, or does what `ends`
    names of the two. `chunk_rows` are what it is tried with: None is the form without chunks, and with a
    chunk as long as the longest sequence the kernels of the states have no blocks.
    """

    def __init__(self, states, channels, element="bf16", ends=("initial", "final"),
                 lengths=LENGTHS, chunk_rows=(None, 16, 35)):
        self.states, self.channels, self.element = states, channels, element
        self.ends, self.lengths, self.chunk_rows = ends, lengths, chunk_rows

    def kernels(self, name):
        """The functions of the case; buffers that they share have one name."""
        rows, bc = f"memref<?x{self.channels}x{self.element}>", f"memref<?x{2 * self.states}x{self.element}>"
        types = {
            "batch": "index", "max": "index", "chunks": "index", "rows": "index", "u": rows,
            "delta": rows, "a": f"memref<{self.states}x{self.channels}xf32>", "bc": bc,
            "offsets": "memref<?xi32>", "out": rows, "gate": rows,
            "states": f"memref<?x{self.states}x{self.channels}xf32>",
            "sums": f"memref<?x{self.channels}xf32>",
        }
        types["state"] = types["states"]
        state = "".join(f" {end}(%state)" for end in self.ends)
        inputs = " %u, %delta, %a, %bc, %bc offsets(%offsets) -> %out extras(%gate)"
        region = f""" {{
    ^bb0(%y: f32, %x: f32, %z: f32):{check_sequence.SILU.format("z")}
      %r = arith.mulf %y, %s : f32
      kern.yield %r
    }} {{c_column = {self.states}, accesses = [#kern.access<row>], extra_columns = array<i64: 0>}}"""
        initial = " initial(%state)" if "initial" in self.ends else ""
        bodies = {
            "whole": "kern.scan batch(%batch, %max)" + inputs + state + region,
            "states": "kern.scan_states batch(%batch) chunks(%chunks, %rows) %u, %delta, %a, %bc "
                      "offsets(%offsets) -> %states, %sums",
            "combine": "kern.scan_combine batch(%batch) chunks(%chunks, %rows) %a, %sums "
                       "offsets(%offsets) -> %states" + initial,
            "chunks": "kern.scan batch(%batch, %max) chunks(%chunks, %rows)" + inputs
                      + " from(%states)" + state + region,
        }
        return {f"{name}_{part}": (body, used_names(body), types) for part, body in bodies.items()}


def used_names(body):
    """The operands of an op, in order, up to its region."""
    names = [word.strip("(),") for word in body.split("{")[0].replace("(", " ").split() if "%" in word]
    return [name.strip("%") for name in names]


CASES = {
    "scan_8": Case(8, 67),
    "scan_16": Case(16, 64, "f32"),
    "scan_16_no_states": Case(16, 7, ends=()),
    "scan_16_final": Case(16, 7, "f32", ends=("final",)),
    "scan_17": Case(17, 33, "f32", chunk_rows=(None, 5, 16)),
    "scan_64": Case(64, 18, lengths=[17, 0, 35]),
    "scan_256": Case(256, 5, "f32", lengths=[9, 0, 1], chunk_rows=(None, 4)),
}
REAL_CASES = {
    "real_scan_1x4096": Case(16, 4096, lengths=[4096], chunk_rows=(None, 128, 256, 512)),
    "real_scan_1x8192": Case(16, 4096, lengths=[8192], chunk_rows=(None, 256, 512, 1024)),
    "real_scan_1x4096_small": Case(16, 1024, lengths=[4096], chunk_rows=(None, 128, 256)),
    "real_scan_2x2048": Case(16, 4096, lengths=[2048] * 2, chunk_rows=(None, 128, 256, 512)),
    "real_scan_8x1024": Case(16, 4096, lengths=[1024] * 8, chunk_rows=(None, 256, 1024)),
}


def module_text(cases):
    lines = ["module @kernels {"]
    for name, case in cases.items():
        for kernel, (body, names, types) in case.kernels(name).items():
            distinct = list(dict.fromkeys(names))
            arguments = ", ".join(f"%{name}: {types[name]}" for name in distinct)
            lines.append(f"  func.func @{kernel}({arguments}) attributes {{kern.kernel}} {{")
            lines.append(f"    {body} : ({', '.join(types[name] for name in names)}) -> ()")
            lines.append("    return\n  }")
    return "\n".join(lines + ["}", ""])


class Data:
    """The buffers of a case and what its scan gives in float64."""

    def __init__(self, case, memory):
        self.case, self.memory, self.pointers = case, memory, {}
        self.buffers = Memory(case.states, memory)
        total, self.batch = sum(case.lengths), len(case.lengths)
        self.offsets = offsets_of(case.lengths)
        self.put("offsets", self.offsets)
        self.u = self.rows("u", total, case.channels)
        self.delta = np.logaddexp(0, self.rows("delta", total, case.channels, 2.0, -2.0))
        self.a = self.floats("a", -self.buffers.rng.uniform(0.05, 4, (case.states, case.channels)))
        self.bc = self.rows("bc", total, 2 * case.states)
        self.gate = self.rows("gate", total, case.channels)
        self.initial = self.buffers.rng.standard_normal((self.batch, case.states, case.channels)).astype(np.float32)
        self.out, self.final = self.reference()

    def put(self, name, array):
        self.pointers[name] = self.memory.put(array)

    def floats(self, name, values):
        self.put(name, np.asarray(values, np.float32))
        return np.asarray(values, np.float32).astype(np.float64)

    def rows(self, name, count, width, scale=1.0, shift=0.0):
        values = self.buffers.rng.standard_normal((count, width)) * scale + shift
        if self.case.element == "f32":
            return self.floats(name, values)
        stored = ptx.f2bf(values.astype(np.float32))
        self.put(name, stored)
        return ptx.bf2f(stored).astype(np.float64)

    def reference(self):
        case, out = self.case, np.zeros_like(self.u)
        final = self.initial.astype(np.float64) * ("initial" in case.ends)
        for number, (begin, end) in enumerate(zip(self.offsets, self.offsets[1:])):
            h = final[number]
            for row in range(begin, end):
                b, c = self.bc[row, :case.states, None], self.bc[row, case.states:, None]
                h = np.exp(self.delta[row] * self.a) * h + self.delta[row] * self.u[row] * b
                out[row] = (h * c).sum(0) * silu(self.gate[row])
            final[number] = h
        return out, final

    def prepare(self, chunk_rows):
        """Results and chunks' states, which start as NaN: what is read must be written."""
        nan = lambda *shape: np.full(shape, np.nan, np.float32)
        total, states, channels = sum(self.case.lengths), self.case.states, self.case.channels
        width = {"f32": np.float32, "bf16": np.uint16}[self.case.element]
        self.put("out", np.full((total, channels), 0xffff, width))
        self.put("state", self.initial)
        if chunk_rows:
            bound = total // chunk_rows + self.batch
            self.put("states", nan(bound, states, channels))
            self.put("sums", nan(bound, channels))
        longest = max(self.case.lengths)
        rows = chunk_rows or longest
        return {"batch": self.batch, "max": longest, "rows": rows, "chunks": max(1, -(-longest // rows))}

    def result(self):
        shape = self.u.shape
        if self.case.element == "f32":
            return self.memory.view(self.pointers["out"], shape, np.float32).astype(np.float64)
        return ptx.bf2f(self.memory.view(self.pointers["out"], shape, np.uint16)).astype(np.float64)

    def state(self):
        return self.memory.view(self.pointers["state"], self.initial.shape, np.float32).astype(np.float64)


def error_of(actual, expected):
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)


def launch(kernel, names, types, data, extents, directory, run):
    """Runs a kernel once; returns what gives the time of it, where a clock is at hand."""
    with open(os.path.join(directory, kernel + ".json")) as file:
        description = json.load(file)
    names = list(dict.fromkeys(names))
    arguments = [extents[name] if types[name] == "index" else data.pointers[name] for name in names]
    indices = [extents[name] for name in names if types[name] == "index"]
    symbols = {f"s{i}": value for i, value in enumerate(indices)}
    grid = [check_sequence.evaluate(e, symbols) for e in description["grid"]]
    grid = tuple(grid + [1] * (3 - len(grid)))
    if not all(grid):
        return lambda: ""
    return run(os.path.join(directory, kernel + ".ptx"), description, grid, data.memory, arguments)


def check(name, case, directory, make_memory, run):
    passed = True
    for chunk_rows in case.chunk_rows:
        data = Data(case, make_memory())
        extents = data.prepare(chunk_rows)
        clocks = []
        for part in ("states", "combine", "chunks") if chunk_rows else ("whole",):
            _, names, types = case.kernels(name)[f"{name}_{part}"]
            clocks.append(launch(f"{name}_{part}", names, types, data, extents, directory, run))
        error = error_of(data.result(), data.out)
        tolerance = TOLERANCE if case.element == "f32" else check_sequence.TOLERANCE["bf16"]
        good = error <= tolerance
        text = f"{name}, chunks of {chunk_rows or 'all'} rows: relative error {error:.2e}"
        if "final" in case.ends:
            state_error = error_of(data.state(), data.final)
            good = good and state_error <= TOLERANCE
            text += f", of the states {state_error:.2e}"
        notes = "".join(clock() for clock in clocks)
        print(f"{text}{notes}{'' if good else ' FAILED'}", flush=True)
        passed = passed and good
    return passed


def emit(opt, directory, cases):
    os.makedirs(directory, exist_ok=True)
    source = os.path.join(directory, "kernels.mlir")
    with open(source, "w") as file:
        file.write(module_text(cases))
    subprocess.run([opt, source, *check_sequence.PASSES, f"--flowhn-emit-ptx=directory={directory}",
                    "-o", os.devnull], check=True)


def interpret(*arguments):
    check_sequence.interpret(*arguments)
    return lambda: ""


def run_on_device(path, description, grid, device, arguments):
    function = device.load(path, description["name"], description["shared_bytes"])
    run = lambda count: device.launch(function, grid, description["threads"],
                                      description["shared_bytes"], arguments, count)
    run(1)
    return lambda: f", {run(20):.4f} ms"


def main():
    mode, *rest = sys.argv[1:]
    cases = {**CASES, **REAL_CASES}
    if mode == "--emit":
        emit(*rest, cases)
        return
    if mode == "--gpu":
        from cuda_device import Device
        device = Device()
        results = [check(name, cases[name], rest[0], lambda: device, run_on_device)
                   for name in rest[1:] or cases]
    else:
        with tempfile.TemporaryDirectory() as directory:
            emit(mode, directory, CASES)
            results = [check(name, CASES[name], directory, ptx.Mem, interpret)
                       for name in rest or CASES]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
