//===- ModelConfigTest.cpp - What a model is, apart from its weights ------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConfigBases.h"

using namespace flowhn;
using namespace flowhn::test;

namespace {

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
