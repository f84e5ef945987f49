//===- MmaSupport.cpp - Copies and products of a warp ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MmaSupport.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

static SmallVector<Value> unpack(GPUKernelBuilder &b, Value aggregate, int64_t count) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, aggregate, i));
  return values;
}

static Type structOf(GPUKernelBuilder &b, Type type, int64_t count) {
  return LLVM::LLVMStructType::getLiteral(b.builder.getContext(), SmallVector<Type>(count, type));
}

void nvptx::copyAsync(GPUKernelBuilder &b, Value shared, Value global, int64_t bytes, Value read) {
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(b.builder, b.loc, shared, global, static_cast<uint32_t>(bytes), cache,
                          read);
}

void nvptx::commitCopies(GPUKernelBuilder &b) {
  NVVM::CpAsyncCommitGroupOp::create(b.builder, b.loc);
}

void nvptx::waitCopies(GPUKernelBuilder &b, int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(b.builder, b.loc, static_cast<uint32_t>(pending));
}

SmallVector<Value> nvptx::readMatrices(GPUKernelBuilder &b, Value address, int64_t count,
                                       bool transposed) {
  MLIRContext *context = b.builder.getContext();
  auto layout = transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  Type type = count == 1 ? b.i32() : structOf(b, b.i32(), count);
  Value loaded = NVVM::LdMatrixOp::create(
      b.builder, b.loc, type, address, b.builder.getI32IntegerAttr(count),
      NVVM::MMALayoutAttr::get(context, layout), NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
  return count == 1 ? SmallVector<Value>{loaded} : unpack(b, loaded, count);
}

int64_t nvptx::productDepth(Type type) { return 32 * 8 / type.getIntOrFloatBitWidth(); }

static Value bitcast(GPUKernelBuilder &b, Value value, Type type) {
  return value.getType() == type ? value : LLVM::BitcastOp::create(b.builder, b.loc, type, value);
}

/// An f32 rounded to nearest in 11 bits: an i32 whose lower 13 bits are zero.
static Value roundToTF32(GPUKernelBuilder &b, Value x) {
  return b.intrinsic("llvm.nvvm.f2tf32.rna", b.i32(), x);
}

Factor nvptx::makeFactor(GPUKernelBuilder &b, ValueRange registers, Type type) {
  Factor factor{type, {}, {}};
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

/// lhs · rhs + sums by one instruction. Its float16 operands are pairs by type.
static Fragment multiplyOnce(GPUKernelBuilder &b, ValueRange lhs, ValueRange rhs, Type type,
                             const Fragment &sums) {
  NVVM::MMATypes operand = type.isBF16()  ? NVVM::MMATypes::bf16
                           : type.isF16() ? NVVM::MMATypes::f16
                                          : NVVM::MMATypes::tf32;
  std::array<NVVM::MMATypes, 2> types = {operand, operand};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  Type registerType = type.isF16() ? Type(VectorType::get(2, type)) : b.i32();
  auto typed = [&](ValueRange registers) {
    return llvm::map_to_vector(registers, [&](Value v) { return bitcast(b, v, registerType); });
  };
  Value result = NVVM::MmaOp::create(b.builder, b.loc, structOf(b, b.f32(), sums.size()),
                                     typed(lhs), typed(rhs), sums, {16, 8, productDepth(type)},
                                     std::nullopt, std::nullopt, types, layouts);
  return Fragment(unpack(b, result, sums.size()));
}

void nvptx::multiply(GPUKernelBuilder &b, const Factor &lhs, const Factor &rhs, Fragment &sums) {
  if (lhs.low.empty()) {
    sums = multiplyOnce(b, lhs.high, rhs.high, lhs.type, sums);
    return;
  }
  sums = multiplyOnce(b, lhs.low, rhs.high, lhs.type, sums);
  sums = multiplyOnce(b, lhs.high, rhs.low, lhs.type, sums);
  sums = multiplyOnce(b, lhs.high, rhs.high, lhs.type, sums);
}

void nvptx::multiplyRounded(GPUKernelBuilder &b, const Factor &lhs, const Factor &rhs,
                            Fragment &sums) {
  if (lhs.low.empty())
    return multiply(b, lhs, rhs, sums);
  Fragment products(sums.size(), b.f32(0));
  multiply(b, lhs, rhs, products);
  for (auto [sum, product] : llvm::zip_equal(sums, products))
    sum = b.addf(sum, product);
}
