//===- ModelConfigTest.cpp - What a model is, apart from its weights ------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Import/ModelConfig.h"
#include "../TestFiles.h"

#include <nlohmann/json.hpp>

using namespace flowhn;
using namespace flowhn::test;
using nlohmann::json;

namespace {

json ownBase() {
  return json::parse(R"({"model_type": "flowhn", "vocab_size": 256, "hidden_size": 64,
    "intermediate_size": 160, "num_attention_heads": 4, "num_key_value_heads": 2,
    "num_hidden_layers": 3, "split_strategy": "fac", "context_length": 64})");
}

json authorsBase() {
  return json::parse(R"({"model_type": "jamba", "Prallel_Mode": "D", "vocab_size": 256,
    "hidden_size": 64, "intermediate_size": 160, "num_attention_heads": 4,
    "num_key_value_heads": 2, "num_hidden_layers": 4, "max_position_embeddings": 262144})");
}

/// `base` with the keys of `changes` set; a key set to "ABSENT" is removed.
Expected<ModelConfig> parsed(json base, const char *changes) {
  json set = json::parse(changes);
  for (const auto &[key, value] : set.items())
    value == "ABSENT" ? void(base.erase(key)) : void(base[key] = value);
  return parseModelConfig(base.dump(), "c");
}

ModelConfig accepted(const json &base, const char *changes) {
  Expected<ModelConfig> config = parsed(base, changes);
  EXPECT_TRUE(config.ok()) << changes << ": " << config.status().message();
  if (!config.ok())
    return {};
  EXPECT_TRUE(validate(*config).ok());
  return *config;
}

struct Refusal {
  const char *changes;
  const char *message;
};

void expectRefused(const json &base, StatusCode code, std::initializer_list<Refusal> cases) {
  for (const Refusal &c : cases) {
    SCOPED_TRACE(c.changes);
    expectError(parsed(base, c.changes).status(), code, c.message);
  }
}

TEST(ModelConfig, readsEveryFixture) {
  int count = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(FLOWHN_TEST_INPUTS)) {
    if (entry.path().filename() != "config.json")
      continue;
    auto config = parseModelConfig(readFile(entry.path().string()), entry.path().string());
    EXPECT_TRUE(config.ok()) << config.status().message();
    ++count;
  }
  EXPECT_GE(count, 10);
}

TEST(ModelConfig, readsTheKingJamesModel) {
  auto c = parseModelConfig(readFile(FLOWHN_TEST_INPUTS "/kjv-fac-rotate/config.json"), "kjv");
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_EQ(c->vocabSize, 256);
  EXPECT_EQ(c->hiddenSize, 192);
  EXPECT_EQ(c->intermediateSize, 512);
  EXPECT_EQ(c->numLayers, 4);
  EXPECT_EQ(c->numHeads, 6);
  EXPECT_EQ(c->numKeyValueHeads, 2);
  EXPECT_EQ(c->headSize(), 32);
  EXPECT_EQ(c->innerSize(), 384);
  EXPECT_EQ(c->dtRank, 12);
  EXPECT_TRUE(c->convBias && !c->projBias && !c->tieWordEmbeddings && !c->splitByCall);
  EXPECT_EQ(c->strategy, SplitStrategy::FAC);
  EXPECT_EQ(c->circulation, Circulation::Rotate);
  EXPECT_EQ(c->contextLength, 512);
  EXPECT_EQ(c->attentionTokens, std::vector<int64_t>{286});
  EXPECT_EQ(c->tokenizer, "bytes");
}

TEST(ModelConfig, fillsInDefaults) {
  ModelConfig c = accepted(ownBase(), R"({"num_key_value_heads": null, "hidden_size": 100})");
  EXPECT_EQ(c.numKeyValueHeads, 4);
  EXPECT_EQ(c.stateSize, 16);
  EXPECT_EQ(c.convSize, 4);
  EXPECT_EQ(c.expand, 2);
  EXPECT_EQ(c.dtRank, 7);
  EXPECT_EQ(c.rmsNormEps, 1e-6);
  EXPECT_EQ(c.circulation, Circulation::Rotate);
  EXPECT_TRUE(c.attentionTokens.empty() && c.tokenizer.empty());
  EXPECT_EQ(c.parameterType, DType::F32);
}

