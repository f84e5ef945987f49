#!/usr/bin/env python3
#===- check_kernels.py - Every kernel family for the GPU -------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Checks the emitted kernels against float64 references, a line for each case.

    check_kernels.py interpret FLOWHN_OPT [PREFIX...]
        compiles small, odd shapes and runs their PTX in an interpreter, without a GPU
    check_kernels.py emit FLOWHN_OPT DIRECTORY [PREFIX...]
        compiles for a machine with a GPU and without a compiler
    check_kernels.py gpu DIRECTORY [PREFIX...]
        runs what was emitted on the GPU

PREFIX selects cases by name: rows, sequence/scan, scan/scan_8. With --chip only those chips,
with --set small (the default), sweep (many extents of one compiled kernel) or real (sizes of
models); both may be repeated. --extents=N runs the first N extents of a sweep alone, --time
measures the kernels on the GPU. --unwritten leaves their buffers as the driver gives them, a
fault that compute-sanitizer's initcheck must find.
"""

import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_attention
import check_few
import check_grouped
import check_inputs
import check_rows
import check_sample
import check_scan
import check_sequence
import check_state
from kernel_harness import CHIPS, GPU, Interpreter, cases_of, emit, run_case

FAMILIES = {"rows": check_rows, "few": check_few, "sample": check_sample, "grouped": check_grouped, "sequence": check_sequence,
            "scan": check_scan, "inputs": check_inputs, "attention": check_attention, "state": check_state}
SETS = {"small": "CASES", "sweep": "SWEEPS", "real": "REAL_CASES"}


def selected(options, chip):
    """(set, family, name, entry) of every case that is asked for and that the chip has."""
    for kind in options.set or ["small"]:
        for family, module in FAMILIES.items():
            if chip not in getattr(module, "CHIPS", CHIPS):
                continue
            for name, entry in getattr(module, SETS[kind], {}).items():
                if not options.prefixes or f"{family}/{name}".startswith(tuple(options.prefixes)):
                    yield kind, family, name, entry


def folder_of(directory, chip, kind, family):
    return os.path.join(directory, chip, kind, family)


def emit_cases(options, directory, chip, assemble=False):
    functions = {}
    for kind, family, name, entry in selected(options, chip):
        _, case = next(iter(cases_of(entry)))
        functions.setdefault((kind, family), []).append(case.functions(name))
    for key, texts in functions.items():
        emit(options.opt, folder_of(directory, chip, *key), texts, chip, assemble)


def run_cases(options, directory, chip, runner):
    results = []
    for kind, family, name, entry in selected(options, chip):
        for extent, case in cases_of(entry, options.extents):
            results += run_case(f"{chip} {family}/{name}{extent}", case, name,
                                folder_of(directory, chip, kind, family), runner)
    return results


def interpret(options):
    results = []
    for chip in options.chip or CHIPS:
        with tempfile.TemporaryDirectory() as directory:
            emit_cases(options, directory, chip)
            results += run_cases(options, directory, chip, Interpreter(options.opt))
    return results


def emit_for_gpu(options):
    """Machine code for chips of one generation, the driver compiles the others' PTX."""
    for chip in options.chip or CHIPS:
        emit_cases(options, options.directory, chip, assemble=chip.endswith("a"))
        for folder, _, files in os.walk(os.path.join(options.directory, chip)):
            for file in files:
                path = os.path.join(folder, file)
                if file.endswith(".ptx") and os.path.exists(path[:-4] + ".cubin"):
                    os.remove(path)


def run_on_gpu(options):
    runner, results = GPU(options.time, options.unwritten), []
    for chip in sorted(options.chip or os.listdir(options.directory)):
        if runner.device.runs(chip):
            results += run_cases(options, options.directory, chip, runner)
        else:
            print(f"{chip}: not run on this GPU")
    return results


MODES = {
    "interpret": (interpret, ["opt"]),
    "emit": (emit_for_gpu, ["opt", "directory"]),
    "gpu": (run_on_gpu, ["directory"]),
}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in MODES:
        sys.exit(__doc__)
    run, arguments = MODES[sys.argv[1]]
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in arguments:
        parser.add_argument(name)
    parser.add_argument("prefixes", nargs="*")
    parser.add_argument("--chip", action="append")
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--extents", type=int)
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--unwritten", action="store_true")
    options = parser.parse_intermixed_args(sys.argv[2:])
    results = run(options)
    if results is not None:
        print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
        sys.exit(not results or not all(results))


if __name__ == "__main__":
    main()
