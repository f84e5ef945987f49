//===- Model.cpp - A model description to compile -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/Model.h"

#include "flowhn/Runtime/ParameterSource.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace flowhn;
namespace fs = std::filesystem;

namespace {

Expected<std::string> readText(const fs::path &path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    return notFound("cannot read '" + path.string() + "'");
  return std::move(text).str();
}

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
  if (!source.ok())
    return source.status();
  std::map<std::string, DType> types;
  for (const std::string &name : (*source)->names()) {
    auto spec = (*source)->describe(name);
    if (!spec.ok())
      return spec.status();
    types.emplace(name, spec->type);
  }
  return types;
}

} // namespace

Expected<Model> Model::load(const std::string &path) {
  std::error_code error;
  bool isFolder = fs::is_directory(path, error);
  if (!isFolder && fs::path(path).extension() == ".mlir") {
    auto text = readText(path);
    if (!text.ok())
      return text.status();
    return fromIR(std::move(*text), stemOf(path));
  }
  fs::path configPath = isFolder ? fs::path(path) / "config.json" : fs::path(path);
  auto text = readText(configPath);
  if (!text.ok())
    return text.status();
  auto config = parseModelConfig(*text, configPath.string());
  if (!config.ok())
    return config.status();
  Model model;
  model.modelConfig = std::move(*config);
  model.modelName = stemOf(isFolder ? fs::path(path) : configPath.parent_path() / ".");
  if (isFolder && hasWeights(path)) {
    auto types = readStorageTypes(path);
    if (!types.ok())
      return types.status();
    model.types = std::move(*types);
    model.folder = path;
  }
  return model;
}

Expected<Model> Model::published(const std::string &name) {
  auto config = publishedConfig(name);
  if (!config.ok())
    return config.status();
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
