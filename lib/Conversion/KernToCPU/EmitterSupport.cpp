//===- EmitterSupport.cpp - What the CPU emitters share -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::kern;

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value KernelBuilder::add(Value lhs, Value rhs) {
  return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs);
}

Value KernelBuilder::add(Value lhs, int64_t rhs) { return rhs ? add(lhs, index(rhs)) : lhs; }

Value KernelBuilder::sub(Value lhs, Value rhs) {
  return builder.createOrFold<arith::SubIOp>(loc, lhs, rhs);
}

Value KernelBuilder::mul(Value lhs, Value rhs) {
  return builder.createOrFold<arith::MulIOp>(loc, lhs, rhs);
}

Value KernelBuilder::mul(Value lhs, int64_t rhs) { return mul(lhs, index(rhs)); }

// No index is negative, so divisions are unsigned: LLVM then makes shifts and
// single multiplications of them.
Value KernelBuilder::floorDiv(Value lhs, Value rhs) {
  return builder.createOrFold<arith::DivUIOp>(loc, lhs, rhs);
}

Value KernelBuilder::floorDiv(Value lhs, int64_t rhs) { return floorDiv(lhs, index(rhs)); }

Value KernelBuilder::ceilDiv(Value lhs, int64_t rhs) { return floorDiv(add(lhs, rhs - 1), rhs); }

Value KernelBuilder::mod(Value lhs, int64_t rhs) {
  return builder.createOrFold<arith::RemUIOp>(loc, lhs, index(rhs));
}

Value KernelBuilder::min(Value lhs, Value rhs) {
  return builder.createOrFold<arith::MinSIOp>(loc, lhs, rhs);
}

Value KernelBuilder::max(Value lhs, Value rhs) {
  return builder.createOrFold<arith::MaxSIOp>(loc, lhs, rhs);
}

Value KernelBuilder::less(Value lhs, Value rhs) {
  return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void KernelBuilder::forLoop(Value lower, Value upper, int64_t step, Body body) {
  forLoop(lower, upper, step, {}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelBuilder::forLoop(Value lower, Value upper, int64_t step, ValueRange inits,
                                          CarryBody body) {
  auto loop = scf::ForOp::create(builder, loc, lower, upper, index(step), inits);
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

void KernelBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenYield());
  body();
}

void KernelBuilder::ifThenElse(Value condition, llvm::function_ref<void()> thenBody,
                               llvm::function_ref<void()> elseBody) {
  auto branch = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenYield());
  thenBody();
  builder.setInsertionPoint(branch.elseYield());
  elseBody();
}

void KernelBuilder::forEachVector(int64_t width,
                                  llvm::function_ref<void(Value column, Value mask)> body) {
  int64_t full = width / lanes * lanes;
  if (full == lanes)
    body(index(0), {});
  else if (full > 0)
    forLoop(index(0), index(full), lanes, [&](Value column) { body(column, {}); });
  if (full < width)
    body(index(full), tailMask(width - full));
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

VectorType KernelBuilder::vectorType() const {
  return VectorType::get(lanes, builder.getF32Type());
}

Value KernelBuilder::splat(double value) {
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(vectorType(), static_cast<float>(value)));
}

Value KernelBuilder::broadcast(Value scalar) {
  return vector::BroadcastOp::create(builder, loc, VectorType::get(lanes, scalar.getType()),
                                     scalar);
}

Value KernelBuilder::fma(Value a, Value b, Value c) {
  if (hasFma())
    return math::FmaOp::create(builder, loc, a, b, c);
  Value product = arith::MulFOp::create(builder, loc, a, b);
  return arith::AddFOp::create(builder, loc, product, c);
}

Value KernelBuilder::tailMask(Value count) {
  auto type = VectorType::get(lanes, builder.getI1Type());
  return vector::CreateMaskOp::create(builder, loc, type, count);
}

Value KernelBuilder::tailMask(int64_t count) {
  auto type = VectorType::get(lanes, builder.getI1Type());
  return vector::ConstantMaskOp::create(builder, loc, type, ArrayRef<int64_t>(count));
}

Value KernelBuilder::sum(Value vector) {
  // Reassociation lets LLVM add halves; which ones depends on the type alone.
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}

Value KernelBuilder::softplus(Value x) {
  // max(x, 0) + log1p(exp(-|x|)): the exponential never overflows.
  auto zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(x.getType()));
  Value negative = arith::NegFOp::create(builder, loc, math::AbsFOp::create(builder, loc, x));
  Value small = math::Log1pOp::create(builder, loc, math::ExpOp::create(builder, loc, negative));
  Value large = arith::MaximumFOp::create(builder, loc, x, zero);
  return arith::AddFOp::create(builder, loc, large, small);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

int64_t kern::elementBytes(Type elementType) { return elementType.getIntOrFloatBitWidth() / 8; }

static Type elementType(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

Value KernelBuilder::load(Value memref, ValueRange indices, Value mask) {
  auto type = VectorType::get(lanes, elementType(memref));
  if (!mask)
    return extend(vector::LoadOp::create(builder, loc, type, memref, indices));
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return extend(vector::MaskedLoadOp::create(builder, loc, type, memref, indices, mask, zero));
}

void KernelBuilder::store(Value vector, Value memref, ValueRange indices, Value mask) {
  Value stored = truncate(vector, elementType(memref));
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, memref, indices, mask, stored);
  else
    vector::StoreOp::create(builder, loc, stored, memref, indices);
}

Value KernelBuilder::loadScalar(Value memref, ValueRange indices) {
  return extend(memref::LoadOp::create(builder, loc, memref, indices));
}

void KernelBuilder::storeScalar(Value scalar, Value memref, ValueRange indices) {
  memref::StoreOp::create(builder, loc, truncate(scalar, elementType(memref)), memref, indices);
}

Value KernelBuilder::lookUp(Value table, Value position) {
  if (!table)
    return position;
  Value entry = memref::LoadOp::create(builder, loc, table, position);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), entry);
}

