#===- check_scan.py - Scans with states and in chunks, for the GPU ---------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Scans that start from states, end in states or run in chunks, for check_kernels.py."""

import numpy as np

import ptx_interpreter as ptx
from check_sequence import SILU, Memory, offsets_of, silu
from kernel_harness import FLOAT_TOLERANCE, TOLERANCE, Outcome, Sweep, launch, relative_error

LENGTHS = [0, 1, 15, 16, 17, 35, 0]


class Case:
    """A scan of `states` by `channels`, its rows float32 or bfloat16.

    The scan starts from the states of one buffer and leaves them there, or does what `ends`
    names of the two. `chunk_rows` are what it is tried with: None is the form without chunks, and with a
    chunk as long as the longest sequence the kernels of the states have no blocks. A `config`
    takes the place of the chosen one. With `slots`, sequences have their states in any order. With
    `few` more threads share a channel. Up to `folded` chunks combine what is in front of each themselves.
    """

    def __init__(self, states, channels, element="bf16", ends=("initial", "final"),
                 lengths=LENGTHS, chunk_rows=(None, 16, 35), config=None, slots=False, few=False,
                 folded=None):
        self.config = f"config = {{{config}}}, " if config else ""
        self.few = "few_sequences, " if few else ""
        self.folded = folded
        self.states, self.channels, self.element = states, channels, element
        self.ends, self.lengths, self.chunk_rows, self.slots = ends, lengths, chunk_rows, slots

    def kernels(self):
        """The functions of the case; buffers that they share have one name."""
        rows, bc = f"memref<?x{self.channels}x{self.element}>", f"memref<?x{2 * self.states}x{self.element}>"
        types = {
            "batch": "index", "max": "index", "chunks": "index", "rows": "index", "u": rows,
            "delta": rows, "a": f"memref<{self.states}x{self.channels}xf32>", "bc": bc,
            "offsets": "memref<?xi32>", "out": rows, "gate": rows,
            "states": f"memref<?x{self.states}x{self.channels}xf32>",
            "sums": f"memref<?x{self.channels}xf32>", "slots": "memref<?xi32>",
        }
        types["state"] = types["states"]
        slots = " slots(%slots)" if self.slots else ""
        state = "".join(f" {end}(%state)" for end in self.ends) + slots
        inputs = " %u, %delta, %a, %bc, %bc offsets(%offsets) -> %out extras(%gate)"
        region = lambda attributes: f""" {{
    ^bb0(%y: f32, %x: f32, %z: f32):{SILU.format("z")}
      %r = arith.mulf %y, %s : f32
      kern.yield %r
    }} {{{self.config}{attributes}c_column = {self.states}, accesses = [#kern.access<row>], extra_columns = array<i64: 0>}}"""
        initial = " initial(%state)" + slots if "initial" in self.ends else ""
        bodies = {
            "whole": "kern.scan batch(%batch, %max)" + inputs + state + region(self.few),
            "states": "kern.scan_states batch(%batch) chunks(%chunks, %rows) %u, %delta, %a, %bc "
                      "offsets(%offsets) -> %states, %sums",
            "combine": "kern.scan_combine batch(%batch) chunks(%chunks, %rows) %a, %sums "
                       "offsets(%offsets) -> %states" + initial,
            "chunks": "kern.scan batch(%batch, %max) chunks(%chunks, %rows)" + inputs
                      + " from(%states)" + (" sums(%sums)" if self.folded else "") + state
                      + region(f"folded_chunks = {self.folded}, " if self.folded else ""),
        }
        return {part: (body, used_names(body), types) for part, body in bodies.items()}

    def functions(self, name):
        texts = []
        for part, (body, names, types) in self.kernels().items():
            arguments = ", ".join(f"%{name}: {types[name]}" for name in dict.fromkeys(names))
            texts.append(f"""
  func.func @{name}_{part}({arguments}) attributes {{kern.kernel}} {{
    {body} : ({", ".join(types[name] for name in names)}) -> ()
    return
  }}""")
        return "".join(texts)

    def check(self, name, directory, runner):
        for chunk_rows in self.chunk_rows:
            data = Data(self, runner.memory())
            values = {**data.prepare(chunk_rows), **data.pointers}
            for part in self.parts(chunk_rows):
                _, names, _ = self.kernels()[part]
                launch(runner, directory, f"{name}_{part}", data.memory,
                       [values[name] for name in dict.fromkeys(names)])
            tolerance = FLOAT_TOLERANCE if self.element == "f32" else TOLERANCE
            errors = [("relative error", relative_error(data.result(), data.out), tolerance)]
            if "final" in self.ends:
                errors.append(("of the states", relative_error(data.state(), data.final), FLOAT_TOLERANCE))
            yield Outcome(f", chunks of {chunk_rows or 'all'} rows", errors)


    def parts(self, chunk_rows):
        """The kernels of a scan in such chunks, in their order."""
        if not chunk_rows:
            return ["whole"]
        folds = self.folded and -(-max(self.lengths) // chunk_rows) <= self.folded
        return ["states", "chunks"] if folds else ["states", "combine", "chunks"]


def used_names(body):
    """The operands of an op, in order, up to its region."""
    names = [word.strip("(),") for word in body.split("{")[0].replace("(", " ").split() if "%" in word]
    return [name.strip("%") for name in names]


def few(*arguments, **options):
    return Case(*arguments, chunk_rows=(None,), few=True, **options)


CASES = {
    "scan_8": Case(8, 67),
    "scan_16": Case(16, 64, "f32"),
    "scan_16_no_states": Case(16, 7, ends=()),
    "scan_16_final": Case(16, 7, "f32", ends=("final",)),
    "scan_17": Case(17, 33, "f32", chunk_rows=(None, 5, 16)),
    "scan_64": Case(64, 18, lengths=[17, 0, 35]),
    "scan_16_folded": Case(16, 40, folded=4, chunk_rows=(5, 9, 16, 35), slots=True),
    "scan_17_folded": Case(17, 33, "f32", ends=(), folded=8, chunk_rows=(5, 17)),
    "scan_16_rows": Case(16, 9, chunk_rows=(None,), lengths=[17, 0, 35],
                         config="channels = 1, lanes = 8, rows = 16, steps = 8, threads = 32"),
    "scan_16_channels": Case(16, 9, "f32", chunk_rows=(None,), lengths=[17, 0, 35],
                             config="channels = 4, lanes = 4, rows = 8, steps = 4, threads = 32"),
    "scan_256": Case(256, 5, "f32", lengths=[9, 0, 1], chunk_rows=(None, 4)),
    "scan_few": few(16, 40),
    "scan_few_final": few(16, 7, "f32", ("final",)),
    "scan_few_no_states": few(17, 33, "bf16", ()),
    "scan_few_3": few(3, 9, "f32"),
    # Two channels to 16 lanes.
    "scan_few_channels": few(128, 5, "f32", lengths=[9, 0, 17]),
}
REAL_CASES = {
    "real_scan_1x4096": Case(16, 4096, lengths=[4096], chunk_rows=(None, 128, 256, 512)),
    "real_scan_1x8192": Case(16, 4096, lengths=[8192], chunk_rows=(None, 256, 512, 1024)),
    "real_scan_1x4096_small": Case(16, 1024, lengths=[4096], chunk_rows=(None, 128, 256)),
    "real_scan_2x2048": Case(16, 4096, lengths=[2048] * 2, chunk_rows=(None, 128, 256, 512)),
    "real_scan_8x1024": Case(16, 4096, lengths=[1024] * 8, chunk_rows=(None, 256, 1024)),
    "real_scan_8x1024_no_states": Case(16, 4096, ends=(), lengths=[1024] * 8, chunk_rows=(None,)),
    "real_scan_64x1": Case(16, 4096, lengths=[1] * 64, chunk_rows=(None,)),
    "real_scan_8x457_no_states": Case(16, 1536, ends=(), lengths=[457] * 8, chunk_rows=(None,)),
    "real_scan_2x457_few": few(16, 2048, ends=(), lengths=[457] * 2),
}


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
        # One slot is free.
        self.slots = self.buffers.rng.permutation(self.batch + 1)[:self.batch] if case.slots else np.arange(self.batch)
        self.put("slots", self.slots.astype(np.int32))
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
        state = nan(max(self.slots) + 1, states, channels)
        state[self.slots] = self.initial
        self.put("state", state)
        if chunk_rows:
            bound = total // chunk_rows + self.batch
            self.put("states", nan(bound, states, channels))
            self.put("sums", nan(bound, channels))
        longest = max(self.case.lengths)
        rows = chunk_rows or max(longest, 1)
        return {"batch": self.batch, "max": longest, "rows": rows, "chunks": max(1, -(-longest // rows))}

    def result(self):
        shape = self.u.shape
        if self.case.element == "f32":
            return self.memory.view(self.pointers["out"], shape, np.float32).astype(np.float64)
        return ptx.bf2f(self.memory.view(self.pointers["out"], shape, np.uint16)).astype(np.float64)

    def state(self):
        shape = (max(self.slots) + 1, *self.initial.shape[1:])
        return self.memory.view(self.pointers["state"], shape, np.float32)[self.slots].astype(np.float64)


def sweep(states, channels, *rest):
    """Whole, in chunks and in one chunk, of lengths at and around all of them."""
    extents = [[1], [0, 0, 3], [15, 16, 17], [63, 0, 64, 65], [127, 128, 129], [255, 0, 256, 257]]
    case = lambda lengths: Case(states, channels, *rest, lengths=lengths,
                                chunk_rows=(None, 16, 128, max(lengths)))
    return Sweep(case, extents)


SWEEPS = {
    "scan_8": sweep(8, 67),
    "scan_16": sweep(16, 64),
    "scan_16_no_states": sweep(16, 7, "bf16", ()),
    "scan_16_final": sweep(16, 7, "f32", ("final",)),
    "scan_17": sweep(17, 33, "f32"),
    "scan_32": sweep(32, 19),
    "scan_64": sweep(64, 18),
    "scan_127": sweep(127, 3),
    "scan_128": sweep(128, 9, "f32", ("initial",)),
    "scan_256": sweep(256, 5, "f32"),
    "scan_few": Sweep(lambda lengths: few(16, 64, lengths=lengths), [[1], [15, 16, 17], [63, 0, 64, 65], [257]]),
}
