"""Checks how a report of flowhn-bench says that weights were loaded, and the device's memory.

usage: check_load.py REPORT.json USED_MIB

At least 60 % of the host-to-device rate measured in the same run; at most the weights, the
plan's buffers and 300 MB in use, the driver's own included.
"""
import json
import sys


def main(path, used_mib):
    with open(path) as file:
        report = json.load(file)
    device = report["device"]
    rate, peak = device["upload_bytes_per_second"], device["host_to_device_bytes_per_second"]
    used = int(used_mib) * 2**20
    planned = report["parameter_bytes"] + report["workspace_bytes"]
    print(f"upload {rate / 1e9:.1f} GB/s of {peak / 1e9:.1f} GB/s, {100 * rate / peak:.0f} %")
    print(f"memory {used / 1e6:.0f} MB used, {planned / 1e6:.0f} MB planned, "
          f"{(used - planned) / 1e6:.0f} MB more")
    return rate >= 0.6 * peak and used <= planned + 300e6


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
