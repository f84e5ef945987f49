//===- FewRowsEmitter.cpp - Code of products of few rows ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Such a product takes the time that its weights take to come. They are the left factor here,
// 64 rows of them to a warpgroup, and the rows of a the columns of the product, so that none is
// multiplied for nothing. The blocks of a cluster have a part of k each, and add their sums in
// order, from each other's shared memory: enough blocks for every multiprocessor to read.
//
// Weights do not depend on the kernel before: their copies begin while that one ends.
//
//===----------------------------------------------------------------------===//

#include "MatmulFewRows.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

namespace {
class FewRowsEmitter {
public:
  FewRowsEmitter(GPUKernelBuilder &b, MatmulOp op, const FewRowsPlan &plan)
      : b(b), op(op), plan(plan) {}

  void emit();

private:
  /// The code for at most `rows` rows, and the ring of its stages.
  struct Size {
    int64_t rows, stages;
    Value aMap;
  };
  /// A place in the ring, and how often it went round, modulo 2.
  struct Stage {
    Value index, phase;
  };

  GPUKernelBuilder &b;
  MatmulOp op;
  const FewRowsPlan &plan;
  SmallVector<Size, 2> sizes;
  Value bMap, base, thread, warp, lane, rows;
  Value rank;                ///< of the block in its cluster
  Value tileColumn;          ///< the first one of the result that the cluster makes
  Value firstTile, numTiles; ///< of k, the block's

  void locate();
  void initBarriers();
  Value full(Value stage) { return barrierAt(stage, 0); }
  Value empty(Value stage) { return barrierAt(stage, sizes.front().stages * 8); }
  Value barrierAt(Value stage, int64_t offset) {
    return b.shared(base, b.add(b.mul(stage, 8), plan.barrierOffset() + offset));
  }
  Stage stageOf(const Size &size, Value tile);
  Value aOffset(const Size &size, Value stage);
  Value bOffset(Value stage) { return b.mul(stage, plan.bBytes()); }

  void emitSize(const Size &size);
  void produce(const Size &size);
  void copyWeights(const Size &size, Value tile, Value stage);
  void copyRows(const Size &size, Value tile, Value stage);
  void consume(const Size &size);
  SmallVector<Value> multiply(const Size &size);
  void storeSums(const Size &size, ArrayRef<Value> sums);
  void finish(const Size &size);
  void storeResults(const Size &size, Value row, Value column, int64_t count);
  SmallVector<Value> addSums(const Size &size, Value row, Value column, int64_t count);
};
} // namespace

void FewRowsEmitter::emit() {
  AffineExpr extent = b.builder.getAffineDimExpr(0);
  int64_t columns = op.getAColumn() + plan.k;
  for (int64_t rows : plan.sizes)
    sizes.push_back({rows, plan.stagesOf(rows),
                     b.tensorMap({op.getA(), columns, extent, swizzledColumns, rows})});
  bMap = b.tensorMap({op.getB(), plan.k, b.builder.getAffineConstantExpr(plan.n * plan.groups),
                      swizzledColumns, FewRowsPlan::weightRows});
  startNextGrid(b);
  locate();
  initBarriers();
  if (sizes.size() == 1)
    return emitSize(sizes.front());
  b.ifThenElse(
      b.less(rows, b.i32(sizes.front().rows + 1)), [&] { emitSize(sizes.front()); },
      [&] { emitSize(sizes.back()); });
}

void FewRowsEmitter::locate() {
  base = b.sharedBase();
  thread = b.threadId();
  warp = b.broadcastLane0(b.div(thread, 32));
  lane = b.rem(thread, 32);
  rows = b.extent(op.getRows());
  rank = b.rem(b.blockId(), plan.clusterBlocks);
  tileColumn = b.mul(b.div(b.blockId(), plan.clusterBlocks), FewRowsPlan::weightRows);
  auto tilesBefore = [&](Value rank) {
    return b.div(b.mul(rank, plan.kTiles()), plan.clusterBlocks);
  };
  firstTile = tilesBefore(rank);
  numTiles = b.sub(tilesBefore(b.add(rank, 1)), firstTile);
}

void FewRowsEmitter::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    for (int64_t stage = 0; stage < sizes.front().stages; ++stage) {
      initBarrier(b, full(b.i32(stage)), 1);
      initBarrier(b, empty(b.i32(stage)), FewRowsPlan::warps);
    }
    fenceBarrierInit(b);
  });
  b.barrier();
}

