#!/usr/bin/env python3
#===- check_faults.py - Planted faults are found ---------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Plants a fault in the PTX of a kernel, one at a time: the interpreter must find each, else
what it passes means nothing.

    check_faults.py FLOWHN_OPT
"""

import contextlib
import dataclasses
import io
import os
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_attention
import check_few
import check_rows
import check_sample
import check_sequence
import ptx_interpreter as ptx
from kernel_harness import Interpreter, emit, run_case

FAMILIES = (check_rows, check_few, check_sample, check_sequence, check_attention)


@dataclasses.dataclass
class Fault:
    """Match number `which` of `pattern` in a kernel's PTX is replaced."""

    kernel: str
    what: str
    pattern: str
    replacement: str = ""
    which: int = 0

    def plant(self, text):
        matches = list(re.finditer(self.pattern, text))
        if len(matches) <= self.which:
            raise LookupError(f"{self.kernel} has no '{self.pattern}' number {self.which}")
        match = matches[self.which]
        return text[:match.start()] + match.expand(self.replacement) + text[match.end():]


def removed(kernel, instruction, count):
    return [Fault(kernel, f"no {instruction}", rf"\n\s*{re.escape(instruction)}[\s;][^;\n]*;?", "\n", i)
            for i in range(count)]


def moved(kernel, what, pattern, bytes):
    """An access elsewhere than it should be."""
    return Fault(kernel, f"{what} {bytes} bytes off", rf"({pattern}[^\[\n]*\[%rd\d+)(?:\+\d+)?\]",
                 rf"\1+{bytes}]")


WAIT = r"mbarrier\.try_wait\.parity\.shared\.b64 P1[^;]*;"
BARRIER_INIT = r"(mbarrier\.init\.shared\.b64\s+\[[^\]]*\]), %r\d+;"
FAULTS = {
    "sm_80": [
        Fault("matmul_even", "another swizzle", r"xor\.b32(\s+%r\d+, %r\d+), %r\d+;", r"xor.b32\1, 0;", 2),
        Fault("matmul_even", "matrices from another swizzle", r"xor\.b32(\s+%r\d+, %r\d+), %r\d+;",
              r"xor.b32\1, 0;"),
        Fault("matmul_even", "matrices of another step", r"xor\.b32(\s+%r\d+, %r\d+), 32;",
              r"xor.b32\1, 64;"),
        Fault("matmul_even", "a stage read too early", r"(cp\.async\.wait_group\s+)1;", r"\g<1>2;"),
        Fault("matmul_f32_odd", "a stage read too early", r"(cp\.async\.wait_group\s+)2;", r"\g<1>3;"),
        Fault("matmul_odd", "more of a row than it has", r"(cp\.async\.cg[^;]*, 16), %r\d+;", r"\1;"),
        Fault("matmul_even", "a barrier of 96 threads", r"(bar\.sync\s+0);", r"\1, 96;"),
        *removed("matmul_even", "cp.async.wait_group", 1),
        *removed("matmul_even", "bar.sync", 1),
        moved("matmul_even", "copy", r"cp\.async\.cg\.shared\.global \[%rd\d+\], ", 1 << 20),
        moved("matmul_even", "shared tile", r"ldmatrix", 1 << 17),
    ],
    "sm_90a": [
        Fault("matmul_even", "another swizzle", r"xor\.b32(\s+%r\d+, %r\d+), %r\d+;", r"xor.b32\1, 0;"),
        Fault("matmul_even", "products from another swizzle", r"xor\.b32(\s+%r\d+, %r\d+), (%r\d+);",
              r"add.s32\1, \2;"),
        *[Fault("matmul_even", "no wait on an mbarrier", WAIT, "setp.eq.u32 P1, 0, 0;", i)
          for i in range(6)],
        *removed("matmul_even", "wgmma.wait_group.sync.aligned", 4),
        *removed("matmul_even", "cp.async.bulk.wait_group.read", 2),
        *removed("matmul_even", "fence.proxy.async.shared::cta", 2),
        *removed("attention_64", "cp.async.wait_group", 2),
        Fault("matmul_even", "an mbarrier of 2", BARRIER_INIT, r"\1, 2;"),
        Fault("matmul_even", "an mbarrier of 1", BARRIER_INIT, r"\1, 1;", 1),
        Fault("matmul_even", "an mbarrier of 200", BARRIER_INIT, r"\1, 200;", 1),
        Fault("matmul_even", "a barrier of 96 threads", r"(bar\.sync\s+%r\d+), 128;", r"\1, 96;", 1),
        Fault("matmul_even", "a barrier of 160 threads", r"(bar\.sync\s+%r\d+), 128;", r"\1, 160;", 1),
        Fault("matmul_even", "fewer bytes expected", r"(mbarrier\.arrive\.expect_tx[^;]*), %r\d+;",
              r"\1, 1024;"),
        Fault("matmul_even", "a stage released too early", r"(wgmma\.wait_group\.sync\.aligned\s+)1;",
              r"\g<1>2;"),
        Fault("matmul_256", "a tile overwritten too early", r"(bulk\.wait_group\.read\s+)1;",
              r"\g<1>2;"),
        Fault("attention_64", "a stage read too early", r"(cp\.async\.wait_group\s+)1;", r"\g<1>2;"),
        Fault("attention_64", "a stage read too early", r"(cp\.async\.wait_group\s+)0;", r"\g<1>1;"),
        Fault("matmul_even", "another tile", r"(complete_tx::bytes[^\{\n]*\{%r\d+), %r\d+", r"\1, 64"),
        Fault("matmul_even", "a copy from within 16 bytes", r"(complete_tx::bytes[^\{\n]*\{)%r\d+",
              r"\g<1>3"),
        moved("rowwise_odd", "read", r"ld\.global\.b16", 8000),
        moved("rowwise_odd", "write", r"st\.global\.b16", 8000),
        moved("attention_64", "copy", r"cp\.async\.c[ag]\.shared\.global \[%rd\d+\], ", 1 << 20),
        moved("scan_16", "shared write", r"st\.shared\.v4\.b32", 1 << 16),
        moved("scan_16", "shared read", r"ld\.shared\.v4\.b32", 1 << 16),
        moved("matmul_even", "shared tile", r"stmatrix", 131072),
        *removed("matmul_even", "bar.sync", 3),
        *removed("attention_64", "bar.sync", 2),
        *removed("scan_16", "bar.sync", 1),
        *removed("scan_16", "cp.async.wait_group", 1),
        Fault("scan_16", "rows copied over those that are read", r"xor\.b32\s+(%r\d+), (%r\d+), 1;",
              r"mov.b32 \1, \2;"),
        *removed("argmax", "bar.sync", 1),
        # Clusters: sums of other blocks, and what comes before the wait for other kernels.
        *[Fault("few_at_most_8", "no wait on an mbarrier", WAIT, "setp.eq.u32 P1, 0, 0;", i)
          for i in range(2)],
        *removed("few_at_most_8", "griddepcontrol.wait", 3)[1:],
        *removed("matmul_even", "griddepcontrol.wait", 2),
        *removed("few_at_most_8", "barrier.cluster.wait", 3),
        *removed("few_at_most_8", "bar.sync", 2),
        *removed("few_at_most_8", "wgmma.wait_group.sync.aligned", 1),
        Fault("few_at_most_8", "sums of another block", r"(mapa\.shared::cluster[^;]*, )1;", r"\g<1>0;"),
        Fault("few_tiles", "the first rows in every tile", r"(and\.b32\s+%r\d+, %r\d+), -64;", r"\1, 0;"),
        *removed("matmul_shared", "barrier.cluster.wait", 3)[1:],
        moved("matmul_shared", "sums", r"ld\.shared::cluster\.v4\.b32", 1 << 12),
        # Blocks that copy for each other.
        *removed("matmul_multicast", "mbarrier.arrive.shared::cluster.b64", 2),
        *removed("matmul_multicast", "barrier.cluster.wait", 2),
        *[Fault("matmul_multicast", "no wait on an mbarrier", WAIT, "setp.eq.u32 P1, 0, 0;", i)
          for i in (0, 1, 4)],
        Fault("matmul_multicast", "copies for one block", r"mov\.b16\s+(%rs\d+), 3;", r"mov.b16 \1, 1;"),
        # Where parts are cleared and where they are added up.
        *removed("sample_equal", "bar.sync", 5)[3:],
        # Attention by warpgroups: 577 positions go round its loops.
        *[Fault("head_64_long", "no wait on an mbarrier", WAIT, "setp.eq.u32 P1, 0, 0;", i)
          for i in (0, 1, 2, 3, 4, 5, 6)],
        *removed("head_64_long", "wgmma.wait_group.sync.aligned", 5),
        *removed("head_64_long", "bar.sync", 3),
        # With small heads: what the warp watches that does not multiply.
        *[Fault("small_three_warpgroups", "no wait on an mbarrier", WAIT, "setp.eq.u32 P1, 0, 0;", i)
          for i in (11, 12)],
        Fault("head_64", "an mbarrier of 1", BARRIER_INIT, r"\1, 1;", 2),
        *removed("head_64_poisoned", "fence.proxy.async.shared::cta", 1),
        # Where nothing is computed again.
        Fault("head_256_poisoned", "another sequence's values", r"st\.shared\.v4\.b32[^;]*;"),
        moved("head_64", "write", r"st\.global\.b32", 1 << 20),
        # The mark of a tile whose weights overflow, and that there is one.
        *removed("head_24_overflown", "atom.shared.add.u32", 2),
    ],
}


