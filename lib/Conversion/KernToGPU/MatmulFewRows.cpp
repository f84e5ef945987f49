//===- MatmulFewRows.cpp - Products of few rows ---------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulFewRows.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Columns up to which there are too few tiles of other kernels.
static constexpr int64_t narrowColumns = 256;
/// The fewest columns of a warpgroup product, which are the rows here.
static constexpr int64_t fewestRows = 8;
/// Of the blocks that share a tile; more need a device that allows it.
static constexpr int64_t mostClusterBlocks = 8;

FewRowsPlan::FewRowsPlan(MatmulOp op, int64_t clusterBlocks, int64_t stages)
    : MatmulPlan(op, std::min<int64_t>(llvm::alignTo(*op.getMaxRows(), fewestRows), mostRows),
                 op.getGroups() * columns, stages),
      clusterBlocks(clusterBlocks), hasRowTiles(int64_t(*op.getMaxRows()) > mostRows) {
  if (!hasRowTiles)
    sizes.push_back(fewestRows);
  if (tileRows > fewestRows)
    sizes.push_back(tileRows);
}

static FewRowsPlan planOf(MatmulOp op) {
  return FewRowsPlan(op, configValue(op, "cluster"), configValue(op, "stages"));
}

bool nvptx::isOfFewRows(MatmulOp op, const GPUTargetInfo &target) {
  if (!target.hasWarpgroupProducts || elementType(op.getA()).isF32() || !op.getMaxRows())
    return false;
  // Rows of several tiles take as many clusters as columns do elsewhere.
  bool isNarrow = op.getGroups() == 1 && int64_t(op.getN()) <= narrowColumns &&
                  int64_t(op.getK()) >= 4 * int64_t(op.getN());
  return op.getGroups() <= 2 && (int64_t(*op.getMaxRows()) <= FewRowsPlan::mostRows || isNarrow);
}

//===----------------------------------------------------------------------===//
// The configuration
//===----------------------------------------------------------------------===//

/// The fewest blocks that give nearly every multiprocessor one, as far as there are tiles of k:
/// more of them copy the rows more often, and wait for more others.
static int64_t chooseClusterBlocks(MatmulOp op, const GPUTargetInfo &target) {
  constexpr double share = 0.9; // 2048 columns have 128 blocks
  int64_t blocks = 1;
  // A call has two thirds of the rows more often.
  int64_t rowTiles = llvm::divideCeil(2 * int64_t(*op.getMaxRows()) / 3, FewRowsPlan::mostRows);
  while (blocks < mostClusterBlocks) {
    FewRowsPlan plan(op, blocks, /*stages=*/1);
    int64_t tiles = plan.columnTiles() * rowTiles;
    if (tiles * blocks >= share * target.multiprocessors || 2 * blocks > plan.kTiles())
      break;
    blocks *= 2;
  }
  return blocks;
}

/// As many as two blocks of a multiprocessor have room for: of this launch and of the next one,
/// whose weights come while this one ends.
static int64_t chooseStages(MatmulOp op, int64_t clusterBlocks, const GPUTargetInfo &target) {
  int64_t stages = std::min<int64_t>(2, FewRowsPlan(op, clusterBlocks, 1).blockTiles());
  auto fits = [&](const FewRowsPlan &plan) {
    return plan.stages <= plan.blockTiles() && target.holdsBlocks(2, plan.sharedBytes());
  };
  while (fits(FewRowsPlan(op, clusterBlocks, stages + 1)))
    ++stages;
  return stages;
}

DictionaryAttr nvptx::chooseFewRowsConfig(MatmulOp op, const GPUTargetInfo &target) {
  int64_t cluster = chooseClusterBlocks(op, target);
  int64_t stages = chooseStages(op, cluster, target);
  SmallVector<std::pair<StringRef, int64_t>, 3> entries = {{"cluster", cluster},
                                                           {"stages", stages}};
  // Tells it from one of few rows, which has other code.
  if (FewRowsPlan plan(op, cluster, stages); plan.hasRowTiles)
    entries.emplace_back("tile_rows", plan.tileRows);
  return makeConfig(op->getContext(), entries);
}

static LogicalResult checkPlan(MatmulOp op, const GPUTargetInfo &target) {
  if (failed(checkConfig(op, {"cluster", "stages"})))
    return failure();
  FewRowsPlan plan = planOf(op);
  if (plan.clusterBlocks > std::min(mostClusterBlocks, plan.kTiles()) ||
      !llvm::isPowerOf2_64(plan.clusterBlocks))
    return op.emitOpError("needs a cluster of 1, 2, 4 or 8 blocks, each with a part of k, got ")
           << plan.clusterBlocks << " for " << plan.kTiles() << " tiles of k";
  // A stage is left when the products of the next one have begun.
  if (plan.stages < std::min<int64_t>(2, plan.blockTiles()))
    return op.emitOpError("needs at least 2 stages where a block has several tiles of k, got ")
           << plan.stages;
  return checkSharedBytes(op, plan.sharedBytes(), target);
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

FailureOr<GPULaunch> nvptx::emitFewRowsMatmul(MatmulOp op, GPUKernelBuilder &b) {
  if (failed(checkPlan(op, b.target)))
    return failure();
  FewRowsPlan plan = planOf(op);
  emitFewRowsBlock(b, op, plan);
  // No blocks where there are no rows.
  AffineExpr tiles = b.builder.getAffineDimExpr(0).ceilDiv(plan.tileRows) * plan.columnTiles();
  GPULaunch launch;
  launch.grid = AffineMap::get(1, 0, tiles * plan.clusterBlocks);
  launch.clusterBlocks = plan.clusterBlocks;
  launch.threads = FewRowsPlan::threads;
  launch.sharedBytes = plan.sharedBytes();
  launch.flopRate = b.target.matmulRate;
  return launch;
}
