//===- KernelVerifiers.h - What kernels have in common ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_DIALECT_KERN_IR_KERNELVERIFIERS_H
#define FLOWHN_LIB_DIALECT_KERN_IR_KERNELVERIFIERS_H

#include "flowhn/Dialect/Kern/IR/KernOps.h"

namespace mlir::kern {

inline MemRefType typeOf(Value memref) { return cast<MemRefType>(memref.getType()); }

/// Checks that `memref` is dense rows of a static width that holds `width`
/// columns from `column` on.
LogicalResult verifyColumns(Operation *op, StringRef name, Value memref, int64_t column,
                            int64_t width);

/// Checks that `memref` is dense, and static with the given rank.
LogicalResult verifyStatic(Operation *op, StringRef name, Value memref, int64_t rank);

/// Checks that `memref`, where there is one, is dense rows of the static shape `row`.
LogicalResult verifyRows(Operation *op, StringRef name, Value memref, ArrayRef<int64_t> row);

/// Whether `memref` is one float32 per row.
bool isScalars(Value memref);

/// Checks the extras of a kernel whose result has `width` columns and
/// that has rows from the table `gather`, which may be absent.
LogicalResult verifyRowExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
                              ArrayRef<int64_t> columns, int64_t width, Value gather);

/// The same for a kernel over sequences, of `channels`.
LogicalResult verifySequenceExtras(Operation *op, ValueRange extras, ArrayAttr accesses,
                                   ArrayRef<int64_t> columns, int64_t channels);

/// Checks the region that makes the stored value: `numArguments` f32 arguments,
/// scalar ops, `kern.yield`.
LogicalResult verifyRegion(Operation *op, Region &region, size_t numArguments);

/// The kernel reads every buffer but `results` and writes those.
void getKernelEffects(Operation *op, ArrayRef<OpOperand *> results,
                      SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects);

} // namespace mlir::kern

#endif // FLOWHN_LIB_DIALECT_KERN_IR_KERNELVERIFIERS_H
