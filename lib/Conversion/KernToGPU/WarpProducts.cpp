//===- WarpProducts.cpp - Products of a warp on tensor cores --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// float32 by three products of tf32: arXiv 2203.03341.
//
//===----------------------------------------------------------------------===//

#include "WarpProducts.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

int64_t nvptx::productDepth(Type type) { return 32 * 8 / type.getIntOrFloatBitWidth(); }

/// An f32 rounded to nearest in 11 bits: an i32 whose lower 13 bits are zero.
static Value roundToTF32(GPUKernelBuilder &b, Value x) {
  return b.intrinsic("llvm.nvvm.f2tf32.rna", b.i32(), x);
}

static Value bitcast(GPUKernelBuilder &b, Value value, Type type) {
  return value.getType() == type ? value : LLVM::BitcastOp::create(b.builder, b.loc, type, value);
}

Factor nvptx::makeFactor(GPUKernelBuilder &b, ValueRange registers, Type type) {
  Factor factor;
  if (!type.isF32()) {
    llvm::append_range(factor.high, registers);
    return factor;
  }
  for (Value value : registers) {
    Value x = bitcast(b, value, b.f32()), high = roundToTF32(b, x);
    factor.high.push_back(high);
    factor.low.push_back(roundToTF32(b, b.subf(x, bitcast(b, high, b.f32()))));
  }
  return factor;
}

/// sums += lhs · rhs by one instruction.
static void multiplyOnce(GPUKernelBuilder &b, ValueRange lhs, ValueRange rhs, NVVM::MMATypes type,
                         int64_t depth, Fragment &sums) {
  std::array<NVVM::MMATypes, 2> types = {type, type};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  Type sumsType = LLVM::LLVMStructType::getLiteral(b.builder.getContext(),
                                                   SmallVector<Type>(sums.size(), b.f32()));
  Value result = NVVM::MmaOp::create(b.builder, b.loc, sumsType, lhs, rhs, sums, {16, 8, depth},
                                     std::nullopt, std::nullopt, types, layouts);
  for (auto [index, sum] : llvm::enumerate(sums))
    sum = LLVM::ExtractValueOp::create(b.builder, b.loc, result, index);
}

void nvptx::multiply(GPUKernelBuilder &b, const Factor &lhs, const Factor &rhs, Fragment &sums) {
  if (lhs.low.empty())
    return multiplyOnce(b, lhs.high, rhs.high, NVVM::MMATypes::bf16, 16, sums);
  multiplyOnce(b, lhs.low, rhs.high, NVVM::MMATypes::tf32, 8, sums);
  multiplyOnce(b, lhs.high, rhs.low, NVVM::MMATypes::tf32, 8, sums);
  multiplyOnce(b, lhs.high, rhs.high, NVVM::MMATypes::tf32, 8, sums);
}
