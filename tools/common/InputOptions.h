//===- InputOptions.h - INPUT and the flags about it ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_INPUTOPTIONS_H
#define FLOWHN_TOOLS_COMMON_INPUTOPTIONS_H

#include "flowhn/Engine/Compiler.h"

#include <CLI/CLI.hpp>
#include <string>

namespace flowhn::tools {

/// Which model, and how to compile it: the same flags in every tool.
struct InputOptions {
  std::string input;  ///< a folder, a config.json, an IR file or an artifact
  std::string config; ///< a published size in place of `input`
  CompileOptions compile;
  /// The flags that an artifact, being compiled, cannot take.
  CLI::App *compileFlags = nullptr;
};

/// Adds INPUT, --config, the split flags and the compile flags.
void addInputOptions(CLI::App &app, InputOptions &options);

/// Why the options cannot go together, empty when they can.
std::string inputProblem(const InputOptions &options);

/// Whether INPUT is an artifact rather than a model: by its name, or because it is
/// a ZIP file.
bool isArtifact(const std::string &path);

/// Loads what INPUT or --config names. For a published size the split flags say
/// which model it is; for any other they override what it was built with.
Expected<Model> loadModel(InputOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_INPUTOPTIONS_H
