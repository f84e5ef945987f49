//===- MmaSupport.h - Copies and products of a warp -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_MMASUPPORT_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_MMASUPPORT_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// Starts a copy of 4, 8 or 16 bytes from global to shared memory. Where `read` is given
/// (an i32), only so many bytes are read and the others are zero.
void copyAsync(GPUKernelBuilder &b, Value shared, Value global, int64_t bytes, Value read = {});
/// Ends a group of copies of the thread.
void commitCopies(GPUKernelBuilder &b);
/// Waits until at most `pending` groups of the thread are under way.
void waitCopies(GPUKernelBuilder &b, int64_t pending);

/// Reads `count` matrices of 8 rows × 16 bytes, a row address from each lane: one register
/// of each, 4 bytes of row lane / 4.
SmallVector<Value> readMatrices(GPUKernelBuilder &b, Value address, int64_t count);

/// sums + a · bᵀ for 16 rows of a and 8 of b, 32 bytes of each: four registers of a, two of
/// b, four float32 sums. `type` is bf16, f16 or tf32.
SmallVector<Value> multiply(GPUKernelBuilder &b, ValueRange lhs, ValueRange rhs, ValueRange sums,
                            Type type);

/// The f32 in an i32 register rounded to tf32, as an i32.
Value roundToTF32(GPUKernelBuilder &b, Value bits);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MMASUPPORT_H
