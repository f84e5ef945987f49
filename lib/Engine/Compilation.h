//===- Compilation.h - One compile in progress ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_ENGINE_COMPILATION_H
#define FLOWHN_LIB_ENGINE_COMPILATION_H

#include "TargetCode.h"
#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "flowhn/Engine/Compiler.h"
#include "flowhn/Pipelines/Pipelines.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <string>

namespace mlir::flowhn {

/// The IR of one model on its way down, phase by phase. Errors carry the
/// diagnostics of the pass that failed, its name and the op it failed on.
class Compilation {
public:
  Compilation(const ::flowhn::Model &model, const ::flowhn::CompileOptions &options,
              ::flowhn::CompileReport &report);

  /// Imports the model and runs every phase up to and including `last`, which is
  /// before `Object`; of several targets for the best one.
  ::flowhn::Status runTo(::flowhn::CompilePhase last);
  /// After the phase LLVM: the code, as one piece.
  ::flowhn::Expected<std::string> emitObject();
  /// Everything, for all targets.
  ::flowhn::Expected<::flowhn::Artifact> emitArtifact();
  std::string print();
  /// From the phase Split to Scheduled: the only model of the module.
  ModelOp modelOp();

private:
  using Build = void (*)(OpPassManager &, const PipelineOptions &);

  ::flowhn::Status resolve();
  ::flowhn::Status resolveCalibration();
  /// The phases that all targets share.
  ::flowhn::Status importTo(::flowhn::CompilePhase last);
  /// Those of one target, from a scheduled model.
  ::flowhn::Status lowerTo(::flowhn::CompilePhase last, const CompileTarget &target);
  ::flowhn::Status runPhase(::flowhn::CompilePhase phase,
                            const std::function<::flowhn::Status()> &work);
  ::flowhn::Status import();
  ::flowhn::Status checkCheckpoint();
  ::flowhn::Status runPasses(Build build);
  ::flowhn::Status serialize();
  ::flowhn::Status dump(::flowhn::CompilePhase phase);
  /// Runs `work`, collecting its diagnostics; a failure returns them.
  ::flowhn::Status withDiagnostics(const std::function<::flowhn::Status()> &work);
  ::flowhn::Status timed(std::string phase, const std::function<::flowhn::Status()> &work);
  ::flowhn::Status addSections(const CompileTarget &target,
                               std::vector<::flowhn::ArtifactSection> &sections);
  ModuleOp kernels();

  const ::flowhn::Model &model;
  const ::flowhn::CompileOptions &options;
  ::flowhn::CompileReport &report;
  PipelineOptions pipeline;
  std::vector<CompileTarget> targets;
  std::string calibratedChip; ///< of the table that the options name; empty without one
  std::string suffix;         ///< of the phases in progress, phaseSuffix
  ActivationTypes activations;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  ::flowhn::Manifest manifest;
  std::vector<char> plan;
  int dumped = 0;
};

/// Copies the driver's options to those of the pipelines.
void setPipelineOptions(const ::flowhn::CompileOptions &options, PipelineOptions &pipeline);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_ENGINE_COMPILATION_H
