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
/// of each, 4 bytes of row lane / 4. `transposed` ones, of 16-bit elements, give two rows of
/// column lane / 4 instead.
SmallVector<Value> readMatrices(GPUKernelBuilder &b, Value address, int64_t count,
                                bool transposed = false);

/// A 16 × 8 tile of float32 sums as mma.sync spreads it over a warp: each thread holds
/// columns 2 (lane % 4) and the next of row lane / 4, then the same of row lane / 4 + 8.
using Fragment = SmallVector<Value, 4>;

/// What a thread holds of a 16 × depth tile (4 registers) or of a depth × 8 tile (2), as
/// i32. A float32 is the sum of two tf32, high + low; a bfloat16 or float16 is `high` alone.
struct Factor {
  Type type; ///< bf16, f16 or f32
  SmallVector<Value, 4> high, low;
};

/// The inner extent of one product, 32 bytes of a row: 16 of 16 bits or 8 f32.
int64_t productDepth(Type type);

/// The factor that is in `registers` as readMatrices gives them, pairs of 16 bits or an f32
/// each. What is left of a float32 behind its two tf32 is at most 2⁻²³ of it.
Factor makeFactor(GPUKernelBuilder &b, ValueRange registers, Type type);

/// sums += lhs · rhs. Of float32 three products are added up, the smallest first; the
/// fourth, low · low, is at most 2⁻²² of the whole and left out.
void multiply(GPUKernelBuilder &b, const Factor &lhs, const Factor &rhs, Fragment &sums);

/// The same, but the sums of float32 are rounded to nearest. Tensor cores round them toward
/// zero, which shows over many products; this takes as many registers again for the sums of
/// the products under way.
void multiplyRounded(GPUKernelBuilder &b, const Factor &lhs, const Factor &rhs, Fragment &sums);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MMASUPPORT_H