Value KernelBuilder::scratchView(Value scratch, int64_t byteOffset, ArrayRef<int64_t> shape) {
  auto type = MemRefType::get(shape, builder.getF32Type());
  return memref::ViewOp::create(builder, loc, type, scratch, index(byteOffset), ValueRange());
}

SmallVector<Value> KernelBuilder::loadExtras(const Extras &extras, Value row, Value gatheredRow,
                                             Value column, Value mask) {
  SmallVector<Value> vectors;
  for (auto [memref, access, offset] :
       llvm::zip_equal(extras.values, extras.accesses, extras.columns)) {
    if (access == Access::Scalar) {
      vectors.push_back(broadcast(loadScalar(memref, row)));
      continue;
    }
    SmallVector<Value, 2> indices;
    if (access != Access::Column)
      indices.push_back(access == Access::Gathered ? gatheredRow : row);
    indices.push_back(add(column, offset));
    vectors.push_back(load(memref, indices, mask));
  }
  return vectors;
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// The type of a scalar op's result when its operands have the shape of `like`.
static Type withShapeOf(Type like, Type scalar) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(VectorType::get(vector.getShape(), scalar)) : scalar;
}

Value KernelBuilder::inlineRegion(Region &region, ValueRange arguments) {
  Block &block = region.front();
  Type like = arguments.front().getType();
  IRMapping mapping;
  mapping.map(block.getArguments(), arguments);

  auto lookup = [&](Value scalar) {
    if (Value mapped = mapping.lookupOrNull(scalar))
      return mapped;
    return isa<VectorType>(like) ? broadcast(scalar) : scalar;
  };
  for (Operation &op : block.without_terminator()) {
    TypedAttr constant;
    if (matchPattern(&op, m_Constant(&constant))) {
      Type type = withShapeOf(like, constant.getType());
      if (auto vector = dyn_cast<VectorType>(type))
        constant = SplatElementsAttr::get(vector, Attribute(constant));
      mapping.map(op.getResult(0), arith::ConstantOp::create(builder, loc, type, constant));
      continue;
    }
    if (isa<arith::ExtFOp>(op)) {
      mapping.map(op.getResult(0), extend(lookup(op.getOperand(0))));
      continue;
    }
    if (auto truncation = dyn_cast<arith::TruncFOp>(op)) {
      mapping.map(truncation.getResult(),
                  truncate(lookup(truncation.getIn()), truncation.getType()));
      continue;
    }
    for (Value operand : op.getOperands())
      if (!mapping.contains(operand))
        mapping.map(operand, lookup(operand));
    Operation *copy = builder.clone(op, mapping);
    for (Value result : copy->getResults())
      result.setType(withShapeOf(like, result.getType()));
  }
  return lookup(cast<YieldOp>(block.getTerminator()).getValue());
}
