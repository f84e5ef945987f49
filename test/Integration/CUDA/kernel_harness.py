#===- kernel_harness.py - Compiles kernels, launches them, compares --------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""What the checks of all kernel families share.

A case has `functions(name)`, the MLIR functions that it launches, and
`check(name, directory, runner)`, which launches them and yields an `Outcome` for each run.
A runner is an `Interpreter` of PTX or a `GPU`: it gives out memory for buffers (`put`,
`view`, `tensor_map`) and runs a kernel on them.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ptx_interpreter as ptx
from cuda_device import Device, DeviceError

CHIPS = ["sm_80", "sm_90a"]
# Of bfloat16 results, whose rounding alone makes 1.7e-3, and of float32 results: the chip's
# approximations of exponentials and reciprocals are off by 2e-7 each.
TOLERANCE = 4e-3
FLOAT_TOLERANCE = 4e-6


@dataclasses.dataclass
class Element:
    """How the numbers of a type of MLIR are stored, and how far results may be off."""

    stored: type
    encode: callable  # of float32
    decode: callable  # to float32
    tolerance: float


ELEMENTS = {
    "bf16": Element(np.uint16, ptx.f2bf, ptx.bf2f, TOLERANCE),
    "f16": Element(np.uint16, ptx.f2h, ptx.h2f, TOLERANCE / 8),
    "f32": Element(np.uint32, lambda x: x.view(np.uint32), lambda x: x.view(np.float32),
                   FLOAT_TOLERANCE),
}


@dataclasses.dataclass
class Sweep:
    """One kernel, compiled once and run at many extents: `case(extent)` differs in data alone."""

    case: callable
    extents: list

    def cases(self, count):
        return ((f" {extent}", self.case(extent)) for extent in self.extents[:count])


def cases_of(entry, count=None):
    """The labels and cases of an entry of a family's table: a case, what makes it, or a sweep,
    of which the first `count`."""
    if isinstance(entry, Sweep):
        return entry.cases(count)
    return [("", entry() if callable(entry) else entry)]


@dataclasses.dataclass
class Outcome:
    label: str
    errors: list  # of (what, relative error, tolerance)
    untouched: bool = True  # what lies beside the results


def relative_error(actual, expected):
    difference, norm = np.linalg.norm(actual - expected), np.linalg.norm(expected)
    return difference / norm if norm else float(difference != 0)


def emit(opt, directory, functions, chip, assemble=False):
    """Compiles functions of MLIR into `<kernel>.ptx`, or .cubin, and `<kernel>.json`."""
    os.makedirs(directory, exist_ok=True)
    source = os.path.join(directory, "kernels.mlir")
    with open(source, "w") as file:
        file.write("module @kernels {" + "".join(functions) + "\n}\n")
    ptxas = " ptxas=auto" if assemble else ""
    subprocess.run([opt, source, "--mlir-print-op-on-diagnostic=false",
                    f"--kern-choose-gpu-configs=chip={chip}",
                    f"--convert-kern-to-gpu=chip={chip}", "--flowhn-lower-gpu-kernels-to-llvm",
                    f"--flowhn-emit-ptx=chip={chip} directory={directory}{ptxas}", "-o", os.devnull],
                   check=True, stdout=subprocess.DEVNULL)
    os.remove(source)


