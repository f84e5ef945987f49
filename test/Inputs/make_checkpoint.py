"""Writes a checkpoint of an unusual shape, with reference results in float64.

usage: make_checkpoint.py VARIANT FOLDER   (no arguments: list the variants)

FOLDER gets config.json, model.safetensors (or shards) and expected.safetensors
with logits for three sequences of several lengths, hidden states for one length,
and a greedy continuation where the model's split does not depend on the call.
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Reference"))
import safetensors_file
from flowhn_reference import Model, dt_rank
from random_parameters import random_parameter, to_bfloat16_bits

LENGTHS = (1, 2, 5, 61, 127)
HIDDEN_LENGTH = 61
SEQUENCES = 3
PROMPT_LENGTH = 5  # of the greedy continuation: one of LENGTHS

BASE = {
    "vocab_size": 131, "hidden_size": 60, "intermediate_size": 100, "num_hidden_layers": 3,
    "num_attention_heads": 5, "num_key_value_heads": 1, "mamba_d_state": 8, "mamba_d_conv": 3,
    "mamba_expand": 2, "mamba_dt_rank": 7, "mamba_conv_bias": True, "mamba_proj_bias": False,
    "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
}
OURS = {**BASE, "model_type": "flowhn", "context_length": 127}
AUTHORS = {**BASE, "model_type": "jamba", "num_experts": 0}

# What differs from the base, the storage types that tensors take in turn, and the
# number of shards.
VARIANTS = {
    "rotate-odd": ({**OURS, "split_strategy": "fac", "circulation": "rotate", "attention_tokens": 41}, ["F32"], 1),
    "rotate-narrow": ({**OURS, "split_strategy": "fac", "circulation": "rotate", "attention_tokens": 3,
                       "num_hidden_layers": 5}, ["BF16"], 1),
    "rotate-per-block": ({**OURS, "split_strategy": "fac", "circulation": "rotate",
                          "attention_tokens": [0, 127, 50, 1]} | {"num_hidden_layers": 4}, ["F32", "BF16"], 2),
    "rotate-auto": ({**OURS, "split_strategy": "fac", "circulation": "rotate", "hidden_size": 56,
                     "num_attention_heads": 7, "num_key_value_heads": 7, "mamba_dt_rank": "auto"}, ["F32"], 1),
    "alternate-shards": ({**OURS, "split_strategy": "fac", "circulation": "alternate", "attention_tokens": 90,
                          "vocab_size": 257, "mamba_d_state": 5}, ["BF16", "F32", "F16"], 3),
    "fa-narrow": ({**OURS, "split_strategy": "fa", "attention_tokens": 2, "mamba_d_conv": 2}, ["F32"], 1),
    "ae-odd": ({**OURS, "split_strategy": "ae", "hidden_size": 36, "num_attention_heads": 3,
                "num_key_value_heads": 3, "mamba_expand": 3, "intermediate_size": 37}, ["BF16", "F32"], 1),
    "ae-by-call": ({**OURS, "split_strategy": "ae", "context_length": None}, ["F32"], 1),
    "none-tied": ({**OURS, "split_strategy": "none", "tie_word_embeddings": True, "mamba_d_conv": 5,
                   "mamba_dt_rank": 1, "mamba_d_state": 1}, ["F32"], 1),
    "wide-heads": ({**OURS, "split_strategy": "fac", "circulation": "rotate", "attention_tokens": 64,
                    "hidden_size": 272, "num_attention_heads": 2, "num_key_value_heads": 1,
                    "mamba_d_state": 17, "num_hidden_layers": 2}, ["F32"], 1),
    "authors-none": ({**AUTHORS, "Prallel_Mode": "A"}, ["BF16"], 1),
    "authors-ae": ({**AUTHORS, "Prallel_Mode": "B"}, ["F32", "BF16"], 2),
    "authors-fa": ({**AUTHORS, "Prallel_Mode": "C", "mamba_dt_rank": "auto"}, ["F32"], 1),
    "authors-fac": ({**AUTHORS, "Prallel_Mode": "D"}, ["F32"], 1),
}


def shapes(config):
    """{name: shape} of every parameter."""
    d, f, v = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    e, n, r = config["mamba_expand"] * d, config["mamba_d_state"], dt_rank(config)
    kv = config["num_key_value_heads"] * (d // config["num_attention_heads"])
    features = 2 * d if "none" in (config.get("split_strategy"), {"A": "none"}.get(config.get("Prallel_Mode"))) else d
    mlp = {"gate_proj": (f, d), "up_proj": (f, d), "down_proj": (d, f)}
    mamba = {
        "in_proj.weight": (2 * e, d), "conv1d.weight": (e, 1, config["mamba_d_conv"]), "conv1d.bias": (e,),
        "x_proj.weight": (r + 2 * n, e), "dt_proj.weight": (e, r), "dt_proj.bias": (e,), "A_log": (e, n),
        "D": (e,), "dt_layernorm.weight": (r,), "b_layernorm.weight": (n,), "c_layernorm.weight": (n,),
        "out_proj.weight": (d, e)}
    attention = {"q_proj": (d, d), "k_proj": (kv, d), "v_proj": (kv, d), "o_proj": (d, d)}
    result = {"model.embed_tokens.weight": (v, d), "model.final_layernorm.weight": (d,)}
    if not config["tie_word_embeddings"]:
        result["lm_head.weight"] = (v, d)
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        result |= {block + "branch_proj.weight": (d, features), block + "final_proj.weight": (d, d),
                   block + "pre_ff_layernorm.weight": (d,)}
        for branch in ("mamba", "atten"):
            for norm in ("input_layernorm", "pre_ff_layernorm"):
                result[f"{block}{branch}.{norm}.weight"] = (d,)
            result |= {f"{block}{branch}.feed_forward.{k}.weight": s for k, s in mlp.items()}
        result |= {f"{block}mamba.mamba.{k}": s for k, s in mamba.items()}
        result |= {f"{block}atten.self_attn.{k}.weight": s for k, s in attention.items()}
    return result


def rounded(values, dtype):
    """What a file of that type gives back."""
    if dtype == "BF16":
        return (to_bfloat16_bits(values).astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float16).astype(np.float32) if dtype == "F16" else values


def write_weights(folder, tensors, shards):
    if shards == 1:
        safetensors_file.write(os.path.join(folder, "model.safetensors"), tensors)
        return
    names, places = list(tensors), {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[shard::shards]}
        safetensors_file.write(os.path.join(folder, file), part)
        places |= {name: file for name in part}
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {}, "weight_map": places}, file)


def greedy(model, prompt, length):
    ids = list(prompt)
    while len(ids) < length:
        ids.append(int(model(np.array([ids]))[0, -1].argmax()))
    return np.array([ids], np.int32)


def expected(config, model):
    rng = np.random.default_rng(7)
    results = {}
    for length in LENGTHS:
        ids = rng.integers(0, config["vocab_size"], (SEQUENCES, length), np.int32)
        hidden = []
        results[f"input_ids.{length}"] = ("I32", ids)
        results[f"logits.{length}"] = ("F32", model(ids, hidden))
        if length == HIDDEN_LENGTH:
            results |= {f"hidden.{length}.{i}": ("F32", h[:1]) for i, h in enumerate(hidden)}
    prompt = results[f"input_ids.{PROMPT_LENGTH}"][1][0]
    results["greedy"] = ("I32", greedy(model, prompt, 40))
    return results


def main(variant, folder):
    config, types, shards = VARIANTS[variant]
    tensors = {}
    for index, (name, shape) in enumerate(shapes(config).items()):
        dtype = types[index % len(types)]
        tensors[name] = (dtype, rounded(random_parameter(name, shape, seed=11), dtype))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({key: value for key, value in config.items() if value is not None}, file, indent=1)
    write_weights(folder, tensors, shards)
    model = Model(config, lambda name: tensors[name][1])
    safetensors_file.write(os.path.join(folder, "expected.safetensors"), expected(config, model))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__ + "\n" + "\n".join(VARIANTS))
    main(*sys.argv[1:])
