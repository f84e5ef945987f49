"""Checks how a report of flowhn-bench says that weights were loaded, and the device's memory.

usage: check_load.py REPORT.json USED_MIB

At least 60 % of the host-to-device rate measured in the same run; at most the weights, the
plan's buffers and 300 MB in use, beside what the driver takes for an empty context.
"""
import ctypes
import json
import subprocess
import sys


def device_memory():
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 2**20


def empty_context():
    """Bytes of the device that a context without anything in it takes."""
    before = device_memory()
    cuda = ctypes.CDLL("libcuda.so.1")
    context = ctypes.c_void_p()
    for status in (cuda.cuInit(0), cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)):
        assert status == 0, f"CUDA error {status}"
    return device_memory() - before


def main(path, used_mib):
    with open(path) as file:
        report = json.load(file)
    device = report["device"]
    rate, peak = device["upload_bytes_per_second"], device["host_to_device_bytes_per_second"]
    context = empty_context()
    used = int(used_mib) * 2**20 - context
    planned = report["parameter_bytes"] + report["workspace_bytes"]
    print(f"upload {rate / 1e9:.1f} GB/s of {peak / 1e9:.1f} GB/s, {100 * rate / peak:.0f} %")
    print(f"memory {used / 1e6:.0f} MB used beside a context of {context / 1e6:.0f} MB, {planned / 1e6:.0f} MB planned, "
          f"{(used - planned) / 1e6:.0f} MB more")
    return rate >= 0.6 * peak and used <= planned + 300e6


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
