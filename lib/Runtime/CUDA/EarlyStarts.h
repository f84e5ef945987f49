//===- EarlyStarts.h - Which launches start early ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Why it is right, and when it is good: docs/Rationale/EarlyStarts.md.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_EARLYSTARTS_H
#define FLOWHN_LIB_RUNTIME_CUDA_EARLYSTARTS_H

#include "Kernels.h"
#include "LaunchList.h"

namespace flowhn::cuda {

/// How a launch begins, and lets others begin.
struct LaunchStart {
  /// Where it is good to begin before what is in front of it has ended, whose end it waits for
  /// itself: the dynamic shared memory of its blocks then.
  std::optional<uint32_t> early;
  /// Whether the streams that wait for it, at a fork or a join, go on with launches that may begin
  /// when it lets them.
  bool signals = false;
};

/// Of each command of `list`: what is no launch has none.
std::vector<LaunchStart> planStarts(const LaunchList &list, const fb::Plan &plan,
                                    const Kernels &kernels);

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_EARLYSTARTS_H
