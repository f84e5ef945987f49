"""Checks that a report of flowhn-bench is complete and consistent.

usage: check_bench.py REPORT.json BATCH TOKENS REPETITIONS
"""
import json
import statistics
import sys


def main(path, batch, tokens, repetitions):
    with open(path) as file:
        report = json.load(file)
    latency = statistics.median(report["latencies_seconds"])
    assert len(report["latencies_seconds"]) == repetitions
    assert abs(report["median_latency_seconds"] - latency) <= 1e-9
    assert abs(report["tokens_per_second"] * latency / (batch * tokens) - 1) <= 1e-6
    assert abs(report["flops_per_second"] * latency / report["flops"] - 1) <= 1e-6
    # Within the peak's sight of the kernels' own count, which includes norms.
    assert 0.9 <= sum(kernel["flops"] for kernel in report["kernels"]) / report["flops"] <= 1.2
    assert report["peak_memory_bytes"] >= report["parameter_bytes"] > 0
    assert {phase["name"] for phase in report["compile_phases"]}


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:]))
