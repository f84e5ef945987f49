"""Adds times of a kernel's configurations to a calibration.

usage: add_configs.py TABLE.json KEY EXTENT,... CONFIGURATION MICROSECONDS [CONFIGURATION MICROSECONDS]...
"""
import json
import sys


def main(path, key, extents, *times):
    with open(path) as file:
        table = json.load(file)
    points = table.setdefault("configs", {}).setdefault(key, [])
    for config, microseconds in zip(times[::2], times[1::2]):
        points.append([[int(extent) for extent in extents.split(",")], config, float(microseconds)])
    with open(path, "w") as file:
        json.dump(table, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
