//===- TracedLaunches.cpp - What a trace says of launches -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TracedLaunches.h"

#include "ProfileReport.h"

#include <algorithm>

using namespace flowhn;

namespace {

std::string nameOf(fb::Branch branch) {
  switch (branch) {
  case fb::Branch::None:
    return "";
  case fb::Branch::Attention:
    return "attention";
  case fb::Branch::SSM:
    return "ssm";
  case fb::Branch::Both:
    return "attention+ssm";
  }
  return "";
}

/// Writes down launches; where memory lies does not matter.
class Describer : public PlanSink {
public:
  explicit Describer(const fb::Plan &plan) : plan(plan) {}

  Status addLaunch(const PlannedLaunch &launch) override {
    const fb::Kernel &kernel = *plan.kernels()->Get(launch.kernel);
    TracedLaunch traced{describeLaunch(kernel, launch.indices, launch.block)};
    traced.branch = nameOf(launch.branch);
    traced.stream = launch.stream;
    traced.grid = {launch.grid.x, launch.grid.y, launch.grid.z};
    if (kernel.gpu() && kernel.gpu()->max_blocks() > 0)
      traced.grid[0] = std::min(traced.grid[0], kernel.gpu()->max_blocks());
    launches.push_back(std::move(traced));
    return {};
  }
  void addTable(std::vector<int32_t>) override {}
  void fork(std::span<const uint32_t>) override {}
  void join(std::span<const uint32_t>) override {}
  void addTap(const PlannedTap &) override {}

  std::vector<TracedLaunch> launches;

private:
  const fb::Plan &plan;
};

} // namespace

Expected<std::vector<TracedLaunch>> flowhn::describeLaunches(const fb::Plan &plan,
                                                             const EntryArguments &arguments) {
  Describer describer(plan);
  FLOWHN_RETURN_IF_ERROR(walkPlan(plan, arguments, {}, {}, describer).status());
  return std::move(describer.launches);
}
