//===- ConfigBases.h - Configs that tests change ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_IMPORT_CONFIGBASES_H
#define FLOWHN_TEST_UNITTESTS_IMPORT_CONFIGBASES_H

#include "../TestFiles.h"
#include "flowhn/Import/ModelConfig.h"

#include <nlohmann/json.hpp>

namespace flowhn::test {

using nlohmann::json;

inline json ownBase() {
  return json::parse(R"({"model_type": "flowhn", "vocab_size": 256, "hidden_size": 64,
    "intermediate_size": 160, "num_attention_heads": 4, "num_key_value_heads": 2,
    "num_hidden_layers": 3, "split_strategy": "fac", "context_length": 64})");
}

inline json authorsBase() {
  return json::parse(R"({"model_type": "jamba", "Prallel_Mode": "D", "vocab_size": 256,
    "hidden_size": 64, "intermediate_size": 160, "num_attention_heads": 4,
    "num_key_value_heads": 2, "num_hidden_layers": 4, "max_position_embeddings": 262144})");
}

/// `base` with the keys of `changes` set; a key set to "ABSENT" is removed.
inline Expected<ModelConfig> parsed(json base, const char *changes) {
  json set = json::parse(changes);
  for (const auto &[key, value] : set.items())
    value == "ABSENT" ? void(base.erase(key)) : void(base[key] = value);
  return parseModelConfig(base.dump(), "c");
}

inline ModelConfig accepted(const json &base, const char *changes) {
  Expected<ModelConfig> config = parsed(base, changes);
  EXPECT_TRUE(config.ok()) << changes << ": " << config.status().message();
  if (!config.ok())
    return {};
  EXPECT_TRUE(validate(*config).ok());
  return *config;
}

} // namespace flowhn::test

#endif // FLOWHN_TEST_UNITTESTS_IMPORT_CONFIGBASES_H
