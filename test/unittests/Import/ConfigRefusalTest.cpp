//===- ConfigRefusalTest.cpp - Configs that are refused -------------------===//
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

TEST(ConfigRefusal, refusesOtherModels) {
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

TEST(ConfigRefusal, refusesWrongTypes) {
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

TEST(ConfigRefusal, refusesMissingAndOutOfRangeValues) {
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

TEST(ConfigRefusal, refusesContradictions) {
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

TEST(ConfigRefusal, refusesWhatItDoesNotCompute) {
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

TEST(ConfigRefusal, listsEveryProblemOnce) {
  Status status = parsed(ownBase(), R"({"hidden_size": "64", "num_attention_heads": 0,
    "hidden_act": "gelu", "mamba_d_conv": 99, "attention_tokens": [1], "split_strategy": "x"})")
                      .status();
  EXPECT_EQ(status.code(), StatusCode::InvalidInput);
  EXPECT_EQ(status.message().substr(0, 13), "c: 6 problems");
  EXPECT_EQ(std::count(status.message().begin(), status.message().end(), '\n'), 6);
}

} // namespace
