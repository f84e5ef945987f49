//===- PlanProgram.h - From a plan to launches ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CPU_PLANPROGRAM_H
#define FLOWHN_LIB_RUNTIME_CPU_PLANPROGRAM_H

#include "../PlanWalk.h"
#include "LaunchProgram.h"
#include "PreparedParameters.h"

#include <array>

namespace flowhn {

/// A plan with its kernels and parameters. Points to all three.
class PlanProgram : private PlanSink {
public:
  PlanProgram(const fb::Plan &plan, std::vector<KernelFunction> kernels,
              const PreparedParameters &parameters)
      : plan(plan), kernels(std::move(kernels)), parameters(parameters) {}

  /// Works the plan out for one call. The result is valid until the next call and as
  /// long as what `arguments` points to, which has room for the logits. With `counts`,
  /// one per kernel, adds up what is launched.
  Expected<const LaunchProgram *> instantiate(const EntryArguments &arguments,
                                              const TapTarget &tapTarget,
                                              std::span<LaunchCounts> counts = {});

  int64_t workspaceBytes() const { return workspace.bytes(); }

private:
  void addTable(std::vector<int32_t> table) override { tables.push_back(std::move(table)); }
  Status addLaunch(const PlannedLaunch &launch) override;
  void fork(std::span<const uint32_t>) override { program.barrier(); }
  void join(std::span<const uint32_t>) override { program.barrier(); }
  void addTap(const PlannedTap &tap) override;

  void addPlace(const Place &place);
  const void *addressOf(const Place &place) const;
  Status reserve(int64_t bytes);

  const fb::Plan &plan;
  std::vector<KernelFunction> kernels;
  const PreparedParameters &parameters;
  Memory workspace;
  LaunchProgram program;
  std::array<const void *, numEntryMemories> entryMemories = {}; ///< of the current program
  const std::byte *states = nullptr;                             ///< of the current program, a step
  std::span<const int64_t> stateOffsets;
  std::vector<std::vector<int32_t>> tables; ///< of the current program, which points to them
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CPU_PLANPROGRAM_H
