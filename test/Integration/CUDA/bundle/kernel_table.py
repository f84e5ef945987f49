"""Prints the kernels of reports of flowhn-bench, those of all models in one table in Markdown.

usage: kernel_table.py REPORT.json...

A row for each shape and configuration of a kernel at a size of prefill, of all models that
have it: the mean time of a launch, rates, the share of the time that the target's rates allow
at best, and the share of a prefill's time, in the mean over all reports of that size.
"""
import collections
import dataclasses
import json
import re
import sys

COLUMNS = ["kernel", "prefill", "launches", "ms", "TFLOP/s", "GB/s", "of floor", "of time",
           "configuration"]


@dataclasses.dataclass
class Row:
    launches: int = 0
    seconds: float = 0
    floor_seconds: float = 0
    flops: float = 0
    bytes: float = 0
    share: float = 0

    def add(self, kernel, total):
        self.launches += kernel["calls"]
        for name in ("seconds", "floor_seconds", "flops", "bytes"):
            setattr(self, name, getattr(self, name) + kernel[name])
        self.share += kernel["seconds"] / total


def shape_of(kernel):
    """Its name without the number that tells apart kernels of one shape."""
    match = re.fullmatch(r"(.*_\d.*)_\d+", kernel)
    return match[1] if match else kernel


def rows_of(paths):
    """Rows by kernel, size of prefill and configuration, and the number of reports by size."""
    rows, reports = collections.defaultdict(Row), collections.Counter()
    for path in paths:
        with open(path) as file:
            report = json.load(file)
        prefill = f"{report['batch']}×{report['tokens']}"
        reports[prefill] += 1
        total = sum(kernel["seconds"] for kernel in report["kernels"])
        for kernel in report["kernels"]:
            if kernel["calls"]:
                rows[shape_of(kernel["kernel"]), prefill, kernel["config"]].add(kernel, total)
    return rows, reports


def cells_of(key, row, reports):
    kernel, prefill, configuration = key
    floor = f"{100 * row.floor_seconds / row.seconds:.0f} %" if row.floor_seconds else "—"
    return [kernel, prefill, str(row.launches), f"{row.seconds / row.launches * 1e3:.4f}",
            f"{row.flops / row.seconds * 1e-12:.1f}", f"{row.bytes / row.seconds * 1e-9:.0f}", floor,
            f"{100 * row.share / reports[prefill]:.2f} %", configuration]


def main(paths):
    rows, reports = rows_of(paths)
    order = sorted(rows, key=lambda key: -rows[key].share / reports[key[1]])
    for cells in [COLUMNS, ["---"] * len(COLUMNS)] + [cells_of(key, rows[key], reports) for key in order]:
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
