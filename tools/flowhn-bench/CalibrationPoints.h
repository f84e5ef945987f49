//===- CalibrationPoints.h - From a profile to a calibration ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_CALIBRATIONPOINTS_H
#define FLOWHN_TOOLS_BENCH_CALIBRATIONPOINTS_H

#include "flowhn/Runtime/Session.h"
#include "flowhn/Support/Calibration.h"

namespace flowhn::tools {

/// Puts the kernels of a profiled call into `table`, in place of those of the same sizes.
/// What the kernels of its blocks take longer alone than in a row is the cost of timing them,
/// and is taken off each.
void addPoints(const std::vector<LaunchProfile> &launches, const std::vector<BlockProfile> &blocks,
               Calibration &table);

/// Sets the overlap of `table`, with which blocks were predicted whose branches ran side by
/// side, to the share that they did hide of what the prediction says they could: the median of
/// the blocks. False where none ran so, or nothing could be hidden.
bool fitOverlap(const std::vector<BlockProfile> &blocks, Calibration &table);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_CALIBRATIONPOINTS_H
