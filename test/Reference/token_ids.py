"""Writes token ids as a .npy file.

usage: token_ids.py OUT.npy ROWS COLUMNS VOCABULARY     reproducible random ids
       token_ids.py OUT.npy EXPECTED.safetensors NAME   a tensor of a reference file
"""
import sys

import numpy as np

import safetensors_file


def main(out, *arguments):
    if len(arguments) == 3:
        rows, columns, vocabulary = map(int, arguments)
        ids = np.random.default_rng(3).integers(0, vocabulary, (rows, columns), np.int32)
    else:
        ids = safetensors_file.read(arguments[0])[arguments[1]]
    np.save(out, ids)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