FewRowsEmitter::Stage FewRowsEmitter::stageOf(const Size &size, Value tile) {
  return {b.rem(tile, size.stages), b.rem(b.div(tile, size.stages), 2)};
}

Value FewRowsEmitter::aOffset(const Size &size, Value stage) {
  return b.add(b.mul(stage, size.rows * swizzledRowBytes), size.stages * plan.bBytes());
}

void FewRowsEmitter::emitSize(const Size &size) {
  b.ifThenElse(
      b.equal(warp, FewRowsPlan::warps),
      [&] { b.ifThen(b.equal(lane, 0), [&] { produce(size); }); }, [&] { consume(size); });
  syncCluster(b, plan.clusterBlocks);
  b.ifThen(b.less(warp, b.i32(FewRowsPlan::warps)), [&] { finish(size); });
  // What other blocks read lives until they have done so.
  if (plan.clusterBlocks > 1)
    syncCluster(b, plan.clusterBlocks);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void FewRowsEmitter::produce(const Size &size) {
  Value ahead = b.min(numTiles, b.i32(size.stages));
  b.forLoop(b.i32(0), ahead, b.i32(1), [&](Value tile) { copyWeights(size, tile, tile); });
  waitForGrids(b);
  b.forLoop(b.i32(0), ahead, b.i32(1), [&](Value tile) { copyRows(size, tile, tile); });
  b.forLoop(ahead, numTiles, b.i32(1), [&](Value tile) {
    Stage stage = stageOf(size, tile);
    // The stage was left as often as it went round before.
    waitBarrier(b, empty(stage.index), b.bitXor(stage.phase, b.i32(1)));
    copyWeights(size, tile, stage.index);
    copyRows(size, tile, stage.index);
  });
}

/// Announces all bytes of the stage.
void FewRowsEmitter::copyWeights(const Size &size, Value tile, Value stage) {
  Value barrier = full(stage);
  arriveExpecting(b, barrier, b.i32(plan.stageBytes(size.rows)));
  Value column = b.mul(b.add(firstTile, tile), swizzledColumns);
  for (int64_t group = 0; group < plan.groups; ++group) {
    int64_t offset = group * FewRowsPlan::weightRows * swizzledRowBytes;
    copyToShared(b, b.shared(base, b.add(bOffset(stage), offset)), bMap, column,
                 b.add(tileColumn, group * plan.n), barrier);
  }
}

void FewRowsEmitter::copyRows(const Size &size, Value tile, Value stage) {
  Value column = b.add(b.mul(b.add(firstTile, tile), swizzledColumns), op.getAColumn());
  copyToShared(b, b.shared(base, aOffset(size, stage)), size.aMap, column, b.i32(0), full(stage));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void FewRowsEmitter::consume(const Size &size) {
  waitForGrids(b);
  SmallVector<Value> sums = multiply(size);
  // Nobody reads the stages any more.
  b.barrier(b.i32(1), FewRowsPlan::warps * 32);
  storeSums(size, sums);
}

/// The sums of one group behind those of the one before.
SmallVector<Value> FewRowsEmitter::multiply(const Size &size) {
  Value address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
  SmallVector<Value> inits(plan.groups,
                           LLVM::ZeroOp::create(b.builder, b.loc, sumsType(b, size.rows)));
  auto last = b.forLoop(b.i32(0), numTiles, b.i32(1), inits, [&](Value tile, ValueRange carried) {
    Stage stage = stageOf(size, tile);
    waitBarrier(b, full(stage.index), stage.phase);
    Value factor = matrixDescriptor(b, b.add(address, aOffset(size, stage.index)));
    SmallVector<Value> sums;
    for (auto [group, sum] : llvm::enumerate(carried)) {
      int64_t offset = group * FewRowsPlan::weightRows * swizzledRowBytes;
      Value weights = b.add(b.add(address, bOffset(stage.index)), offset);
      sums.push_back(startProducts(b, elementType(op.getA()), sum, matrixDescriptor(b, weights),
                                   factor, size.rows));
    }
    waitProducts(b, 0);
    b.ifThen(b.equal(lane, 0), [&] { arrive(b, empty(stage.index)); });
    return sums;
  });
  SmallVector<Value> values;
  for (Value sum : last)
    for (int64_t i = 0; i < size.rows / 2; ++i)
      values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sum, i));
  // The products have ended, and this is where their registers are read from.
  return waitProducts(b, 0, values);
}

