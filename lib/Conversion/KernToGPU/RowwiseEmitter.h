//===- RowwiseEmitter.h - Code of row-wise kernels --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_ROWWISEEMITTER_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_ROWWISEEMITTER_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// How the threads of a block divide its rows among them.
struct RowwiseShape {
  int64_t rows;   ///< of a block
  int64_t warps;  ///< of a row; several where the block has one row alone
  int64_t vector; ///< neighbours of an access

  static constexpr int64_t warpLanes = 32;
  int64_t threads() const { return rows * warps * warpLanes; }
  /// Of the sums that warps of `op` share.
  int64_t sharedBytes(RowwiseOp op) const {
    return warps > 1 ? 4 * warps * (op.getSections().size() - 1) : 0;
  }
};

/// The code of block `block` among those that have the rows of `op`.
void emitRows(GPUKernelBuilder &b, RowwiseOp op, const RowwiseShape &shape, Value block);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_ROWWISEEMITTER_H
