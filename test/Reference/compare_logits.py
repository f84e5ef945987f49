"""Compares two files of logits: the relative error of the whole and of the worst row.

usage: compare_logits.py A.npy B.npy [--whole BOUND] [--row BOUND]

Prints ||a - b|| / ||b|| and fails where it exceeds a bound or is no number.
"""
import argparse
import sys

import numpy as np


def relative_errors(a, b):
    """Of the whole and of the worst row, in float64."""
    a, b = (x.astype(np.float64).reshape(-1, x.shape[-1]) for x in (a, b))
    differences, norms = np.linalg.norm(a - b, axis=1), np.linalg.norm(b, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = np.where(differences == 0, 0.0, differences / norms)
        whole = np.linalg.norm(differences) / np.linalg.norm(norms) if differences.any() else 0.0
    return whole, rows.max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--whole", type=float, default=2e-2)
    parser.add_argument("--row", type=float, default=6e-2)
    options = parser.parse_args()
    a, b = np.load(options.a), np.load(options.b)
    if a.shape != b.shape:
        sys.exit(f"{options.a} has shape {a.shape}, {options.b} has {b.shape}")
    whole, row = relative_errors(a, b)
    print(f"whole {whole:.2e}, worst row {row:.2e}")
    return whole <= options.whole and row <= options.row


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
