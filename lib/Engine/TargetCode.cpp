//===- TargetCode.cpp - What a target makes of kernels --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetCode.h"
#include "GPUCode.h"

#include "flowhn/Target/CPU/ObjectEmitter.h"

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

unsigned mlir::flowhn::numThreads(const CompileOptions &options) {
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

Expected<std::vector<ArtifactSection>> mlir::flowhn::emitCode(ModuleOp kernels,
                                                              const CompileTarget &target,
                                                              const CompileOptions &options,
                                                              CompileReport &report) {
  if (auto *gpu = std::get_if<GPUTargetInfo>(&target))
    return emitGPUCode(kernels, *gpu, options, report);
  const auto &cpu = std::get<CPUTargetInfo>(target);
  auto object = emitShared(kernels, cpu, options, report);
  FLOWHN_RETURN_IF_ERROR(object.status());
  auto bytes = std::as_bytes(std::span(object->bytes));
  return std::vector<ArtifactSection>{
      {::flowhn::codeSection(cpu.cpu), {bytes.begin(), bytes.end()}}};
}

Expected<std::string> mlir::flowhn::emitObject(ModuleOp kernels, const CompileTarget &target,
                                               const CompileOptions &options,
                                               CompileReport &report) {
  if (auto *cpu = std::get_if<CPUTargetInfo>(&target)) {
    auto object = emitShared(kernels, *cpu, options, report);
    FLOWHN_RETURN_IF_ERROR(object.status());
    return std::string(object->bytes.begin(), object->bytes.end());
  }
  return emitPTX(kernels, std::get<GPUTargetInfo>(target), options, report);
}
