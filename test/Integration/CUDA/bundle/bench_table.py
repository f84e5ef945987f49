"""Prints reports of flowhn-bench beside what others need for the same models.

usage: bench_table.py REPORT.json...

The last two columns are of the same model without the dead positions of its last block, from
pruned/REPORT.json where that is: its device time, and its own floor, that of its kernels. It is
other work than what the peers and their floor are of.
"""
import json
import pathlib
import sys

# Milliseconds of a prefill in bfloat16 with logits of the last token on one H200: PyTorch
# with a CUDA graph; torch.compile with a CUDA graph, mamba-ssm's scan and causal-conv1d (both
# with fac alternate); and what the matmuls, the attention and the scan's exponentials take
# at the best rates measured.
PEERS = {
    ("135M-none", "1024"): (3.66, 2.381, 0.82),
    ("135M-fac", "1024"): (2.33, 1.500, 0.40),
    ("350M-none", "1024"): (16.2, 11.251, 5.22),
    ("350M-fac", "1024"): (9.86, 6.856, 2.60),
    ("1B-none", "1024"): (41.1, 32.482, 19.8),
    ("1B-fac", "1024"): (23.3, 17.979, 9.93),
    ("1B-none", "32768"): (212, 185.7, 136),
    ("1B-fac", "32768"): (106, 86.4, 52.5),
}
ORDER = ["135M", "350M", "1B"]
ROW = "{:<24} {:>8} {:>9} {:>9} {:>11} {:>12} {:>9} {:>8} {:>11} {:>8} {:>10} {:>12}"


def model_of(path):
    """("1B", "fac-rotate", "1024") of results/bench/1B-fac-rotate-1024.json."""
    size, *split, context = path.stem.split("-")
    return size, "-".join(split), context


def pruned_columns(path):
    pruned = path.parent / "pruned" / path.name
    if not pruned.exists():
        return "-", "-"
    device = json.loads(pruned.read_text()).get("device", {})
    return tuple(f"{device.get(key, 0) * 1e3:.3f}"
                 for key in ("median_latency_seconds", "floor_seconds"))


def row_of(path):
    with open(path) as file:
        report = json.load(file)
    size, split, context = model_of(path)
    wall = report["median_latency_seconds"] * 1e3
    device = report.get("device", {}).get("median_latency_seconds", 0) * 1e3
    graph, compiled, floor = PEERS[f"{size}-{split.split('-')[0]}", context]
    return ROW.format(
        f"{size} {split}", f"{report['batch']}x{report['tokens']}", f"{wall:.3f}",
        f"{device:.3f}" if device else "-", f"{report['tokens_per_second'] / 1e3:.0f} k",
        f"{graph:g}", f"{compiled:g}", f"{floor:g}", f"{compiled / wall:.2f} x",
        f"{100 * floor / wall:.0f} %", *pruned_columns(path))


def main(paths):
    paths.sort(key=lambda path: (int(model_of(path)[2]), ORDER.index(model_of(path)[0]), path.stem))
    print(ROW.format("model", "prefill", "ms", "device ms", "tokens/s", "eager+graph", "compile",
                     "floor", "vs compile", "of floor", "pruned ms", "pruned floor"))
    for path in paths:
        print(row_of(path))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([pathlib.Path(path) for path in sys.argv[1:]])
