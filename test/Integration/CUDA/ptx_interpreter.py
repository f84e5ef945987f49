#===- ptx_interpreter.py - Runs PTX without a GPU ----------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Formats of numbers, and global memory and launches for the interpreter of PTX, which
PTXInterpreter has in C++."""

import ctypes
import os
import shutil

import numpy as np


def bf2f(stored):
    return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)


def f2bf(numbers):
    bits = np.asarray(numbers, np.float32).view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    rounded = ((bits + half) >> np.uint32(16)).astype(np.uint16)
    return np.where(np.isnan(numbers), np.uint16(0x7FFF), rounded).astype(np.uint16)


def h2f(stored):
    return np.asarray(stored, np.uint16).view(np.float16).astype(np.float32)


def f2h(numbers):
    with np.errstate(over="ignore"):
        return np.asarray(numbers, np.float32).astype(np.float16).view(np.uint16)


class Fault(Exception):
    """What no correct kernel does."""


class Buffer(ctypes.Structure):
    _fields_ = [("begin", ctypes.c_uint64), ("end", ctypes.c_uint64)]


class TensorMap(ctypes.Structure):
    _fields_ = [("address", ctypes.c_uint64), ("rows", ctypes.c_int64),
                ("columns", ctypes.c_int64), ("pitch", ctypes.c_int64),
                ("box_columns", ctypes.c_int32), ("box_rows", ctypes.c_int32),
                ("is_constant", ctypes.c_int32)]


class Request(ctypes.Structure):
    _fields_ = [("memory", ctypes.c_void_p), ("buffers", ctypes.POINTER(Buffer)),
                ("arguments", ctypes.POINTER(ctypes.c_uint64)), ("maps", ctypes.POINTER(TensorMap)),
                ("buffer_count", ctypes.c_int32), ("argument_count", ctypes.c_int32),
                ("map_count", ctypes.c_int32), ("grid", ctypes.c_int32 * 3),
                ("threads", ctypes.c_int32), ("shared_bytes", ctypes.c_int32),
                ("cluster_blocks", ctypes.c_int32)]


class Report(ctypes.Structure):
    _fields_ = [("races", ctypes.c_int32), ("text", ctypes.c_char * 512)]

    def message(self):
        return self.text.decode()


class Memory:
    """Global memory: buffers with guard zones that nobody may touch between them."""

    GUARD, ALIGNMENT, SIZE = 1 << 15, 1024, 1 << 29

    def __init__(self):
        self.bytes = np.empty(self.SIZE, np.uint8)
        self.buffers, self.top = [], 1 << 16

    def put(self, array):
        array = np.ascontiguousarray(array)
        begin, end = self.top, self.top + array.nbytes
        self.bytes[begin:end] = array.view(np.uint8).reshape(-1)
        self.buffers.append((begin, end))
        self.top = -(-(end + self.GUARD) // self.ALIGNMENT) * self.ALIGNMENT
        return begin

    def view(self, pointer, shape, dtype):
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return self.bytes[pointer:pointer + count].view(dtype).reshape(shape)

    def tensor_map(self, pointer, rows, description):
        """What a map of a launch description covers: `rows` of the buffer at `pointer`."""
        columns, row_bytes = description["columns"], description["row_bytes"]
        end = pointer + ((rows - 1) * row_bytes + 2 * columns if rows else 0)
        inside = any(begin <= pointer and end <= limit for begin, limit in self.buffers)
        if row_bytes % 16 or not inside:
            raise Fault(f"tensor map: rows of {row_bytes} bytes, or outside of its buffer")
        return TensorMap(pointer, rows, columns, row_bytes // 2, *description["box"],
                         description["rows"][0].isdigit())


class Library:
    """The interpreter, beside the libraries of a program."""

    def __init__(self, program):
        folder = os.path.dirname(os.path.dirname(os.path.abspath(shutil.which(program))))
        self.calls = ctypes.CDLL(os.path.join(folder, "lib", "libFlowHNPTXInterpreter.so"))
        self.calls.flowhnPTXParse.restype = ctypes.c_void_p

    def parse(self, text):
        report = Report()
        kernel = self.calls.flowhnPTXParse(text.encode(), ctypes.byref(report))
        if not kernel:
            raise NotImplementedError(report.message())
        return ctypes.c_void_p(kernel)

    def release(self, kernel):
        self.calls.flowhnPTXRelease(kernel)

    def run(self, kernel, memory, arguments, maps, grid, description):
        """Returns how many races there were, and the first one."""
        buffers = (Buffer * len(memory.buffers))(*memory.buffers)
        request = Request(memory.bytes.ctypes.data, buffers,
                          (ctypes.c_uint64 * len(arguments))(*arguments),
                          (TensorMap * len(maps))(*maps), len(buffers), len(arguments), len(maps),
                          grid, description["threads"], description["shared_bytes"],
                          description["cluster_blocks"])
        report = Report()
        status = self.calls.flowhnPTXRun(kernel, ctypes.byref(request), ctypes.byref(report))
        if status:
            raise (Fault if status == 1 else NotImplementedError)(report.message())
        return report.races, report.message()
