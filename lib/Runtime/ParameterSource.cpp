//===- ParameterSource.cpp - Checkpoints and their checks -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/ParameterSource.h"

#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

using namespace flowhn;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char *singleFile = "model.safetensors";
constexpr const char *indexFile = "model.safetensors.index.json";

std::string typedShape(DType type, std::span<const int64_t> shape) {
  return std::string(name(type)) + " " + shapeString(shape);
}

/// One error out of the lines, or success when there is none.
Status listProblems(const std::string &where, const std::vector<std::string> &lines) {
  if (lines.empty())
    return {};
  std::string message = where;
  for (const std::string &line : lines)
    message += (lines.size() == 1 ? ": " : "\n  ") + line;
  return invalidInput(std::move(message));
}

/// The tensors of one or more mapped files.
class Checkpoint : public ParameterSource {
public:
  Checkpoint(std::string folder, std::vector<SafeTensors> opened)
      : folder(std::move(folder)), files(std::move(opened)) {
    for (const SafeTensors &file : files)
      for (const NamedTensor &tensor : file.tensors())
        byName[tensor.name] = {&file, &tensor.view};
  }

  std::string origin() const override { return folder; }

  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto &[name, place] : byName)
      result.push_back(name);
    return result;
  }

  Expected<ParameterSpec> describe(const std::string &name) const override {
    auto found = byName.find(name);
    if (found == byName.end())
      return missing(name);
    return ParameterSpec{name, found->second.view->type, found->second.view->shape};
  }

  Expected<TensorView> find(const std::string &name) override {
    auto found = byName.find(name);
    if (found == byName.end())
      return missing(name);
    return *found->second.view;
  }

  void release(const std::string &name) override {
    if (auto found = byName.find(name); found != byName.end())
      found->second.file->release(*found->second.view);
  }

private:
  struct Place {
    const SafeTensors *file;
    const TensorView *view;
  };

  Status missing(const std::string &name) const {
    return notFound(folder + ": no tensor " + quote(name));
  }

  std::string folder;
  std::vector<SafeTensors> files;
  std::map<std::string, Place> byName;
};

using Shards = std::map<std::string, std::set<std::string>>; ///< file to tensor names

bool isPlainFileName(const std::string &name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/\\") == name.npos &&
         name.find('\0') == name.npos;
}

/// The `weight_map` of an index, turned around.
Expected<Shards> readIndex(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  Expected<json> index = parseJson(file->text(), path);
  FLOWHN_RETURN_IF_ERROR(index.status());
  if (!index->is_object() || !index->contains("weight_map") || !(*index)["weight_map"].is_object())
    return invalidInput(path + ": 'weight_map' must be an object");

  Shards shards;
  std::vector<std::string> problems;
  for (const auto &[tensor, shard] : (*index)["weight_map"].items()) {
    if (!shard.is_string())
      problems.push_back(quote(tensor) + " must name a file, got " + describe(shard));
    else if (const auto &name = shard.get_ref<const std::string &>(); !isPlainFileName(name))
      problems.push_back(quote(tensor) + ": shard " + quote(name) +
                         " must be a plain file name in the folder");
    else
      shards[name].insert(tensor);
  }
  if (shards.empty() && problems.empty())
    problems.push_back("'weight_map' is empty");
  FLOWHN_RETURN_IF_ERROR(listProblems(path, problems));
  return shards;
}

/// Adds a line for every tensor on which the index and one shard disagree.
void compareShard(const std::string &name, const SafeTensors &shard,
                  const std::set<std::string> &indexed, std::vector<std::string> &problems) {
  for (const std::string &tensor : indexed)
    if (!shard.find(tensor))
      problems.push_back("the index places " + quote(tensor) + " in " + quote(name) +
                         ", which lacks it");
  for (const NamedTensor &tensor : shard.tensors())
    if (!indexed.count(tensor.name))
      problems.push_back(quote(name) + " holds " + quote(tensor.name) +
                         ", which the index does not place there");
}

