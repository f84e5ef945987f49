//===- GPUCode.cpp - PTX and machine code of kernels ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GPUCode.h"

#include "flowhn/Support/Parallel.h"
#include "flowhn/Target/NVPTX/PTXEmitter.h"

#include <atomic>
#include <chrono>

using namespace mlir;
using namespace mlir::flowhn;
using ::flowhn::ArtifactSection;
using ::flowhn::CompileOptions;
using ::flowhn::CompileReport;
using ::flowhn::Expected;
using ::flowhn::Status;

using Clock = std::chrono::steady_clock;

/// Whether no other chip runs the code.
static bool isArchitectureAlone(const GPUTargetInfo &target) {
  return llvm::StringRef(target.chip).ends_with("a");
}

/// Beside other chips, one that others can run is there for them: as PTX, to stay small.
static bool wantsMachineCode(const GPUTargetInfo &target, const CompileOptions &options) {
  return options.ptxas != "none" && (options.chips.size() == 1 || isArchitectureAlone(target));
}

/// Path of the assembler; empty where none is to be had, or no machine code is wanted.
static Expected<std::string> chooseAssembler(const GPUTargetInfo &target,
                                             const CompileOptions &options, CompileReport &report) {
  if (!wantsMachineCode(target, options))
    return std::string();
  auto ptxas = findPTXAS(options.ptxas);
  if (ptxas.ok() || options.ptxas != "auto")
    return ptxas;
  report.diagnostics.push_back("remark: " + ptxas.status().message() +
                               "; the driver will assemble the kernels at load");
  return std::string();
}

namespace {

/// Modules of kernels on their way through the code generator and the assembler: each goes through
/// both at once, so that no thread waits for the others in between.
class Emission {
public:
  Emission(ModuleOp kernels, const GPUTargetInfo &target, std::string ptxas)
      : emitter(kernels, target), target(target), ptxas(std::move(ptxas)) {}

  /// The longest ones first, so that the threads end together.
  Status run(const CompileOptions &options, CompileReport &report) {
    modules.resize(emitter.size());
    cubins.resize(emitter.size());
    std::vector<size_t> order = emitter.longestFirst();
    Clock::time_point start = Clock::now();
    Status status =
        ::flowhn::forEachInParallel(order.size(), numThreads(options), "the kernels' code",
                                    [&](size_t place) { return emitOne(order[place]); });
    reportTimes(Clock::now() - start, phaseSuffix(target, options), report);
    return status;
  }

  std::vector<PTXModule> modules;
  std::vector<Cubin> cubins; ///< empty ones where there is no assembler

private:
  Status emitOne(size_t number) {
    Clock::time_point start = Clock::now();
    auto module = emitter.emit(number);
    generating += (Clock::now() - start).count();
    FLOWHN_RETURN_IF_ERROR(module.status());
    modules[number] = std::move(*module);
    if (ptxas.empty())
      return Status();
    start = Clock::now();
    auto cubin = assemble(modules[number], target, ptxas);
    assembling += (Clock::now() - start).count();
    FLOWHN_RETURN_IF_ERROR(cubin.status());
    cubins[number] = std::move(*cubin);
    return Status();
  }

  /// The time that has passed, as the threads have divided it.
  void reportTimes(Clock::duration passed, const std::string &suffix, CompileReport &report) {
    double seconds = std::chrono::duration<double>(passed).count();
    double share = double(assembling) / double(std::max<int64_t>(generating + assembling, 1));
    report.phases.push_back({"codegen" + suffix, seconds * (1 - share)});
    if (!ptxas.empty())
      report.phases.push_back({"ptxas" + suffix, seconds * share});
  }

  PTXEmitter emitter;
  const GPUTargetInfo &target;
  std::string ptxas;
  std::atomic<int64_t> generating = 0, assembling = 0; ///< ticks of all threads
};

} // namespace

Expected<std::vector<ArtifactSection>> mlir::flowhn::emitGPUCode(ModuleOp kernels,
                                                                 const GPUTargetInfo &target,
                                                                 const CompileOptions &options,
                                                                 CompileReport &report) {
  auto ptxas = chooseAssembler(target, options, report);
  FLOWHN_RETURN_IF_ERROR(ptxas.status());
  Emission emission(kernels, target, *ptxas);
  FLOWHN_RETURN_IF_ERROR(emission.run(options, report));
  std::vector<ArtifactSection> sections;
  for (auto [module, cubin] : llvm::zip(emission.modules, emission.cubins)) {
    auto add = [&](const char *form, llvm::ArrayRef<char> chars) {
      auto bytes = std::as_bytes(std::span(chars.data(), chars.size()));
      sections.push_back(
          {::flowhn::kernelSection(target.chip, module.name, form), {bytes.begin(), bytes.end()}});
    };
    // What runs machine code of a chip that is alone never reads its PTX.
    if (ptxas->empty() || !isArchitectureAlone(target))
      add("ptx", {module.ptx.data(), module.ptx.size()});
    if (!ptxas->empty())
      add("cubin", cubin.bytes);
  }
  return sections;
}

Expected<std::string> mlir::flowhn::emitPTX(ModuleOp kernels, const GPUTargetInfo &target,
                                            const CompileOptions &options, CompileReport &report) {
  Emission emission(kernels, target, /*ptxas=*/"");
  FLOWHN_RETURN_IF_ERROR(emission.run(options, report));
  std::string all;
  for (const PTXModule &module : emission.modules)
    all += module.ptx;
  return all;
}
