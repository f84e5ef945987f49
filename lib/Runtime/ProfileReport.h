//===- ProfileReport.h - What a device's times are of -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PROFILEREPORT_H
#define FLOWHN_LIB_RUNTIME_PROFILEREPORT_H

#include "Executor.h"
#include "flowhn/Artifact/Plan_generated.h"

namespace flowhn {

/// A launch of `kernel`, with what the plan says of it.
LaunchInfo describeLaunch(const fb::Kernel &kernel, std::span<const int64_t> extents,
                          int64_t block);

/// The launches of a call, with what the plan says of their kernels.
std::vector<LaunchProfile> describeLaunches(const fb::Plan &plan,
                                            const std::vector<TimedLaunch> &launches);

/// The blocks of a call, with what the plan predicts of them.
std::vector<BlockProfile> describeBlocks(const fb::Plan &plan,
                                         const std::vector<TimedLaunch> &launches,
                                         const std::vector<BlockTime> &times);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PROFILEREPORT_H
