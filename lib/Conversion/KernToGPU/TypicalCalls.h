//===- TypicalCalls.h - The calls that a product's kernel is for -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product has kernels by the rows of the call (GPUTargetInfo::productRowBounds).
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_TYPICALCALLS_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_TYPICALCALLS_H

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "flowhn/Target/NVPTX/TargetInfo.h"

#include <limits>

namespace mlir::kern::nvptx {

/// The rows that a kernel is for: more than `above`, and at most `most`.
struct RowRange {
  static constexpr int64_t unbounded = std::numeric_limits<int64_t>::max();
  int64_t above = 0, most = unbounded;

  bool isBounded() const { return most != unbounded; }
  bool contains(int64_t rows) const { return rows > above && rows <= most; }
};

/// Those of the kernel for at most as many rows as `product` promises, and behind it those of the
/// product's kernels for more.
SmallVector<RowRange, 4> rangesFrom(MatmulOp product, const flowhn::GPUTargetInfo &target);

/// Rows of a launch: those of a group's first product, and of the others. How much it counts.
struct TypicalCall {
  int64_t first, others, weight;
};

/// The calls that a kernel for so many rows is chosen for, of one or more products.
class TypicalCalls {
public:
  TypicalCalls(ArrayRef<MatmulOp> products, RowRange range);

  ArrayRef<TypicalCall> get() const { return calls; }

private:
  SmallVector<TypicalCall> calls;
  RowRange range;

  /// Calls of any length, of whose tokens the first product and the others have such shares.
  void addAll(std::pair<double, double> shares);
  void add(int64_t tokens, std::pair<double, double> shares, int64_t weight);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_TYPICALCALLS_H
