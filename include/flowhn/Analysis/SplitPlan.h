//===- SplitPlan.h - From a split strategy to windows -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_SPLITPLAN_H
#define FLOWHN_ANALYSIS_SPLITPLAN_H

#include "flowhn/Analysis/BranchCosts.h"

namespace mlir::flowhn {

/// The attention positions of every block of a model with the given split.
/// Counts that the split leaves open are the FLOP-balanced ones of each block.
/// An error tells a split that fixes no positions, or too few or many counts;
/// without `emitError` nothing is said.
FailureOr<SmallVector<WindowAttr>>
computeSplitPlan(SplitAttr split, ArrayRef<BlockCosts> blocks,
                 function_ref<InFlightDiagnostic()> emitError = nullptr);

/// How many of the first `length` tokens a window gives to attention.
int64_t countAttentionTokens(WindowAttr window, int64_t length);

/// How many of the first `length` tokens a window gives to the SSM.
int64_t countSSMTokens(WindowAttr window, int64_t length);

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_SPLITPLAN_H
