//===- Compilation.cpp - One compile in progress --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "DescribeModel.h"
#include "DiagnosticText.h"

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Dialect/Plan/Serialize.h"
#include "flowhn/Import/ImportModel.h"
#include "flowhn/Target/NVPTX/Calibrations.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::Artifact;
using ::flowhn::ArtifactContents;
using ::flowhn::ArtifactSection;
using ::flowhn::CompilePhase;
using ::flowhn::Expected;
using ::flowhn::invalidInput;
using ::flowhn::Status;

namespace {

constexpr MLIRContext::Threading threading = MLIRContext::Threading::DISABLED;

DialectRegistry createRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

} // namespace

void mlir::flowhn::setPipelineOptions(const ::flowhn::CompileOptions &options,
                                      PipelineOptions &pipeline) {
  pipeline.strategy = options.split.strategy;
  pipeline.circulation = options.split.circulation;
  pipeline.context = options.split.contextLength;
  pipeline.attentionTokens = options.split.attentionTokens;
  pipeline.norm = options.norm;
  pipeline.branchSchedule = options.branchSchedule;
  pipeline.pruneDeadPositions = options.pruneDeadPositions;
  pipeline.calibration = options.calibration;
  pipeline.candidate = options.candidate;
  pipeline.typicalBatch = options.typicalBatch;
  pipeline.typicalTokens = options.typicalTokens;
  pipeline.target = options.target;
  pipeline.cpu = options.cpu;
  if (!options.chips.empty())
    pipeline.chip = options.chips.front();
}

Compilation::Compilation(const ::flowhn::Model &model, const ::flowhn::CompileOptions &options,
                         ::flowhn::CompileReport &report)
    : model(model), options(options), report(report), context(createRegistry(), threading) {
  setPipelineOptions(options, pipeline);
  // A diagnostic names its op and place; the op, with its regions, may be a model.
  context.printOpOnDiagnostic(false);
}

Status Compilation::timed(std::string phase, const std::function<Status()> &work) {
  auto start = std::chrono::steady_clock::now();
  Status status = work();
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  report.phases.push_back({std::move(phase), elapsed.count()});
  return status;
}

Status Compilation::withDiagnostics(const std::function<Status()> &work) {
  std::string errors;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    std::string text = textOf(diagnostic);
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors += (errors.empty() ? "" : "\n") + text;
    else
      report.diagnostics.push_back((severityName(diagnostic.getSeverity()) + ": ").str() + text);
    return success();
  });
  Status status = work();
  if (status.ok() || errors.empty())
    return status;
  return {status.code(), errors + "\n" + status.message()};
}

Status Compilation::import() {
  if (!model.config()) {
    ParserConfig config(&context);
    module = parseSourceString<ModuleOp>(model.ir(), config, model.name() + ".mlir");
    return module ? Status() : invalidInput("'" + model.name() + "' is no valid IR");
  }
  StorageTypes types;
  for (const auto &[name, type] : model.storageTypes())
    types[name] = type;
  module = importModel(context, *model.config(), types, activations);
  if (!module)
    return invalidInput("'" + model.name() + "' cannot be imported");
  if (!model.config()->tokenizer.empty())
    for (auto op : module->getOps<ModelOp>())
      op->setAttr(tokenizerAttrName, StringAttr::get(&context, model.config()->tokenizer));
  return checkCheckpoint();
}

Status Compilation::checkCheckpoint() {
  if (model.weightsFolder().empty())
    return Status();
  auto source = ::flowhn::openCheckpoint(model.weightsFolder());
  if (!source.ok())
    return source.status();
  return ::flowhn::checkParameters(**source, collectParameters(*module));
}

Status Compilation::runPasses(Build build) {
  PassManager passes(&context);
  std::string failed;
  passes.addInstrumentation(std::make_unique<FailedPass>(failed));
  // Once, of what all passes leave: to look at each op of the kernels takes as long as a pass.
  passes.enableVerifier(false);
  build(passes, pipeline);
  if (mlir::failed(passes.run(*module)))
    return invalidInput(failed);
  return succeeded(verify(*module)) ? Status() : ::flowhn::internalError("passes left invalid IR");
}

Status Compilation::serialize() {
  auto bytes = plan::serializePlan(*module);
  if (!bytes.ok())
    return bytes.status();
  plan = std::move(*bytes);
  return Status();
}

Status Compilation::dump(CompilePhase phase) {
  if (options.dumpPhasesTo.empty())
    return Status();
  std::error_code error;
  std::filesystem::create_directories(options.dumpPhasesTo, error);
  std::string number = std::to_string(dumped++);
  std::filesystem::path path = std::filesystem::path(options.dumpPhasesTo) /
                               (std::string(2 - std::min<size_t>(2, number.size()), '0') + number +
                                "-" + std::string(::flowhn::name(phase)) +
                                (suffix.empty() ? "" : "-" + suffix.substr(1)) + ".mlir");
  std::ofstream stream(path);
  stream << print();
  stream.close();
  return stream ? Status() : ::flowhn::resourceExhausted("cannot write '" + path.string() + "'");
}

Status Compilation::resolveCalibration() {
  if (options.calibration.empty())
    return {};
  auto table = readCalibration(options.calibration);
  FLOWHN_RETURN_IF_ERROR(table.status());
  bool isUsed = llvm::any_of(targets, [&](const CompileTarget &target) {
    auto *gpu = std::get_if<GPUTargetInfo>(&target);
    return gpu && gpu->chip == table->chip;
  });
  if (!isUsed)
    return ::flowhn::invalidArgument(options.calibration + ": the table is of '" + table->chip +
                                     "', which is not compiled for");
  calibratedChip = table->chip;
  return {};
}

