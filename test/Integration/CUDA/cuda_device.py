#===- cuda_device.py - Runs PTX on a GPU -------------------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""The driver API through ctypes: what the checks need to run a kernel on a GPU."""

import ctypes
import gzip

import numpy as np

# Of the driver's enumerations.
MAX_DYNAMIC_SHARED_SIZE = 8
MULTIPROCESSOR_COUNT, CAPABILITY_MAJOR = 16, 75
BFLOAT16, SWIZZLE_128, PROMOTE_256 = 9, 3, 3
CLUSTER_DIMENSION, PROGRAMMATIC_SERIALIZATION = 4, 6


class DeviceError(Exception):
    """What the driver refuses or a kernel dies of: the device is of no use to this process."""


class TensorMap(ctypes.Structure):
    """A CUtensorMap; the driver wants it at a multiple of 64 bytes."""

    _fields_ = [("bytes", ctypes.c_uint8 * 192)]

    def address(self):
        return -(-ctypes.addressof(self) // 64) * 64


class LaunchAttribute(ctypes.Structure):
    """A CUlaunchAttribute: an enumerator and words of its value."""

    _fields_ = [("id", ctypes.c_uint), ("pad", ctypes.c_uint), ("value", ctypes.c_uint * 16)]


class LaunchConfig(ctypes.Structure):
    """A CUlaunchConfig."""

    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint),
                ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(LaunchAttribute)),
                ("count", ctypes.c_uint)]

    @staticmethod
    def of(grid, threads, shared_bytes, stream, attributes):
        array = (LaunchAttribute * len(attributes))(*attributes)
        return LaunchConfig(grid, (threads, 1, 1), shared_bytes, stream, array, len(attributes))


class Device:
    """The first GPU. `put` and `view` are those of the interpreter's memory; with `unwritten`
    buffers stay as the driver gives them."""

    def __init__(self, unwritten=False):
        self.unwritten = unwritten
        self.cuda = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)
        device, self.context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.device, self.buffers, self.functions = device, [], {}
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(self.context), device)
        self.call("cuCtxSetCurrent", self.context)

    def call(self, name, *arguments):
        status = getattr(self.cuda, name)(*arguments)
        if status != 0:
            raise DeviceError(f"{name} failed with CUDA error {status}")

    def attribute(self, number):
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
        return value.value

    def multiprocessors(self):
        return self.attribute(MULTIPROCESSOR_COUNT)

    def runs(self, chip):
        """Whether it runs what is emitted for "sm_90a" (that generation alone) or "sm_80"."""
        major = int(chip[3:].rstrip("a")) // 10
        return self.attribute(CAPABILITY_MAJOR) >= major and (
            not chip.endswith("a") or self.attribute(CAPABILITY_MAJOR) == major)

    def release_buffers(self):
        for pointer in self.buffers:
            self.call("cuMemFree_v2", ctypes.c_uint64(pointer))
        self.buffers = []

    def put(self, array):
        array = np.ascontiguousarray(array)
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(array.nbytes, 1)))
        if array.nbytes and not self.unwritten:
            self.call("cuMemcpyHtoD_v2", pointer, ctypes.c_void_p(array.ctypes.data),
                      ctypes.c_size_t(array.nbytes))
        self.buffers.append(pointer.value)
        return pointer.value

    def tensor_map(self, pointer, rows, description):
        """What a map of a launch description covers: `rows` of the buffer at `pointer`."""
        result = TensorMap()
        # No map is of 0 rows; what a launch has of such a one is not read.
        extents = (ctypes.c_uint64 * 2)(description["columns"], max(rows, 1))
        pitch = (ctypes.c_uint64 * 1)(description["row_bytes"])
        box, steps = (ctypes.c_uint32 * 2)(*description["box"]), (ctypes.c_uint32 * 2)(1, 1)
        swizzle = SWIZZLE_128 if description["swizzle"] == 128 else 0
        self.call("cuTensorMapEncodeTiled", ctypes.c_void_p(result.address()), BFLOAT16, 2,
                  ctypes.c_void_p(pointer), extents, pitch, box, steps, 0, swizzle, PROMOTE_256, 0)
        return result

    def view(self, pointer, shape, dtype):
        array = np.empty(shape, dtype)
        if array.nbytes:
            self.call("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(pointer),
                      ctypes.c_size_t(array.nbytes))
        return array

    def load(self, path, name, shared_bytes):
        if path in self.functions:
            return self.functions[path]
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            image = file.read() + b"\0"
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), image)
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        self.call("cuFuncSetAttribute", function, MAX_DYNAMIC_SHARED_SIZE, shared_bytes)
        self.functions[path] = function
        return function

    def launch(self, function, grid, threads, shared_bytes, arguments, repeat=1, cluster=0):
        """Launches `repeat` times and returns the milliseconds of one; in clusters of so many blocks,
        0: as the code has it."""
        values = [a if isinstance(a, TensorMap) else ctypes.c_uint64(a) for a in arguments]
        addresses = [v.address() if isinstance(v, TensorMap) else ctypes.addressof(v) for v in values]
        pointers = (ctypes.c_void_p * len(values))(*addresses)
        start, end, elapsed = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_float()
        for event in (start, end):
            self.call("cuEventCreate", ctypes.byref(event), 0)
        self.call("cuEventRecord", start, None)
        attributes = [LaunchAttribute(CLUSTER_DIMENSION, 0, (cluster, 1, 1))] if cluster else []
        config = LaunchConfig.of(grid, threads, shared_bytes, None, attributes)
        for _ in range(repeat):
            self.call("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)
        self.call("cuEventRecord", end, None)
        self.call("cuEventSynchronize", end)
        self.call("cuEventElapsedTime", ctypes.byref(elapsed), start, end)
        for event in (start, end):
            self.call("cuEventDestroy_v2", event)
        return elapsed.value / repeat
