//===- HopperStages.cpp - Tiles in shared memory, and their copies --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HopperStages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

HopperStages::HopperStages(GPUKernelBuilder &b, const HopperLaunchPlan &plan, Value base,
                           Value thread)
    : b(b), plan(plan), base(base), thread(thread),
      copiers(plan.mayFormClusters() ? blocksOfCluster(b) : b.i32(plan.multicast)) {}

void HopperStages::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    for (int64_t stage = 0; stage < plan.stages(); ++stage) {
      initBarrier(b, full(b.i32(stage)), 1);
      initBarrier(b, empty(b.i32(stage)), b.mul(copiers, 4 * plan.consumers()));
    }
    fenceBarrierInit(b);
  });
  syncCluster(b, plan.multicast);
}

Stage HopperStages::next(Stage stage) {
  Value following = b.add(stage.index, 1);
  Value wraps = b.equal(following, plan.stages());
  Value otherPhase = b.bitAnd(b.bitXor(stage.phase, b.i32(1)), 1);
  return {b.select(wraps, b.i32(0), following), b.select(wraps, otherPhase, stage.phase)};
}

/// Every block that copies to the stage waits for this one; where it copies for itself alone, it
/// gets all that it waits for from here.
void HopperStages::release(const TilePart &part, Value stage) {
  Value lane = b.rem(thread, 32), barrier = empty(stage);
  b.ifThen(b.less(lane, copiers), [&] {
    auto arriveHere = [&] { arrive(b, barrier); };
    if (!part.isMulticast)
      return arriveHere();
    b.ifThenElse(part.isMulticast, [&] { arriveInCluster(b, barrier, lane); }, arriveHere);
  });
}

void HopperStages::leave() {
  if (plan.multicast > 1)
    leaveCluster(b);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Of b in a part of a tile with so many columns, and 64 in k.
static int64_t bytesOfB(const ProductCode &code, int64_t columns) {
  return code.plan().groups * columns * swizzledRowBytes;
}

Value HopperStages::offsetOfA(const ProductCode &code, int64_t columns, Value stage, int64_t n) {
  int64_t aBytes = code.plan().aBytes();
  if (n == 0)
    return b.mul(stage, aBytes);
  int64_t behindB = plan.depthOf(columns) * bytesOfB(code, columns) + (n - 1) * aBytes;
  return b.add(offsetOfB(code, columns, stage, 0), behindB);
}

Value HopperStages::offsetOfB(const ProductCode &code, int64_t columns, Value stage, int64_t n) {
  const HopperMatmulPlan &tile = code.plan();
  return b.add(b.mul(stage, tile.bBytes()), tile.bOffset() + n * bytesOfB(code, columns));
}

Stage HopperStages::copyPart(const ProductCode &code, const TilePart &part, Stage stage) {
  // Where the block begins, what waits for the kernel before comes behind what does not.
  Value isFirst = b.both(b.equal(stage.phase, Stage::firstCopy), b.equal(stage.index, 0));
  int64_t depth = plan.depthOf(part.columns);
  // One stage less than there are, so that the ring does not end.
  Value ahead = b.min(part.endK, b.add(part.firstK, (plan.stages() - 1) * depth));
  b.ifThen(isFirst, [&] {
    auto forEachStage = [&](auto copy) {
      b.forLoop(part.firstK, ahead, b.i32(depth), [&](Value kTile) {
        copy(code, part, kTile, b.div(b.sub(kTile, part.firstK), depth));
      });
    };
    forEachStage([&](auto &&...tile) { copyB(tile...); });
    waitForGrids(b);
    forEachStage([&](auto &&...tile) { copyA(tile...); });
  });
  Value copied = b.div(b.sub(ahead, part.firstK), depth);
  SmallVector<Value> inits = {b.select(isFirst, copied, stage.index), stage.phase};
  auto last = b.forLoop(b.select(isFirst, ahead, part.firstK), part.endK, b.i32(depth), inits,
                        [&](Value kTile, ValueRange carried) {
                          Stage current{carried[0], carried[1]};
                          waitBarrier(b, empty(current.index), b.bitAnd(current.phase, 1));
                          copyB(code, part, kTile, current.index);
                          copyA(code, part, kTile, current.index);
                          Stage after = next(current);
                          return SmallVector<Value>{after.index, after.phase};
                        });
  return {last[0], last[1]};
}

const BoxMap &HopperStages::mapFor(const ProductCode &code, const TilePart &part) const {
  int64_t rows = plan.boxOf(part.columns);
  return *llvm::find_if(code.bMaps, [&](const BoxMap &map) { return map.rows == rows; });
}

/// A bit of an i16 for each block of a cluster.
static Value everyBlock(GPUKernelBuilder &b, int64_t blocks) {
  return arith::ConstantOp::create(b.builder, b.loc,
                                   b.builder.getI16IntegerAttr((1 << blocks) - 1));
}

void HopperStages::copyB(const ProductCode &code, const TilePart &part, Value kTile, Value stage) {
  int64_t depth = plan.depthOf(part.columns);
  int64_t bytes = depth * (code.plan().aBytes() + bytesOfB(code, part.columns));
  arriveExpecting(b, full(stage), b.i32(bytes));
  for (int64_t n = 0; n < depth; ++n)
    copyTileOfB(code, part, b.add(kTile, n), stage, n);
}

void HopperStages::copyTileOfB(const ProductCode &code, const TilePart &part, Value kTile,
                               Value stage, int64_t n) {
  int64_t boxes = code.plan().groups * part.columns / mapFor(code, part).rows;
  Value place = offsetOfB(code, part.columns, stage, n);
  auto copyAlone = [&] {
    for (int64_t box = 0; box < boxes; ++box)
      copyBox(code, part, kTile, stage, place, b.i32(box), /*receivers=*/{});
  };
  if (!part.isMulticast)
    return copyAlone();
  // Blocks that copy for each other take turns.
  auto copyForAll = [&] {
    Value rank = rankInCluster(b, plan.multicast), all = everyBlock(b, plan.multicast);
    for (int64_t first = 0; first < boxes; first += plan.multicast)
      copyBox(code, part, kTile, stage, place, b.add(rank, first), all);
  };
  b.ifThenElse(part.isMulticast, copyForAll, copyAlone);
}

void HopperStages::copyBox(const ProductCode &code, const TilePart &part, Value kTile, Value stage,
                           Value place, Value box, Value receivers) {
  const BoxMap &map = mapFor(code, part);
  int64_t groupBoxes = part.columns / map.rows;
  Value to = b.add(place, b.mul(box, map.rows * swizzledRowBytes));
  Value row = b.add(b.mul(code.n, b.div(box, groupBoxes)), b.mul(b.rem(box, groupBoxes), map.rows));
  copyToShared(b, b.shared(base, to), map.map, b.mul(kTile, swizzledColumns),
               b.add(part.tile.column, row), full(stage), receivers);
}

void HopperStages::copyA(const ProductCode &code, const TilePart &part, Value kTile, Value stage) {
  for (int64_t n = 0; n < plan.depthOf(part.columns); ++n) {
    Value column = b.add(b.mul(b.add(kTile, n), swizzledColumns), code.op().getAColumn());
    copyToShared(b, b.shared(base, offsetOfA(code, part.columns, stage, n)), code.aMap, column,
                 part.tile.row, full(stage));
  }
}
