//===- SplitTimes.cpp - The count of the least predicted time -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/SplitTimes.h"

using namespace mlir::flowhn;

SplitTimes mlir::flowhn::findFastestCount(const TimeModel &model, const BlockWork &block,
                                          CallTokens all, int64_t least, int64_t most,
                                          std::optional<Schedule> schedule) {
  auto timeOf = [&](const BlockTimes &times) {
    return times.of(schedule ? *schedule : times.fastest());
  };
  SplitTimes best;
  for (int64_t count = least; count <= most; ++count) {
    BlockTimes times =
        model.predict(block, all, {all.batch, count}, {all.batch, all.tokens - count});
    if (count == least || timeOf(times) < timeOf(best.times))
      best = {count, times};
  }
  return best;
}
