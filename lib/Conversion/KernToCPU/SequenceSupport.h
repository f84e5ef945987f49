//===- SequenceSupport.h - Work items over sequences ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_SEQUENCESUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_SEQUENCESUPPORT_H

#include "EmitterSupport.h"

namespace mlir::kern {

/// One sequence of a batch: rows [begin, begin + length) of the buffers.
struct Sequence {
  Value begin, length;

  static Sequence load(KernelBuilder &b, Value offsets, Value number);
};

/// Splits a linear index: (index / size, index % size), for size > 0.
std::pair<Value, Value> splitIndex(KernelBuilder &b, Value index, Value size);

/// Vectors side by side that cover the channels from `column` on.
struct ChannelBlock {
  Value column;             ///< first channel
  SmallVector<Value> masks; ///< one per vector; null where all lanes are channels

  size_t size() const { return masks.size(); }
  /// First channel of vector `index`.
  Value columnOf(KernelBuilder &b, size_t index) const {
    return b.add(column, static_cast<int64_t>(index) * b.lanes);
  }
};

/// Emits `body` for block `number` of `vectors` vectors; the last block may be
/// narrower and is then emitted apart, behind a branch.
void emitChannelBlock(KernelBuilder &b, Value number, int64_t channels, int64_t vectors,
                      llvm::function_ref<void(const ChannelBlock &)> body);

/// x > y ? x : y, an instruction on every level; y where one of them is NaN.
Value larger(KernelBuilder &b, Value x, Value y);

/// 2^x of each vector, for x ≤ 0 or NaN, within 3 ulp; results below 2^-126 come out
/// as 2^-126. Half the instructions of the general expansion, for the loops that
/// exponentials dominate.
SmallVector<Value> exp2OfNegative(KernelBuilder &b, ValueRange exponents);

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_SEQUENCESUPPORT_H
