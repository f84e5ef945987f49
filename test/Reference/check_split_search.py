"""Checks that the split that is searched for a block, as it is scheduled, is the best of those that
are searched for each schedule.

usage: check_split_search.py AUTO GROUPED STREAMS SERIAL
"""
import re
import sys


def times(path):
    """The times of a search's first block, by schedule."""
    with open(path) as file:
        line = next(line for line in file if line.startswith("block 0:"))
    return {name: float(time) for name, time in
            re.findall(r"(grouped|streams|serial) ([\d.]+)", line)}


def main(auto, *searched):
    forced = {name: times(path)[name]
              for name, path in zip(("grouped", "streams", "serial"), searched)}
    best = times(auto)
    name = min(best, key=best.get)
    assert best[name] == min(forced.values()) == forced[name], (best, forced)


if __name__ == "__main__":
    main(*sys.argv[1:])
