"""Rewrites a file of reference results with something wrong in one entry.

usage: edit_expected.py IN OUT remove|flatten|poison NAME
"""
import sys

import numpy as np

import safetensors_file


def main(source, target, change, name):
    tensors = {key: ("I32" if values.dtype == np.int32 else "F32", values.copy())
               for key, values in safetensors_file.read(source).items()}
    dtype, values = tensors.pop(name)
    if change == "flatten":
        tensors[name] = (dtype, values.ravel())
    elif change == "poison":
        values.ravel()[values.size // 2] = np.nan
        tensors[name] = (dtype, values)
    safetensors_file.write(target, tensors)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
