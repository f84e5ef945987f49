//===- Rowwise.cpp - kern.rowwise on the GPU ------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A warp takes a row: it sums the squares of each section, then maps its elements, or the
// sum where that is all. The second pass finds the row in the cache.
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t warpLanes = 32;

/// The most neighbours, up to 16 bytes of 16-bit elements, that every access of `op` is
/// aligned for.
static int64_t chooseVector(RowwiseOp op) {
  SmallVector<int64_t> alignments(op.getSections().drop_front());
  auto addRows = [&](Value memref, int64_t column) {
    alignments.push_back(cast<MemRefType>(memref.getType()).getStridesAndOffset().first.front());
    alignments.push_back(column);
  };
  addRows(op.getInput(), op.getInColumn());
  if (!op.storesScalars())
    addRows(op.getOut(), op.getOutColumn());
  bool isWide = llvm::any_of(op->getOperands(), [&](Value operand) {
    auto memref = dyn_cast<MemRefType>(operand.getType());
    bool isScalars = operand == op.getOut() && op.storesScalars();
    return memref && memref.getElementType().isF32() && !isScalars;
  });
  int64_t count = isWide ? 4 : 8;
  while (llvm::any_of(alignments, [&](int64_t a) { return a % count != 0; }))
    count /= 2;
  return count;
}

namespace {
/// Emits the code of one warp.
class RowwiseEmitter {
public:
  RowwiseEmitter(GPUKernelBuilder &b, RowwiseOp op, int64_t count)
      : b(b), op(op), count(count), input(b.buffer(op.getInput())), out(b.buffer(op.getOut())),
        extras(b.extras(op)) {}

  void emit(int64_t rowsPerBlock);

private:
  GPUKernelBuilder &b;
  RowwiseOp op;
  int64_t count; ///< neighbours of an access
  Buffer input, out;
  Extras extras;
  Value row, sourceRow, targetRow, lane;

  /// Calls `body` for the lane's columns of a section.
  void forEachColumn(int64_t begin, int64_t end, GPUKernelBuilder::Body body);
  SmallVector<Value> loadInput(Value column);
  Value meanOfSquares(int64_t begin, int64_t end);
  void emitSection(int64_t begin, int64_t end);
};
} // namespace

void RowwiseEmitter::emit(int64_t rowsPerBlock) {
  Value thread = b.threadId();
  lane = b.rem(thread, warpLanes);
  Value warp = b.broadcastLane0(b.div(thread, warpLanes));
  row = b.add(b.mul(b.blockId(), rowsPerBlock), warp);
  b.ifThen(b.less(row, b.extent(op.getRows())), [&] {
    sourceRow = b.lookUp(op.getGather(), row);
    targetRow = b.lookUp(op.getScatter(), row);
    ArrayRef<int64_t> bounds = op.getSections();
    for (auto [begin, end] : llvm::zip(bounds, bounds.drop_front()))
      emitSection(begin, end);
  });
}

void RowwiseEmitter::forEachColumn(int64_t begin, int64_t end, GPUKernelBuilder::Body body) {
  Value first = b.add(b.mul(lane, count), begin);
  b.forLoop(first, b.i32(end), b.i32(warpLanes * count), body);
}

SmallVector<Value> RowwiseEmitter::loadInput(Value column) {
  Value place = b.rowOffset(input, sourceRow, b.add(column, op.getInColumn()));
  return b.loadVector(input, place, count);
}

/// The mean of the squares of a section, in every lane, in an order that depends on the
/// width alone.
Value RowwiseEmitter::meanOfSquares(int64_t begin, int64_t end) {
  Value first = b.add(b.mul(lane, count), begin);
  SmallVector<Value> inits(count, b.f32(0));
  SmallVector<Value> sums = b.forLoop(first, b.i32(end), b.i32(warpLanes * count), inits,
                                      [&](Value column, ValueRange carried) {
                                        SmallVector<Value> next;
                                        for (auto [x, sum] : llvm::zip(loadInput(column), carried))
                                          next.push_back(b.fma(x, x, sum));
                                        return next;
                                      });
  Value total = sums.front();
  for (Value sum : llvm::drop_begin(sums))
    total = b.addf(total, sum);
  for (int64_t distance = warpLanes / 2; distance > 0; distance /= 2)
    total = b.addf(total, b.shuffleXor(total, distance));
  return b.mulf(total, b.f32(1.0 / (end - begin)));
}

void RowwiseEmitter::emitSection(int64_t begin, int64_t end) {
  Value mean;
  if (op.getReduction() == Reduction::MeanOfSquares)
    mean = meanOfSquares(begin, end);
  if (op.storesScalars()) {
    b.ifThen(b.equal(lane, 0),
             [&] { b.store(b.inlineRegion(op.getBody(), mean), out, b.widen(targetRow)); });
    return;
  }
  forEachColumn(begin, end, [&](Value column) {
    SmallVector<Value> inputs = loadInput(column), results;
    auto loaded = b.loadExtras(extras, row, sourceRow, column, count);
    for (auto [i, x] : llvm::enumerate(inputs)) {
      SmallVector<Value> arguments = {x};
      if (mean)
        arguments.push_back(mean);
      for (ArrayRef<Value> extra : loaded)
        arguments.push_back(extra[i]);
      results.push_back(b.inlineRegion(op.getBody(), arguments));
    }
    Value place = b.rowOffset(out, targetRow, b.add(column, op.getOutColumn()));
    b.storeVector(results, out, place);
  });
}

namespace {
struct RowwiseModel : GPUKernelInterface::ExternalModel<RowwiseModel, RowwiseOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &) const {
    return makeConfig(op->getContext(),
                      {{"rows", 8}, {"vector", chooseVector(cast<RowwiseOp>(op))}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto rowwise = cast<RowwiseOp>(op);
    if (failed(checkConfig(op, {"rows", "vector"})))
      return failure();
    int64_t rows = configValue(op, "rows"), vector = configValue(op, "vector");
    if (rows > 32 || vector > chooseVector(rowwise) || !llvm::isPowerOf2_64(vector))
      return op->emitOpError("takes up to 32 rows of a block and a power of two up to ")
             << chooseVector(rowwise) << " of neighbours, got " << rows << " and " << vector;
    GPUKernelBuilder b(builder, op, target);
    RowwiseEmitter(b, rowwise, vector).emit(rows);
    AffineExpr blocks = builder.getAffineDimExpr(0).ceilDiv(rows);
    return GPULaunch{AffineMap::get(1, 0, blocks), /*maxBlocks=*/0, rows * warpLanes,
                     /*sharedBytes=*/0, /*flopRate=*/0};
  }
};
} // namespace

void nvptx::attachRowwiseModel(MLIRContext &context) {
  RowwiseOp::attachInterface<RowwiseModel>(context);
}
