//===- LastTokenPruner.h - Computes last tokens alone -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_FLOWHN_TRANSFORMS_LASTTOKENPRUNER_H
#define FLOWHN_LIB_DIALECT_FLOWHN_TRANSFORMS_LASTTOKENPRUNER_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"

namespace mlir::flowhn {

/// Values that mixers read, with what those are made of: all their tokens are needed.
class FullValues {
public:
  /// Adds those of the mixers in `region`.
  void add(Region &region);

  bool contains(Value value) const { return values.contains(value); }

private:
  void addAll(ValueRange roots);

  DenseSet<Value> values;
};

/// Rewrites what is computed of the selected tokens of a call.
class LastTokenPruner {
public:
  LastTokenPruner(LastSelectedOp selected, Region &body)
      : selected(selected), builder(selected.getContext()) {
    full.add(body);
    keptLengths[selected.getLength()] = selected.getLastLength();
  }

  /// The tokens of `value` that are selected.
  Value keep(Value value);

private:
  Value compute(Value value);
  /// The selected tokens of a value that is there in full, tokens of `length`.
  Value takeLast(Value value, Value length);
  /// A block, whose result nothing else reads, yields selected tokens from then on.
  Value keepBlock(BlockOp op);
  Value keepRowwise(OpResult result);
  Value keepBranch(ParallelOp op, unsigned branch);
  Value keepFuse(FuseOp op);
  Value keepAttention(AttentionOp op);
  /// How many tokens of each row are kept of those that `length` counts.
  Value keptLength(Value length);
  SplitOp keepSplit(SplitOp op);
  LastSegmentsOp keepSegments(Operation *user, Value attention, Value ssm);
  /// Of which tokens `value` holds all.
  Value lengthOf(Value value);

  LastSelectedOp selected;
  FullValues full;
  OpBuilder builder;
  DenseMap<Value, Value> kept, keptLengths;
  DenseMap<Operation *, SplitOp> splits;
  DenseMap<Operation *, ParallelOp> parallels;
  DenseMap<Value, LastSegmentsOp> segments; ///< by those of attention
};

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_DIALECT_FLOWHN_TRANSFORMS_LASTTOKENPRUNER_H
