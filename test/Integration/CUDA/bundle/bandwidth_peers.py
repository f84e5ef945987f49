#===- bandwidth_peers.py - Kernels that move data, beside copies -----------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Times norms, convolutions and scans of the three models by themselves, and PyTorch's copies of
as many bytes.

    bandwidth_peers.py emit FLOWHN_OPT DIRECTORY   compiles them for sm_90a
    bandwidth_peers.py run DIRECTORY               prints the tables; needs PyTorch with CUDA

Each graph has a launch for each of so many sets of buffers that together they exceed the cache
four times: no launch finds there what the one before has read or written. A copy reads half of
its kernel's bytes and writes as many, in the same run and from as many buffers. Norms and
convolutions are compared with PyTorch's, scans with a float32 scan of their first rows.
"""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]
import graph_bench
from few_rows_peers import CACHE_BYTES
from kernel_peers import CHIP, MODELS, TOLERANCE, main

BATCH, LENGTH, STATES, TAPS = 8, 1024, 16, 4
# Of the widest model, in chunks as the compiler makes them: (length, rows of a chunk).
LONG = [(8192, 256), (32768, 1008)]
CHECKED_ROWS = 64

SILU = """
      %one = arith.constant 1.0 : f32
      %negative = arith.negf %{0} : f32
      %power = math.exp %negative : f32
      %sum = arith.addf %power, %one : f32
      %silu = arith.divf %{0}, %sum : f32"""


def function(name, arguments, body):
    """A kernel of one op; `arguments` are its operands' types by name."""
    declared = ", ".join(f"%{name}: {kind}" for name, kind in arguments.items())
    return f"\n  func.func @{name}({declared}) attributes {{kern.kernel}} {{{body}\n    return\n  }}"


def norm_text(width):
    types = {"rows": "index", "x": f"memref<?x{width}xf32>", "out": f"memref<?x{width}xbf16>",
             "weight": f"memref<{width}xf32>"}
    return function(f"norm_{width}", types, f"""
    kern.rowwise rows(%rows) %x -> %out extras(%weight) {{
    ^bb0(%value: f32, %mean: f32, %w: f32):
      %epsilon = arith.constant 1.0e-6 : f32
      %one = arith.constant 1.0 : f32
      %shifted = arith.addf %mean, %epsilon : f32
      %root = math.sqrt %shifted : f32
      %scale = arith.divf %one, %root : f32
      %scaled = arith.mulf %value, %scale : f32
      %result = arith.mulf %scaled, %w : f32
      kern.yield %result
    }} {{accesses = [#kern.access<column>], extra_columns = array<i64: 0>,
       reduction = #kern.reduction<mean_of_squares>, sections = array<i64: 0, {width}>}}
      : ({", ".join(types.values())}) -> ()""")


def conv_text(channels):
    types = {"batch": "index", "max": "index", "x": f"memref<?x{2 * channels}xbf16>",
             "weight": f"memref<{TAPS}x{channels}xf32>", "offsets": "memref<?xi32>",
             "out": f"memref<?x{channels}xbf16>", "bias": f"memref<{channels}xf32>"}
    return function(f"conv_{channels}", types, f"""
    kern.conv1d batch(%batch, %max) %x, %weight offsets(%offsets) -> %out extras(%bias) {{
    ^bb0(%value: f32, %b: f32):
      %biased = arith.addf %value, %b : f32{SILU.format("biased")}
      kern.yield %silu
    }} {{accesses = [#kern.access<column>], extra_columns = array<i64: 0>}}
      : ({", ".join(types.values())}) -> ()""")


def scan_types(channels, columns):
    rows = f"memref<?x{channels}xbf16>"
    return {"batch": "index", "max": "index", "chunks": "index", "chunk_rows": "index", "u": rows,
            "delta": rows, "a": f"memref<{STATES}x{channels}xf32>", "bc": f"memref<?x{columns}xbf16>",
            "offsets": "memref<?xi32>", "out": rows, "d": f"memref<{channels}xf32>",
            "gate": f"memref<?x{2 * channels}xbf16>", "states": f"memref<?x{STATES}x{channels}xf32>",
            "sums": f"memref<?x{channels}xf32>"}


def scan_op(name, channels, columns, operands, text):
    types = scan_types(channels, columns)
    names = dict.fromkeys(operands)
    return function(f"{name}_{channels}", {name: types[name] for name in names},
                    f"{text}\n      : ({', '.join(types[name] for name in operands)}) -> ()")


