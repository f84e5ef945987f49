//===- SplitTimes.h - The count of the least predicted time -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_SPLITTIMES_H
#define FLOWHN_ANALYSIS_SPLITTIMES_H

#include "flowhn/Analysis/TimeModel.h"

namespace mlir::flowhn {

/// A count of attention positions and what the block takes with it.
struct SplitTimes {
  int64_t count = 0;
  BlockTimes times;
};

/// The count from `least` to `most` of a context of `all.tokens` with which `block` takes
/// the least time under `schedule`, or without one under the fastest; of equals the smallest. Times
/// are steps of whole waves, not convex: every count is tried.
SplitTimes findFastestCount(const TimeModel &model, const BlockWork &block, CallTokens all,
                            int64_t least, int64_t most, std::optional<Schedule> schedule);

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_SPLITTIMES_H