class Extent(int):
    """An integer that stays one under the operators of the printed maps, ceildiv as @."""

    def __matmul__(self, other):
        return Extent(-(-int(self) // int(other)))

    def __neg__(self):
        return Extent(-int(self))


for _name in ("__add__", "__sub__", "__mul__", "__floordiv__", "__mod__"):
    setattr(Extent, _name, lambda self, other, _of=getattr(int, _name): Extent(_of(self, other)))


def evaluate(expression, *indices):
    """An expression of a launch description over the launch's indices."""
    text = expression.replace("ceildiv", "@").replace("floordiv", "//").replace("mod", "%")
    text = re.sub(r"(?<!\w)(\d+)", r"Extent(\1)", text)
    symbols = {f"s{number}": Extent(value) for number, value in enumerate(indices)}
    return int(eval(text, {"Extent": Extent}, symbols))


def launch(runner, directory, name, memory, arguments, max_blocks=0, forms_clusters=False):
    """Runs a kernel on indices and buffers, in the order of its function's arguments; a
    persistent one on up to `max_blocks` blocks, where the runner has fewer by itself. Where
    clusters are for long launches, `forms_clusters` has them in any."""
    with open(os.path.join(directory, name + ".json")) as file:
        description = json.load(file)
    kinds = description["arguments"]
    indices = [value for value, kind in zip(arguments, kinds) if kind == "index"]
    grid = [evaluate(extent, *indices) for extent in description["grid"]]
    if not forms_clusters and grid[0] < description["cluster_grid"]:
        description["cluster_blocks"] = 1
    if description["max_blocks"]:
        grid[0] = min(grid[0], description["max_blocks"],
                      max(runner.max_blocks, max_blocks, description["cluster_blocks"]))
    if not all(grid):
        return
    maps = [memory.tensor_map(arguments[m["argument"]], evaluate(m["rows"][0], *indices), m)
            for m in description["tensor_maps"]]
    grid = tuple(grid + [1] * (3 - len(grid)))
    runner.run(os.path.join(directory, name), description, grid, memory, arguments + maps)


class Interpreter:
    """Runs PTX without a GPU; `change` is done to the text before. Its code lies beside that of
    the program `opt`."""

    max_blocks = 2  # few, so that a persistent block takes several tiles

    def __init__(self, opt, change=None):
        self.library, self.change = ptx.Library(opt), change
        self.memory = ptx.Memory
        self.start()

    def start(self):
        self.races, self.notes = 0, []

    def run(self, path, description, grid, memory, arguments):
        with open(path + ".ptx") as file:
            text = file.read()
        kernel = self.library.parse(self.change(text) if self.change else text)
        values = [one for one in arguments if not isinstance(one, ptx.TensorMap)]
        maps = [one for one in arguments if isinstance(one, ptx.TensorMap)]
        try:
            races, note = self.library.run(kernel, memory, values, maps, grid, description)
        finally:
            self.library.release(kernel)
        self.races += races
        self.notes += [note] * bool(races)

    def summary(self):
        return f", races {self.races}"


def code_file(path):
    """A kernel's machine code, or PTX where there is none."""
    ends = (".cubin", ".cubin.gz", ".ptx", ".ptx.gz")
    return next(path + end for end in ends if os.path.exists(path + end))


class GPU:
    """Runs machine code, or PTX where there is none, on the first GPU."""

    def __init__(self, timed=False, unwritten=False):
        self.device, self.timed = Device(unwritten), timed
        self.max_blocks = self.device.multiprocessors()
        self.start()

    def memory(self):
        self.device.release_buffers()
        return self.device

    def start(self):
        self.races, self.notes, self.times = 0, [], []

    def run(self, path, description, grid, device, arguments):
        shared = description["shared_bytes"]
        function = device.load(code_file(path), description["name"], shared)
        cluster = description["cluster_blocks"] if description["cluster_grid"] else 0
        run = lambda count: device.launch(function, grid, description["threads"], shared, arguments,
                                          count, cluster)
        run(1)
        if self.timed:
            self.times.append(run(20))

    def summary(self):
        return "".join(f", {time:.4f} ms" for time in self.times)


def run_case(label, case, name, directory, runner):
    """Prints a line for each run of a case; returns whether each is as it should be."""
    passed = []
    runner.start()
    try:
        for outcome in case.check(name, directory, runner):
            good = all(error <= tolerance for _, error, tolerance in outcome.errors)
            good = good and outcome.untouched and not runner.races
            errors = ", ".join(f"{what} {error:.2e}" for what, error, _ in outcome.errors)
            beside = "" if outcome.untouched else ", writes beside its results"
            notes = "" if good else " FAILED" + "".join(f"; {note}" for note in runner.notes[:1])
            print(f"{label}{outcome.label}: {errors}{runner.summary()}{beside}{notes}", flush=True)
            passed.append(good)
            runner.start()
    except ptx.Fault as fault:
        print(f"{label}: FAILED: {fault}", flush=True)
        passed.append(False)
    except DeviceError as error:
        sys.exit(f"{label}: FAILED: {error}")
    return passed
