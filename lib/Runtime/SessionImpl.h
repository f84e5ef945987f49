//===- SessionImpl.h - What a session holds ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_SESSIONIMPL_H
#define FLOWHN_LIB_RUNTIME_SESSIONIMPL_H

#include "CallTables.h"
#include "Executor.h"
#include "PlanContents.h"

#include <set>

namespace flowhn {

struct Session::Impl {
  Impl(std::shared_ptr<const Artifact> artifact, std::unique_ptr<Executor> executor)
      : artifact(std::move(artifact)), executor(std::move(executor)),
        plan(*fb::GetPlan(this->artifact->plan(this->executor->info().chip).data())),
        taps(collectTaps(plan)), planComputesTokens(computesTokens(plan)),
        planDrawsTokens(drawsTokens(plan)) {}

  const Manifest &manifest() const { return artifact->manifest(); }
  Expected<CallResult> run(const Call &call);
  /// Runs a call that was checked; with `step` it goes on with sequences in flight.
  Expected<CallResult> execute(const Call &call, const CallTables &tables, StepArguments *step);
  Expected<std::vector<TracedLaunch>> trace(const Call &call);
  EntryArguments argumentsOf(const Call &call, const CallTables &tables) const;
  Status check(const Call &call) const;
  Status checkTaps(const Call &call) const;
  Status checkDraws(const Call &call) const;

  std::shared_ptr<const Artifact> artifact;
  std::unique_ptr<Executor> executor;
  const fb::Plan &plan;
  std::set<std::string> taps;
  bool planComputesTokens, planDrawsTokens;
  std::vector<LaunchCounts> counts; ///< one per kernel; empty without profiling
  double loadSeconds = 0;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_SESSIONIMPL_H
