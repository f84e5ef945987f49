"""Compares logits with the float64 reference of a checkpoint, to 1e-5.

usage: check_logits.py FOLDER [IDS.npy LOGITS.npy]...
"""
import sys

import numpy as np

from flowhn_reference import load, relative_errors


def main(folder, *files):
    model, good = load(folder), True
    for ids, logits in zip(files[::2], files[1::2]):
        whole, row = relative_errors(np.load(logits), model(np.load(ids)))
        print(f"{logits}: whole {whole:.1e}, worst row {row:.1e}")
        good &= bool(row <= 1e-5)
    return good


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
