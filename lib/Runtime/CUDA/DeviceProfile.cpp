//===- DeviceProfile.cpp - Times of profiled calls ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceProfile.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::cuda;

/// The launches of a call, with their seconds.
static std::vector<TimedLaunch> timesOf(const LaunchList &list,
                                        const std::vector<double> &seconds) {
  std::vector<TimedLaunch> times;
  for (const LaunchList::Command &command : list.commands())
    if (auto *launch = std::get_if<LaunchList::Launch>(&command)) {
      std::span<const int64_t> extents = list.indices(*launch);
      times.push_back(
          {launch->kernel, launch->block, {extents.begin(), extents.end()}, seconds[times.size()]});
    }
  return times;
}

static bool areSameLaunches(const std::vector<TimedLaunch> &a, const std::vector<TimedLaunch> &b) {
  return std::ranges::equal(a, b, [](const TimedLaunch &x, const TimedLaunch &y) {
    return x.kernel == y.kernel && x.block == y.block && x.extents == y.extents;
  });
}

void DeviceProfile::add(const LaunchList &list, const std::vector<double> &launchSeconds,
                        std::vector<BlockTime> blockTimes) {
  std::vector<TimedLaunch> added = timesOf(list, launchSeconds);
  for (const TimedLaunch &launch : added)
    kernelSeconds[launch.kernel] += launch.seconds;
  if (calls == 0 || !areSameLaunches(launches, added)) {
    calls = 1;
    launches = std::move(added);
    blocks = std::move(blockTimes);
    return;
  }
  ++calls;
  for (size_t i = 0; i < launches.size(); ++i)
    launches[i].seconds += added[i].seconds;
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].seconds += blockTimes[i].seconds;
    blocks[i].serialSeconds += blockTimes[i].serialSeconds;
  }
}

std::vector<TimedLaunch> DeviceProfile::launchTimes() const {
  std::vector<TimedLaunch> means = launches;
  for (TimedLaunch &launch : means)
    launch.seconds /= double(calls);
  return means;
}

std::vector<BlockTime> DeviceProfile::blockTimes() const {
  std::vector<BlockTime> means = blocks;
  for (BlockTime &block : means) {
    block.seconds /= double(calls);
    block.serialSeconds /= double(calls);
  }
  return means;
}
