//===- ModelConfig.cpp - Ranges and consistency ---------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Import/ModelConfig.h"

#include "ConfigProblems.h"
#include "flowhn/Support/Json.h"

#include <cmath>
#include <cstdio>

using namespace flowhn;

namespace {

constexpr int64_t maxExtent = int64_t(1) << 24;
constexpr int64_t maxLayers = 4096;
/// 4.4 T parameters: sizes in bytes and offsets stay far inside an int64_t.
constexpr double maxParameters = double(int64_t(1) << 42);
/// FLOPs of one context, so that the count's search can be done in int64_t.
constexpr double maxFlops = double(int64_t(1) << 62);

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

void checkRange(ConfigProblems &problems, std::string_view key, int64_t value, int64_t least,
                int64_t most) {
  if (problems.good({key}) && (value < least || value > most))
    problems.add(StatusCode::InvalidInput, key,
                 "must lie in [" + std::to_string(least) + ", " + std::to_string(most) + "], got " +
                     std::to_string(value));
}

void checkRanges(const ModelConfig &c, ConfigProblems &problems) {
  checkRange(problems, "vocab_size", c.vocabSize, 1, maxExtent);
  checkRange(problems, "hidden_size", c.hiddenSize, 1, maxExtent);
  checkRange(problems, "intermediate_size", c.intermediateSize, 1, maxExtent);
  checkRange(problems, "num_hidden_layers", c.numLayers, 1, maxLayers);
  checkRange(problems, "num_attention_heads", c.numHeads, 1, maxExtent);
  checkRange(problems, "num_key_value_heads", c.numKeyValueHeads, 1, maxExtent);
  checkRange(problems, "mamba_d_state", c.stateSize, 1, 1024);
  checkRange(problems, "mamba_d_conv", c.convSize, 1, 16);
  checkRange(problems, "mamba_expand", c.expand, 1, 64);
  checkRange(problems, "mamba_dt_rank", c.dtRank, 1, maxExtent);
  if (c.contextLength)
    checkRange(problems, "context_length", *c.contextLength, 1, maxExtent);
  if (problems.good({"rms_norm_eps"}) && (!(c.rmsNormEps > 0) || !std::isfinite(c.rmsNormEps)))
    problems.add(StatusCode::InvalidInput, "rms_norm_eps",
                 "must be positive and finite, got " + number(c.rmsNormEps));
}

/// `value` must be a multiple of `divisor`.
void checkDivides(ConfigProblems &problems, std::string_view key, int64_t value,
                  std::string_view divisorKey, int64_t divisor) {
  if (problems.good({key, divisorKey}) && value % divisor != 0)
    problems.add(StatusCode::InvalidInput, key,
                 "must be a multiple of " + quote(divisorKey) + ", got " + std::to_string(value) +
                     " and " + std::to_string(divisor));
}

/// Parameters of one block; the norms are too small to matter.
double blockParameters(const ModelConfig &c) {
  double d = double(c.hiddenSize), e = double(c.expand) * d, n = double(c.stateSize);
  double r = double(c.dtRank), kv = double(c.numKeyValueHeads) * d / double(c.numHeads);
  return 2 * d * (d + kv) + 6 * d * double(c.intermediateSize) + 3 * d * d + 3 * d * e +
         e * (double(c.convSize) + 2 * r + 3 * n);
}

void checkSizes(const ModelConfig &c, ConfigProblems &problems) {
  if (!problems.good({"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                      "num_attention_heads", "num_key_value_heads", "mamba_d_state", "mamba_d_conv",
                      "mamba_expand", "mamba_dt_rank"}))
    return;
  double parameters =
      double(c.numLayers) * blockParameters(c) + 2.0 * double(c.vocabSize) * double(c.hiddenSize);
  if (parameters > maxParameters)
    problems.add(StatusCode::InvalidInput, "num_hidden_layers",
                 "the sizes give about " + std::to_string(std::llround(parameters / 1e9)) +
                     " billion parameters, at most 4398 billion are allowed");
  if (!c.contextLength || !problems.good({"context_length"}))
    return;
  double length = double(*c.contextLength), d = double(c.hiddenSize);
  double scan = 9.0 * double(c.expand) * d * double(c.stateSize);
  if (length * (2 * blockParameters(c) + scan) + 2 * d * length * (length + 1) > maxFlops)
    problems.add(StatusCode::InvalidInput, "context_length",
                 "the FLOPs of a block over " + std::to_string(*c.contextLength) +
                     " tokens do not fit 62 bits");
}

void checkAttentionTokens(const ModelConfig &c, ConfigProblems &problems) {
  constexpr std::string_view key = "attention_tokens";
  if (c.attentionTokens.empty() || !problems.good({key, "split_strategy"}))
    return;
  if (c.strategy == SplitStrategy::None || c.strategy == SplitStrategy::AE)
    problems.add(StatusCode::InvalidInput, key, "applies to the strategies fa and fac only");
  else if (size_t count = c.attentionTokens.size();
           count != 1 && problems.good({"num_hidden_layers"}) && int64_t(count) != c.numLayers)
    problems.add(StatusCode::InvalidInput, key,
                 "must be one count or one per block, got " + std::to_string(count) +
                     " counts for " + std::to_string(c.numLayers) + " blocks");
  if (!problems.good({"context_length"}))
    return;
  for (int64_t count : c.attentionTokens) {
    int64_t most = c.contextLength.value_or(maxExtent);
    if (count < 0 || count > most)
      return problems.add(StatusCode::InvalidInput, key,
                          "must lie in [0, " + std::to_string(most) + "], got " +
                              std::to_string(count));
  }
}

void checkSplit(const ModelConfig &c, ConfigProblems &problems) {
  bool needsContext = c.strategy == SplitStrategy::FA || c.strategy == SplitStrategy::FAC;
  if (problems.good({"split_strategy", "context_length"}) && needsContext && !c.contextLength &&
      !c.splitByCall)
    problems.add(StatusCode::InvalidInput, "context_length",
                 "the strategies fa and fac need a context length, got none");
  if (c.splitByCall && !c.attentionTokens.empty())
    problems.add(StatusCode::InvalidInput, "attention_tokens",
                 "the authors' layout fixes the share of attention tokens");
  else
    checkAttentionTokens(c, problems);
}

} // namespace

