#===- few_rows_peers.py - Products of few rows beside PyTorch's ------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Times the products of a step by themselves, ours and PyTorch's: what a matrix of weights that no
cache holds takes to be read.

    few_rows_peers.py emit FLOWHN_OPT DIRECTORY   compiles them for sm_90a
    few_rows_peers.py run DIRECTORY               prints the table; needs PyTorch with CUDA

Each graph has a kernel for each of so many copies of the weights that together they exceed the
cache. Ours run twice: one after the other, and with the next one's weights on their way while
one ends, as in a model's step. The share is that of what the memory gives in copies.
"""
import ctypes
import os
import statistics
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]
import kernel_harness as harness
from cuda_device import TensorMap
from kernel_peers import CHIP, MODELS, TOLERANCE, main, product_text, products

ROWS = [1, 8, 64]
VOCABULARY = 65536
COPY_RATE = 4.2e12
CACHE_BYTES = 50 << 20
PROGRAMMATIC_SERIALIZATION = 6


def shapes(model):
    width = MODELS[model][0]
    return list(dict.fromkeys([shape[:2] for shape in products(model)] + [(VOCABULARY, width)]))


def emit(opt, directory):
    distinct = sorted({shape for model in MODELS for shape in shapes(model)})
    harness.emit(opt, directory, [product_text(*shape, max_rows=max(ROWS)) for shape in distinct],
                 CHIP, assemble=True)
    for file in os.listdir(directory):
        if file.endswith(".ptx"):
            os.remove(os.path.join(directory, file))


class LaunchAttribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint), ("pad", ctypes.c_uint), ("value", ctypes.c_uint * 16)]


class LaunchConfig(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint),
                ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(LaunchAttribute)),
                ("count", ctypes.c_uint)]


class Recorder:
    """Takes launches as the harness makes them, to be made again on a stream."""

    def __init__(self, device):
        self.device, self.max_blocks, self.launches = device, device.multiprocessors(), []

    def run(self, path, description, grid, device, arguments):
        shared = description["shared_bytes"]
        function = device.load(path + ".cubin", description["name"], shared)
        values = [a if isinstance(a, TensorMap) else ctypes.c_uint64(a)
                  for a in arguments]
        addresses = [v.address() if hasattr(v, "address") else ctypes.addressof(v) for v in values]
        pointers = (ctypes.c_void_p * len(values))(*addresses)
        self.launches.append((function, grid, description["threads"], shared, pointers, values))

    def replay(self, stream, overlaps):
        attribute = LaunchAttribute(PROGRAMMATIC_SERIALIZATION, 0, (ctypes.c_uint * 16)(1))
        for function, grid, threads, shared, pointers, _ in self.launches:
            config = LaunchConfig(grid, (threads, 1, 1), shared, stream, ctypes.pointer(attribute),
                                  int(overlaps))
            self.device.call("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)


class Bench:
    def __init__(self, directory):
        import torch
        self.torch, self.directory = torch, directory
        self.device = harness.GPU().device

    def seconds(self, launch, count):
        """Of one of the `count` kernels that `launch` puts on the current stream."""
        torch = self.torch
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            launch()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            launch()
        times = []
        for _ in range(5):
            events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
            events[0].record()
            for _ in range(3):
                graph.replay()
            events[1].record()
            torch.cuda.synchronize()
            times.append(events[0].elapsed_time(events[1]) / 3 / count / 1e3)
        return statistics.median(times)

    def compare(self, rows, columns, inner):
        torch = self.torch
        count = min(max(4 * CACHE_BYTES // (2 * columns * inner), 2), 128)
        make = lambda *shape: torch.randn(*shape, device="cuda", dtype=torch.bfloat16)
        weights = [make(columns, inner) for _ in range(count)]
        a, result, peer = make(rows, inner) * inner ** -0.5, make(rows, columns), make(rows, columns)
        recorder = Recorder(self.device)
        for b in weights:
            harness.launch(recorder, self.directory, f"product_{columns}x{inner}", self.device,
                           [rows, a.data_ptr(), b.data_ptr(), result.data_ptr()])
        replay = lambda overlaps: recorder.replay(torch.cuda.current_stream().cuda_stream, overlaps)

        def matmuls():
            for b in weights:
                torch.matmul(a, b.T, out=peer)
        times = [self.seconds(lambda: replay(False), count), self.seconds(lambda: replay(True), count),
                 self.seconds(matmuls, count)]
        difference = ((result.float() - peer.float()).norm() / peer.float().norm()).item()
        return *times, difference


def run(directory):
    bench, good = Bench(directory), True
    print(bench.torch.cuda.get_device_name())
    print("\n| product rows×n×k | µs | share | overlapping, µs | share | PyTorch µs |\n"
          "| --- | --- | --- | --- | --- | --- |")
    for model in MODELS:
        for columns, inner in shapes(model):
            for rows in ROWS:
                alone, overlapping, peer, difference = bench.compare(rows, columns, inner)
                bytes = 2 * (columns * inner + rows * (columns + inner))
                share = lambda seconds: f"{seconds * 1e6:.2f} | {bytes / seconds / COPY_RATE:.0%}"
                good &= difference <= TOLERANCE
                mark = "" if difference <= TOLERANCE else f" DIFFERS by {difference:.1e}"
                print(f"| {model} {rows}×{columns}×{inner} | {share(alone)} | {share(overlapping)} | "
                      f"{peer * 1e6:.2f}{mark} |", flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main(emit, run, __doc__)