Status Compilation::resolve() {
  auto resolved = resolveTargets(options);
  FLOWHN_RETURN_IF_ERROR(resolved.status());
  targets = std::move(*resolved);
  FLOWHN_RETURN_IF_ERROR(resolveCalibration());
  auto type = resolveActivations(model, options);
  FLOWHN_RETURN_IF_ERROR(type.status());
  activations = *type;
  return Status();
}

Status Compilation::runPhase(CompilePhase phase, const std::function<Status()> &work) {
  FLOWHN_RETURN_IF_ERROR(
      timed(std::string(::flowhn::name(phase)) + suffix, [&] { return withDiagnostics(work); }));
  return dump(phase);
}

Status Compilation::importTo(CompilePhase last) {
  FLOWHN_RETURN_IF_ERROR(resolve());
  FLOWHN_RETURN_IF_ERROR(
      timed("import", [&] { return withDiagnostics([&] { return import(); }); }));
  FLOWHN_RETURN_IF_ERROR(dump(CompilePhase::FlowHN));
  if (last >= CompilePhase::Split)
    FLOWHN_RETURN_IF_ERROR(runPhase(CompilePhase::Split, [&]() -> Status {
      FLOWHN_RETURN_IF_ERROR(runPasses(buildSplitPipeline));
      auto described = describeModel(*module);
      FLOWHN_RETURN_IF_ERROR(described.status());
      manifest.model = std::move(*described);
      manifest.model.name = model.name();
      manifest.model.prunesDeadPositions = options.pruneDeadPositions;
      return Status();
    }));
  return Status();
}

Status Compilation::lowerTo(CompilePhase last, const CompileTarget &target) {
  suffix = phaseSuffix(target, options);
  if (auto *gpu = std::get_if<GPUTargetInfo>(&target)) {
    pipeline.chip = gpu->chip;
    pipeline.calibration = gpu->chip == calibratedChip ? options.calibration : "";
  }
  if (last >= CompilePhase::Scheduled)
    FLOWHN_RETURN_IF_ERROR(
        runPhase(CompilePhase::Scheduled, [&] { return runPasses(buildSchedulePipeline); }));
  if (last >= CompilePhase::Kern)
    FLOWHN_RETURN_IF_ERROR(
        runPhase(CompilePhase::Kern, [&] { return runPasses(buildKernPipeline); }));
  if (last >= CompilePhase::Plan)
    FLOWHN_RETURN_IF_ERROR(
        runPhase(CompilePhase::Plan, [&] { return runPasses(buildPlanPipeline); }));
  if (last >= CompilePhase::LLVM)
    FLOWHN_RETURN_IF_ERROR(runPhase(CompilePhase::LLVM, [&]() -> Status {
      FLOWHN_RETURN_IF_ERROR(runPasses(buildEmitPipeline));
      FLOWHN_RETURN_IF_ERROR(serialize());
      return runPasses(buildLLVMPipeline);
    }));
  return Status();
}

Status Compilation::runTo(CompilePhase last) {
  FLOWHN_RETURN_IF_ERROR(importTo(last));
  return lowerTo(last, targets.front());
}

ModelOp Compilation::modelOp() { return *module->getOps<ModelOp>().begin(); }

ModuleOp Compilation::kernels() { return module->lookupSymbol<ModuleOp>(kern::kernelModuleName); }

Expected<std::string> Compilation::emitObject() {
  std::string bytes;
  FLOWHN_RETURN_IF_ERROR(withDiagnostics([&]() -> Status {
    auto object = mlir::flowhn::emitObject(kernels(), targets.front(), options, report);
    FLOWHN_RETURN_IF_ERROR(object.status());
    bytes = std::move(*object);
    return Status();
  }));
  return bytes;
}

Status Compilation::addSections(const CompileTarget &target,
                                std::vector<ArtifactSection> &sections) {
  auto planBytes = std::as_bytes(std::span(plan));
  sections.push_back({planSectionOf(target), {planBytes.begin(), planBytes.end()}});
  return withDiagnostics([&]() -> Status {
    auto code = emitCode(kernels(), target, options, report);
    FLOWHN_RETURN_IF_ERROR(code.status());
    llvm::move(*code, std::back_inserter(sections));
    return Status();
  });
}

Expected<Artifact> Compilation::emitArtifact() {
  FLOWHN_RETURN_IF_ERROR(importTo(CompilePhase::Split));
  ArtifactContents contents;
  OwningOpRef<ModuleOp> split = std::move(module);
  for (const CompileTarget &target : targets) {
    module = split->clone();
    FLOWHN_RETURN_IF_ERROR(lowerTo(CompilePhase::LLVM, target));
    FLOWHN_RETURN_IF_ERROR(addSections(target, contents.sections));
  }
  manifest.target = describeTargets(targets);
  manifest.limits.maxBatch = options.maxBatch;
  manifest.limits.maxTokens =
      manifest.model.contextLength ? manifest.model.contextLength : options.maxTokens;
  contents.manifest = manifest;
  return Artifact::create(std::move(contents));
}

std::string Compilation::print() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, OpPrintingFlags().elideLargeElementsAttrs());
  return text + "\n";
}
