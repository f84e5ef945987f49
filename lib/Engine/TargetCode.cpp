//===- TargetCode.cpp - What a target makes of kernels --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetCode.h"

#include "flowhn/Support/Parallel.h"
#include "flowhn/Target/CPU/ObjectEmitter.h"
#include "flowhn/Target/NVPTX/PTXEmitter.h"

#include <chrono>
#include <thread>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::ArtifactSection;
using ::flowhn::CompileOptions;
using ::flowhn::CompileReport;
using ::flowhn::DType;
using ::flowhn::Expected;
using ::flowhn::Status;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// Whether the code for `a` is to be preferred where both run: that for the later chip, for
/// one architecture alone.
static bool isBetterChip(llvm::StringRef a, llvm::StringRef b) {
  auto rank = [](llvm::StringRef chip) {
    int number = 0;
    chip.consume_front("sm_");
    chip.consumeInteger(10, number);
    return std::pair(number, !chip.empty());
  };
  return rank(a) > rank(b);
}

static Expected<std::vector<CompileTarget>> resolveChips(std::vector<std::string> chips) {
  if (chips.empty())
    return ::flowhn::invalidArgument("no chip to compile for is named");
  llvm::sort(chips, isBetterChip);
  if (auto twice = std::adjacent_find(chips.begin(), chips.end()); twice != chips.end())
    return ::flowhn::invalidArgument("the chip '" + *twice + "' is named twice");
  std::vector<CompileTarget> targets;
  for (const std::string &chip : chips) {
    auto info = GPUTargetInfo::get(chip);
    FLOWHN_RETURN_IF_ERROR(info.status());
    targets.push_back(*info);
  }
  return targets;
}

Expected<std::vector<CompileTarget>> mlir::flowhn::resolveTargets(const CompileOptions &options) {
  if (options.target == "cpu") {
    auto info = CPUTargetInfo::get(options.cpu);
    FLOWHN_RETURN_IF_ERROR(info.status());
    return std::vector<CompileTarget>{*info};
  }
  if (options.target == "nvptx")
    return resolveChips(options.chips);
  return ::flowhn::unsupported("target '" + options.target +
                               "' is not built in; targets: cpu, nvptx");
}

/// Whether most parameters are stored in float16; without a checkpoint, as the config says.
static bool isFloat16(const ::flowhn::Model &model) {
  const std::map<std::string, DType> &types = model.storageTypes();
  if (types.empty())
    return model.config() && model.config()->parameterType == DType::F16;
  auto isHalf = [](const auto &entry) { return entry.second == DType::F16; };
  return 2 * size_t(llvm::count_if(types, isHalf)) > types.size();
}

/// What the layers hold their values in.
static Expected<DType> resolveLayerType(const ::flowhn::Model &model,
                                        const CompileOptions &options) {
  bool isForGPU = options.target == "nvptx";
  if (!model.config() && options.dtype != "auto")
    return ::flowhn::invalidArgument("dtype " + options.dtype + " has no effect on '" +
                                     model.name() + "', which is IR and has its own types");
  if (options.dtype == "auto") {
    DType half = isFloat16(model) ? DType::F16 : DType::BF16;
    return isForGPU ? half : DType::F32;
  }
  if (options.dtype == "float32")
    return DType::F32;
  if (options.dtype != "bfloat16" && options.dtype != "float16")
    return ::flowhn::invalidArgument("unknown dtype '" + options.dtype +
                                     "': expected auto, float32, bfloat16 or float16");
  if (!isForGPU)
    return ::flowhn::unsupported("dtype " + options.dtype + " is not supported by the target " +
                                 options.target + " yet");
  return options.dtype == "float16" ? DType::F16 : DType::BF16;
}

::flowhn::ManifestTarget mlir::flowhn::describeTargets(llvm::ArrayRef<CompileTarget> targets) {
  if (auto *cpu = std::get_if<CPUTargetInfo>(&targets.front()))
    return {.kind = "cpu", .cpu = cpu->cpu, .triple = cpu->triple};
  ::flowhn::ManifestTarget described = {.kind = "nvptx", .triple = "nvptx64-nvidia-cuda"};
  for (const CompileTarget &target : targets)
    described.chips.push_back(std::get<GPUTargetInfo>(target).chip);
  return described;
}

std::string mlir::flowhn::planSectionOf(const CompileTarget &target) {
  if (auto *gpu = std::get_if<GPUTargetInfo>(&target))
    return ::flowhn::chipPlanSection(gpu->chip);
  return std::string(::flowhn::planSection);
}

std::string mlir::flowhn::phaseSuffix(const CompileTarget &target, const CompileOptions &options) {
  auto *gpu = std::get_if<GPUTargetInfo>(&target);
  return gpu && options.chips.size() > 1 ? " " + gpu->chip : "";
}

