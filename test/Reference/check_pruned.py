"""Checks that a model without its dead positions does less, and is said to.

usage: check_pruned.py PRUNED.json WHOLE.json
"""
import json
import sys


def main(*paths):
    reports = [json.load(open(path)) for path in paths]
    pruned, whole = reports
    assert pruned["prunes_dead_positions"] and not whole["prunes_dead_positions"]
    counts = [sum(kernel["flops"] for kernel in report["kernels"]) for report in reports]
    # The model's FLOPs and the kernels' own shrink alike.
    assert pruned["flops"] < whole["flops"] and counts[0] < counts[1]
    ratio = (whole["flops"] - pruned["flops"]) / (counts[1] - counts[0])
    assert abs(ratio - 1) <= 0.05, ratio


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
