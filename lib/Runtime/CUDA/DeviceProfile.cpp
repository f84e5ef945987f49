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

/// The medians of `part` over `calls`, which have the same launches or blocks.
template <typename T>
static void setMedians(const std::vector<std::vector<T>> &calls, double T::*part,
                       std::vector<T> &medians) {
  std::vector<double> values(calls.size());
  for (size_t i = 0; i < medians.size(); ++i) {
    std::ranges::transform(calls, values.begin(),
                           [&](const std::vector<T> &call) { return call[i].*part; });
    std::ranges::sort(values);
    size_t middle = values.size() / 2;
    medians[i].*part =
        values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  }
}

void DeviceProfile::add(const LaunchList &list, const std::vector<double> &launchSeconds,
                        std::vector<BlockTime> blockTimes) {
  std::vector<TimedLaunch> added = timesOf(list, launchSeconds);
  for (const TimedLaunch &launch : added)
    kernelSeconds[launch.kernel] += launch.seconds;
  if (!launches.empty() && !areSameLaunches(launches.back(), added)) {
    launches.clear();
    blocks.clear();
  }
  launches.push_back(std::move(added));
  blocks.push_back(std::move(blockTimes));
}

std::vector<TimedLaunch> DeviceProfile::launchTimes() const {
  if (launches.empty())
    return {};
  std::vector<TimedLaunch> medians = launches.back();
  setMedians(launches, &TimedLaunch::seconds, medians);
  return medians;
}

std::vector<BlockTime> DeviceProfile::blockTimes() const {
  if (blocks.empty())
    return {};
  std::vector<BlockTime> medians = blocks.back();
  setMedians(blocks, &BlockTime::seconds, medians);
  setMedians(blocks, &BlockTime::serialSeconds, medians);
  return medians;
}
