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

SmallVector<Value> nvptx::readMatrices(GPUKernelBuilder &b, Value address, int64_t count) {
  MLIRContext *context = b.builder.getContext();
  Value loaded = NVVM::LdMatrixOp::create(
      b.builder, b.loc, structOf(b, b.i32(), count), address, b.builder.getI32IntegerAttr(count),
      NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::row),
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
  return unpack(b, loaded, count);
}

/// f16 operands are pairs by type, those of the others by layout alone.
static SmallVector<Value> asOperands(GPUKernelBuilder &b, ValueRange registers, Type type) {
  SmallVector<Value> operands(registers);
  if (!type.isF16())
    return operands;
  for (Value &operand : operands)
    operand = LLVM::BitcastOp::create(b.builder, b.loc, VectorType::get(2, type), operand);
  return operands;
}

SmallVector<Value> nvptx::multiply(GPUKernelBuilder &b, ValueRange lhs, ValueRange rhs,
                                   ValueRange sums, Type type) {
  NVVM::MMATypes operand = type.isBF16()  ? NVVM::MMATypes::bf16
                           : type.isF16() ? NVVM::MMATypes::f16
                                          : NVVM::MMATypes::tf32;
  int64_t depth = operand == NVVM::MMATypes::tf32 ? 8 : 16;
  std::array<NVVM::MMATypes, 2> types = {operand, operand};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  Value result = NVVM::MmaOp::create(b.builder, b.loc, structOf(b, b.f32(), 4),
                                     asOperands(b, lhs, type), asOperands(b, rhs, type), sums,
                                     {16, 8, depth}, std::nullopt, std::nullopt, types, layouts);
  return unpack(b, result, 4);
}

Value nvptx::roundToTF32(GPUKernelBuilder &b, Value bits) {
  Value value = LLVM::BitcastOp::create(b.builder, b.loc, b.f32(), bits);
  auto nearest = NVVM::FPRoundingModeAttr::get(b.builder.getContext(), NVVM::FPRoundingMode::RNA);
  return NVVM::ConvertFloatToTF32Op::create(b.builder, b.loc, b.i32(), value, nearest);
}
