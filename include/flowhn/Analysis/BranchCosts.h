//===- BranchCosts.h - Costs per block and branch ---------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ANALYSIS_BRANCHCOSTS_H
#define FLOWHN_ANALYSIS_BRANCHCOSTS_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"

namespace mlir::flowhn {

/// What some ops cost, in n, the tokens of one row that they see.
struct Cost {
  Polynomial flops;           ///< per row
  int64_t parameterBytes = 0; ///< per call, whatever the batch
  Polynomial activationBytes; ///< per row, read and written

  Cost &operator+=(const Cost &other);
};

/// One region of a `flowhn.parallel`, nested regions included.
struct BranchCost {
  Branch kind;
  Cost cost;
};

/// One block: its branches, and what stands around them and sees every token.
struct BlockCosts {
  Operation *op; ///< the `flowhn.block`, or the call of an outlined block
  SmallVector<BranchCost, 2> branches;
  Cost joint;

  /// The branches of one kind together.
  Cost branch(Branch kind) const;
};

/// A model: its blocks in program order, and what stands around them (the head
/// counts per token whose logits are asked for).
struct ModelCosts {
  SmallVector<BlockCosts> blocks;
  Cost rest;
};

/// The branches of one `flowhn.parallel`, in its order.
SmallVector<BranchCost, 2> computeBranchCosts(ParallelOp parallel);

/// The costs of a model. A call of an outlined block counts as that block; the
/// function behind many calls is looked at once.
ModelCosts computeModelCosts(ModelOp model);

} // namespace mlir::flowhn

#endif // FLOWHN_ANALYSIS_BRANCHCOSTS_H
