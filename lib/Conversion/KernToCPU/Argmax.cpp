//===- Argmax.cpp - kern.argmax on the CPU --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// An item is a row. One comparison an element is little beside the product that made
// it, so the loop is a scalar one.
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"
#include "KernelConfig.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <limits>

using namespace mlir;
using namespace mlir::kern;
using mlir::flowhn::CPUTargetInfo;

/// The column of the largest element of `row`, -1 where every one is NaN, an i32.
static Value emitRow(KernelBuilder &b, ArgmaxOp op, Value row) {
  OpBuilder &builder = b.builder;
  Value lowest = arith::ConstantOp::create(
      builder, b.loc, builder.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
  Value inits[] = {lowest, b.index(-1)};
  auto best =
      b.forLoop(b.index(0), b.index(op.getN()), 1, inits, [&](Value column, ValueRange carried) {
        Value x = b.loadScalar(op.getInput(), {row, b.add(column, op.getInColumn())});
        Value isGreater =
            arith::CmpFOp::create(builder, b.loc, arith::CmpFPredicate::OGT, x, carried[0]);
        // Minus infinity wins where nothing has been found yet.
        Value isEqual =
            arith::CmpFOp::create(builder, b.loc, arith::CmpFPredicate::OEQ, x, carried[0]);
        Value isFirst =
            arith::AndIOp::create(builder, b.loc, isEqual, b.less(carried[1], b.index(0)));
        Value wins = arith::OrIOp::create(builder, b.loc, isGreater, isFirst);
        return SmallVector<Value>{
            arith::SelectOp::create(builder, b.loc, wins, x, carried[0]),
            arith::SelectOp::create(builder, b.loc, wins, column, carried[1])};
      });
  return arith::IndexCastOp::create(builder, b.loc, builder.getI32Type(), best[1]);
}

namespace {
struct ArgmaxModel : CPUKernelInterface::ExternalModel<ArgmaxModel, ArgmaxOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const CPUTargetInfo &) const {
    return makeConfig(op->getContext(), {});
  }

  AffineMap getCPUGrid(Operation *op) const {
    return AffineMap::getMultiDimIdentityMap(1, op->getContext());
  }

  int64_t getCPUScratchBytes(Operation *) const { return 0; }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder, const CPUTargetInfo &target, Value item,
                        Value) const {
    auto argmax = cast<ArgmaxOp>(op);
    KernelBuilder b(builder, op->getLoc(), target);
    Value column = emitRow(b, argmax, item);
    memref::StoreOp::create(builder, op->getLoc(), column, argmax.getOut(), ValueRange{item});
    return success();
  }
};
} // namespace

void kern::attachArgmaxCPUModel(MLIRContext &context) {
  ArgmaxOp::attachInterface<ArgmaxModel>(context);
}
