"""Writes a checkpoint of a published size, bfloat16, with made-up numbers: something large
to load. What it computes means nothing.

usage: make_checkpoint.py SIZE STRATEGY FOLDER
"""
import json
import pathlib
import sys

import numpy as np

# hidden, intermediate, layers; the rest is the same for all.
SIZES = {"135M": (768, 2048, 2), "350M": (1024, 4096, 6), "1B": (2048, 8192, 6)}
VOCABULARY, HEADS, KV_HEADS, STATES, TAPS = 65536, 32, 8, 16, 4


def shapes_of(size, strategy):
    d, f, layers = SIZES[size]
    e, r, kv = 2 * d, -(-d // 16), d // HEADS * KV_HEADS
    mlp = {"feed_forward.gate_proj": (f, d), "feed_forward.up_proj": (f, d),
           "feed_forward.down_proj": (d, f), "input_layernorm": (d,), "pre_ff_layernorm": (d,)}
    attention = {"self_attn.q_proj": (d, d), "self_attn.k_proj": (kv, d),
                 "self_attn.v_proj": (kv, d), "self_attn.o_proj": (d, d)}
    mamba = {"in_proj.weight": (2 * e, d), "conv1d.weight": (e, 1, TAPS), "conv1d.bias": (e,),
             "x_proj.weight": (r + 2 * STATES, e), "dt_proj.weight": (e, r), "dt_proj.bias": (e,),
             "A_log": (e, STATES), "D": (e,), "dt_layernorm.weight": (r,),
             "b_layernorm.weight": (STATES,), "c_layernorm.weight": (STATES,),
             "out_proj.weight": (d, e)}
    shapes = {"model.embed_tokens.weight": (VOCABULARY, d), "lm_head.weight": (VOCABULARY, d),
              "model.final_layernorm.weight": (d,)}
    for layer in range(layers):
        path = f"model.layers.{layer}."
        shapes[path + "branch_proj.weight"] = (d, 2 * d if strategy == "none" else d)
        shapes[path + "final_proj.weight"] = (d, d)
        shapes[path + "pre_ff_layernorm.weight"] = (d,)
        for name, shape in {**mlp, **attention}.items():
            shapes[f"{path}atten.{name}.weight"] = shape
        for name, shape in mlp.items():
            shapes[f"{path}mamba.{name}.weight"] = shape
        for name, shape in mamba.items():
            shapes[f"{path}mamba.mamba.{name}"] = shape
    return shapes


def main(size, strategy, folder):
    header, offset = {}, 0
    shapes = shapes_of(size, strategy)
    for name, shape in shapes.items():
        end = offset + 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    # Values of magnitude 0.008 to 0.03, of either sign.
    noise = np.random.default_rng(1).integers(0, 1 << 16, 1 << 22, np.uint16)
    block = ((noise & 0x80FF) | 0x3C00).tobytes()
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    with open(pathlib.Path(folder) / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, offset, len(block)):
            file.write(block[:min(len(block), offset - start)])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