Expected<std::vector<SafeTensors>> openShards(const fs::path &folder) {
  Expected<Shards> shards = readIndex((folder / indexFile).string());
  FLOWHN_RETURN_IF_ERROR(shards.status());
  std::vector<SafeTensors> files;
  std::vector<std::string> problems;
  for (const auto &[name, tensors] : *shards) {
    Expected<SafeTensors> file = SafeTensors::open((folder / name).string());
    if (!file.ok()) {
      problems.push_back("shard " + quote(name) + ": " + file.status().message());
      continue;
    }
    compareShard(name, *file, tensors, problems);
    files.push_back(std::move(*file));
  }
  FLOWHN_RETURN_IF_ERROR(listProblems((folder / indexFile).string(), problems));
  return files;
}

/// Whether one expected parameter is there as it should be: an empty line if so.
std::string checkParameter(const ParameterSource &source, const ParameterSpec &expected) {
  Expected<ParameterSpec> actual = source.describe(expected.name);
  if (!actual.ok())
    return "missing: " + quote(expected.name) + " " + shapeString(expected.shape);
  if (actual->shape != expected.shape)
    return "shape: " + quote(expected.name) + " is " + shapeString(actual->shape) + ", expected " +
           shapeString(expected.shape);
  if (actual->type != DType::F32 && actual->type != DType::BF16 && actual->type != DType::F16)
    return "type: " + quote(expected.name) + " is " + std::string(name(actual->type)) +
           ", expected F32, BF16 or F16";
  return {};
}

Expected<std::unique_ptr<ParameterSource>> openFolder(const std::string &folder) {
  std::error_code ignored;
  fs::path path(folder);
  if (!fs::exists(path, ignored))
    return notFound("no folder " + quote(folder));
  if (!fs::is_directory(path, ignored))
    return invalidInput(quote(folder) + " is not a folder");

  std::vector<SafeTensors> files;
  if (fs::exists(path / singleFile, ignored)) {
    Expected<SafeTensors> file = SafeTensors::open((path / singleFile).string());
    FLOWHN_RETURN_IF_ERROR(file.status());
    files.push_back(std::move(*file));
  } else if (fs::exists(path / indexFile, ignored)) {
    Expected<std::vector<SafeTensors>> shards = openShards(path);
    FLOWHN_RETURN_IF_ERROR(shards.status());
    files = std::move(*shards);
  } else {
    return notFound(quote(folder) + " holds neither " + singleFile + " nor " + indexFile);
  }
  return std::unique_ptr<ParameterSource>(new Checkpoint(folder, std::move(files)));
}

Status compareParameters(const ParameterSource &source, std::span<const ParameterSpec> expected) {
  std::vector<std::string> problems;
  std::set<std::string> wanted;
  for (const ParameterSpec &parameter : expected) {
    wanted.insert(parameter.name);
    if (std::string problem = checkParameter(source, parameter); !problem.empty())
      problems.push_back(std::move(problem));
  }
  for (const std::string &present : source.names()) {
    if (wanted.count(present))
      continue;
    Expected<ParameterSpec> actual = source.describe(present);
    problems.push_back("surplus: " + quote(present) +
                       (actual.ok() ? " " + typedShape(actual->type, actual->shape) : ""));
  }
  return listProblems(source.origin() + " does not hold the parameters of the model", problems);
}

} // namespace

ParameterSource::~ParameterSource() = default;

Expected<std::unique_ptr<ParameterSource>> flowhn::openCheckpoint(const std::string &folder) {
  return guarded("the checkpoint", [&] { return openFolder(folder); });
}

Status flowhn::checkParameters(const ParameterSource &source,
                               std::span<const ParameterSpec> expected) {
  return guarded("the names of parameters", [&] { return compareParameters(source, expected); });
}
