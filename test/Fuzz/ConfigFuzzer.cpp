//===- ConfigFuzzer.cpp - config.json from anywhere -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Import/ModelConfig.h"
#include "flowhn/Support/Json.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

using namespace flowhn;

/// What is accepted is valid, and no size computed from it overflows; what is
/// refused has a message in printable ASCII.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  Expected<ModelConfig> config = parseModelConfig(text, "fuzz");
  if (config.ok()) {
    if (!validate(*config).ok() || config->headSize() < 1 || config->innerSize() < 1 ||
        config->vocabSize * config->hiddenSize * config->numLayers < 1)
      std::abort();
    return 0;
  }
  if (config.status().message().empty())
    std::abort();
  for (unsigned char c : config.status().message())
    if ((c < 0x20 && c != '\n') || c >= 0x7f)
      std::abort();
  // The parser alone sees what the config's rules stop.
  if (Expected<nlohmann::json> document = parseJson(text, "fuzz"); document.ok())
    (void)describe(*document);
  return 0;
}
