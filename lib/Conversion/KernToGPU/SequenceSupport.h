//===- SequenceSupport.h - What kernels over sequences share ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SEQUENCESUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SEQUENCESUPPORT_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// One sequence of a batch: rows [begin, begin + length) of the buffers, as i32.
struct Sequence {
  Value begin, length;

  static Sequence load(GPUKernelBuilder &b, Value offsets, Value number);
};

/// The extras of `count` neighbouring channels, row after row. Those that do not depend
/// on the row are read once, where the reader is made.
class ExtraReader {
public:
  ExtraReader(GPUKernelBuilder &b, const Extras &extras, Value column, int64_t count);

  /// One vector of `count` values per extra, in the op's order.
  SmallVector<SmallVector<Value>> read(Value row);

private:
  GPUKernelBuilder &b;
  Extras rowExtras;
  SmallVector<Access> accesses;
  SmallVector<SmallVector<Value>> columnValues;
  Value column;
  int64_t count;
};

/// The largest power of two up to `limit` that divides every extent: how many elements
/// an access may take at once.
int64_t commonVector(ArrayRef<int64_t> extents, int64_t limit);

/// 1 where an extent, which fits in 31 bits, is positive; 0 where it is 0.
inline AffineExpr isPositive(AffineExpr extent) { return extent.ceilDiv(int64_t(1) << 31); }

/// `value` rounded up to a multiple of `multiple`.
inline int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SEQUENCESUPPORT_H
