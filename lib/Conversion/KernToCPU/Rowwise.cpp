//===- Rowwise.cpp - kern.rowwise for the CPU -----------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"
#include "KernelConfig.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;
using mlir::flowhn::CPUTargetInfo;

/// Elements of an item: enough to make handing it out cheap.
static constexpr int64_t itemElements = 8192;
static constexpr int64_t maxItemRows = 64;

/// Sums in flight, to cover the latency of an addition.
static constexpr int64_t numSums = 4;

namespace {
/// Emits the code of one item: a block of rows.
class RowwiseEmitter {
public:
  RowwiseEmitter(KernelBuilder &b, RowwiseOp op)
      : b(b), op(op), extras(Extras::of(op, op.getGather())) {}

  void emit(Value item);

private:
  KernelBuilder &b;
  RowwiseOp op;
  Extras extras;
  Value row, source, target;

  void emitSection(int64_t begin, int64_t width);
  Value meanOfSquares(int64_t begin, int64_t width);
};
} // namespace

void RowwiseEmitter::emit(Value item) {
  int64_t rows = configValue(*op.getConfig(), "rows");
  Value begin = b.mul(item, rows);
  Value end = b.min(b.add(begin, rows), op.getRows());
  b.forLoop(begin, end, 1, [&](Value iv) {
    row = iv;
    source = b.lookUp(op.getGather(), row);
    target = b.lookUp(op.getScatter(), row);
    ArrayRef<int64_t> bounds = op.getSections();
    for (auto [begin, end] : llvm::zip(bounds, bounds.drop_front()))
      emitSection(begin, end - begin);
  });
}

/// The mean of the squares of a section (f32). The order of the sum depends on the
/// width alone.
Value RowwiseEmitter::meanOfSquares(int64_t begin, int64_t width) {
  auto addSquare = [&](Value sum, Value column, Value mask = {}) {
    Value x = b.load(op.getInput(), {source, b.add(column, begin + op.getInColumn())}, mask);
    return b.fma(x, x, sum);
  };
  SmallVector<Value> sums(numSums, b.splat(0));
  int64_t step = numSums * b.lanes, full = width / step * step;
  if (full > 0)
    sums = b.forLoop(b.index(0), b.index(full), step, sums, [&](Value column, ValueRange carried) {
      SmallVector<Value> next;
      for (auto [index, sum] : llvm::enumerate(carried))
        next.push_back(addSquare(sum, b.add(column, index * b.lanes)));
      return next;
    });
  for (int64_t column = full, index = 0; column < width; column += b.lanes, ++index) {
    Value mask = width - column < b.lanes ? b.tailMask(width - column) : Value();
    sums[index] = addSquare(sums[index], b.index(column), mask);
  }
  auto add = [&](Value lhs, Value rhs) -> Value {
    return arith::AddFOp::create(b.builder, b.loc, lhs, rhs);
  };
  Value low = add(sums[0], sums[1]);
  Value high = add(sums[2], sums[3]);
  Value total = b.sum(add(low, high));
  Value count = arith::ConstantOp::create(b.builder, b.loc, b.builder.getF32FloatAttr(width));
  return arith::DivFOp::create(b.builder, b.loc, total, count);
}

void RowwiseEmitter::emitSection(int64_t begin, int64_t width) {
  Value mean;
  if (op.getReduction() == Reduction::MeanOfSquares)
    mean = meanOfSquares(begin, width);
  if (op.storesScalars())
    return b.storeScalar(b.inlineRegion(op.getBody(), mean), op.getOut(), target);
  if (mean)
    mean = b.broadcast(mean);
  b.forEachVector(width, [&](Value offset, Value mask) {
    Value column = b.add(offset, begin);
    SmallVector<Value> arguments = {
        b.load(op.getInput(), {source, b.add(column, op.getInColumn())}, mask)};
    if (mean)
      arguments.push_back(mean);
    llvm::append_range(arguments, b.loadExtras(extras, row, source, column, mask));
    Value result = b.inlineRegion(op.getBody(), arguments);
    b.store(result, op.getOut(), {target, b.add(column, op.getOutColumn())}, mask);
  });
}

namespace {
struct RowwiseModel : CPUKernelInterface::ExternalModel<RowwiseModel, RowwiseOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const CPUTargetInfo &target) const {
    int64_t width = cast<RowwiseOp>(op).getSections().back();
    int64_t rows = std::clamp<int64_t>(itemElements / width, 1, maxItemRows);
    return makeConfig(op->getContext(), {{"lanes", target.lanes()}, {"rows", rows}});
  }

  AffineMap getCPUGrid(Operation *op) const {
    int64_t rows = configValue(*cast<RowwiseOp>(op).getConfig(), "rows");
    return AffineMap::get(1, 0, getAffineDimExpr(0, op->getContext()).ceilDiv(rows));
  }

  int64_t getCPUScratchBytes(Operation *op) const { return 0; }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder, const CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto rowwise = cast<RowwiseOp>(op);
    if (failed(checkConfig(op, {"lanes", "rows"}, "CPU")))
      return failure();
    KernelBuilder b(builder, op->getLoc(), target);
    b.lanes = configValue(*rowwise.getConfig(), "lanes");
    RowwiseEmitter(b, rowwise).emit(item);
    return success();
  }
};
} // namespace

void kern::attachRowwiseCPUModel(MLIRContext &context) {
  RowwiseOp::attachInterface<RowwiseModel>(context);
}
