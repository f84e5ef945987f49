//===- TuningPoints.cpp - Times of kernels by configuration ---------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TuningPoints.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::tools;

static double medianOf(std::vector<double> values) {
  auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

void TuningPoints::add(const std::vector<LaunchProfile> &launches) {
  for (const LaunchProfile &launch : launches) {
    if (launch.tuningKey.empty())
      continue;
    std::vector<Sample> &tried = samples[{launch.tuningKey, launch.extents}];
    auto known = std::ranges::find(tried, launch.config, &Sample::config);
    if (known == tried.end())
      known = tried.insert(known, {launch.config, {}});
    known->seconds.push_back(launch.seconds);
  }
}

void TuningPoints::store(Calibration &table) const {
  for (const auto &[place, tried] : samples) {
    std::vector<ConfigPoint> &points = table.configs[place.kernel];
    for (const Sample &sample : tried) {
      std::erase_if(points, [&](const ConfigPoint &point) {
        return point.extents == place.extents && point.config == sample.config;
      });
      points.push_back({place.extents, sample.config, medianOf(sample.seconds)});
    }
  }
}

std::vector<TuningPoints::Outcome> TuningPoints::outcomes() const {
  std::vector<Outcome> outcomes;
  for (const auto &[place, tried] : samples) {
    Outcome &outcome = outcomes.emplace_back(Outcome{place.kernel, {}, {}});
    for (const Sample &sample : tried) {
      ConfigPoint point{place.extents, sample.config, medianOf(sample.seconds)};
      if (outcome.first.config.empty())
        outcome.first = outcome.best = point;
      if (point.seconds < outcome.best.seconds)
        outcome.best = point;
    }
  }
  return outcomes;
}
