//===- Model.cpp - A model description to compile -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/Model.h"

#include "flowhn/Runtime/ParameterSource.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Support/MappedFile.h"

#include <filesystem>

using namespace flowhn;
namespace fs = std::filesystem;

namespace {

/// The name of a folder or file, also for "dir/" and ".".
std::string stemOf(const fs::path &path) {
  std::error_code error;
  fs::path full = fs::weakly_canonical(path, error);
  return error ? path.stem().string() : full.stem().string();
}

bool hasWeights(const fs::path &folder) {
  std::error_code error;
  return fs::exists(folder / "model.safetensors", error) ||
         fs::exists(folder / "model.safetensors.index.json", error);
}

Expected<std::map<std::string, DType>> readStorageTypes(const std::string &folder) {
  auto source = openCheckpoint(folder);
  FLOWHN_RETURN_IF_ERROR(source.status());
  std::map<std::string, DType> types;
  for (const std::string &name : (*source)->names()) {
    auto spec = (*source)->describe(name);
    FLOWHN_RETURN_IF_ERROR(spec.status());
    types.emplace(name, spec->type);
  }
  return types;
}

Expected<ModelConfig> readConfig(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  return parseModelConfig(file->text(), path);
}

} // namespace

Expected<Model> Model::load(const std::string &path) {
  return guarded("the model", [&] { return loadPath(path); });
}

Expected<Model> Model::loadPath(const std::string &path) {
  std::error_code error;
  bool isFolder = fs::is_directory(path, error);
  if (!isFolder && fs::path(path).extension() == ".mlir") {
    Expected<MappedFile> file = MappedFile::open(path);
    FLOWHN_RETURN_IF_ERROR(file.status());
    return fromIR(std::string(file->text()), stemOf(path));
  }
  fs::path configPath = isFolder ? fs::path(path) / "config.json" : fs::path(path);
  Expected<ModelConfig> config = readConfig(configPath.string());
  FLOWHN_RETURN_IF_ERROR(config.status());
  Model model;
  model.modelConfig = std::move(*config);
  model.modelName = stemOf(isFolder ? fs::path(path) : configPath.parent_path() / ".");
  if (isFolder && hasWeights(path)) {
    auto types = readStorageTypes(path);
    FLOWHN_RETURN_IF_ERROR(types.status());
    model.types = std::move(*types);
    model.folder = path;
  }
  return model;
}

Expected<Model> Model::published(const std::string &name) {
  auto config = publishedConfig(name);
  FLOWHN_RETURN_IF_ERROR(config.status());
  return fromConfig(std::move(*config), name);
}

Expected<Model> Model::fromConfig(ModelConfig config, std::string name) {
  FLOWHN_RETURN_IF_ERROR(validate(config));
  Model model;
  model.modelConfig = std::move(config);
  model.modelName = std::move(name);
  return model;
}

Model Model::fromIR(std::string text, std::string name) {
  Model model;
  model.irText = std::move(text);
  model.modelName = std::move(name);
  return model;
}
