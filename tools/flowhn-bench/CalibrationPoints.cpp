//===- CalibrationPoints.cpp - From a profile to a calibration ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CalibrationPoints.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

using namespace flowhn;
using namespace flowhn::tools;

namespace {

struct Timed {
  KernelClass kernelClass;
  KernelPoint point;
};

/// The sizes of a product of 16-bit factors.
KernelSizes matmulSizes(const LaunchProfile &launch) {
  constexpr double factorBytes = 2;
  double rows = double(launch.extents[0]), columns = double(launch.sizes[0]);
  double inner = double(launch.sizes[1]);
  double others = launch.bytes - factorBytes * inner * (rows + columns);
  return {launch.extents[0], launch.sizes[0], launch.sizes[1],
          std::max<int64_t>(1, std::llround(others / rows))};
}

/// Recognises kernels, launch by launch; the passes of a scan are one point.
class PointReader {
public:
  std::optional<Timed> read(const LaunchProfile &launch, double seconds) {
    bool hasSizes = launch.sizes.size() == 2;
    if (launch.op == "kern.matmul" && hasSizes && launch.extents.size() >= 1)
      return Timed{KernelClass::Matmul, {matmulSizes(launch), seconds}};
    if (launch.op == "kern.rowwise" || launch.op == "kern.conv1d")
      return Timed{KernelClass::Rowwise, {{std::llround(launch.bytes)}, seconds}};
    if (!hasSizes || launch.extents.size() < 2)
      return std::nullopt;
    KernelSizes sizes = {launch.extents[0], launch.extents[1], launch.sizes[0], launch.sizes[1]};
    if (launch.op == "kern.attention")
      return Timed{KernelClass::Attention, {sizes, seconds}};
    if (launch.op == "kern.scan_states" || launch.op == "kern.scan_combine")
      firstPasses += seconds;
    if (launch.op != "kern.scan")
      return std::nullopt;
    return Timed{KernelClass::Scan, {sizes, seconds + std::exchange(firstPasses, 0)}};
  }

private:
  double firstPasses = 0; ///< of the scan to come
};

/// Seconds that each launch takes longer alone than in a row.
double timingCost(const std::vector<LaunchProfile> &launches,
                  const std::vector<BlockProfile> &blocks) {
  double alone = 0, inRow = 0;
  std::set<int64_t> timed;
  for (const BlockProfile &block : blocks) {
    alone += block.kernelSeconds;
    inRow += block.serialSeconds;
    timed.insert(block.block);
  }
  auto count =
      std::ranges::count_if(launches, [&](const auto &one) { return timed.contains(one.block); });
  return count > 0 ? std::max(0.0, (alone - inRow) / double(count)) : 0;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

} // namespace

void flowhn::tools::addPoints(const std::vector<LaunchProfile> &launches,
                              const std::vector<BlockProfile> &blocks, Calibration &table) {
  double cost = timingCost(launches, blocks);
  std::map<std::pair<KernelClass, KernelSizes>, std::vector<double>> times;
  PointReader reader;
  for (const LaunchProfile &launch : launches)
    // Half of what was measured, at least: noise must not make a kernel free.
    if (auto timed = reader.read(launch, std::max(launch.seconds - cost, launch.seconds / 2)))
      times[{timed->kernelClass, timed->point.sizes}].push_back(timed->point.seconds);
  for (const auto &[key, seconds] : times) {
    auto &[kernelClass, sizes] = key;
    std::vector<KernelPoint> &points = table.points[kernelClass];
    std::erase_if(points, [&](const KernelPoint &point) { return point.sizes == sizes; });
    points.push_back({sizes, median(seconds)});
  }
}

/// From an overlap of 0 the next model's could not be told: its predictions would not have one.
static constexpr double leastOverlap = 0.01;

bool flowhn::tools::fitOverlap(const std::vector<BlockProfile> &blocks, Calibration &table) {
  std::vector<double> overlaps;
  for (const BlockProfile &block : blocks) {
    if (!block.prediction || block.prediction->schedule != BranchSchedule::Streams)
      continue;
    // Ordering streams costs a launch; the rest of the difference is what they hide.
    double serial = block.prediction->serial;
    double couldHide = (serial + table.launchSeconds - block.prediction->streams) / table.overlap;
    if (table.overlap == 0 || couldHide <= 0)
      continue;
    double hidden = block.serialSeconds + table.launchSeconds - block.seconds;
    double share = hidden / block.serialSeconds / (couldHide / serial);
    overlaps.push_back(std::clamp(share, leastOverlap, 1.0));
  }
  if (overlaps.empty())
    return false;
  table.overlap = median(overlaps);
  return true;
}