def is_found(opt, fault, case, directory):
    """Whether the kernel fails with the fault, and what is said of it."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        passed = all(run_case("", case, fault.kernel, directory, Interpreter(opt, fault.plant)))
    return not passed, text.getvalue().strip(" :\n")


def check_chip(opt, chip):
    entries = {fault.kernel: None for fault in FAULTS[chip]}
    for family in FAMILIES:
        entries.update({name: e for name, e in family.CASES.items() if entries.get(name, e) is None})
    make = lambda name: entries[name]() if callable(entries[name]) else entries[name]
    results = []
    with tempfile.TemporaryDirectory() as directory:
        emit(opt, directory, [make(name).functions(name) for name in
                              dict.fromkeys(f.kernel for f in FAULTS[chip])], chip)
        for fault in FAULTS[chip]:
            found, text = is_found(opt, fault, make(fault.kernel), directory)
            which = f" {fault.which}" if fault.which else ""
            print(f"{chip} {fault.kernel}, {fault.what}{which}: {'found' if found else 'NOT FOUND'}: {text}",
                  flush=True)
            results.append(found)
    return all(results)


def check_tensor_map():
    """A map of more rows than its buffer has."""
    memory = ptx.Memory()
    pointer = memory.put(np.zeros((4, 8), np.uint16))
    description = {"rows": ["s0"], "row_bytes": 16, "columns": 8, "box": [8, 4], "type": "bf16"}
    memory.tensor_map(pointer, 4, description)
    try:
        memory.tensor_map(pointer, 5, description)
    except ptx.Fault as fault:
        print(f"a map of too many rows: found: {fault}")
        return True
    print("a map of too many rows: NOT FOUND")
    return False


def main():
    results = [check_tensor_map()] + [check_chip(sys.argv[1], chip) for chip in FAULTS]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
