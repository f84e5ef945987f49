//===- Compilation.cpp - One compile in progress --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Dialect/Plan/Serialize.h"
#include "flowhn/Import/ImportModel.h"
#include "flowhn/Target/NVPTX/Calibrations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
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

/// Remembers the pass that failed.
class FailedPass : public PassInstrumentation {
public:
  explicit FailedPass(std::string &text) : text(text) {}
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    if (!text.empty())
      return;
    text = "pass '" + pass->getArgument().str() + "' failed on '" +
           op->getName().getStringRef().str() + "'";
  }

private:
  std::string &text;
};

llvm::StringRef severityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  return "diagnostic";
}

/// A diagnostic as text: its location where that is a file or a name, its text.
std::string format(Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  Location location = diagnostic.getLocation();
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    stream << file.getFilename().getValue() << ":" << file.getLine() << ":" << file.getColumn()
           << ": ";
  else if (auto name = location->findInstanceOf<NameLoc>())
    stream << name.getName().getValue() << ": ";
  stream << diagnostic.str();
  for (Diagnostic &note : diagnostic.getNotes())
    stream << "\n  note: " << note.str();
  return text;
}

/// The attention tokens that the model was compiled with: one count where all blocks
/// agree, one per block otherwise; none where the strategy has no counts.
std::vector<int64_t> chosenCounts(ModelOp model) {
  std::vector<int64_t> counts;
  Strategy strategy = model.getSplit().getStrategy();
  if ((strategy != Strategy::FA && strategy != Strategy::FAC) || !model.getPlanAttr())
    return counts;
  for (auto window : model.getPlanAttr().getAsRange<WindowAttr>())
    if (window.getPeriod() != 0)
      counts.push_back(window.getCount());
  if (llvm::all_equal(counts) && !counts.empty())
    counts.resize(1);
  return counts;
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
    std::string text = format(diagnostic);
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
  build(passes, pipeline);
  return succeeded(passes.run(*module)) ? Status() : invalidInput(failed);
}

Status Compilation::describeModel() {
  auto models = module->getOps<ModelOp>();
  if (!llvm::hasSingleElement(models))
    return invalidInput("the module holds " +
                        std::to_string(std::distance(models.begin(), models.end())) +
                        " flowhn.model ops, expected 1");
  ModelOp op = *models.begin();
  auto forward = op.lookupSymbol<func::FuncOp>("forward");
  if (!forward || forward.getNumResults() != 1)
    return invalidInput("flowhn.model '" + op.getSymName().str() +
                        "' has no function @forward with one result");

  ::flowhn::ManifestModel &described = manifest.model;
  SplitAttr split = op.getSplit();
  described.name = model.name();
  described.prunesDeadPositions = options.pruneDeadPositions;
  if (auto tokenizer = op->getAttrOfType<StringAttr>(tokenizerAttrName))
    described.tokenizer = tokenizer.str();
  described.strategy = stringifyStrategy(split.getStrategy()).str();
  if (split.getStrategy() == Strategy::FAC)
    described.circulation = stringifyCirculation(split.getCirculation()).str();
  described.contextLength = split.getContextLength();
  described.attentionTokens = chosenCounts(op);
  if (ArrayAttr plan = op.getPlanAttr())
    for (auto window : plan.getAsRange<WindowAttr>()) {
      llvm::raw_string_ostream(described.windows.emplace_back()) << window;
      described.splitByCall |= window.getByCall();
    }
  described.numLayers = described.windows.size();
  auto logits = dyn_cast<RankedTensorType>(forward.getResultTypes()[0]);
  if (!logits || logits.getRank() != 2 || logits.isDynamicDim(1))
    return invalidInput("the result of @forward in flowhn.model '" + op.getSymName().str() +
                        "' must be [rows, vocabulary] with a known vocabulary");
  described.vocabSize = logits.getDimSize(1);
  forward.walk([&](EmbeddingOp embedding) {
    if (auto type = dyn_cast<RankedTensorType>(embedding.getResult().getType()))
      described.hiddenSize = type.getShape().back();
  });
  // The residual stream may be wider than what products read.
  forward.walk([&](LinearOp linear) {
    Type element = cast<RankedTensorType>(linear.getInput().getType()).getElementType();
    described.dtype = element.isBF16() ? "bfloat16" : element.isF16() ? "float16" : "float32";
  });
  return Status();
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
      return describeModel();
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
