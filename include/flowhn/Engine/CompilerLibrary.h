//===- CompilerLibrary.h - The compiler, loaded when needed -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ENGINE_COMPILERLIBRARY_H
#define FLOWHN_ENGINE_COMPILERLIBRARY_H

#include "flowhn/Engine/Compiler.h"

#include <cstdint>
#include <string>

namespace flowhn {

/// Changes with CompilerInterface and with every type that its functions take or return.
inline constexpr int64_t compilerInterfaceVersion = 4;

/// The way into libFlowHNCompiler for a program that links libFlowHNRuntime alone and opens
/// the compiler with dlopen, so that it runs artifacts where there is no LLVM.
struct CompilerInterface {
  /// Read first: where it is not `compilerInterfaceVersion`, nothing else may be used.
  int64_t version;
  Expected<Model> (*loadModel)(const std::string &path);                    ///< Model::load
  Expected<Model> (*modelFromConfig)(ModelConfig config, std::string name); ///< Model::fromConfig
  Expected<Artifact> (*compile)(const Model &model, const CompileOptions &options,
                                CompileReport *report);
  Expected<Calibration> (*calibration)(const std::string &chip); ///< calibrationOf
};

} // namespace flowhn

/// The one symbol to look up; never null, valid while the library is loaded.
extern "C" const flowhn::CompilerInterface *flowhnCompilerInterface();

#endif // FLOWHN_ENGINE_COMPILERLIBRARY_H
