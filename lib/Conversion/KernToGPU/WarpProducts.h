//===- WarpProducts.h - Products of a warp on tensor cores ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_WARPPRODUCTS_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_WARPPRODUCTS_H

#include "EmitterSupport.h"

namespace mlir::kern::nvptx {

/// A 16 × 8 tile of float32 sums as mma.sync spreads it over a warp: each thread holds
/// columns 2 (lane % 4) and the next of row lane / 4, then the same of row lane / 4 + 8.
using Fragment = SmallVector<Value, 4>;

/// What a thread holds of a 16 × depth tile (4 registers) or of a depth × 8 tile (2), as
/// i32. A float32 is the sum of two tf32, high + low; a bfloat16 is `high` alone.
struct Factor {
  SmallVector<Value, 4> high, low;
};

/// The inner extent of one product, 32 bytes of a row: 16 bf16 or 8 f32.
int64_t productDepth(Type type);

/// The factor that is in `registers` as ldmatrix reads them, pairs of bf16 or an f32 each.
/// What is left of a float32 behind its two tf32 is at most 2⁻²³ of it.
Factor makeFactor(GPUKernelBuilder &b, ValueRange registers, Type type);

/// sums += lhs · rhs. Of float32 three products are added up; the fourth, low · low, is
/// at most 2⁻²² of the whole and left out.
void multiply(GPUKernelBuilder &b, const Factor &lhs, const Factor &rhs, Fragment &sums);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_WARPPRODUCTS_H
