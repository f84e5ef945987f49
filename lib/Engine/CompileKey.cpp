//===- CompileKey.cpp - What decides the result of a compile --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompileCache.h"
#include "TargetCode.h"
#include "flowhn/Support/Hash.h"
#include "flowhn/Support/MappedFile.h"
#include "flowhn/Target/NVPTX/Calibrations.h"
#include "flowhn/Target/NVPTX/PTXEmitter.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm-c/Core.h"
#include "llvm/Config/llvm-config.h"

#include <bit>
#include <concepts>
#include <dlfcn.h>
#include <filesystem>
#include <map>
#include <optional>

using namespace flowhn;
namespace fs = std::filesystem;

namespace {

/// Values one behind the other, so that different ones give different texts.
class KeyText {
public:
  void add(const auto &...values) { (append(values), ...); }
  std::string hash() const { return hashOf(std::as_bytes(std::span(text))); }

private:
  void append(std::string_view value) {
    text += std::to_string(value.size()) + ":";
    text += value;
  }
  void append(std::integral auto value) { append(std::string_view(std::to_string(value))); }
  void append(double value) { append(std::bit_cast<uint64_t>(value)); }
  template <typename T>
    requires std::is_enum_v<T>
  void append(T value) {
    append(int64_t(value));
  }
  template <typename T> void append(const std::optional<T> &value) {
    append(value.has_value());
    if (value)
      append(*value);
  }
  template <typename T> void append(const std::vector<T> &values) {
    append(values.size());
    for (const T &value : values)
      append(value);
  }
  template <typename T> void append(const std::map<std::string, T> &values) {
    append(values.size());
    for (const auto &[name, value] : values)
      add(name, value);
  }

  std::string text;
};

/// The file of the library, or program, that has the symbol.
std::string libraryOf(const void *symbol) {
  Dl_info info = {};
  return dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : "";
}

/// Changes where a file is replaced: for files that are too large to read.
Expected<std::string> stampOf(const std::string &path) {
  std::error_code error;
  uint64_t bytes = fs::file_size(path, error);
  fs::file_time_type time;
  if (!error)
    time = fs::last_write_time(path, error);
  if (error)
    return notFound(path + ": " + error.message());
  return path + " " + std::to_string(bytes) + " " + std::to_string(time.time_since_epoch().count());
}

Expected<std::string> contentsOf(const std::string &path) {
  Expected<MappedFile> file = MappedFile::open(path);
  FLOWHN_RETURN_IF_ERROR(file.status());
  return hashOf(file->bytes());
}

/// This compiler, with the part that serialises artifacts and the LLVM that it runs on. An
/// error where their files are gone: what is unknown must not share a key.
Expected<std::string> describeCompiler() {
  KeyText text;
  text.add(Manifest().producer, std::string(LLVM_VERSION_STRING));
  for (auto symbol : {reinterpret_cast<const void *>(&compileKey),
                      reinterpret_cast<const void *>(&writeArtifact)}) {
    Expected<std::string> contents = contentsOf(libraryOf(symbol));
    FLOWHN_RETURN_IF_ERROR(contents.status());
    text.add(*contents);
  }
  for (auto symbol : {reinterpret_cast<const void *>(&LLVMGetVersion),
                      reinterpret_cast<const void *>(&mlir::registerMLIRContextCLOptions)}) {
    Expected<std::string> stamp = stampOf(libraryOf(symbol));
    FLOWHN_RETURN_IF_ERROR(stamp.status());
    text.add(*stamp);
  }
  return text.hash();
}

// The bindings below name every member: one that is new does not compile until somebody has
// decided whether it belongs to the key.

void addConfig(KeyText &text, const ModelConfig &config) {
  const auto &[vocabSize, hiddenSize, intermediateSize, numLayers, numHeads, numKeyValueHeads,
               stateSize, convSize, expand, dtRank, convBias, projBias, rmsNormEps,
               tieWordEmbeddings, strategy, circulation, contextLength, attentionTokens,
               splitByCall, parameterType, tokenizer] = config;
  text.add(vocabSize, hiddenSize, intermediateSize, numLayers, numHeads, numKeyValueHeads,
           stateSize, convSize, expand, dtRank, convBias, projBias, rmsNormEps, tieWordEmbeddings,
           strategy, circulation, contextLength, attentionTokens, splitByCall, parameterType,
           tokenizer);
}

void addModel(KeyText &text, const Model &model) {
  text.add(model.name(), model.ir(), model.storageTypes(), model.config().has_value());
  if (model.config())
    addConfig(text, *model.config());
}

/// A ptxas that is not there makes no machine code, or no artifact.
Status addPTXAS(KeyText &text, const std::string &requested) {
  text.add(requested == "none", requested == "auto");
  Expected<std::string> path = mlir::flowhn::findPTXAS(requested);
  if (!path.ok())
    return {};
  Expected<std::string> stamp = stampOf(*path);
  FLOWHN_RETURN_IF_ERROR(stamp.status());
  text.add(*stamp);
  return {};
}

/// By what is in it: the file may be written anew. Tables that ship are part of the compiler.
Status addCalibration(KeyText &text, const std::string &source) {
  bool isKnown = source.empty() || mlir::flowhn::isShippedCalibration(source);
  text.add(isKnown, isKnown ? source : "");
  if (isKnown)
    return {};
  Expected<std::string> contents = contentsOf(source);
  FLOWHN_RETURN_IF_ERROR(contents.status());
  text.add(*contents);
  return {};
}

/// Neither threads nor what is written beside the artifact decide what is in it.
Status addOptions(KeyText &text, const CompileOptions &options) {
  auto targets = mlir::flowhn::resolveTargets(options);
  FLOWHN_RETURN_IF_ERROR(targets.status());
  ManifestTarget machine = mlir::flowhn::describeTargets(*targets);
  text.add(machine.kind, machine.cpu, machine.chips, machine.triple);
  const auto &[target, cpu, chips, ptxas, dtype, split, norm, branchSchedule, pruneDeadPositions,
               calibration, candidate, typicalBatch, typicalTokens, maxBatch, maxTokens, threads,
               dumpPhasesTo, cache] = options;
  text.add(dtype, norm, branchSchedule, pruneDeadPositions, maxBatch, maxTokens);
  if (target == "nvptx") {
    FLOWHN_RETURN_IF_ERROR(addPTXAS(text, ptxas));
    FLOWHN_RETURN_IF_ERROR(addCalibration(text, calibration));
    text.add(candidate, typicalBatch, typicalTokens);
  }
  const auto &[strategy, circulation, contextLength, attentionTokens] = split;
  text.add(strategy, circulation, contextLength, attentionTokens);
  return {};
}

} // namespace

Expected<std::string> flowhn::compileKey(const Model &model, const CompileOptions &options) {
  static const Expected<std::string> compiler = describeCompiler();
  FLOWHN_RETURN_IF_ERROR(compiler.status());
  KeyText text;
  text.add(*compiler);
  addModel(text, model);
  FLOWHN_RETURN_IF_ERROR(addOptions(text, options));
  return text.hash();
}