Expected<ActivationTypes> mlir::flowhn::resolveActivations(const ::flowhn::Model &model,
                                                           const CompileOptions &options) {
  auto layers = resolveLayerType(model, options);
  FLOWHN_RETURN_IF_ERROR(layers.status());
  // A product that a norm is folded into reads the residual stream, and in its own type.
  return ActivationTypes{*layers, options.norm == "prologue" ? *layers : DType::F32};
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

static std::vector<std::byte> toBytes(llvm::ArrayRef<char> chars) {
  auto view = std::as_bytes(std::span(chars.data(), chars.size()));
  return {view.begin(), view.end()};
}

static unsigned numThreads(const CompileOptions &options) {
  return options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
}

static Expected<SharedObject> emitShared(ModuleOp kernels, const CPUTargetInfo &target,
                                         const CompileOptions &options, CompileReport &report) {
  auto object = emitSharedObject(kernels, target, numThreads(options));
  FLOWHN_RETURN_IF_ERROR(object.status());
  report.phases.push_back({"codegen", object->optimizeSeconds});
  report.phases.push_back({"link", object->linkSeconds});
  return object;
}

/// Runs `work` and adds its time to the report.
template <typename Work>
static auto timed(CompileReport &report, std::string phase, Work work) -> decltype(work()) {
  auto start = std::chrono::steady_clock::now();
  auto result = work();
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  report.phases.push_back({std::move(phase), elapsed.count()});
  return result;
}

static Expected<std::vector<PTXKernel>> emitText(ModuleOp kernels, const GPUTargetInfo &target,
                                                 const CompileOptions &options,
                                                 CompileReport &report) {
  return timed(report, "codegen" + phaseSuffix(target, options),
               [&] { return emitPTX(kernels, target, numThreads(options)); });
}

/// Whether no other chip runs the code.
static bool isArchitectureAlone(const GPUTargetInfo &target) {
  return llvm::StringRef(target.chip).ends_with("a");
}

/// Beside other chips, one that others can run is there for them: as PTX, to stay small.
static bool wantsMachineCode(const GPUTargetInfo &target, const CompileOptions &options) {
  return options.ptxas != "none" && (options.chips.size() == 1 || isArchitectureAlone(target));
}

/// Machine code of every kernel; none where no ptxas is to be had, or none is wanted.
static Expected<std::vector<Cubin>> assembleAll(llvm::ArrayRef<PTXKernel> kernels,
                                                const GPUTargetInfo &target,
                                                const CompileOptions &options,
                                                CompileReport &report) {
  std::vector<Cubin> cubins;
  if (!wantsMachineCode(target, options))
    return cubins;
  auto ptxas = findPTXAS(options.ptxas);
  if (!ptxas.ok() && options.ptxas == "auto") {
    report.diagnostics.push_back("remark: " + ptxas.status().message() +
                                 "; the driver will assemble the kernels at load");
    return cubins;
  }
  FLOWHN_RETURN_IF_ERROR(ptxas.status());
  cubins.resize(kernels.size());
  // The longest ones first, so that the threads end together.
  auto order = llvm::to_vector(llvm::seq(kernels.size()));
  llvm::stable_sort(order, [&](size_t lhs, size_t rhs) {
    return kernels[lhs].ptx.size() > kernels[rhs].ptx.size();
  });
  auto assembleOne = [&](size_t place) -> Status {
    size_t i = order[place];
    auto cubin = assemble(kernels[i], target, *ptxas);
    FLOWHN_RETURN_IF_ERROR(cubin.status());
    cubins[i] = std::move(*cubin);
    return Status();
  };
  Status status = timed(report, "ptxas" + phaseSuffix(target, options), [&] {
    return ::flowhn::forEachInParallel(kernels.size(), numThreads(options), "machine code",
                                       assembleOne);
  });
  FLOWHN_RETURN_IF_ERROR(status);
  return cubins;
}

static Expected<std::vector<ArtifactSection>> emitGPUCode(ModuleOp kernels,
                                                          const GPUTargetInfo &target,
                                                          const CompileOptions &options,
                                                          CompileReport &report) {
  auto texts = emitText(kernels, target, options, report);
  FLOWHN_RETURN_IF_ERROR(texts.status());
  auto cubins = assembleAll(*texts, target, options, report);
  FLOWHN_RETURN_IF_ERROR(cubins.status());
  std::vector<ArtifactSection> sections;
  for (auto [i, kernel] : llvm::enumerate(*texts)) {
    auto add = [&](const char *form, llvm::ArrayRef<char> bytes) {
      sections.push_back({::flowhn::kernelSection(target.chip, kernel.name, form), toBytes(bytes)});
    };
    // What runs machine code of a chip that is alone never reads its PTX.
    if (cubins->empty() || !isArchitectureAlone(target))
      add("ptx", llvm::ArrayRef<char>(kernel.ptx.data(), kernel.ptx.size()));
    if (!cubins->empty())
      add("cubin", (*cubins)[i].bytes);
  }
  return sections;
}

Expected<std::vector<ArtifactSection>> mlir::flowhn::emitCode(ModuleOp kernels,
                                                              const CompileTarget &target,
                                                              const CompileOptions &options,
                                                              CompileReport &report) {
  if (auto *gpu = std::get_if<GPUTargetInfo>(&target))
    return emitGPUCode(kernels, *gpu, options, report);
  const auto &cpu = std::get<CPUTargetInfo>(target);
  auto object = emitShared(kernels, cpu, options, report);
  FLOWHN_RETURN_IF_ERROR(object.status());
  return std::vector<ArtifactSection>{{::flowhn::codeSection(cpu.cpu), toBytes(object->bytes)}};
}

Expected<std::string> mlir::flowhn::emitObject(ModuleOp kernels, const CompileTarget &target,
                                               const CompileOptions &options,
                                               CompileReport &report) {
  if (auto *cpu = std::get_if<CPUTargetInfo>(&target)) {
    auto object = emitShared(kernels, *cpu, options, report);
    FLOWHN_RETURN_IF_ERROR(object.status());
    return std::string(object->bytes.begin(), object->bytes.end());
  }
  auto texts = emitText(kernels, std::get<GPUTargetInfo>(target), options, report);
  FLOWHN_RETURN_IF_ERROR(texts.status());
  std::string all;
  for (const PTXKernel &kernel : *texts)
    all += kernel.ptx;
  return all;
}
