#===- graph_bench.py - Kernels and PyTorch's, timed in graphs --------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""What the scripts share that time kernels beside PyTorch's: both are replayed from graphs, where
they wait for no host."""

import ctypes
import os
import statistics
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(here)]
import kernel_harness as harness
from cuda_device import (CLUSTER_DIMENSION, PROGRAMMATIC_SERIALIZATION, LaunchAttribute, LaunchConfig,
                         TensorMap)


def emit(opt, directory, texts, chip):
    """Machine code of kernels, without the PTX."""
    harness.emit(opt, directory, texts, chip, assemble=True)
    for file in os.listdir(directory):
        if file.endswith(".ptx"):
            os.remove(os.path.join(directory, file))


class Recorder:
    """Takes launches as the harness makes them, to be made again on a stream."""

    def __init__(self, device):
        self.device, self.max_blocks, self.launches = device, device.multiprocessors(), []

    def run(self, path, description, grid, device, arguments):
        shared = description["shared_bytes"]
        function = device.load(harness.code_file(path), description["name"], shared)
        values = [a if isinstance(a, TensorMap) else ctypes.c_uint64(a)
                  for a in arguments]
        addresses = [v.address() if hasattr(v, "address") else ctypes.addressof(v) for v in values]
        pointers = (ctypes.c_void_p * len(values))(*addresses)
        attributes = []
        if description["cluster_grid"]:
            cluster = (description["cluster_blocks"], 1, 1)
            attributes.append(LaunchAttribute(CLUSTER_DIMENSION, 0, cluster))
        self.launches.append((function, (grid, description["threads"], shared), attributes, pointers, values))

    def replay(self, stream, overlaps):
        early = [LaunchAttribute(PROGRAMMATIC_SERIALIZATION, 0, (1,))] if overlaps else []
        for function, shape, attributes, pointers, _ in self.launches:
            config = LaunchConfig.of(*shape, stream, attributes + early)
            self.device.call("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)


class GraphBench:
    """Times launches: functions that put kernels on PyTorch's current stream."""

    def __init__(self, directory):
        import torch
        self.torch, self.directory = torch, directory
        self.device = harness.GPU().device

    def random(self, *shape, kind=None, scale=1.0, shift=0.0):
        values = self.torch.randn(*shape, device="cuda") * scale + shift
        return values.to(kind or self.torch.bfloat16)

    def record(self, name, sets):
        """A kernel of the directory with each of some `sets` of arguments, to be launched."""
        recorder = Recorder(self.device)
        for arguments in sets:
            pointers = [a if isinstance(a, int) else a.data_ptr() for a in arguments]
            harness.launch(recorder, self.directory, name, self.device, pointers)
        return recorder

    def launcher(self, name, arguments):
        recorder = self.record(name, [arguments])
        return lambda: self.replay(recorder)

    def replay(self, recorder, overlaps=False):
        recorder.replay(self.torch.cuda.current_stream().cuda_stream, overlaps)

    def capture(self, launches):
        torch, stream = self.torch, self.torch.cuda.Stream()
        torch.cuda.synchronize()
        with torch.cuda.stream(stream):
            launches[0]()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for launch in launches:
                launch()
        graph.replay()
        return graph

    def time(self, graph, replays=3):
        """Milliseconds of one replay."""
        events = [self.torch.cuda.Event(enable_timing=True) for _ in range(2)]
        events[0].record()
        for _ in range(replays):
            graph.replay()
        events[1].record()
        self.torch.cuda.synchronize()
        return events[0].elapsed_time(events[1]) / replays

    def milliseconds(self, launches):
        """Of one of `launches`, one after the other: the median of five bursts."""
        graph = self.capture(launches)
        return statistics.median(self.time(graph) for _ in range(5)) / len(launches)

    def difference(self, result, expected):
        """The relative one, of the rows that are expected."""
        result, expected = result[:len(expected)].float(), expected.float()
        return ((result - expected).norm() / expected.norm()).item()
