#!/usr/bin/env python3
#===- check_registers.py - What kernels take of a multiprocessor -----------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Assembles the kernels of artifacts and fails on one that takes more registers than its kind
may, or keeps anything in local memory.

    check_registers.py ARTIFACT.fhn...
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Registers of a thread at most, by chip and by the kernel's name up to its sizes. More of them
# is less than what hides the latency of memory: a change of this table needs a measurement.
BUDGETS = {
    "sm_80": {"argmax": 24, "attention": 240, "attention_cached": 240, "conv1d": 120,
              "conv1d_continued": 120, "copy": 32, "matmul": 252, "rms_norm": 48, "sample": 64, "scan": 128,
              "scan_combine": 40, "scan_combine_continued": 40, "scan_continued": 128,
              "scan_states": 144},
    "sm_90a": {"argmax": 24, "attention": 184, "attention_cached": 240, "conv1d": 120,
               "conv1d_continued": 120, "copy": 32, "copy_rows1536": 32,
               "grouped_matmul": 168,
               "grouped_matmul_rows512": 168, "grouped_matmul_rows608": 168,
               "grouped_matmul_rows1536": 168, "matmul": 168, "matmul_rows64": 96,
               "matmul_rows512": 168, "matmul_rows608": 168, "matmul_rows1536": 168,
               "rms_norm": 48, "rms_norm_rows1536": 32,
               "grouped_rms_norm": 48, "grouped_rms_norm_rows1536": 32,
               "sample": 64,
               "scan": 128,
               "scan_combine": 40, "scan_combine_continued": 40, "scan_continued": 128,
               "scan_inputs_rows480": 128, "scan_inputs_rows1920": 128,
               "scan_states": 128},
}

# Products by warpgroups whose tiles have 64 rows have two warpgroups, not three, and by their shared
# memory a multiprocessor for themselves all the same.
TWO_WARPGROUPS = 256
OF_TWO_WARPGROUPS = {"matmul", "matmul_rows512", "matmul_rows608", "matmul_rows1536", "grouped_matmul",
                     "grouped_matmul_rows512", "grouped_matmul_rows608", "grouped_matmul_rows1536"}
BUDGET_OF_TWO = 248


def budget_of(chip, kernel, text):
    kind = re.split(r"_\d", kernel)[0]
    threads = int(re.search(rb"\.maxntid (\d+)", text)[1])
    if chip == "sm_90a" and kind in OF_TWO_WARPGROUPS and threads == TWO_WARPGROUPS:
        return BUDGET_OF_TWO
    return BUDGETS.get(chip, {}).get(kind, 0)


def kernels_of(text):
    """Name and text of each kernel of a section, which may have several."""
    head, *entries = re.split(rb"(?=^\.visible \.entry )", text, flags=re.M)
    for entry in entries:
        yield re.match(rb"\.visible \.entry (\w+)", entry)[1].decode(), head + entry


def find_ptxas():
    roots = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
    paths = [os.path.join(root, "bin", "ptxas") for root in roots if root]
    return next((path for path in paths if os.access(path, os.X_OK)), None) or shutil.which("ptxas")


def resources(chip, text, folder):
    """Registers, and bytes of stack and of spilled registers, by what ptxas says."""
    path = os.path.join(folder, "kernel.ptx")
    with open(path, "wb") as file:
        file.write(text)
    report = subprocess.run([find_ptxas(), f"-arch={chip}", "-O3", "-v", path, "-o", os.devnull],
                            check=True, capture_output=True, text=True)
    report = report.stdout + report.stderr
    local = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads",
                      report)
    return int(re.search(r"Used (\d+) registers", report)[1]), sum(map(int, local.groups()))


def check(path, folder, seen):
    """The kernels of an artifact that are not among those `seen`, whether each is within its
    budget."""
    results = []
    with zipfile.ZipFile(path) as artifact:
        for name in artifact.namelist():
            match = re.fullmatch(r"code/([^/]+)/\w+\.ptx", name)
            for kernel, text in kernels_of(artifact.read(name)) if match else ():
                chip = match[1]
                # Labels have the kernel's number among those of the section.
                known = (chip, re.sub(rb"__BB\d+_", b"", text))
                if known in seen:
                    continue
                seen.add(known)
                budget = budget_of(chip, kernel, text)
                registers, local = resources(chip, text, folder)
                results.append(registers <= budget and local == 0)
                print(f"{chip} {kernel}: {registers} registers of {budget}, {local} bytes of local "
                      f"memory{'' if results[-1] else ' FAILED'}")
    return results


def main():
    with tempfile.TemporaryDirectory() as folder:
        seen = set()
        results = [good for path in sys.argv[1:] for good in check(path, folder, seen)]
    sys.exit(not results or not all(results))


if __name__ == "__main__":
    main()
