//===- SplitSearch.h - How many tokens balance the branches -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_SPLITSEARCH_H
#define FLOWHN_ANALYSIS_SPLITSEARCH_H

#include "flowhn/Dialect/FlowHN/IR/Polynomial.h"

namespace mlir::flowhn {

/// The number n of `context` tokens, 0 ≤ n ≤ context, that minimises the FLOPs of
/// the larger branch, max(attention(n), ssm(context - n)); the smallest such n.
/// Exact, in O(log context) evaluations. Source: arXiv 2505.19472, FLOP-aware split.
int64_t flopBalancedCount(const Polynomial &attention, const Polynomial &ssm, int64_t context);

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_SPLITSEARCH_H
