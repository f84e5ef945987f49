//===- Compiler.cpp - From a model to an artifact -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/Compiler.h"

#include "Compilation.h"

#include "mlir/Pass/PassManager.h"

#include <array>
#include <new>

using namespace flowhn;

namespace {

constexpr std::array<std::string_view, 7> phaseNames = {"flowhn", "split", "scheduled", "kern",
                                                        "plan",   "llvm",  "obj"};

Status checkLimits(const CompileOptions &options) {
  if (options.maxBatch < 1 || options.maxBatch > 65536)
    return invalidArgument("the largest batch must be from 1 to 65536, got " + std::to_string(options.maxBatch));
  if (options.maxTokens < 1 || options.maxTokens > (int64_t(1) << 24))
    return invalidArgument("the most tokens of a row must be from 1 to 16777216, got " +
                           std::to_string(options.maxTokens));
  return Status();
}

/// Runs `work` on a compilation; memory that runs out is a status.
template <typename T, typename Work>
Expected<T> withCompilation(const Model &model, const CompileOptions &options, CompileReport *report, Work work) {
  FLOWHN_RETURN_IF_ERROR(checkLimits(options));
  try {
    CompileReport unused;
    mlir::flowhn::Compilation compilation(model, options, report ? *report : unused);
    return work(compilation);
  } catch (const std::bad_alloc &) {
    return resourceExhausted("out of memory while compiling '" + model.name() + "'");
  }
}

} // namespace

std::string_view flowhn::name(CompilePhase phase) { return phaseNames[static_cast<size_t>(phase)]; }

Expected<CompilePhase> flowhn::parseCompilePhase(std::string_view name) {
  std::string known;
  for (size_t i = 0; i < phaseNames.size(); ++i) {
    if (phaseNames[i] == name)
      return static_cast<CompilePhase>(i);
    known += (i ? ", " : "") + std::string(phaseNames[i]);
  }
  return invalidArgument("unknown phase '" + std::string(name) + "'; phases: " + known);
}

Expected<Artifact> flowhn::compile(const Model &model, const CompileOptions &options, CompileReport *report) {
  return withCompilation<Artifact>(model, options, report,
                                   [](mlir::flowhn::Compilation &compilation) -> Expected<Artifact> {
                                     FLOWHN_RETURN_IF_ERROR(compilation.runTo(CompilePhase::LLVM));
                                     return compilation.emitArtifact();
                                   });
}

Expected<std::string> flowhn::compileTo(CompilePhase phase, const Model &model, const CompileOptions &options,
                                        CompileReport *report) {
  return withCompilation<std::string>(
      model, options, report, [&](mlir::flowhn::Compilation &compilation) -> Expected<std::string> {
        if (phase != CompilePhase::Object) {
          FLOWHN_RETURN_IF_ERROR(compilation.runTo(phase));
          return compilation.print();
        }
        FLOWHN_RETURN_IF_ERROR(compilation.runTo(CompilePhase::LLVM));
        auto object = compilation.emitObject();
        if (!object.ok())
          return object.status();
        return std::string(object->begin(), object->end());
      });
}

Expected<std::string> flowhn::passPipeline(const CompileOptions &options) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
  mlir::flowhn::PipelineOptions pipeline;
  mlir::flowhn::setPipelineOptions(options, pipeline);
  mlir::flowhn::buildCPUPipeline(passes, pipeline);
  std::string text;
  llvm::raw_string_ostream stream(text);
  passes.printAsTextualPipeline(stream);
  return text;
}
