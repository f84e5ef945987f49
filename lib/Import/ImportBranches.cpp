//===- ImportBranches.cpp - The two branches of a block -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"

using namespace mlir;
using namespace mlir::flowhn;

/// down(silu(gate(t)) · up(t)), the feed-forward layer `path`.
static Value importFeedForward(LayerBuilder &layers, const std::string &path, Value input) {
  int64_t width = layers.config.intermediateSize;
  Value gate = layers.linear(path + ".gate_proj", input, layers.tokens(width));
  Value up = layers.linear(path + ".up_proj", input, layers.tokens(width));
  Value hidden = SwiGLUOp::create(layers.builder, layers.location(path), gate, up);
  return layers.linear(path + ".down_proj", hidden, layers.residual(layers.config.hiddenSize));
}

/// Residual feed-forward around its own norm: the second half of either branch, whose sum
/// a product reads.
static Value importFeedForwardHalf(LayerBuilder &layers, const std::string &path, Value input) {
  Value normed = layers.rmsNorm(path + ".pre_ff_layernorm", input);
  Value output = importFeedForward(layers, path + ".feed_forward", normed);
  return layers.add(path + ".feed_forward", input, output, layers.tokens(layers.config.hiddenSize));
}

/// Grouped-query attention without its residual, the layer `path`.
static Value importAttention(LayerBuilder &layers, const std::string &path, Value input,
                             BranchTokens rows) {
  const ::flowhn::ModelConfig &config = layers.config;
  OpBuilder &builder = layers.builder;
  int64_t keyValueSize = config.numKeyValueHeads * config.headSize();
  Value query = layers.linear(path + ".q_proj", input, layers.tokens(config.hiddenSize));
  Value key = layers.linear(path + ".k_proj", input, layers.tokens(keyValueSize));
  Value value = layers.linear(path + ".v_proj", input, layers.tokens(keyValueSize));
  auto attention =
      AttentionOp::create(builder, layers.location(path), query.getType(), query, key, value,
                          rows.begin, rows.length, /*queries=*/Value(),
                          /*state=*/Value(), builder.getI64IntegerAttr(config.numHeads),
                          builder.getI64IntegerAttr(config.numKeyValueHeads));
  return layers.linear(path + ".o_proj", attention.getResult(), layers.residual(config.hiddenSize));
}

namespace {

/// What the recurrence takes besides its input.
struct ScanInputs {
  Value delta;
  Value b;
  Value c;
};

} // namespace

/// silu(causal_conv1d(u) + bias), the layer `path`.conv1d.
static Value importConvolution(LayerBuilder &layers, const std::string &path, Value input,
                               BranchTokens rows) {
  const ::flowhn::ModelConfig &config = layers.config;
  std::string layer = path + ".conv1d";
  Value weight = layers.parameter(layer + ".weight", {config.innerSize(), 1, config.convSize});
  Value bias = config.convBias ? layers.parameter(layer + ".bias", {config.innerSize()}) : Value();
  auto convolution = CausalConv1DOp::create(layers.builder, layers.location(layer), input.getType(),
                                            input, weight, rows.begin, rows.length, bias,
                                            /*state=*/Value(), /*activation=*/ActivationAttr());
  return SiLUOp::create(layers.builder, layers.location(layer), convolution.getResult());
}

/// [dt, B, C] = x_proj(u), each through its own norm, and Δ's projection.
static ScanInputs importScanInputs(LayerBuilder &layers, const std::string &path, Value input) {
  const ::flowhn::ModelConfig &config = layers.config;
  int64_t rank = config.dtRank, state = config.stateSize;
  std::string projection = path + ".x_proj";
  Value projected = layers.linear(projection, input, layers.residual(rank + 2 * state));
  Value step = layers.slice(projection, projected, 0, rank);
  Value b = layers.slice(projection, projected, rank, state);
  Value c = layers.slice(projection, projected, rank + state, state);
  step = layers.rmsNorm(path + ".dt_layernorm", step);
  b = layers.rmsNorm(path + ".b_layernorm", b);
  c = layers.rmsNorm(path + ".c_layernorm", c);
  Value delta =
      layers.linear(path + ".dt_proj", step, layers.tokens(config.innerSize()), /*bias=*/true);
  return {delta, b, c};
}

/// The selective SSM without its residual, the layer `path`.
static Value importMamba(LayerBuilder &layers, const std::string &path, Value input,
                         BranchTokens rows) {
  const ::flowhn::ModelConfig &config = layers.config;
  int64_t channels = config.innerSize();
  std::string projection = path + ".in_proj";
  Value projected = layers.linear(projection, input, layers.tokens(2 * channels), config.projBias);
  Value u = layers.slice(projection, projected, 0, channels);
  Value z = layers.slice(projection, projected, channels, channels);
  u = importConvolution(layers, path, u, rows);
  ScanInputs scan = importScanInputs(layers, path, u);
  Value aLog = layers.parameter(path + ".A_log", {channels, config.stateSize});
  Value d = layers.parameter(path + ".D", {channels});
  auto recurrence = SelectiveScanOp::create(layers.builder, layers.location(path), u.getType(), u,
                                            scan.delta, aLog, scan.b, scan.c, d, rows.begin,
                                            rows.length, /*gate=*/Value(), /*state=*/Value());
  Value gated = SwiGLUOp::create(layers.builder, layers.location(path), z, recurrence.getResult());
  return layers.linear(path + ".out_proj", gated, layers.residual(config.hiddenSize),
                       config.projBias);
}

Value mlir::flowhn::importAttentionBranch(LayerBuilder &layers, StringRef path,
                                          BranchTokens input) {
  std::string branch = (path + ".atten").str();
  Value normed = layers.rmsNorm(branch + ".input_layernorm", input.tokens);
  Value attended = importAttention(layers, branch + ".self_attn", normed, input);
  Value sum = layers.add(branch + ".self_attn", input.tokens, attended, attended.getType());
  return importFeedForwardHalf(layers, branch, sum);
}

Value mlir::flowhn::importSSMBranch(LayerBuilder &layers, StringRef path, BranchTokens input) {
  std::string branch = (path + ".mamba").str();
  Value normed = layers.rmsNorm(branch + ".input_layernorm", input.tokens);
  Value scanned = importMamba(layers, branch + ".mamba", normed, input);
  Value sum = layers.add(branch + ".mamba", input.tokens, scanned, scanned.getType());
  return importFeedForwardHalf(layers, branch, sum);
}
