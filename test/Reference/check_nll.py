"""Compares a model's loss on the held-out window with expected.json, to 1e-4.

usage: check_nll.py LOGITS.npy FOLDER

The window is `input_ids.512` of expected.safetensors. The target of its last token
lies outside: the byte that follows it in the text, an 's'.
"""
import json
import os
import sys

import numpy as np

import safetensors_file


def main(logits_file, folder):
    logits = np.load(logits_file).astype(np.float64)[0]
    ids = safetensors_file.read(os.path.join(folder, "expected.safetensors"))["input_ids.512"][0]
    targets = np.append(ids[1:], ord("s"))
    logits -= logits.max(-1, keepdims=True)
    log_likelihood = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = -log_likelihood[np.arange(len(targets)), targets].mean()
    with open(os.path.join(folder, "expected.json")) as file:
        expected = json.load(file)["nll_nats"]
    print(f"loss {loss:.6f} nats, expected {expected:.6f}")
    return abs(loss - expected) <= 1e-4


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
