//===- LoadModel.h - From the command line to a session ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_LOADMODEL_H
#define FLOWHN_TOOLS_COMMON_LOADMODEL_H

#include "common/InputOptions.h"
#include "common/Tool.h"
#include "flowhn/Runtime/Session.h"

#include <memory>
#include <optional>
#include <string>

namespace flowhn::tools {

/// What a tool that executes a model needs to know.
struct RunOptions {
  InputOptions model;
  std::string weights;    ///< a folder; empty: INPUT's own
  std::string randomSeed; ///< made-up weights; empty: real ones
  int threads = 0;
  int device = 0;
  bool graphs = true;
  /// The flags that only a GPU takes.
  CLI::App *gpuFlags = nullptr;
};

/// Adds INPUT and everything about it, the weights, --threads and what a GPU takes.
void addRunOptions(CLI::App &app, RunOptions &options);

/// Why the options cannot go together, empty when they can.
std::string runProblem(RunOptions &options);

/// A model that is compiled, by now or long ago.
struct CompiledModel {
  std::shared_ptr<const Artifact> artifact;
  std::optional<ModelConfig> config; ///< when INPUT has one
  std::string weightsFolder;         ///< INPUT's own; empty without
  CompileReport report;              ///< empty for an artifact
  double seconds = 0;                ///< to compile, or to open the artifact
};

/// Opens the artifact, or compiles the model in memory and prints the warnings. Where there
/// is no compiler, the error says how to go on.
Expected<CompiledModel> compileInput(const Tool &tool, RunOptions &options);

/// The weights that the options and the model name.
Expected<std::unique_ptr<ParameterSource>> openWeights(const RunOptions &options,
                                                       const CompiledModel &model);

/// A session over both, with progress for large models; prints where it runs.
Expected<Session> openSession(const RunOptions &options, const CompiledModel &model,
                              std::unique_ptr<ParameterSource> weights);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_LOADMODEL_H
