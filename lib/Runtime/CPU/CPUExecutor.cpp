//===- CPUExecutor.cpp - Runs a plan on the threads of this machine -------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Executor.h"
#include "CodeObject.h"
#include "HostStates.h"
#include "PlanProgram.h"
#include "ThreadPool.h"
#include "flowhn/Support/Hash.h"

#include <algorithm>

using namespace flowhn;

namespace {

Expected<std::vector<KernelFunction>> findKernels(const fb::Plan &plan, const CodeObject &code) {
  std::vector<KernelFunction> functions;
  for (const fb::Kernel *kernel : *plan.kernels()) {
    Expected<KernelFunction> function = code.find(kernel->symbol()->str());
    FLOWHN_RETURN_IF_ERROR(function.status());
    functions.push_back(*function);
  }
  return functions;
}

int64_t largestScratch(const fb::Plan &plan) {
  int64_t bytes = 0;
  for (const fb::Kernel *kernel : *plan.kernels())
    bytes = std::max(bytes, kernel->scratch_bytes());
  return bytes;
}

/// A hash of the code's level and of the first, middle and last bytes of each parameter.
std::string fingerprintOf(const std::string &cpu, const PreparedParameters &parameters) {
  constexpr size_t sample = 64;
  std::vector<std::byte> samples;
  auto add = [&](std::span<const std::byte> bytes) {
    samples.insert(samples.end(), bytes.begin(), bytes.end());
  };
  add(std::as_bytes(std::span(cpu)));
  for (size_t i = 0; i < parameters.size(); ++i) {
    std::span<const std::byte> bytes = parameters[i];
    size_t length = std::min(sample, bytes.size());
    for (size_t start : {size_t(0), (bytes.size() - length) / 2, bytes.size() - length})
      add(bytes.subspan(start, length));
  }
  return hashOf(samples);
}

class CPUExecutor : public Executor {
public:
  CPUExecutor(std::string cpu, const fb::Plan &plan, CodeObject code,
              std::vector<KernelFunction> kernels, PreparedParameters prepared,
              std::unique_ptr<ThreadPool> pool)
      : cpu(std::move(cpu)), code(std::move(code)), parameters(std::move(prepared)),
        pool(std::move(pool)), program(plan, std::move(kernels), parameters) {}

  Expected<double> run(const EntryArguments &call, const TapTarget &tapTarget,
                       std::span<LaunchCounts> counts) override {
    Expected<const LaunchProgram *> launches = instantiate(call, tapTarget, counts);
    FLOWHN_RETURN_IF_ERROR(launches.status());
    pool->run(**launches);
    return 0.0;
  }

  Expected<std::vector<LaunchTime>> trace(const EntryArguments &call) override {
    Expected<const LaunchProgram *> launches = instantiate(call, {}, {});
    FLOWHN_RETURN_IF_ERROR(launches.status());
    return pool->trace(**launches);
  }

  Expected<std::unique_ptr<StateMemory>> allocateStates(int64_t bytes) override {
    Expected<Memory> memory = Memory::allocate(bytes, "states");
    FLOWHN_RETURN_IF_ERROR(memory.status());
    return std::unique_ptr<StateMemory>(new HostStates(std::move(*memory)));
  }
  int64_t freeBytes() const override { return availableMemory(); }
  std::string fingerprint() const override { return fingerprintOf(cpu, parameters); }

  void setProfile(size_t numKernels) override { pool->setProfile(numKernels); }
  double seconds(uint32_t kernel) const override {
    return double(pool->nanoseconds(kernel)) * 1e-9;
  }

  ExecutorInfo info() const override {
    int threads = pool->size();
    ExecutorInfo info;
    info.target =
        "cpu " + cpu + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    info.threads = threads;
    info.parameterBytes = parameters.bytes();
    info.sharedParameterBytes = parameters.sharedBytes();
    info.workspaceBytes = program.workspaceBytes();
    return info;
  }

private:
  Expected<const LaunchProgram *> instantiate(EntryArguments arguments, const TapTarget &tapTarget,
                                              std::span<LaunchCounts> counts) {
    if (arguments.logits.empty()) {
      unreadLogits.resize(std::max(unreadLogits.size(), size_t(arguments.numLogits())));
      arguments.logits = unreadLogits;
    }
    return program.instantiate(arguments, tapTarget, counts);
  }

  std::string cpu;
  CodeObject code;
  PreparedParameters parameters;
  std::unique_ptr<ThreadPool> pool;
  PlanProgram program;
  std::vector<float> unreadLogits;
};

} // namespace

Expected<std::unique_ptr<Executor>>
flowhn::createCPUExecutor(const Artifact &artifact, std::unique_ptr<ParameterSource> source,
                          const SessionOptions &options) {
  const std::string &cpu = artifact.manifest().target.cpu;
  FLOWHN_RETURN_IF_ERROR(checkHostRuns(cpu).withContext(artifact.source()));
  Expected<std::span<const std::byte>> bytes = artifact.code();
  FLOWHN_RETURN_IF_ERROR(bytes.status());
  Expected<CodeObject> code = CodeObject::load(*bytes);
  FLOWHN_RETURN_IF_ERROR(code.status().withContext(artifact.source()));
  const fb::Plan &plan = *fb::GetPlan(artifact.plan().data());
  Expected<std::vector<KernelFunction>> kernels = findKernels(plan, *code);
  FLOWHN_RETURN_IF_ERROR(kernels.status().withContext(artifact.source()));
  Expected<PreparedParameters> parameters =
      PreparedParameters::prepare(plan, std::move(source), {options.threads, options.progress});
  FLOWHN_RETURN_IF_ERROR(parameters.status());
  Expected<std::unique_ptr<ThreadPool>> pool =
      ThreadPool::create(options.threads, largestScratch(plan));
  FLOWHN_RETURN_IF_ERROR(pool.status());
  return std::unique_ptr<Executor>(new CPUExecutor(cpu, plan, std::move(*code), std::move(*kernels),
                                                   std::move(*parameters), std::move(*pool)));
}