TEST(ModelConfig, readsOurSplit) {
  EXPECT_EQ(accepted(ownBase(), R"({"attention_tokens": 64})").attentionTokens,
            std::vector<int64_t>{64});
  EXPECT_EQ(accepted(ownBase(), R"({"attention_tokens": [1, 0, 64]})").attentionTokens,
            (std::vector<int64_t>{1, 0, 64}));
  EXPECT_TRUE(accepted(ownBase(), R"({"attention_tokens": null})").attentionTokens.empty());
  EXPECT_EQ(accepted(ownBase(), R"({"circulation": "alternate"})").circulation,
            Circulation::Alternate);
  EXPECT_EQ(accepted(ownBase(), R"({"max_position_embeddings": 5})").contextLength, 64);
  EXPECT_EQ(accepted(ownBase(), R"({"context_length": null, "max_position_embeddings": 5})")
                .contextLength,
            5);
  for (const char *strategy : {R"({"split_strategy": "ae", "context_length": null,
                                   "max_position_embeddings": 5})",
                               R"({"split_strategy": "none", "context_length": null})"})
    EXPECT_FALSE(accepted(ownBase(), strategy).contextLength) << strategy;
  EXPECT_EQ(accepted(ownBase(), R"({"split_strategy": "ae"})").contextLength, 64);
  EXPECT_EQ(accepted(ownBase(), R"({"split_strategy": "fa"})").strategy, SplitStrategy::FA);
}

TEST(ModelConfig, readsTheAuthorsSplit) {
  const std::pair<const char *, SplitStrategy> modes[] = {{"A", SplitStrategy::None},
                                                          {"B", SplitStrategy::AE},
                                                          {"C", SplitStrategy::FA},
                                                          {"D", SplitStrategy::FAC}};
  for (const auto &[mode, strategy] : modes) {
    std::string change = std::string(R"({"Prallel_Mode": ")") + mode + "\"}";
    ModelConfig c = accepted(authorsBase(), change.c_str());
    EXPECT_EQ(c.strategy, strategy);
    EXPECT_EQ(c.circulation, Circulation::Alternate);
    EXPECT_TRUE(c.splitByCall && !c.contextLength);
  }
  accepted(authorsBase(), R"({"max_position_embeddings": "ignored", "whatever": 1})");
}

TEST(ModelConfig, honoursOtherKeys) {
  EXPECT_EQ(accepted(ownBase(), R"({"dtype": "bfloat16"})").parameterType, DType::BF16);
  EXPECT_EQ(accepted(ownBase(), R"({"dtype": "float16"})").parameterType, DType::F16);
  EXPECT_EQ(accepted(ownBase(), R"({"torch_dtype": "bfloat16"})").parameterType, DType::BF16);
  EXPECT_EQ(accepted(ownBase(), R"({"dtype": null, "torch_dtype": "float32"})").parameterType,
            DType::F32);
  EXPECT_TRUE(accepted(ownBase(), R"({"mamba_proj_bias": true})").projBias);
  EXPECT_FALSE(accepted(ownBase(), R"({"mamba_conv_bias": false})").convBias);
  EXPECT_TRUE(accepted(ownBase(), R"({"tie_word_embeddings": true})").tieWordEmbeddings);
  EXPECT_EQ(accepted(ownBase(), R"({"rms_norm_eps": 1e-5})").rmsNormEps, 1e-5);
  EXPECT_EQ(accepted(ownBase(), R"({"mamba_dt_rank": 3})").dtRank, 3);
  EXPECT_EQ(accepted(ownBase(), R"({"mamba_dt_rank": "auto"})").dtRank, 4);
  accepted(ownBase(), R"({"head_dim": 16, "hidden_act": "silu", "num_experts": 1,
    "attention_bias": false, "rope_theta": null, "sliding_window": null, "pruned_heads": {},
    "use_mamba_kernels": true, "_name_or_path": "x", "id2label": {"0": "a"}, "use_cache": true,
    "some_future_key": null, "attention_dropout": 0.1, "rope_scaling": null})");
}