/// A thread has of each 8 rows 2 (lane mod 4) and the next one, of the weight rows lane / 4 of
/// its warp's 16 and 8 further.
void FewRowsEmitter::storeSums(const Size &size, ArrayRef<Value> sums) {
  Value weightRow = b.add(b.mul(warp, 16), b.div(lane, 4));
  Value row = b.mul(b.rem(lane, 4), 2);
  Value offset = b.add(b.mul(row, plan.sumStride), weightRow);
  Value place = b.shared(base, b.mul(offset, 4));
  for (int64_t chunk = 0; chunk < size.rows / 8; ++chunk) {
    auto storeChunk = [&] {
      for (int64_t group = 0; group < plan.groups; ++group)
        for (int64_t i = 0; i < 4; ++i) {
          int64_t sumRow = group * size.rows + chunk * 8 + i % 2;
          b.storeRaw(sums[group * size.rows / 2 + chunk * 4 + i],
                     b.shared(place, (sumRow * plan.sumStride + i / 2 * 8) * 4));
        }
    };
    if (chunk == 0)
      storeChunk();
    else
      b.ifThen(b.less(b.i32(chunk * 8), rows), storeChunk);
  }
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Columns that a thread stores at once, as many as are aligned.
static int64_t columnsAtOnce(MatmulOp op) {
  int64_t count = 4;
  while (op.getN() % count || op.getOutColumn() % count || rowWidth(op.getOut()) % count)
    count /= 2;
  return count;
}

/// The threads of the cluster share the results out among themselves.
void FewRowsEmitter::finish(const Size &size) {
  int64_t count = columnsAtOnce(op), perRow = FewRowsPlan::weightRows / count;
  constexpr int64_t blockThreads = FewRowsPlan::warps * 32;
  Value first = b.add(b.mul(rank, blockThreads), thread);
  b.forLoop(first, b.mul(rows, perRow), b.i32(blockThreads * plan.clusterBlocks), [&](Value place) {
    Value column = b.mul(b.rem(place, perRow), count);
    Value row = b.div(place, perRow);
    auto store = [&] { storeResults(size, row, column, count); };
    if (plan.n % FewRowsPlan::weightRows == 0)
      store();
    else
      b.ifThen(b.less(b.add(tileColumn, column), b.i32(plan.n)), store);
  });
}

/// `column` is counted from the tile's first one on.
void FewRowsEmitter::storeResults(const Size &size, Value row, Value column, int64_t count) {
  MatmulEpilogue epilogue(b, op, lane);
  Value outColumn = b.add(tileColumn, column);
  auto extras = epilogue.load(epilogue.extraRow(row), outColumn, count);
  SmallVector<Value> results = epilogue.evaluate(addSums(size, row, column, count), extras, count);
  Buffer out = b.buffer(op.getOut());
  Value place = b.add(outColumn, op.getOutColumn());
  b.storeVector(results, out, b.rowOffset(out, b.lookUp(op.getScatter(), row), place));
}

/// `count` sums of each group, over all of k: those of the cluster's blocks in order.
SmallVector<Value> FewRowsEmitter::addSums(const Size &size, Value row, Value column,
                                           int64_t count) {
  Type type = count == 1 ? b.f32() : VectorType::get(count, b.f32());
  SmallVector<Value> sums;
  for (int64_t group = 0; group < plan.groups; ++group) {
    Value sumRow = b.add(row, group * size.rows);
    Value offset = b.mul(b.add(b.mul(sumRow, plan.sumStride), column), 4);
    Value sum;
    for (int64_t block = 0; block < plan.clusterBlocks; ++block) {
      Value place = b.shared(base, offset);
      if (plan.clusterBlocks > 1)
        place = inCluster(b, place, b.i32(block));
      Value part = b.loadRaw(type, place, count * 4);
      sum = sum ? b.addf(sum, part) : part;
    }
    if (count == 1)
      sums.push_back(sum);
    for (int64_t i = 0; count > 1 && i < count; ++i)
      sums.push_back(LLVM::ExtractElementOp::create(b.builder, b.loc, sum, b.i32(i)));
  }
  return sums;
}

void nvptx::emitFewRowsBlock(GPUKernelBuilder &b, MatmulOp op, const FewRowsPlan &plan) {
  FewRowsEmitter(b, op, plan).emit();
}
