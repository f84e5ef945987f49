//===- BranchStretches.h - Two branches side by side ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_BRANCHSTRETCHES_H
#define FLOWHN_ANALYSIS_BRANCHSTRETCHES_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"

#include <array>

namespace mlir::flowhn {

/// A part of two branches: what each of them does before a product of either that one launch
/// computes together. Behind the last such products come none.
struct BranchStretch {
  std::array<SmallVector<Operation *>, 2> ops;
  std::array<LinearOp, 2> products; ///< both null in the last stretch

  /// Whether both branches have more to do than row-wise kernels, which the memory bounds: those
  /// gain nothing beside each other.
  bool forks() const;
  /// Whether all that each branch does is a norm: one launch has both.
  bool areNorms() const;
};

/// Divides the branches of `parallel` where both have a product, in order: the products before
/// that which mixes their tokens, attention or scan, and those behind it. Products go together
/// that multiply 16-bit elements of one type in as many groups. Nothing where none do, or where
/// there are not two branches.
SmallVector<BranchStretch> alignBranches(ParallelOp parallel);

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_BRANCHSTRETCHES_H
