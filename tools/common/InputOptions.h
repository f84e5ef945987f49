//===- InputOptions.h - INPUT and the flags about it ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_INPUTOPTIONS_H
#define FLOWHN_TOOLS_COMMON_INPUTOPTIONS_H

#include "flowhn/Engine/CompilerLibrary.h"

#include <CLI/CLI.hpp>
#include <string>

namespace flowhn::tools {

/// Which model, and how to compile it: the same flags in every tool.
struct InputOptions {
  std::string input;  ///< a folder, a config.json, an IR file or an artifact
  std::string config; ///< a published size in place of `input`
  CompileOptions compile;
  /// The flags that an artifact, being compiled, cannot take; of --chip one that it holds.
  CLI::App *compileFlags = nullptr;
};

/// Adds INPUT, --config, the split flags and the compile flags.
void addInputOptions(CLI::App &app, InputOptions &options);

/// Decides what --target=auto stands for, and says why the flags do not fit the target;
/// empty when they do.
std::string chooseTarget(InputOptions &options);

/// The same, and why the options cannot go together.
std::string inputProblem(InputOptions &options);

/// Whether INPUT is an artifact rather than a model: by its name, or because it is
/// a ZIP file.
bool isArtifact(const std::string &path);

/// Moves the split flags into the config of a model that they define. InvalidArgument where it
/// has no use for one.
Status applySplit(SplitOptions &split, ModelConfig &config);

/// Loads what INPUT or --config names. For a published size the split flags say
/// which model it is; for any other they override what it was built with.
Expected<Model> loadModel(const CompilerInterface &compiler, InputOptions &options);

/// "kjv" for models/kjv/, models/kjv/config.json and models/kjv.mlir, "1B" for --config 1B.
std::string modelName(const InputOptions &options);

/// The command that compiles the same model for the same target into the file `output`.
std::string compileCommand(const InputOptions &options, const std::string &output);

/// An argument as a shell takes it.
std::string shellWord(const std::string &argument);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_INPUTOPTIONS_H
