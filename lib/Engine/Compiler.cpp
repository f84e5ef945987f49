//===- Compiler.cpp - From a model to an artifact -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/Compiler.h"

#include "Compilation.h"
#include "CompileCache.h"
#include "flowhn/Runtime/Session.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Target/NVPTX/Calibrations.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/ErrorHandling.h"

#include <array>
#include <chrono>
#include <mutex>
#include <new>

using namespace flowhn;
using mlir::flowhn::Compilation;

namespace {

constexpr std::array<std::string_view, 7> phaseNames = {"flowhn", "split", "scheduled", "kern",
                                                        "plan",   "llvm",  "obj"};

Status checkLimits(const CompileOptions &options) {
  if (options.maxBatch < 1 || options.maxBatch > 65536)
    return invalidArgument("the largest batch must be from 1 to 65536, got " +
                           std::to_string(options.maxBatch));
  if (options.maxTokens < 1 || options.maxTokens > (int64_t(1) << 24))
    return invalidArgument("the most tokens of a row must be from 1 to 16777216, got " +
                           std::to_string(options.maxTokens));
  return Status();
}

/// LLVM aborts where its own allocator fails, unless told otherwise; operator new
/// throws as everywhere.
void throwWhenLLVMHasNoMemory() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::install_bad_alloc_error_handler(
        [](void *, const char *, bool) { throw std::bad_alloc(); });
  });
}

/// Runs `work` on a compilation; memory that runs out is a status.
template <typename Work>
auto withCompilation(const Model &model, const CompileOptions &options, CompileReport *report,
                     Work work) -> decltype(work(std::declval<Compilation &>())) {
  throwWhenLLVMHasNoMemory();
  return guarded("the compiler", [&]() -> decltype(work(std::declval<Compilation &>())) {
    FLOWHN_RETURN_IF_ERROR(checkLimits(options));
    CompileReport unused;
    Compilation compilation(model, options, report ? *report : unused);
    return work(compilation);
  });
}

Expected<Artifact> compileAnew(const Model &model, const CompileOptions &options,
                               CompileReport &report) {
  return withCompilation(model, options, &report,
                         [](Compilation &compilation) { return compilation.emitArtifact(); });
}

/// What a compile checks beside the model: the checkpoint has the parameters.
Status checkWeights(const Model &model, const Artifact &artifact) {
  if (model.weightsFolder().empty())
    return {};
  auto source = openCheckpoint(model.weightsFolder());
  FLOWHN_RETURN_IF_ERROR(source.status());
  return checkParameters(**source, parametersOf(artifact));
}

/// The entry, if it is there and whole.
Expected<CachedCompile> findCached(const CompileCache &cache, const std::string &key,
                                   CompileReport &report) {
  auto start = std::chrono::steady_clock::now();
  Expected<CachedCompile> found = cache.find(key);
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::string what = found.ok() ? "cache hit" : "cache miss";
  report.phases.push_back({what, elapsed.count()});
  bool isDamaged = !found.ok() && found.status().code() != StatusCode::NotFound;
  report.diagnostics.push_back("remark: " + what + ": " +
                               (isDamaged ? found.status().message() : cache.pathOf(key)));
  return found;
}

Expected<Artifact> compileThrough(const CompileCache &cache, const Model &model,
                                  const CompileOptions &options, CompileReport &report) {
  Expected<std::string> key = compileKey(model, options);
  if (!key.ok()) {
    report.diagnostics.push_back("remark: not cached: " + key.status().message());
    return compileAnew(model, options, report);
  }
  Expected<CachedCompile> found = findCached(cache, *key, report);
  if (found.ok()) {
    FLOWHN_RETURN_IF_ERROR(checkWeights(model, found->artifact));
    llvm::append_range(report.diagnostics, found->diagnostics);
    return std::move(found->artifact);
  }
  size_t numBefore = report.diagnostics.size();
  Expected<Artifact> artifact = compileAnew(model, options, report);
  FLOWHN_RETURN_IF_ERROR(artifact.status());
  CachedCompile made{std::move(*artifact), {}};
  made.diagnostics.assign(report.diagnostics.begin() + numBefore, report.diagnostics.end());
  if (Status stored = cache.store(*key, made); !stored.ok())
    report.diagnostics.push_back("remark: not cached: " + stored.message());
  return std::move(made.artifact);
}

Expected<Artifact> compileCached(const Model &model, const CompileOptions &options,
                                 CompileReport &report) {
  Expected<CompileCache> cache = CompileCache::open();
  if (cache.ok())
    return compileThrough(*cache, model, options, report);
  bool isMistake = cache.status().code() == StatusCode::InvalidArgument;
  report.diagnostics.push_back((isMistake ? "warning: no cache: " : "remark: no cache: ") +
                               cache.status().message());
  return compileAnew(model, options, report);
}

std::string pipelineText(const CompileOptions &options) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
  mlir::flowhn::PipelineOptions pipeline;
  mlir::flowhn::setPipelineOptions(options, pipeline);
  mlir::flowhn::buildWholePipeline(passes, pipeline);
  std::string text;
  llvm::raw_string_ostream stream(text);
  passes.printAsTextualPipeline(stream);
  return text;
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

Expected<Artifact> flowhn::compile(const Model &model, const CompileOptions &options,
                                   CompileReport *report) {
  CompileReport unused;
  bool isCached = options.cache && options.dumpPhasesTo.empty();
  return guarded("the compiler", [&] {
    return (isCached ? compileCached : compileAnew)(model, options, report ? *report : unused);
  });
}

Expected<std::string> flowhn::compileTo(CompilePhase phase, const Model &model,
                                        const CompileOptions &options, CompileReport *report) {
  auto work = [phase](Compilation &compilation) -> Expected<std::string> {
    bool isText = phase != CompilePhase::Object;
    FLOWHN_RETURN_IF_ERROR(compilation.runTo(isText ? phase : CompilePhase::LLVM));
    if (isText)
      return compilation.print();
    return compilation.emitObject();
  };
  return withCompilation(model, options, report, work);
}

Expected<Calibration> flowhn::calibrationOf(const std::string &chip) {
  return guarded("the calibration", [&]() -> Expected<Calibration> {
    auto info = mlir::flowhn::GPUTargetInfo::get(chip);
    FLOWHN_RETURN_IF_ERROR(info.status());
    return mlir::flowhn::getCalibration(*info);
  });
}

Expected<std::string> flowhn::passPipeline(const CompileOptions &options) {
  return guarded("the pipeline", [&]() -> Expected<std::string> { return pipelineText(options); });
}
