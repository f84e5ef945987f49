//===- EmitterSupport.cpp - What the GPU emitters share -------------------===//
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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

static Value constantLike(GPUKernelBuilder &b, Value like, int64_t value) {
  return arith::ConstantOp::create(b.builder, b.loc,
                                   b.builder.getIntegerAttr(like.getType(), value));
}

Value GPUKernelBuilder::i32(int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(value));
}

Value GPUKernelBuilder::i64(int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
}

Value GPUKernelBuilder::add(Value lhs, Value rhs) {
  return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::add(Value lhs, int64_t rhs) {
  return rhs ? add(lhs, constantLike(*this, lhs, rhs)) : lhs;
}

Value GPUKernelBuilder::sub(Value lhs, Value rhs) {
  return builder.createOrFold<arith::SubIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::mul(Value lhs, Value rhs) {
  return builder.createOrFold<arith::MulIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::mul(Value lhs, int64_t rhs) {
  return mul(lhs, constantLike(*this, lhs, rhs));
}

Value GPUKernelBuilder::div(Value lhs, Value rhs) {
  return builder.createOrFold<arith::DivUIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::div(Value lhs, int64_t rhs) {
  return div(lhs, constantLike(*this, lhs, rhs));
}

Value GPUKernelBuilder::ceilDiv(Value lhs, int64_t rhs) { return div(add(lhs, rhs - 1), rhs); }

Value GPUKernelBuilder::rem(Value lhs, Value rhs) {
  return builder.createOrFold<arith::RemUIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::rem(Value lhs, int64_t rhs) {
  return rem(lhs, constantLike(*this, lhs, rhs));
}

Value GPUKernelBuilder::min(Value lhs, Value rhs) {
  return builder.createOrFold<arith::MinSIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::max(Value lhs, Value rhs) {
  return builder.createOrFold<arith::MaxSIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::bitAnd(Value lhs, int64_t rhs) {
  return builder.createOrFold<arith::AndIOp>(loc, lhs, constantLike(*this, lhs, rhs));
}

Value GPUKernelBuilder::bitXor(Value lhs, Value rhs) {
  return builder.createOrFold<arith::XOrIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::less(Value lhs, Value rhs) {
  return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, lhs, rhs);
}

Value GPUKernelBuilder::equal(Value lhs, int64_t rhs) {
  return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, lhs,
                                             constantLike(*this, lhs, rhs));
}

Value GPUKernelBuilder::both(Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return builder.createOrFold<arith::AndIOp>(loc, lhs, rhs);
}

Value GPUKernelBuilder::select(Value condition, Value lhs, Value rhs) {
  return builder.createOrFold<arith::SelectOp>(loc, condition, lhs, rhs);
}

Value GPUKernelBuilder::widen(Value value) {
  if (value.getType() == i64())
    return value;
  return builder.createOrFold<arith::ExtUIOp>(loc, i64(), value);
}

Value GPUKernelBuilder::extent(Value index) {
  return arith::IndexCastOp::create(builder, loc, i32(), index);
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void GPUKernelBuilder::forLoop(Value lower, Value upper, Value step, Body body) {
  forLoop(lower, upper, step, {}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value> GPUKernelBuilder::forLoop(Value lower, Value upper, Value step, ValueRange inits,
                                             CarryBody body) {
  auto loop = scf::ForOp::create(builder, loc, lower, upper, step, inits);
  OpBuilder::InsertionGuard guard(builder);
  // Without carried values the loop has been given its terminator already.
  if (inits.empty()) {
    builder.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return {};
  }
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> carried = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, carried);
  return SmallVector<Value>(loop.getResults());
}

void GPUKernelBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenYield());
  body();
}

void GPUKernelBuilder::ifThenElse(Value condition, llvm::function_ref<void()> thenBody,
                                  llvm::function_ref<void()> elseBody) {
  auto branch = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenYield());
  thenBody();
  builder.setInsertionPoint(branch.elseYield());
  elseBody();
}

Value GPUKernelBuilder::ifElse(Value condition, llvm::function_ref<Value()> thenBody,
                               llvm::function_ref<Value()> elseBody) {
  return ifElseMany(
             condition, [&] { return SmallVector<Value>{thenBody()}; },
             [&] { return SmallVector<Value>{elseBody()}; })
      .front();
}

SmallVector<Value> GPUKernelBuilder::ifElseMany(Value condition,
                                                llvm::function_ref<SmallVector<Value>()> thenBody,
                                                llvm::function_ref<SmallVector<Value>()> elseBody) {
  auto yield = [&](llvm::function_ref<SmallVector<Value>()> body) {
    return [this, body](OpBuilder &, Location) { scf::YieldOp::create(builder, loc, body()); };
  };
  // The callbacks build through `builder`, whose insertion point scf.if moves.
  auto branch = scf::IfOp::create(builder, loc, condition, yield(thenBody), yield(elseBody));
  return SmallVector<Value>(branch.getResults());
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

Value GPUKernelBuilder::threadId() { return NVVM::ThreadIdXOp::create(builder, loc, i32()); }

Value GPUKernelBuilder::blockId(unsigned dimension) {
  if (dimension == 0)
    return NVVM::BlockIdXOp::create(builder, loc, i32());
  if (dimension == 1)
    return NVVM::BlockIdYOp::create(builder, loc, i32());
  return NVVM::BlockIdZOp::create(builder, loc, i32());
}

Value GPUKernelBuilder::numBlocks() { return NVVM::GridDimXOp::create(builder, loc, i32()); }

Value GPUKernelBuilder::broadcastLane0(Value value) {
  return NVVM::ShflOp::create(builder, loc, value.getType(), i32(-1), value, i32(0), i32(31),
                              NVVM::ShflKind::idx, UnitAttr());
}

Value GPUKernelBuilder::shuffleXor(Value value, int64_t lanes) {
  return NVVM::ShflOp::create(builder, loc, value.getType(), i32(-1), value, i32(lanes), i32(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

void GPUKernelBuilder::syncWarp() { NVVM::SyncWarpOp::create(builder, loc, i32(-1)); }

void GPUKernelBuilder::barrier() { NVVM::BarrierOp::create(builder, loc); }

void GPUKernelBuilder::barrier(Value id, int64_t threads) {
  NVVM::BarrierOp::create(builder, loc, Type(), id, i32(threads), {}, {});
}

//===----------------------------------------------------------------------===//
// Configurations
//===----------------------------------------------------------------------===//

DictionaryAttr nvptx::makeConfig(MLIRContext *context,
                                 ArrayRef<std::pair<StringRef, int64_t>> entries) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes;
  for (auto [name, value] : entries)
    attributes.push_back(builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
  return builder.getDictionaryAttr(attributes);
}

int64_t nvptx::configValue(Operation *op, StringRef name) {
  return op->getAttrOfType<DictionaryAttr>("config").getAs<IntegerAttr>(name).getInt();
}

LogicalResult nvptx::checkSharedBytes(Operation *op, int64_t bytes,
                                      const mlir::flowhn::GPUTargetInfo &target) {
  if (bytes <= target.sharedBytes)
    return success();
  return op->emitOpError("needs ") << bytes << " bytes of shared memory, and a block of "
                                   << target.chip << " has " << target.sharedBytes;
}

LogicalResult nvptx::checkConfig(Operation *op, ArrayRef<StringRef> names) {
  auto config = op->getAttrOfType<DictionaryAttr>("config");
  for (StringRef name : names) {
    auto value = config.getAs<IntegerAttr>(name);
    if (!value || value.getInt() < 1)
      return op->emitOpError("needs a positive integer '") << name << "' in its GPU configuration";
  }
  return success();
}
