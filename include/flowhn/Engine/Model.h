//===- Model.h - A model description to compile -----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ENGINE_MODEL_H
#define FLOWHN_ENGINE_MODEL_H

#include "flowhn/Import/ModelConfig.h"
#include "flowhn/Support/DType.h"
#include "flowhn/Support/Status.h"

#include <map>
#include <optional>
#include <string>

namespace flowhn {

/// What `compile` takes: a config, with the storage types of a checkpoint where
/// there is one, or IR text. Cheap: no weights are read.
class Model {
public:
  /// A folder with `config.json` (and `model.safetensors` or its shards, whose
  /// headers are read for the storage types), a `config.json`, or a `.mlir` file.
  /// NotFound when there is no such thing, InvalidInput when it is malformed.
  static Expected<Model> load(const std::string &path);
  /// "135M", "350M" or "1B", without weights.
  static Expected<Model> published(const std::string &name);
  /// A config built by hand; checked by `validate`.
  static Expected<Model> fromConfig(ModelConfig config, std::string name);
  /// Textual IR: a module with one flowhn.model.
  static Model fromIR(std::string text, std::string name);

  const std::string &name() const { return modelName; }
  /// Absent for a model that came as IR.
  const std::optional<ModelConfig> &config() const { return modelConfig; }
  /// The IR text of a model that came as IR.
  const std::string &ir() const { return irText; }
  /// Storage type by parameter name, from a checkpoint; empty without one.
  const std::map<std::string, DType> &storageTypes() const { return types; }
  /// The folder with the weights, or empty.
  const std::string &weightsFolder() const { return folder; }

private:
  Model() = default;
  static Expected<Model> loadPath(const std::string &path);

  std::string modelName;
  std::optional<ModelConfig> modelConfig;
  std::string irText;
  std::map<std::string, DType> types;
  std::string folder;
};

} // namespace flowhn

#endif // FLOWHN_ENGINE_MODEL_H
