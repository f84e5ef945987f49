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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

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

Value GPUKernelBuilder::choose(Value operand, llvm::function_ref<Value(Value)> make) {
  Value own = make(operand);
  if (!choice)
    return own;
  for (auto [one, other] : choice->operands)
    if (one == operand && other != operand)
      return select(choice->isOther, make(other), own);
  return own;
}

Value GPUKernelBuilder::extent(Value index) {
  return choose(index, [&](Value operand) {
    return arith::IndexCastOp::create(builder, loc, i32(), operand);
  });
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

int64_t nvptx::configValue(Operation *op, StringRef name) {
  return kern::configValue(op->getAttrOfType<DictionaryAttr>("config"), name);
}

int64_t nvptx::configValueOr(Operation *op, StringRef name, int64_t standard) {
  bool isThere = op->getAttrOfType<DictionaryAttr>("config").contains(name);
  return isThere ? configValue(op, name) : standard;
}

LogicalResult nvptx::checkSharedBytes(Operation *op, int64_t bytes,
                                      const mlir::flowhn::GPUTargetInfo &target) {
  if (bytes <= target.sharedBytes)
    return success();
  return op->emitOpError("needs ") << bytes << " bytes of shared memory, and a block of "
                                   << target.chip << " has " << target.sharedBytes;
}