TEST(ModelConfig, refusesOtherModels) {
  const struct {
    const char *text;
    StatusCode code;
    const char *message;
  } cases[] = {
      {"", StatusCode::InvalidInput, "c: line 1"},
      {"[]", StatusCode::InvalidInput, "c: expected an object, got an array of 0"},
      {"{}", StatusCode::InvalidInput, "'model_type' must be"},
      {R"({"model_type": 3})", StatusCode::InvalidInput, "got number 3"},
      {R"({"model_type": "llama"})", StatusCode::Unsupported, "'llama' is not a FlowHN model"},
      {R"({"model_type": "jamba"})", StatusCode::Unsupported, "'Prallel_Mode' is missing"},
      {R"({"model_type": "jamba", "Prallel_Mode": null})", StatusCode::Unsupported,
       "'Prallel_Mode' is missing"},
      {R"({"model_type": "flowhn", "model_type": "jamba"})", StatusCode::InvalidInput,
       "duplicate key 'model_type'"},
      {R"({"model_type": "mamba2", "time_step_limit": [0.0, Infinity]})", StatusCode::Unsupported,
       "'mamba2' is not a FlowHN model"},
  };
  for (const auto &c : cases)
    expectError(parseModelConfig(c.text, "c").status(), c.code, c.message);
}

TEST(ModelConfig, refusesWrongTypes) {
  expectRefused(
      ownBase(), StatusCode::InvalidInput,
      {{R"({"hidden_size": "64"})", R"(c: 'hidden_size': must be an integer, got string "64")"},
       {R"({"hidden_size": 64.0})", "'hidden_size': must be an integer, got number 64.0"},
       {R"({"hidden_size": true})", "'hidden_size': must be an integer, got boolean true"},
       {R"({"vocab_size": 18446744073709551615})", "got number 18446744073709551615"},
       {R"({"vocab_size": [1]})", "'vocab_size': must be an integer, got an array"},
       {R"({"mamba_dt_rank": "Auto"})", "'mamba_dt_rank': must be an integer, got string"},
       {R"({"mamba_conv_bias": 1})", "'mamba_conv_bias': must be true or false, got number 1"},
       {R"({"rms_norm_eps": "1e-6"})", "'rms_norm_eps': must be a number"},
       {R"({"tokenizer": 1})", "'tokenizer': must be a string"},
       {R"({"context_length": "64"})", "'context_length': must be an integer"},
       {R"({"max_position_embeddings": 0.5})", "'max_position_embeddings': must be an integer"},
       {R"({"attention_tokens": "39"})", "'attention_tokens': must be an integer"},
       {R"({"attention_tokens": [1, 2.5, 3]})", "'attention_tokens': must be an integer"},
       {R"({"hidden_act": 1})", "'hidden_act': must be a string"},
       {R"({"dtype": 16})", "'dtype': must be one of float32, bfloat16, float16, got number 16"}});
}

