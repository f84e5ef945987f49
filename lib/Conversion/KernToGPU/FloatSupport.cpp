//===- FloatSupport.cpp - Floating-point code of the GPU emitters ---------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

Value GPUKernelBuilder::f32(double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getF32FloatAttr(static_cast<float>(value)));
}

Value GPUKernelBuilder::addf(Value lhs, Value rhs) {
  return arith::AddFOp::create(builder, loc, lhs, rhs);
}

Value GPUKernelBuilder::subf(Value lhs, Value rhs) {
  return arith::SubFOp::create(builder, loc, lhs, rhs);
}

Value GPUKernelBuilder::mulf(Value lhs, Value rhs) {
  return arith::MulFOp::create(builder, loc, lhs, rhs);
}

Value GPUKernelBuilder::fma(Value a, Value b, Value c) {
  return LLVM::FMAOp::create(builder, loc, f32(), a, b, c);
}

Value GPUKernelBuilder::maxf(Value lhs, Value rhs) {
  return arith::MaxNumFOp::create(builder, loc, lhs, rhs);
}

Value GPUKernelBuilder::intrinsic(StringRef name, Type result, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result, builder.getStringAttr(name), arguments)
      .getResult(0);
}

Value GPUKernelBuilder::exp2(Value x) { return intrinsic("llvm.nvvm.ex2.approx.ftz", f32(), x); }

Value GPUKernelBuilder::exp(Value x) { return exp2(mulf(x, f32(M_LOG2E))); }

Value GPUKernelBuilder::log2(Value x) { return intrinsic("llvm.nvvm.lg2.approx.ftz.f", f32(), x); }

Value GPUKernelBuilder::log(Value x) { return mulf(log2(x), f32(M_LN2)); }

Value GPUKernelBuilder::reciprocal(Value x) {
  return intrinsic("llvm.nvvm.rcp.approx.ftz.f", f32(), x);
}

Value GPUKernelBuilder::sqrt(Value x) { return intrinsic("llvm.nvvm.sqrt.approx.ftz.f", f32(), x); }

Value GPUKernelBuilder::softplus(Value x) {
  // max(x, 0) + log(1 + exp(-|x|)): the exponential never overflows.
  Value magnitude = LLVM::FAbsOp::create(builder, loc, x);
  Value power = exp2(mulf(magnitude, f32(-M_LOG2E)));
  // log(1 + power) / power: minimax, relative error 3e-8. A division would take the unit of the
  // exponentials, and the sum would round the power.
  Value quotient = f32(0.005232686143054305);
  for (double coefficient :
       {-0.029505206235570187, 0.07822589888974818, -0.1366324130032333, 0.1910600464777642,
        -0.24842981673865946, 0.33319096739748405, -0.49999493137229184, 0.9999999698793045})
    quotient = fma(quotient, power, f32(coefficient));
  return fma(quotient, power, maxf(x, f32(0)));
}

/// A bfloat16 is the high half of its float32. ptxas would convert in the unit of the
/// exponentials, which has other work.
static Value extendBF16(GPUKernelBuilder &b, Value value) {
  Value bits = LLVM::BitcastOp::create(b.builder, b.loc, b.builder.getI16Type(), value);
  Value high = arith::ShLIOp::create(
      b.builder, b.loc, arith::ExtUIOp::create(b.builder, b.loc, b.i32(), bits), b.i32(16));
  return LLVM::BitcastOp::create(b.builder, b.loc, b.f32(), high);
}

Value GPUKernelBuilder::extend(Value value) {
  if (value.getType() == f32())
    return value;
  if (value.getType().isBF16())
    return extendBF16(*this, value);
  return arith::ExtFOp::create(builder, loc, f32(), value);
}

Value GPUKernelBuilder::truncate(Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(builder, loc, type, value);
}

Value GPUKernelBuilder::vectorOf(ValueRange values) {
  auto type = VectorType::get(values.size(), values.front().getType());
  Value vector = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [position, value] : llvm::enumerate(values))
    vector = LLVM::InsertElementOp::create(builder, loc, vector, value, i32(position));
  return vector;
}

SmallVector<Value> GPUKernelBuilder::elementsOf(Value vector) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < cast<VectorType>(vector.getType()).getNumElements(); ++i)
    elements.push_back(LLVM::ExtractElementOp::create(builder, loc, vector, i32(i)));
  return elements;
}

Value GPUKernelBuilder::packPair(Value low, Value high, Type type) {
  Value pair = vectorOf({low, high});
  Value narrow = arith::TruncFOp::create(builder, loc, VectorType::get(2, type), pair);
  return LLVM::BitcastOp::create(builder, loc, i32(), narrow);
}
