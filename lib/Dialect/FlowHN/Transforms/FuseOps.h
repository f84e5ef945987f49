//===- FuseOps.h - Patterns of flowhn-fuse-ops ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to the pass. The pattern sets are applied one after the other, each to
// the end: which fusion wins never depends on the order of a worklist.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_FLOWHN_TRANSFORMS_FUSEOPS_H
#define FLOWHN_LIB_DIALECT_FLOWHN_TRANSFORMS_FUSEOPS_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::flowhn {

/// Whether `value`, which an op of `op`'s block uses, is defined in front of `op`.
bool isAvailableBefore(Value value, Operation *op);

/// One op for linears over one input, and for norms over the sections of a value.
void populateMergePatterns(RewritePatternSet &patterns);

/// Activations, gates and residuals move into the op that computes their operand.
void populateEpiloguePatterns(RewritePatternSet &patterns);

/// Norms move into the linears that read them.
void populateNormProloguePatterns(RewritePatternSet &patterns);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_DIALECT_FLOWHN_TRANSFORMS_FUSEOPS_H
