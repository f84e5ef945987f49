//===- ParseConfig.cpp - Reading config.json ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConfigProblems.h"
#include "flowhn/Import/ModelConfig.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

using namespace flowhn;
using nlohmann::json;

namespace {

/// Keys of `model_type: "flowhn"` that set the split; an error in the authors' layout.
constexpr std::array splitKeys = {"split_strategy", "circulation", "context_length",
                                  "attention_tokens"};

/// Keys that both layouts read.
constexpr std::array commonKeys = {"model_type",
                                   "vocab_size",
                                   "hidden_size",
                                   "intermediate_size",
                                   "num_hidden_layers",
                                   "num_attention_heads",
                                   "num_key_value_heads",
                                   "mamba_d_state",
                                   "mamba_d_conv",
                                   "mamba_expand",
                                   "mamba_dt_rank",
                                   "mamba_conv_bias",
                                   "mamba_proj_bias",
                                   "rms_norm_eps",
                                   "tie_word_embeddings",
                                   "hidden_act",
                                   "num_experts",
                                   "attention_bias",
                                   "mlp_bias",
                                   "head_dim",
                                   "max_position_embeddings",
                                   "dtype",
                                   "torch_dtype",
                                   "tokenizer"};

/// Keys that would change what the model computes and that FlowHN has no place
/// for: anything but null is refused.
constexpr std::array<std::array<const char *, 2>, 16> foreignKeys = {{
    {"sliding_window", "attention has no window"},
    {"attention_window", "attention has no window"},
    {"rope_theta", "attention has no positional encoding"},
    {"rope_scaling", "attention has no positional encoding"},
    {"rope_parameters", "attention has no positional encoding"},
    {"partial_rotary_factor", "attention has no positional encoding"},
    {"rotary_emb_base", "attention has no positional encoding"},
    {"position_embedding_type", "attention has no positional encoding"},
    {"attn_logit_softcapping", "attention scores are not capped"},
    {"final_logit_softcapping", "logits are not capped"},
    {"quantization_config", "quantised checkpoints are not read"},
    {"time_step_limit", "the step size is not clamped"},
    {"embedding_multiplier", "embeddings are not scaled"},
    {"lm_head_multiplier", "logits are not scaled"},
    {"logit_scale", "logits are not scaled"},
    {"pruned_heads", "heads are not pruned"},
}};

/// Keys without any effect on what the model computes: training, generation,
/// bookkeeping and kernel choices of other programs, and the layer and expert
/// pattern of a sequential Jamba.
constexpr std::array inertKeys = {"add_cross_attention",
                                  "architectures",
                                  "attention_dropout",
                                  "attn_layer_offset",
                                  "attn_layer_period",
                                  "auto_map",
                                  "begin_suppress_tokens",
                                  "bos_token_id",
                                  "chunk_size_feed_forward",
                                  "decoder_start_token_id",
                                  "do_sample",
                                  "dropout",
                                  "eos_token_id",
                                  "expert_layer_offset",
                                  "expert_layer_period",
                                  "finetuning_task",
                                  "hidden_dropout",
                                  "id2label",
                                  "initializer_range",
                                  "is_decoder",
                                  "is_encoder_decoder",
                                  "keys_to_ignore_at_inference",
                                  "label2id",
                                  "max_length",
                                  "max_new_tokens",
                                  "min_length",
                                  "name",
                                  "num_experts_per_tok",
                                  "num_logits_to_keep",
                                  "output_attentions",
                                  "output_hidden_states",
                                  "output_router_logits",
                                  "output_scores",
                                  "pad_token_id",
                                  "prefix",
                                  "pretraining_tp",
                                  "problem_type",
                                  "repetition_penalty",
                                  "return_dict",
                                  "return_dict_in_generate",
                                  "router_aux_loss_coef",
                                  "sep_token_id",
                                  "suppress_tokens",
                                  "task_specific_params",
                                  "temperature",
                                  "tokenizer_class",
                                  "top_k",
                                  "top_p",
                                  "torchscript",
                                  "transformers_version",
                                  "unk_token_id",
                                  "use_associative_scan",
                                  "use_bfloat16",
                                  "use_cache",
                                  "use_mamba_kernels",
                                  "use_mambapy"};

template <typename List> bool contains(const List &list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

/// The keys of one object by type; a wrong type is recorded against its key.
class ConfigReader {
public:
  ConfigReader(const json &root, ConfigProblems &problems) : root(root), problems(problems) {}

  /// Null when the key is absent or null.
  const json *get(const char *key) const {
    auto found = root.find(key);
    return found == root.end() || found->is_null() ? nullptr : &*found;
  }

  void invalid(const char *key, const std::string &rule) {
    problems.add(StatusCode::InvalidInput, key, rule);
  }

  std::optional<int64_t> integer(const char *key) {
    const json *value = get(key);
    return value ? integer(key, *value) : std::nullopt;
  }

  std::optional<int64_t> integer(const char *key, const json &value) {
    bool fits = value.is_number_integer() &&
                (!value.is_number_unsigned() ||
                 value.get<uint64_t>() <= uint64_t(std::numeric_limits<int64_t>::max()));
    if (!fits) {
      invalid(key, "must be an integer, got " + flowhn::describe(value));
      return std::nullopt;
    }
    return value.get<int64_t>();
  }

  int64_t required(const char *key) {
    if (!get(key)) {
      invalid(key, "is required");
      return 0;
    }
    return integer(key).value_or(0);
  }

  bool boolean(const char *key, bool standard) {
    const json *value = get(key);
    if (value && !value->is_boolean())
      invalid(key, "must be true or false, got " + flowhn::describe(*value));
    return value && value->is_boolean() ? value->get<bool>() : standard;
  }

  double number(const char *key, double standard) {
    const json *value = get(key);
    if (value && !value->is_number())
      invalid(key, "must be a number, got " + flowhn::describe(*value));
    return value && value->is_number() ? value->get<double>() : standard;
  }

  /// Empty when absent, null or not a string.
  std::string string(const char *key) {
    const json *value = get(key);
    if (value && !value->is_string())
      invalid(key, "must be a string, got " + flowhn::describe(*value));
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }

  /// One of `choices`, the first when the key is absent or wrong.
  template <typename T, size_t n>
  T choice(const char *key, const std::array<std::pair<const char *, T>, n> &choices) {
    const json *value = get(key);
    std::string allowed;
    for (const auto &[spelling, result] : choices) {
      if (value && value->is_string() && value->get_ref<const std::string &>() == spelling)
        return result;
      allowed += (allowed.empty() ? "" : ", ") + std::string(spelling);
    }
    if (value)
      invalid(key, "must be one of " + allowed + ", got " + flowhn::describe(*value));
    return choices[0].second;
  }

  const json &root;
  ConfigProblems &problems;
};

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
