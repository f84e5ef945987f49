//===- EarlyStarts.cpp - Which launches start early -----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EarlyStarts.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::cuda;

namespace {

/// Goes over a list from its end, so that it knows of each stream what comes next.
class StartPlanner {
public:
  StartPlanner(const LaunchList &list, const fb::Plan &plan, const Kernels &kernels)
      : list(list), plan(plan), kernels(kernels), streams(1) {}

  std::vector<LaunchStart> run();

private:
  struct Stream {
    bool goesOnEarly = false; ///< its next launch, if it is what comes next, may start early
    bool isAwaited = false;   ///< by such a launch, as soon as its last one is there
  };

  const LaunchList &list;
  const fb::Plan &plan;
  const Kernels &kernels;
  std::vector<Stream> streams;

  Stream &streamOf(unsigned number) {
    if (number >= streams.size())
      streams.resize(number + 1);
    return streams[number];
  }
  std::optional<uint32_t> earlyBytes(const LaunchList::Launch &launch) const;
  LaunchStart startOf(const LaunchList::Launch &launch, bool isForked);
  bool visitFork(const LaunchList::Fork &fork);
  void visitJoin(const LaunchList::Join &join);
};

std::optional<uint32_t> StartPlanner::earlyBytes(const LaunchList::Launch &launch) const {
  const fb::Kernel &kernel = *plan.kernels()->Get(launch.kernel);
  if (!kernel.gpu()->waits())
    return std::nullopt;
  if (list.isSmall())
    return kernel.gpu()->shared_bytes();
  // The longest of a call's kernels gain nothing, and take longer.
  if (!list.isShort() && kernel.op()->string_view() == "kern.grouped_matmul")
    return std::nullopt;
  int64_t blocks = int64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  return kernels.sharedBytesToSpread(launch.kernel, blocks);
}

LaunchStart StartPlanner::startOf(const LaunchList::Launch &launch, bool isForked) {
  Stream &stream = streamOf(launch.stream);
  LaunchStart start{earlyBytes(launch), isForked || stream.isAwaited};
  stream = {start.early.has_value(), /*isAwaited=*/false};
  return start;
}

/// Whether all that it starts may start early.
bool StartPlanner::visitFork(const LaunchList::Fork &fork) {
  bool all = std::all_of(fork.streams.begin(), fork.streams.end(), [&](uint32_t number) {
    return number == 0 || streamOf(number).goesOnEarly;
  });
  streamOf(0) = {};
  return all;
}

void StartPlanner::visitJoin(const LaunchList::Join &join) {
  bool goesOnEarly = streamOf(0).goesOnEarly;
  for (uint32_t number : join.streams)
    streamOf(number) = {/*goesOnEarly=*/false, /*isAwaited=*/number != 0 && goesOnEarly};
}

std::vector<LaunchStart> StartPlanner::run() {
  const std::vector<LaunchList::Command> &commands = list.commands();
  std::vector<LaunchStart> starts(commands.size());
  bool isForked = false; // by the command behind
  for (size_t i = commands.size(); i-- > 0;) {
    bool forks = false;
    if (auto *launch = std::get_if<LaunchList::Launch>(&commands[i]))
      starts[i] = startOf(*launch, isForked && launch->stream == 0);
    else if (auto *fork = std::get_if<LaunchList::Fork>(&commands[i]))
      forks = visitFork(*fork);
    else if (auto *join = std::get_if<LaunchList::Join>(&commands[i]))
      visitJoin(*join);
    isForked = forks;
  }
  return starts;
}

} // namespace

std::vector<LaunchStart> flowhn::cuda::planStarts(const LaunchList &list, const fb::Plan &plan,
                                                  const Kernels &kernels) {
  return StartPlanner(list, plan, kernels).run();
}