def scan_text(channels, columns):
    b = f"b_column = {columns - 2 * STATES}"
    result = scan_op("scan", channels, columns, SCAN_OPERANDS, f"""
    kern.scan batch(%batch, %max) chunks(%chunks, %chunk_rows) %u, %delta, %a, %bc, %bc
        offsets(%offsets) -> %out extras(%d, %gate) from(%states) {{
    ^bb0(%y: f32, %x: f32, %skip: f32, %z: f32):
      %skipped = arith.mulf %skip, %x : f32
      %whole = arith.addf %y, %skipped : f32{SILU.format("z")}
      %gated = arith.mulf %whole, %silu : f32
      kern.yield %gated
    }} {{accesses = [#kern.access<column>, #kern.access<row>], {b}, c_column = {columns - STATES},
       extra_columns = array<i64: 0, {channels}>}}""")
    result += scan_op("states", channels, columns, STATES_OPERANDS, f"""
    kern.scan_states batch(%batch) chunks(%chunks, %chunk_rows) %u, %delta, %a, %bc offsets(%offsets)
        -> %states, %sums {{{b}}}""")
    return result + scan_op("combine", channels, columns, COMBINE_OPERANDS, """
    kern.scan_combine batch(%batch) chunks(%chunks, %chunk_rows) %a, %sums offsets(%offsets) -> %states""")


SCAN_OPERANDS = ["batch", "max", "chunks", "chunk_rows", "u", "delta", "a", "bc", "bc", "offsets", "out",
                 "d", "gate", "states"]
STATES_OPERANDS = ["batch", "chunks", "chunk_rows", "u", "delta", "a", "bc", "offsets", "states", "sums"]
COMBINE_OPERANDS = ["batch", "chunks", "chunk_rows", "a", "sums", "offsets", "states"]


def emit(opt, directory):
    texts = []
    for width, channels, columns, *_ in MODELS.values():
        texts += [norm_text(width), conv_text(channels), scan_text(channels, columns)]
    graph_bench.emit(opt, directory, texts, CHIP)


