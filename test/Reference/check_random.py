"""Compares logits of a published size with random weights with the float64 reference.

usage: check_random.py LOGITS.npy IDS.npy SIZE CONTEXT SEED

At most 1e-4 for the whole and 1e-3 for the worst row.
"""
import sys

import numpy as np

from flowhn_reference import Model, relative_errors
from random_parameters import random_parameter

SIZES = {"135M": (768, 2048, 2), "350M": (1024, 4096, 6), "1B": (2048, 8192, 6)}


def config_of(size, context):
    width, intermediate, layers = SIZES[size]
    return {
        "vocab_size": 65536, "hidden_size": width, "intermediate_size": intermediate,
        "num_hidden_layers": layers, "num_attention_heads": 32, "num_key_value_heads": 8,
        "mamba_d_state": 16, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_dt_rank": "auto",
        "rms_norm_eps": 1e-6, "split_strategy": "fac", "circulation": "rotate",
        "context_length": context,
    }


def shape_of(name, config):
    """The shape of a parameter, by the last part of its name."""
    d, f, v = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    e, n, r = config["mamba_expand"] * d, config["mamba_d_state"], -(-d // 16)
    kv = d // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes = {
        "embed_tokens.weight": (v, d), "lm_head.weight": (v, d), "A_log": (e, n), "D": (e,),
        "in_proj.weight": (2 * e, d), "conv1d.weight": (e, 1, config["mamba_d_conv"]),
        "conv1d.bias": (e,), "x_proj.weight": (r + 2 * n, e), "dt_proj.weight": (e, r),
        "dt_proj.bias": (e,), "dt_layernorm.weight": (r,), "b_layernorm.weight": (n,),
        "c_layernorm.weight": (n,), "out_proj.weight": (d, e), "q_proj.weight": (d, d),
        "k_proj.weight": (kv, d), "v_proj.weight": (kv, d), "o_proj.weight": (d, d),
        "gate_proj.weight": (f, d), "up_proj.weight": (f, d), "down_proj.weight": (d, f),
        "branch_proj.weight": (d, d), "final_proj.weight": (d, d),
        "input_layernorm.weight": (d,), "pre_ff_layernorm.weight": (d,),
        "final_layernorm.weight": (d,),
    }
    parts = name.split(".")
    return shapes.get(parts[-1]) or shapes[".".join(parts[-2:])]


def main(logits_file, ids_file, size, context, seed):
    config = config_of(size, int(context))
    model = Model(config, lambda name: random_parameter(name, shape_of(name, config), int(seed)))
    whole, row = relative_errors(np.load(logits_file), model(np.load(ids_file)))
    print(f"whole {whole:.1e}, worst row {row:.1e}")
    return whole <= 1e-4 and row <= 1e-3


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
