//===- FewRowsEmitter.cpp - Code of products of few rows ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Such a product takes the time that its weights take to come. They are the left factor here,
// 64 rows of them at a time, and the rows of a the columns of the product, so that hardly any is
// multiplied for nothing. Of a product with few columns middling rows are so many such tiles. The
// blocks of a cluster have a part of k each, and add their sums in
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
  Value bMap, base, thread, rows;
  Value rank, tileRow, tileColumn; ///< as FewRowsContext has them
  Value firstTile, numTiles;       ///< of k, the block's

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
  Value multiplyTile(const Size &size, Value tile, MutableArrayRef<Value> sums);
};
} // namespace

void FewRowsEmitter::emit() {
  AffineExpr extent = b.builder.getAffineDimExpr(0);
  int64_t columns = op.getAColumn() + plan.k;
  for (int64_t rows : plan.sizes)
    sizes.push_back({rows, plan.stagesOf(rows),
                     b.tensorMap({op.getA(), columns, extent, swizzledColumns, rows})});
  bMap = b.tensorMap({op.getB(), plan.k, b.builder.getAffineConstantExpr(plan.n * plan.groups),
                      swizzledColumns, FewRowsPlan::columns});
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
  rows = b.extent(op.getRows());
  rank = rankInCluster(b, plan.clusterBlocks);
  Value tile = b.div(b.blockId(), plan.clusterBlocks);
  tileRow = b.i32(0);
  if (plan.hasRowTiles) {
    tileRow = b.mul(b.div(tile, plan.columnTiles()), plan.tileRows);
    rows = b.min(b.sub(rows, tileRow), b.i32(plan.tileRows));
    tile = b.rem(tile, plan.columnTiles());
  }
  tileColumn = b.mul(tile, FewRowsPlan::columns);
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
      initBarrier(b, empty(b.i32(stage)), FewRowsPlan::productThreads / 32);
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
  Value copies = b.equal(b.broadcastLane0(b.div(thread, 32)), FewRowsPlan::productThreads / 32);
  b.ifThenElse(
      copies,
      [&] {
        b.ifThen(b.equal(b.rem(thread, 32), 0), [&] { produce(size); });
        if (plan.clusterBlocks > 1)
          syncCluster(b, plan.clusterBlocks); // of the sums
      },
      [&] { consume(size); });
  // What other blocks read lives until they have done so.
  if (plan.clusterBlocks > 1)
    leaveCluster(b);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void FewRowsEmitter::produce(const Size &size) {
  Value ahead = b.min(numTiles, b.i32(size.stages));
  prefetchMap(b, size.aMap);
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
  for (int64_t group = 0; group < plan.groups; ++group)
    copyToShared(b, b.shared(base, b.add(bOffset(stage), group * plan.groupBytes())), bMap, column,
                 b.add(tileColumn, group * plan.n), barrier);
}

void FewRowsEmitter::copyRows(const Size &size, Value tile, Value stage) {
  Value column = b.add(b.mul(b.add(firstTile, tile), swizzledColumns), op.getAColumn());
  copyToShared(b, b.shared(base, aOffset(size, stage)), size.aMap, column, tileRow, full(stage));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void FewRowsEmitter::consume(const Size &size) {
  waitForGrids(b);
  FewRowsStores stores({b, op, plan, base, thread, rows, rank, tileRow, tileColumn}, size.rows);
  stores.begin();
  SmallVector<Value> sums = multiply(size);
  b.barrier(b.i32(1), FewRowsPlan::productThreads);
  stores.store(sums);
}

/// The sums of one group behind those of the one before.
SmallVector<Value> FewRowsEmitter::multiply(const Size &size) {
  SmallVector<Value> sums(plan.groups,
                          LLVM::ZeroOp::create(b.builder, b.loc, sumsType(b, size.rows)));
  Value stage = multiplyTile(size, b.i32(0), sums);
  SmallVector<Value> inits = {stage};
  llvm::append_range(inits, sums);
  auto last = b.forLoop(b.i32(1), numTiles, b.i32(1), inits, [&](Value tile, ValueRange carried) {
    SmallVector<Value> tileSums(carried.drop_front());
    Value stage = multiplyTile(size, tile, tileSums);
    // The products of the tile before have ended.
    waitProducts(b, 1);
    b.ifThen(b.equal(b.rem(thread, 32), 0), [&] { arrive(b, empty(carried.front())); });
    SmallVector<Value> results = {stage};
    llvm::append_range(results, tileSums);
    return results;
  });
  waitProducts(b, 0);
  SmallVector<Value> values;
  for (Value sum : ArrayRef(last).drop_front())
    for (int64_t i = 0; i < size.rows / 2; ++i)
      values.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sum, i));
  // This is where the products' registers are read from.
  return waitProducts(b, 0, values);
}

/// Starts the products of a tile of k, one group of them, and returns its stage.
Value FewRowsEmitter::multiplyTile(const Size &size, Value tile, MutableArrayRef<Value> sums) {
  Stage stage = stageOf(size, tile);
  waitBarrier(b, full(stage.index), stage.phase);
  Value address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
  Value factor = matrixDescriptor(b, b.add(address, aOffset(size, stage.index)));
  Value weights = b.add(address, bOffset(stage.index));
  fenceProducts(b);
  for (auto [group, sum] : llvm::enumerate(sums)) {
    Value groupWeights = matrixDescriptor(b, b.add(weights, group * plan.groupBytes()));
    // 16 columns are 2 units of a descriptor's address.
    for (int64_t k = 0; k < swizzledColumns; k += 16)
      sum = startStep(b, elementType(op.getA()), sum, b.add(groupWeights, k / 8),
                      b.add(factor, k / 8), size.rows);
  }
  commitProducts(b);
  return stage.index;
}

void nvptx::emitFewRowsBlock(GPUKernelBuilder &b, MatmulOp op, const FewRowsPlan &plan) {
  FewRowsEmitter(b, op, plan).emit();
}
