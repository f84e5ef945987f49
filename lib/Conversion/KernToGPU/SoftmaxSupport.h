//===- SoftmaxSupport.h - Online softmax of attention -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both kinds of tensor core products leave a row of scores to four neighbouring threads:
// each has two columns of every eight. What follows is one thread's share of one row.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SOFTMAXSUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SOFTMAXSUPPORT_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// What is known of a row after some blocks of keys: the largest of its scores, and the
/// sum of the thread's own weights.
struct SoftmaxRow {
  Value maximum, sum;

  /// Before the first block.
  static SoftmaxRow empty(GPUKernelBuilder &b);
};

/// A thread's scores of one row, in order of their columns.
using RowScores = SmallVector<Value *>;

/// The factor of scores whose exponential of base 2 softmax takes.
Value softmaxScale(GPUKernelBuilder &b, AttentionOp op);

/// Takes out of a row's scores those in columns behind `bound`, counted from the thread's
/// first one.
void hideScores(GPUKernelBuilder &b, const RowScores &scores, Value bound);

/// Turns scores into weights relative to the row's new maximum, adds them up and gives the
/// factor that brings earlier weights down to it. A score of the row must be finite by now.
Value weighScores(GPUKernelBuilder &b, const RowScores &scores, SoftmaxRow &row, Value scale);

/// Turns scores into weights relative to the row's maximum as it is, and adds them up.
void addWeights(GPUKernelBuilder &b, const RowScores &scores, SoftmaxRow &row, Value scale);

/// The sum of all weights of the row.
Value sumOfWeights(GPUKernelBuilder &b, const SoftmaxRow &row);

/// 1 over the sum of all weights of the row.
Value inverseSum(GPUKernelBuilder &b, const SoftmaxRow &row);

/// Stores a row's outputs times `factor`. `offset` is that of the thread's first one; so
/// many as `vector` neighbours, 1 or 2, are stored at once.
void storeOutputs(GPUKernelBuilder &b, ArrayRef<Value> outputs, Value factor, const Buffer &out,
                  Value offset, int64_t vector);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SOFTMAXSUPPORT_H
