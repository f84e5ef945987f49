"""Prints kernels of reports of flowhn-bench beside PyTorch's for the same shapes, in Markdown.

usage: peer_table.py REPORT.json...

Products are timed with cuBLAS, which adds no residual and makes no gate, attention of whole
sequences with cuDNN, and what only moves data beside a copy on the device. Both should have run
on the same GPU without a break: the reports first, then this. Needs PyTorch with CUDA.
"""
import collections
import json
import re
import statistics
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

MATMUL = re.compile(r"matmul_(?:(\d+)x)?(\d+)x(\d+)_bf16")
ATTENTION = re.compile(r"attention_(\d+)x(\d+)x(\d+)")
MOVERS = ("rms_norm", "grouped_rms_norm", "conv1d", "fuse", "embedding")
COPY_BYTES = 1 << 30
# Operands are taken in turn from so many bytes, more than a cache holds.
ROTATED_BYTES = 256 << 20


def seconds_of(call, repeats=20):
    """The median of a call's time on the device; the call gets its number."""
    for index in range(3):
        call(index)
    events = [torch.cuda.Event(enable_timing=True) for _ in range(repeats + 1)]
    torch.cuda.synchronize()
    events[0].record()
    for index in range(repeats):
        call(index)
        events[index + 1].record()
    torch.cuda.synchronize()
    return statistics.median(a.elapsed_time(b) for a, b in zip(events, events[1:])) * 1e-3


def random_matrices(rows, columns, count):
    return [torch.randn(rows, columns, device="cuda", dtype=torch.bfloat16) for _ in range(count)]


def time_matmul(m, n, k):
    count = max(2, ROTATED_BYTES // (2 * (m * k + n * k)))
    a, b = random_matrices(m, k, count), random_matrices(n, k, count)
    out = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
    return seconds_of(lambda i: torch.matmul(a[i % count], b[i % count].T, out=out))


def time_attention(batch, tokens, heads, kv_heads, features):
    def make(count):
        return torch.randn(batch, tokens, count, features, device="cuda",
                           dtype=torch.bfloat16).transpose(1, 2)
    q, k, v = make(heads), make(kv_heads), make(kv_heads)
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        return seconds_of(lambda _: F.scaled_dot_product_attention(
            q, k, v, is_causal=True, enable_gqa=heads != kv_heads))


def copy_rate():
    """Bytes read and written in a second by a copy on the device."""
    source = torch.empty(COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPY_BYTES / seconds_of(lambda _: target.copy_(source))


def collect(paths):
    """Seconds of each launch by (kernel's shape, rows or batch and tokens), and movers' rates."""
    matmuls, attentions = collections.defaultdict(list), collections.defaultdict(list)
    movers = collections.defaultdict(lambda: [0, 0])
    for path in paths:
        with open(path) as file:
            report = json.load(file)
        for kernel in report["kernels"]:
            if not kernel["calls"]:
                continue
            name, seconds = kernel["kernel"], kernel["seconds"] / kernel["calls"]
            if match := MATMUL.match(name):
                groups, n, k = (int(group or 1) for group in match.groups())
                m = round(kernel["flops"] / kernel["calls"] / (2 * groups * n * k))
                matmuls[m, groups * n, k].append(seconds)
            elif (match := ATTENTION.match(name)) and report["strategy"] == "none":
                shape = report["batch"], report["tokens"], *map(int, match.groups())
                attentions[shape].append(seconds)
            elif name.startswith(MOVERS):
                movers[name, f"{report['batch']}×{report['tokens']}"][0] += kernel["bytes"]
                movers[name, f"{report['batch']}×{report['tokens']}"][1] += kernel["seconds"]
    return matmuls, attentions, movers


def print_pairs(title, times, time_peer, flops_of):
    print(f"| {title} | ms | TFLOP/s | peer ms | peer TFLOP/s | of the peer's rate |")
    print("| --- | --- | --- | --- | --- | --- |")
    ratios = []
    for shape in sorted(times):
        own, flops = statistics.mean(times[shape]), flops_of(shape)
        try:
            peer = time_peer(*shape)
        except RuntimeError as error:
            print(f"| {'×'.join(map(str, shape))} | {own * 1e3:.4f} | {flops / own * 1e-12:.0f} | "
                  f"{str(error).splitlines()[0]} | | |")
            continue
        ratios.append(peer / own)
        print(f"| {'×'.join(map(str, shape))} | {own * 1e3:.4f} | {flops / own * 1e-12:.0f} | "
              f"{peer * 1e3:.4f} | {flops / peer * 1e-12:.0f} | {100 * ratios[-1]:.0f} % |")
    if ratios:
        print(f"\nmean {100 * statistics.mean(ratios):.0f} %, least {100 * min(ratios):.0f} %\n")


def main(paths):
    matmuls, attentions, movers = collect(paths)
    print(torch.cuda.get_device_name(), "PyTorch", torch.__version__, "\n")
    print_pairs("matmul rows×n×k", matmuls, time_matmul, lambda s: 2 * s[0] * s[1] * s[2])
    print_pairs("attention batch×tokens×heads×kv heads×features", attentions, time_attention,
                lambda s: 2 * s[0] * s[1] * (s[1] + 1) * s[2] * s[4])
    rate = copy_rate()
    print(f"| moves data | GB/s | of a copy's {rate * 1e-9:.0f} GB/s |\n| --- | --- | --- |")
    for (name, prefill), (moved, seconds) in sorted(movers.items()):
        print(f"| {name} {prefill} | {moved / seconds * 1e-9:.0f} | {100 * moved / seconds / rate:.0f} % |")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