class Bench(graph_bench.GraphBench):
    def offsets(self, batch, length):
        return self.torch.arange(batch + 1, device="cuda", dtype=self.torch.int32) * length

    def copy(self, bytes, count):
        half = bytes // 2
        buffers = [[self.torch.empty(half, device="cuda", dtype=self.torch.uint8).random_() for _ in range(2)]
                   for _ in range(count)]
        return self.milliseconds([lambda to=to, source=source: to.copy_(source) for to, source in buffers])

    def compare(self, name, bytes, make):
        """ms of ours, ms of a copy, and how far the result is off. `make` gives the arguments of a
        launch, its result and what that should be."""
        count = max(4 * CACHE_BYTES // bytes, 2)
        sets = [make() for _ in range(count)]
        ours = self.milliseconds([self.launcher(name, arguments) for arguments, _, _ in sets])
        _, result, expected = sets[0]
        return ours, self.copy(bytes, count), self.difference(result, expected())

    def norm(self, width):
        torch, rows = self.torch, BATCH * LENGTH

        def make():
            x, out = self.random(rows, width, kind=torch.float32), self.random(rows, width)
            weight = self.random(width, kind=torch.float32)
            return ([rows, x, out, weight], out,
                    lambda: torch.nn.functional.rms_norm(x, (width,), weight, 1e-6))
        return self.compare(f"norm_{width}", rows * width * 6, make)

    def conv(self, channels):
        torch, rows = self.torch, BATCH * LENGTH

        def make():
            x, out = self.random(rows, 2 * channels), self.random(rows, channels)
            weight = self.random(TAPS, channels, kind=torch.float32)
            bias = self.random(channels, kind=torch.float32)

            def expected():
                features = x[:, :channels].float().view(BATCH, LENGTH, channels).transpose(1, 2)
                sums = torch.nn.functional.conv1d(features, weight.T[:, None], bias, padding=TAPS - 1,
                                                  groups=channels)[:, :, :LENGTH]
                return torch.nn.functional.silu(sums).transpose(1, 2).reshape(rows, channels)
            return [BATCH, LENGTH, x, weight, self.offsets(BATCH, LENGTH), out, bias], out, expected
        return self.compare(f"conv_{channels}", rows * channels * 4, make)

    def scan_buffers(self, channels, columns, batch, length, chunk_rows):
        torch, rows, chunks = self.torch, batch * length, -(-length // chunk_rows)
        floats = {"kind": torch.float32}
        return {"batch": batch, "max": length, "chunks": chunks, "chunk_rows": chunk_rows,
                "u": self.random(rows, channels), "delta": self.random(rows, channels, shift=-3.0),
                "a": -torch.rand(STATES, channels, device="cuda") * STATES - 0.1,
                "bc": self.random(rows, columns), "offsets": self.offsets(batch, length),
                "out": self.random(rows, channels), "d": self.random(channels, **floats),
                "gate": self.random(rows, 2 * channels),
                "states": self.random(rows // chunk_rows + batch, STATES, channels, **floats),
                "sums": self.random(rows // chunk_rows + batch, channels, **floats)}

    def expected_scan(self, values):
        """The first rows of the first sequence."""
        torch = self.torch
        rows = {name: values[name][:CHECKED_ROWS].float() for name in ("u", "delta", "bc", "gate")}
        channels = values["d"].numel()
        b, c = rows["bc"][:, -2 * STATES:-STATES], rows["bc"][:, -STATES:]
        delta, gate = torch.nn.functional.softplus(rows["delta"]), rows["gate"][:, channels:]
        h, out = torch.zeros_like(values["a"]), []
        for row in range(CHECKED_ROWS):
            h = torch.exp(delta[row] * values["a"]) * h + delta[row] * rows["u"][row] * b[row, :, None]
            out.append((h * c[row, :, None]).sum(0) + values["d"] * rows["u"][row])
        return torch.stack(out) * torch.nn.functional.silu(gate)

    def scan(self, channels, columns):
        def make():
            values = self.scan_buffers(channels, columns, BATCH, LENGTH, LENGTH)
            return ([values[name] for name in dict.fromkeys(SCAN_OPERANDS)], values["out"],
                    lambda: self.expected_scan(values))
        return self.compare(f"scan_{channels}", scan_bytes(BATCH * LENGTH, channels), make)

    def long_scan(self, channels, columns, length, chunk_rows):
        """ms of the states, of combining them, of the results, and of all three in turn."""
        values = self.scan_buffers(channels, columns, 1, length, chunk_rows)
        parts = {"states": STATES_OPERANDS, "combine": COMBINE_OPERANDS, "scan": SCAN_OPERANDS}
        launches = [self.launcher(f"{part}_{channels}", [values[name] for name in dict.fromkeys(names)])
                    for part, names in parts.items()]
        alone = [self.milliseconds([launch] * 3) for launch in launches]
        return *alone, 3 * self.milliseconds(launches)


def scan_bytes(rows, channels):
    return rows * channels * 8


def row(label, bytes, ours, copy, difference):
    mark = "" if difference <= TOLERANCE else f" DIFFERS by {difference:.1e}"
    print(f"| {label} | {ours:.4f} | {bytes / ours / 1e9:.2f} | {copy:.4f} | {bytes / copy / 1e9:.2f} "
          f"| {copy / ours:.0%}{mark} |", flush=True)
    return difference <= TOLERANCE


def run(directory):
    bench, rows = Bench(directory), BATCH * LENGTH
    print(bench.torch.cuda.get_device_name())
    print(f"\n| {BATCH}×{LENGTH} | ms | TB/s | copy, ms | TB/s | share |\n| --- | --- | --- | --- | --- | --- |")
    good = True
    for width, channels, columns, *_ in MODELS.values():
        good &= row(f"norm, {width} columns", rows * width * 6, *bench.norm(width))
        good &= row(f"convolution, {channels} channels", rows * channels * 4, *bench.conv(channels))
        good &= row(f"scan, {channels} channels", scan_bytes(rows, channels), *bench.scan(channels, columns))
    print("\n| scan in chunks | rows of a chunk | states, ms | combine | results | all |\n"
          "| --- | --- | --- | --- | --- | --- |")
    _, channels, columns, *_ = MODELS["1B"]
    for length, chunk_rows in LONG:
        times = bench.long_scan(channels, columns, length, chunk_rows)
        print(f"| 1×{length}, {channels} channels | {chunk_rows} | "
              + " | ".join(f"{time:.4f}" for time in times) + " |", flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main(emit, run, __doc__)
