//===- AttentionState.h - What attention knows after some keys --*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONSTATE_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONSTATE_H

#include "AttentionTiles.h"
#include "SoftmaxSupport.h"

namespace mlir::kern::nvptx {

/// Where the rows of one sequence lie.
struct AttentionRows {
  Sequence keys;
  Sequence queries; ///< of the sequence's last tokens; all of them where nothing else is said
  Value before;     ///< keys of the sequence in front of the first query's own

  static AttentionRows load(GPUKernelBuilder &b, AttentionOp op, Value number);
};

/// What is carried from block to block of keys: outputs, and rows lane / 4 and
/// lane / 4 + 8 of each row tile.
struct SoftmaxState {
  SmallVector<Fragment> outputs; ///< rowTiles × featureTiles
  SmallVector<SoftmaxRow> rows;

  /// Of rows that are `row` each.
  static SoftmaxState empty(GPUKernelBuilder &b, const AttentionShape &shape,
                            const SoftmaxRow &row);
  SmallVector<Value> pack() const;
  static SoftmaxState unpack(const AttentionShape &shape, ValueRange values);

  /// The thread's outputs of one of its rows, in order of their columns.
  SmallVector<Value *> outputsOf(const AttentionShape &shape, int64_t row);

  /// Adds a block of keys and values, `offset` bytes behind where the first one lies. Of the
  /// thread's rows keys are hidden in columns behind `bound`, counted from the thread's first one.
  void attend(GPUKernelBuilder &b, AttentionTiles &tiles, const AttentionShape &shape, Value offset,
              Value scale, llvm::function_ref<Value(int64_t row)> bound);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_ATTENTIONSTATE_H
