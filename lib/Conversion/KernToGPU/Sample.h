//===- Sample.h - kern.sample on the GPU ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SAMPLE_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SAMPLE_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// Shares of columns in integers of 64 bits: how a thread turns logits into them, and how a
/// block finds the place where their sums pass a number.
class ShareEmitter {
public:
  static constexpr int64_t threads = 1024; ///< of a block, and places of the table
  static constexpr int64_t parts = 256;    ///< that each warp sorts what it adds up into

  /// Of rows of n columns.
  ShareEmitter(GPUKernelBuilder &b, int64_t n) : b(b), base(b.sharedBase()), limbs(limbsOf(n)) {}

  static int64_t sharedBytes(int64_t n);

  /// The distance of a logit to the largest one, an i32.
  Value distance(Value logit, Value largest, Value scale);
  static constexpr int64_t lastDistance = (int64_t(1) << 30) - 64;
  /// The weight of a distance, an i64.
  Value weight(Value distance);
  /// The upper half of a product of 64-bit numbers without sign.
  Value highProduct(Value lhs, Value rhs);

  // The table: an i64 for each thread.
  void put(Value place, Value value);

  // Sums by part. Warps have their own, so that lanes alone meet at one, in limbs of 32 bits,
  // which the hardware adds to by itself.
  void clearParts();
  void addToPart(Value part, Value value);
  void countPart(Value part) { addToLimb(part, b.i32(1), 0); }
  /// Puts the sums of all warps into the table. Waits before.
  void putParts();

  struct Crossing {
    Value place;  ///< the first whose sum, it included, is more than the target
    Value target; ///< what is left of it there
  };
  /// Finds the crossing of `target(total)`; every thread gets it. Waits for the table before,
  /// and for all who read it behind.
  Crossing find(llvm::function_ref<Value(Value total)> target);

private:
  static int64_t limbsOf(int64_t n);
  int64_t limbBits() const;
  Value limbPlace(Value part, Value warp, int64_t limb);
  void addToLimb(Value part, Value value, int64_t limb);
  /// Of 32 numbers from place `first` on, as many as add up to no more than `target`.
  Crossing walk(Value first, Value target);
  Value placeOf(Value place);

  GPUKernelBuilder &b;
  Value base;
  int64_t limbs; ///< of a sum
};

void attachSampleModel(MLIRContext &context);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SAMPLE_H