TEST(ModelConfig, refusesMissingAndOutOfRangeValues) {
  expectRefused(
      ownBase(), StatusCode::InvalidInput,
      {{R"({"vocab_size": "ABSENT"})", "'vocab_size': is required"},
       {R"({"hidden_size": null})", "'hidden_size': is required"},
       {R"({"intermediate_size": "ABSENT"})", "'intermediate_size': is required"},
       {R"({"num_hidden_layers": "ABSENT"})", "'num_hidden_layers': is required"},
       {R"({"num_attention_heads": "ABSENT"})", "'num_attention_heads': is required"},
       {R"({"split_strategy": null})", "'split_strategy': is required"},
       {R"({"vocab_size": 0})", "'vocab_size': must lie in [1, 16777216], got 0"},
       {R"({"vocab_size": 16777217})", "got 16777217"},
       {R"({"hidden_size": -64})", "got -64"},
       {R"({"num_hidden_layers": 4097})", "must lie in [1, 4096], got 4097"},
       {R"({"num_attention_heads": 0})", "'num_attention_heads': must lie in"},
       {R"({"num_attention_heads": 5, "num_key_value_heads": 1})",
        "'hidden_size': must be a multiple of 'num_attention_heads', got 64 and 5"},
       {R"({"num_key_value_heads": 3})", "must be a multiple of 'num_key_value_heads'"},
       {R"({"num_key_value_heads": 8})", "must be a multiple of 'num_key_value_heads'"},
       {R"({"mamba_d_state": 1025})", "must lie in [1, 1024], got 1025"},
       {R"({"mamba_d_conv": 17})", "must lie in [1, 16], got 17"},
       {R"({"mamba_d_conv": 0})", "must lie in [1, 16], got 0"},
       {R"({"mamba_expand": 65})", "must lie in [1, 64], got 65"},
       {R"({"mamba_dt_rank": 0})", "'mamba_dt_rank': must lie in"},
       {R"({"context_length": 0})", "'context_length': must lie in [1, 16777216], got 0"},
       {R"({"context_length": 16777217})", "'context_length': must lie in"},
       {R"({"rms_norm_eps": 0})", "'rms_norm_eps': must be positive and finite, got 0"},
       {R"({"rms_norm_eps": -1e-9})", "got -1e-09"},
       {R"({"attention_tokens": 65})", "'attention_tokens': must lie in [0, 64], got 65"},
       {R"({"attention_tokens": -1})", "must lie in [0, 64], got -1"},
       {R"({"attention_tokens": [1, 99, 2]})", "must lie in [0, 64], got 99"},
       {R"({"attention_tokens": [1, 2]})", "must hold one count per block, got 2 for 3 blocks"},
       {R"({"attention_tokens": []})", "must hold one count per block, got 0"},
       {R"({"tokenizer": "bytes", "vocab_size": 128})", "needs at least 256, got 128"},
       {R"({"hidden_size": 4194304, "intermediate_size": 16777216})", "billion parameters"},
       {R"({"hidden_size": 524288, "context_length": 16777216, "mamba_expand": 1,
            "num_hidden_layers": 1})",
        "do not fit 62 bits"}});
  auto infinite = ownBase().dump();
  infinite.insert(1, R"("rms_norm_eps": Infinity,)");
  expectError(parseModelConfig(infinite, "c").status(), StatusCode::InvalidInput,
              "must be positive and finite, got inf");
}

TEST(ModelConfig, refusesContradictions) {
  expectRefused(
      ownBase(), StatusCode::InvalidInput,
      {{R"({"split_strategy": "FAC"})", "must be one of none, ae, fa, fac, got string \"FAC\""},
       {R"({"circulation": "spin"})", "must be one of rotate, alternate, got string \"spin\""},
       {R"({"context_length": null})", "the strategies fa and fac need a context length, got none"},
       {R"({"split_strategy": "fa", "context_length": "ABSENT"})", "need a context length"},
       {R"({"split_strategy": "none", "attention_tokens": 3})", "applies to the strategies fa"},
       {R"({"split_strategy": "ae", "attention_tokens": 3})", "applies to the strategies fa"},
       {R"({"Prallel_Mode": "A"})", "'Prallel_Mode': belongs to the authors' layout"},
       {R"({"dtype": "float32", "torch_dtype": "bfloat16"})", "contradicts 'dtype'"},
       {R"({"dtype": "int4"})", "'dtype': must be one of"}});
  expectRefused(authorsBase(), StatusCode::InvalidInput,
                {{R"({"Prallel_Mode": "E"})", "must be one of A, B, C, D, got string \"E\""},
                 {R"({"split_strategy": "fac"})", "'split_strategy': belongs to model_type"},
                 {R"({"attention_tokens": 3})", "'attention_tokens': belongs to model_type"},
                 {R"({"context_length": 64})", "'context_length': belongs to model_type"}});
}