void ConfigProblems::add(StatusCode code, std::string_view key, std::string_view text) {
  lines.push_back(quote(key) + ": " + std::string(text));
  badKeys.emplace(key);
  if (worst == StatusCode::Ok || code == StatusCode::InvalidInput)
    worst = code;
}

bool ConfigProblems::good(std::initializer_list<std::string_view> keys) const {
  for (std::string_view key : keys)
    if (badKeys.find(key) != badKeys.end())
      return false;
  return true;
}

Status ConfigProblems::status(std::string_view source) const {
  if (lines.empty())
    return {};
  std::string message(source);
  if (lines.size() > 1)
    message += ": " + std::to_string(lines.size()) + " problems";
  for (const std::string &line : lines)
    message += (lines.size() > 1 ? "\n  " : ": ") + line;
  return Status(worst, std::move(message));
}

void flowhn::checkConfig(const ModelConfig &config, ConfigProblems &problems) {
  checkRanges(config, problems);
  checkDivides(problems, "hidden_size", config.hiddenSize, "num_attention_heads", config.numHeads);
  checkDivides(problems, "num_attention_heads", config.numHeads, "num_key_value_heads",
               config.numKeyValueHeads);
  checkSplit(config, problems);
  checkSizes(config, problems);
  if (!config.tokenizer.empty() && config.tokenizer != "bytes")
    problems.add(StatusCode::Unsupported, "tokenizer",
                 "only \"bytes\" is known, got " + quote(config.tokenizer));
  else if (!config.tokenizer.empty() && problems.good({"vocab_size"}) && config.vocabSize < 256)
    problems.add(StatusCode::InvalidInput, "vocab_size",
                 "the tokenizer \"bytes\" needs at least 256, got " +
                     std::to_string(config.vocabSize));
  if (config.parameterType != DType::F32 && config.parameterType != DType::BF16 &&
      config.parameterType != DType::F16)
    problems.add(StatusCode::Unsupported, "dtype",
                 "must be float32, bfloat16 or float16, got " +
                     std::string(name(config.parameterType)));
}

Status flowhn::validate(const ModelConfig &config) {
  ConfigProblems problems;
  checkConfig(config, problems);
  return problems.status("model config");
}
