//===- ParseConfig.cpp - Reading config.json ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConfigKeys.h"
#include "ConfigReader.h"
#include "flowhn/Import/ModelConfig.h"

using namespace flowhn;
using nlohmann::json;

namespace {

void readShape(ConfigReader &reader, ModelConfig &config) {
  config.vocabSize = reader.required("vocab_size");
  config.hiddenSize = reader.required("hidden_size");
  config.intermediateSize = reader.required("intermediate_size");
  config.numLayers = reader.required("num_hidden_layers");
  config.numHeads = reader.required("num_attention_heads");
  config.numKeyValueHeads = reader.integer("num_key_value_heads").value_or(config.numHeads);
  config.stateSize = reader.integer("mamba_d_state").value_or(16);
  config.convSize = reader.integer("mamba_d_conv").value_or(4);
  config.expand = reader.integer("mamba_expand").value_or(2);
  const json *rank = reader.get("mamba_dt_rank");
  if (!rank || *rank == "auto")
    config.dtRank = std::max<int64_t>(1, config.hiddenSize / 16 + (config.hiddenSize % 16 > 0));
  else
    config.dtRank = reader.integer("mamba_dt_rank").value_or(1);
  config.convBias = reader.boolean("mamba_conv_bias", true);
  config.projBias = reader.boolean("mamba_proj_bias", false);
  config.rmsNormEps = reader.number("rms_norm_eps", 1e-6);
  config.tieWordEmbeddings = reader.boolean("tie_word_embeddings", false);
}

DType readTypeKey(ConfigReader &reader, const char *key) {
  static constexpr std::array<std::pair<const char *, DType>, 3> types = {
      {{"float32", DType::F32}, {"bfloat16", DType::BF16}, {"float16", DType::F16}}};
  return reader.choice(key, types);
}

void readType(ConfigReader &reader, ModelConfig &config) {
  DType current = readTypeKey(reader, "dtype"), older = readTypeKey(reader, "torch_dtype");
  bool both = reader.get("dtype") && reader.get("torch_dtype");
  if (both && reader.problems.good({"dtype", "torch_dtype"}) && current != older)
    reader.invalid("torch_dtype", "contradicts 'dtype'");
  config.parameterType = reader.get("dtype") ? current : older;
}

/// Keys with a meaning that only one value of is computed here.
void checkFixedKeys(ConfigReader &reader, const ModelConfig &config) {
  auto refuse = [&](const char *key, const std::string &rule) {
    reader.problems.add(StatusCode::Unsupported, key, rule);
  };
  if (std::string act = reader.string("hidden_act");
      reader.problems.good({"hidden_act"}) && reader.get("hidden_act") && act != "silu")
    refuse("hidden_act", "only \"silu\" is supported, got " + quote(act));
  if (std::optional<int64_t> experts = reader.integer("num_experts"); experts && *experts > 1)
    refuse("num_experts", "mixtures of experts are not supported, got " + std::to_string(*experts));
  for (const char *key : {"attention_bias", "mlp_bias"})
    if (reader.boolean(key, false))
      refuse(key, "biases outside the mamba branch are not supported");
  std::optional<int64_t> headSize = reader.integer("head_dim");
  if (headSize && config.numHeads > 0 && config.hiddenSize > 0 &&
      (config.hiddenSize % config.numHeads != 0 || *headSize != config.headSize()))
    refuse("head_dim",
           "must be 'hidden_size' / 'num_attention_heads', got " + std::to_string(*headSize));
  for (const auto &[key, reason] : foreignKeys) {
    const json *value = reader.get(key);
    bool empty = value && value->is_structured() && value->empty();
    if (value && !empty)
      refuse(key, std::string(reason) + ", got " + flowhn::describe(*value));
  }
}

void readAuthorsSplit(ConfigReader &reader, ModelConfig &config) {
  static constexpr std::array<std::pair<const char *, SplitStrategy>, 4> modes = {
      {{"A", SplitStrategy::None},
       {"B", SplitStrategy::AE},
       {"C", SplitStrategy::FA},
       {"D", SplitStrategy::FAC}}};
  config.strategy = reader.choice("Prallel_Mode", modes);
  config.circulation = Circulation::Alternate;
  config.splitByCall = true;
  for (const char *key : splitKeys)
    if (reader.get(key))
      reader.invalid(key, "belongs to model_type \"flowhn\", not to the authors' layout");
}

void readAttentionTokens(ConfigReader &reader, ModelConfig &config) {
  constexpr const char *key = "attention_tokens";
  const json *value = reader.get(key);
  if (!value)
    return;
  if (!value->is_array()) {
    if (std::optional<int64_t> count = reader.integer(key))
      config.attentionTokens = {*count};
    return;
  }
  if (int64_t(value->size()) != config.numLayers && reader.problems.good({"num_hidden_layers"}))
    return reader.invalid(key, "must hold one count per block, got " +
                                   std::to_string(value->size()) + " for " +
                                   std::to_string(config.numLayers) + " blocks");
  for (const json &item : *value) {
    std::optional<int64_t> count = reader.integer(key, item);
    if (!count)
      return;
    config.attentionTokens.push_back(*count);
  }
}

void readOwnSplit(ConfigReader &reader, ModelConfig &config) {
  static constexpr std::array<std::pair<const char *, SplitStrategy>, 4> strategies = {
      {{"none", SplitStrategy::None},
       {"ae", SplitStrategy::AE},
       {"fa", SplitStrategy::FA},
       {"fac", SplitStrategy::FAC}}};
  static constexpr std::array<std::pair<const char *, Circulation>, 2> circulations = {
      {{"rotate", Circulation::Rotate}, {"alternate", Circulation::Alternate}}};
  if (!reader.get("split_strategy"))
    reader.invalid("split_strategy", "is required: one of none, ae, fa, fac");
  config.strategy = reader.choice("split_strategy", strategies);
  config.circulation = reader.choice("circulation", circulations);
  config.contextLength = reader.integer("context_length");
  std::optional<int64_t> positions = reader.integer("max_position_embeddings");
  bool counted = config.strategy == SplitStrategy::FA || config.strategy == SplitStrategy::FAC;
  // Only where a context is needed: `ae` without one splits by the call.
  if (!reader.get("context_length") && counted)
    config.contextLength = positions;
  readAttentionTokens(reader, config);
  if (reader.get("Prallel_Mode"))
    reader.invalid("Prallel_Mode", "belongs to the authors' layout, model_type \"jamba\"");
}

/// Our own layout is ours to define: a key without a meaning is a typing error.
void checkUnknownKeys(ConfigReader &reader) {
  for (const auto &[key, value] : reader.root.items()) {
    bool foreign = std::any_of(foreignKeys.begin(), foreignKeys.end(),
                               [&, &name = key](const auto &entry) { return name == entry[0]; });
    if (!value.is_null() && !key.starts_with('_') && key != "Prallel_Mode" && !foreign &&
        !contains(commonKeys, key) && !contains(splitKeys, key) && !contains(inertKeys, key))
      reader.problems.add(StatusCode::Unsupported, key, "is not a key of this layout");
  }
}

/// Which layout the text is in: true for ours.
Expected<bool> readLayout(const json &root) {
  auto type = root.find("model_type");
  if (type == root.end() || !type->is_string())
    return invalidInput("'model_type' must be \"flowhn\" or \"jamba\"" +
                        (type == root.end() ? std::string() : ", got " + describe(*type)));
  const auto &spelling = type->get_ref<const std::string &>();
  if (spelling != "flowhn" && spelling != "jamba")
    return unsupported("'model_type' " + quote(spelling) +
                       " is not a FlowHN model, expected \"flowhn\" or \"jamba\"");
  if (spelling == "jamba" && root.value("Prallel_Mode", json()).is_null())
    return unsupported("a plain Jamba is not a FlowHN model: 'Prallel_Mode' is missing");
  return spelling == "flowhn";
}

} // namespace

Expected<ModelConfig> flowhn::parseModelConfig(std::string_view text, std::string_view source) {
  Expected<json> document = parseJson(text, source);
  FLOWHN_RETURN_IF_ERROR(document.status());
  if (!document->is_object())
    return invalidInput(std::string(source) + ": expected an object, got " + describe(*document));
  Expected<bool> ours = readLayout(*document);
  if (!ours.ok())
    return ours.status().withContext(source);

  ModelConfig config;
  ConfigProblems problems;
  ConfigReader reader(*document, problems);
  readShape(reader, config);
  readType(reader, config);
  config.tokenizer = reader.string("tokenizer");
  if (*ours)
    readOwnSplit(reader, config);
  else
    readAuthorsSplit(reader, config);
  checkFixedKeys(reader, config);
  if (*ours)
    checkUnknownKeys(reader);
  checkConfig(config, problems);
  FLOWHN_RETURN_IF_ERROR(problems.status(source));
  return config;
}
