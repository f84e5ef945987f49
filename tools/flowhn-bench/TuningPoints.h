//===- TuningPoints.h - Times of kernels by configuration -------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_TUNINGPOINTS_H
#define FLOWHN_TOOLS_BENCH_TUNINGPOINTS_H

#include "flowhn/Runtime/Session.h"
#include "flowhn/Support/Calibration.h"

#include <compare>
#include <map>
#include <string>
#include <vector>

namespace flowhn::tools {

/// What kernels took in profiled calls, with one configuration after the other.
class TuningPoints {
public:
  /// Adds the launches whose kernels have configurations to choose among.
  void add(const std::vector<LaunchProfile> &launches);
  bool empty() const { return samples.empty(); }
  /// Puts the medians into `table`, in place of those of the same kernels, calls and
  /// configurations.
  void store(Calibration &table) const;

  /// A kernel in calls of one kind: the configuration that was tried first beside the fastest.
  struct Outcome {
    std::string kernel; ///< its key
    ConfigPoint first, best;
  };
  std::vector<Outcome> outcomes() const;

private:
  struct Place {
    std::string kernel;
    std::vector<int64_t> extents;
    auto operator<=>(const Place &) const = default;
  };
  struct Sample {
    std::string config;
    std::vector<double> seconds;
  };
  std::map<Place, std::vector<Sample>> samples; ///< in the order in which they were tried
};

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_TUNINGPOINTS_H
