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
using ::flowhn::CompileOptions;
using ::flowhn::CompileReport;
using ::flowhn::DType;
using ::flowhn::Expected;
using ::flowhn::Status;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

Expected<CompileTarget> mlir::flowhn::resolveTarget(const CompileOptions &options) {
  if (options.target == "cpu") {
    auto info = CPUTargetInfo::get(options.cpu);
    FLOWHN_RETURN_IF_ERROR(info.status());
    return CompileTarget(*info);
  }
  if (options.target == "nvptx") {
    auto info = GPUTargetInfo::get(options.chip);
    FLOWHN_RETURN_IF_ERROR(info.status());
    return CompileTarget(*info);
  }
  return ::flowhn::unsupported("target '" + options.target +
                               "' is not built in; targets: cpu, nvptx");
}

Expected<DType> mlir::flowhn::resolveActivations(const CompileOptions &options) {
  bool isForGPU = options.target == "nvptx";
  if (options.dtype == "auto")
    return isForGPU ? DType::BF16 : DType::F32;
  if (options.dtype != "float32" && options.dtype != "bfloat16")
    return ::flowhn::invalidArgument("unknown dtype '" + options.dtype +
                                     "': expected auto, float32 or bfloat16");
  if (options.dtype == "float32")
    return DType::F32;
  if (!isForGPU)
    return ::flowhn::unsupported("dtype bfloat16 is not supported by the target " + options.target +
                                 " yet");
  return DType::BF16;
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
  return timed(report, "codegen", [&] { return emitPTX(kernels, target, numThreads(options)); });
}

/// Machine code of every kernel; none where no ptxas is to be had, or none is wanted.
static Expected<std::vector<Cubin>> assembleAll(llvm::ArrayRef<PTXKernel> kernels,
                                                const GPUTargetInfo &target,
                                                const CompileOptions &options,
                                                CompileReport &report) {
  std::vector<Cubin> cubins;
  if (options.ptxas == "none")
    return cubins;
  auto ptxas = findPTXAS(options.ptxas);
  if (!ptxas.ok() && options.ptxas == "auto") {
    report.diagnostics.push_back("remark: " + ptxas.status().message() +
                                 "; the driver will assemble the kernels at load");
    return cubins;
  }
  FLOWHN_RETURN_IF_ERROR(ptxas.status());
  cubins.resize(kernels.size());
  Status status = timed(report, "ptxas", [&] {
    return ::flowhn::forEachInParallel(
        kernels.size(), numThreads(options), "machine code", [&](size_t i) -> Status {
          auto cubin = assemble(kernels[i], target, *ptxas);
          FLOWHN_RETURN_IF_ERROR(cubin.status());
          cubins[i] = std::move(*cubin);
          return Status();
        });
  });
  FLOWHN_RETURN_IF_ERROR(status);
  return cubins;
}

static Expected<TargetCode> emitGPUCode(ModuleOp kernels, const GPUTargetInfo &target,
                                        const CompileOptions &options, CompileReport &report) {
  auto texts = emitText(kernels, target, options, report);
  FLOWHN_RETURN_IF_ERROR(texts.status());
  auto cubins = assembleAll(*texts, target, options, report);
  FLOWHN_RETURN_IF_ERROR(cubins.status());
  TargetCode code;
  code.target.kind = "nvptx";
  code.target.chip = target.chip;
  code.target.triple = "nvptx64-nvidia-cuda";
  for (auto [i, kernel] : llvm::enumerate(*texts)) {
    auto add = [&](const char *form, llvm::ArrayRef<char> bytes) {
      code.sections.push_back(
          {::flowhn::kernelSection(target.chip, kernel.name, form), toBytes(bytes)});
    };
    add("ptx", llvm::ArrayRef<char>(kernel.ptx.data(), kernel.ptx.size()));
    if (!cubins->empty())
      add("cubin", (*cubins)[i].bytes);
  }
  return code;
}

Expected<TargetCode> mlir::flowhn::emitCode(ModuleOp kernels, const CompileTarget &target,
                                            const CompileOptions &options, CompileReport &report) {
  if (auto *gpu = std::get_if<GPUTargetInfo>(&target))
    return emitGPUCode(kernels, *gpu, options, report);
  const auto &cpu = std::get<CPUTargetInfo>(target);
  auto object = emitShared(kernels, cpu, options, report);
  FLOWHN_RETURN_IF_ERROR(object.status());
  TargetCode code;
  code.target.cpu = cpu.cpu;
  code.target.triple = cpu.triple;
  code.sections.push_back({::flowhn::codeSection(cpu.cpu), toBytes(object->bytes)});
  return code;
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