TEST(ModelConfig, refusesWhatItDoesNotCompute) {
  for (const json &base : {ownBase(), authorsBase()})
    expectRefused(
        base, StatusCode::Unsupported,
        {{R"({"hidden_act": "gelu"})", "only \"silu\" is supported, got 'gelu'"},
         {R"({"num_experts": 4})", "mixtures of experts are not supported, got 4"},
         {R"({"attention_bias": true})", "'attention_bias': biases outside"},
         {R"({"mlp_bias": true})", "'mlp_bias': biases outside"},
         {R"({"sliding_window": 128})", "'sliding_window': attention has no window, got number"},
         {R"({"head_dim": 32})", "'head_dim': must be 'hidden_size' / 'num_attention_heads'"},
         {R"({"rope_theta": 10000.0})", "attention has no positional encoding, got number 1"},
         {R"({"rope_parameters": {"rope_type": "default"}})", "got an object"},
         {R"({"quantization_config": {"bits": 4}})", "quantised checkpoints are not read"},
         {R"({"tokenizer": "gpt2"})", "only \"bytes\" is known, got 'gpt2'"}});
  expectRefused(ownBase(), StatusCode::Unsupported,
                {{R"({"atention_tokens": 39})", "'atention_tokens': is not a key of this layout"}});
}

TEST(ModelConfig, listsEveryProblemOnce) {
  Status status = parsed(ownBase(), R"({"hidden_size": "64", "num_attention_heads": 0,
    "hidden_act": "gelu", "mamba_d_conv": 99, "attention_tokens": [1], "split_strategy": "x"})")
                      .status();
  EXPECT_EQ(status.code(), StatusCode::InvalidInput);
  EXPECT_EQ(status.message().substr(0, 13), "c: 6 problems");
  EXPECT_EQ(std::count(status.message().begin(), status.message().end(), '\n'), 6);
}

TEST(ModelConfig, validatesConfigsBuiltByHand) {
  expectError(validate(ModelConfig()), StatusCode::InvalidInput, "model config: 10 problems");
  ModelConfig c = accepted(ownBase(), "{}");
  c.attentionTokens = {1, 2};
  expectError(validate(c), StatusCode::InvalidInput, "one count or one per block, got 2 counts");
  c.attentionTokens = {65};
  expectError(validate(c), StatusCode::InvalidInput, "must lie in [0, 64], got 65");
  c.attentionTokens = {};
  c.tokenizer = "words";
  c.parameterType = DType::I8;
  expectError(validate(c), StatusCode::Unsupported, "model config: 2 problems");
}

TEST(ModelConfig, knowsThePublishedSizes) {
  const struct {
    const char *name;
    int64_t hidden, intermediate, layers, rank;
  } sizes[] = {{"135M", 768, 2048, 2, 48}, {"350M", 1024, 4096, 6, 64}, {"1B", 2048, 8192, 6, 128}};
  for (const auto &size : sizes) {
    Expected<ModelConfig> c = publishedConfig(size.name);
    ASSERT_TRUE(c.ok() && validate(*c).ok());
    EXPECT_EQ(c->hiddenSize, size.hidden);
    EXPECT_EQ(c->intermediateSize, size.intermediate);
    EXPECT_EQ(c->numLayers, size.layers);
    EXPECT_EQ(c->dtRank, size.rank);
    EXPECT_EQ(c->vocabSize, 65536);
    EXPECT_EQ(c->strategy, SplitStrategy::FAC);
    EXPECT_EQ(c->contextLength, 1024);
    EXPECT_TRUE(c->attentionTokens.empty());
  }
  expectError(publishedConfig("7B").status(), StatusCode::InvalidArgument,
              "no published size '7B', known are 135M, 350M, 1B");
}

} // namespace
