"""FlowHN in NumPy float64: slow, plain, and the judge of every other implementation.

usage: flowhn_reference.py FOLDER...   checks each folder's expected.safetensors
"""
import json
import math
import os
import sys

import numpy as np

import safetensors_file


def silu(x):
    return x / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def relative_errors(out, reference):
    """||out - ref|| / ||ref|| of the whole and of the worst row (the last axis)."""
    out, reference = (np.asarray(a, np.float64).reshape(-1, a.shape[-1]) for a in (out, reference))
    rows = np.linalg.norm(out - reference, axis=-1) / np.linalg.norm(reference, axis=-1)
    return np.linalg.norm(out - reference) / np.linalg.norm(reference), rows.max()


class Split:
    """Which positions of a call each block gives to attention."""

    def __init__(self, config):
        self.config = config
        self.mode = config.get("Prallel_Mode")
        self.context = config.get("context_length")
        self.layers = config["num_hidden_layers"]
        if self.mode is None and config["split_strategy"] in ("fa", "fac"):
            self.context = self.context or config["max_position_embeddings"]
            tokens = config.get("attention_tokens")
            if tokens is None:
                tokens = self.flop_aware_count()
            self.counts = tokens if isinstance(tokens, list) else [tokens] * self.layers

    def flops(self, attention, n):
        """FLOPs of one branch over n tokens (arXiv 2505.19472); multiply-add = 2."""
        c = self.config
        d, f, state = c["hidden_size"], c["intermediate_size"], c["mamba_d_state"]
        if attention:
            key_value = c["num_key_value_heads"] * (d // c["num_attention_heads"])
            return n * (2 * d * (2 * d + 2 * key_value) + 6 * d * f) + 2 * d * n * (n + 1)
        inner, rank = c["mamba_expand"] * d, dt_rank(c)
        return n * (4 * d * inner + 2 * inner * c["mamba_d_conv"] + 2 * inner * (rank + 2 * state)
                    + 2 * rank * inner + 9 * inner * state + 2 * inner * d + 6 * d * f)

    def flop_aware_count(self):
        return min(range(self.context + 1),
                   key=lambda n: max(self.flops(True, n), self.flops(False, self.context - n)))

    def positions(self, block, length):
        """Ascending attention positions; None when both branches see every token."""
        if self.mode is not None:
            return self.positions_by_call(block, self.context or length, length)
        strategy = self.config["split_strategy"]
        if strategy == "none":
            return None
        context = self.context or length
        if strategy == "ae":
            window = range(context // 2) if block % 2 else range(context // 2, context)
        elif strategy == "fa":
            window = range(self.counts[block])
        elif self.config.get("circulation", "rotate") == "alternate":
            count = self.counts[block]
            window = range(count) if block % 2 else range(context - count, context)
        else:
            begin = context - sum(self.counts[: block + 1])
            window = [(begin + j) % context for j in range(self.counts[block])]
        return sorted(p for p in window if p < length)

    def positions_by_call(self, block, context, length):
        half = context // 2
        window = {
            "A": None,
            "B": range(half) if block % 2 else range(half, context),
            "C": range(59 * context // 100),
            "D": range(half) if block % 2 else range(context - half, context),
        }[self.mode]
        return None if window is None else [p for p in window if p < length]


def dt_rank(config):
    rank = config["mamba_dt_rank"]
    return math.ceil(config["hidden_size"] / 16) if rank == "auto" else rank


class Model:
    """`parameter(name)` gives an array; tokens and logits are [sequences, tokens, ...]."""

    def __init__(self, config, parameter):
        self.config = config
        self.split = Split(config)
        self.parameter = lambda name: np.asarray(parameter(name), np.float64)
        self.eps = config["rms_norm_eps"]

    def norm(self, x, name):
        scale = np.sqrt((x * x).mean(-1, keepdims=True) + self.eps)
        return self.parameter(name + ".weight") * x / scale

    def linear(self, x, name):
        return x @ self.parameter(name + ".weight").T

    def mlp(self, x, name):
        gate = silu(self.linear(x, name + ".gate_proj"))
        return self.linear(gate * self.linear(x, name + ".up_proj"), name + ".down_proj")

    def feed_forward(self, x, name):
        return x + self.mlp(self.norm(x, name + ".pre_ff_layernorm"), name + ".feed_forward")

    def attention(self, x, name):
        batch, length, width = x.shape
        heads, groups = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        size = width // heads
        q = self.linear(x, name + ".q_proj").reshape(batch, length, groups, heads // groups, size)
        k = self.linear(x, name + ".k_proj").reshape(batch, length, groups, size)
        v = self.linear(x, name + ".v_proj").reshape(batch, length, groups, size)
        scores = np.einsum("bqghd,bkgd->bghqk", q, k) / math.sqrt(size)
        scores[..., np.triu(np.ones((length, length), bool), 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        heads_out = np.einsum("bghqk,bkgd->bqghd", weights, v)
        return self.linear(heads_out.reshape(batch, length, width), name + ".o_proj")

    def attention_branch(self, x, name):
        x = x + self.attention(self.norm(x, name + ".input_layernorm"), name + ".self_attn")
        return self.feed_forward(x, name)

    def convolution(self, u, name):
        """Causal and depthwise: tap j of k reaches k - 1 - j tokens back."""
        weight = self.parameter(name + ".weight")[:, 0]
        taps, length = weight.shape[1], u.shape[1]
        padded = np.pad(u, ((0, 0), (taps - 1, 0), (0, 0)))
        out = sum(padded[:, j : j + length] * weight[:, j] for j in range(taps))
        return out + self.parameter(name + ".bias") if self.config.get("mamba_conv_bias", True) else out

    def selective_scan(self, u, delta, b, c, a):
        state = np.zeros((u.shape[0], u.shape[2], b.shape[2]))
        out = np.empty_like(u)
        for t in range(u.shape[1]):
            drive = (delta[:, t] * u[:, t])[..., None] * b[:, t, None]
            state = np.exp(delta[:, t, :, None] * a) * state + drive
            out[:, t] = (state * c[:, t, None]).sum(-1)
        return out

    def mamba(self, x, name):
        rank, states = dt_rank(self.config), self.config["mamba_d_state"]
        u, z = np.split(self.linear(x, name + ".in_proj"), 2, axis=-1)
        u = silu(self.convolution(u, name + ".conv1d"))
        dt, b, c = np.split(self.linear(u, name + ".x_proj"), [rank, rank + states], axis=-1)
        dt = self.linear(self.norm(dt, name + ".dt_layernorm"), name + ".dt_proj")
        delta = softplus(dt + self.parameter(name + ".dt_proj.bias"))
        b, c = self.norm(b, name + ".b_layernorm"), self.norm(c, name + ".c_layernorm")
        y = self.selective_scan(u, delta, b, c, -np.exp(self.parameter(name + ".A_log")))
        y += self.parameter(name + ".D") * u
        return self.linear(y * silu(z), name + ".out_proj")

    def ssm_branch(self, x, name):
        x = x + self.mamba(self.norm(x, name + ".input_layernorm"), name + ".mamba")
        return self.feed_forward(x, name)

    def block(self, x, index):
        name = f"model.layers.{index}"
        mine = self.split.positions(index, x.shape[1])
        if mine is None:
            fused = np.concatenate(
                (self.ssm_branch(x, name + ".mamba"), self.attention_branch(x, name + ".atten")), -1)
        else:
            others = np.setdiff1d(np.arange(x.shape[1]), mine)
            fused = np.empty_like(x)
            if len(mine):
                fused[:, mine] = self.attention_branch(x[:, mine], name + ".atten")
            if len(others):
                fused[:, others] = self.ssm_branch(x[:, others], name + ".mamba")
        y = x + self.linear(fused, name + ".branch_proj")
        return y + self.linear(self.norm(y, name + ".pre_ff_layernorm"), name + ".final_proj")

    def __call__(self, ids, hidden=None):
        """The logits; `hidden` collects what enters each block and what the head reads."""
        hidden = [] if hidden is None else hidden
        x = self.parameter("model.embed_tokens.weight")[ids]
        for index in range(self.config["num_hidden_layers"]):
            hidden.append(x)
            x = self.block(x, index)
        hidden.append(self.norm(x, "model.final_layernorm"))
        tied = self.config.get("tie_word_embeddings", False)
        return self.linear(hidden[-1], "model.embed_tokens" if tied else "lm_head")


def load(folder):
    """The model of a folder with config.json and model.safetensors or shards."""
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    files = [name for name in sorted(os.listdir(folder))
             if name.startswith("model") and name.endswith(".safetensors")]
    weights = {}
    for name in files:
        weights.update(safetensors_file.read(os.path.join(folder, name)))
    return Model(config, weights.__getitem__)


def check(folder):
    model, worst = load(folder), 0
    expected = safetensors_file.read(os.path.join(folder, "expected.safetensors"))
    for name in (name for name in expected if name.startswith("input_ids.")):
        length, hidden = name.split(".")[1], []
        errors = [relative_errors(model(expected[name], hidden), expected["logits." + length])]
        for index, state in enumerate(hidden):
            reference = expected.get(f"hidden.{length}.{index}")
            if reference is not None:
                errors.append(relative_errors(state[:1], reference))
        worst = max(worst, max(max(error) for error in errors))
    print(f"{folder}: worst relative error {worst:.1e}")
    return worst <= 1e-5


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(0 if all([check(folder) for folder in sys.argv[1:]]) else 1)
