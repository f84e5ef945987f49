//===- DeviceProfile.h - Times of profiled calls ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_DEVICEPROFILE_H
#define FLOWHN_LIB_RUNTIME_CUDA_DEVICEPROFILE_H

#include "LaunchList.h"

namespace flowhn::cuda {

/// What profiled calls took.
class DeviceProfile {
public:
  explicit DeviceProfile(size_t numKernels = 0) : kernelSeconds(numKernels, 0) {}

  /// Adds a call, with the seconds of its launches and the times of its blocks.
  void add(const LaunchList &list, const std::vector<double> &launchSeconds,
           std::vector<BlockTime> blockTimes);

  double seconds(uint32_t kernel) const { return kernelSeconds[kernel]; }
  /// Medians over the calls that launched the same as the last one, in a row: a call in which the
  /// device lowers its clocks says little of the others.
  std::vector<TimedLaunch> launchTimes() const;
  std::vector<BlockTime> blockTimes() const;

private:
  std::vector<double> kernelSeconds;
  std::vector<std::vector<TimedLaunch>> launches; ///< of each of these calls
  std::vector<std::vector<BlockTime>> blocks;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_DEVICEPROFILE_H
