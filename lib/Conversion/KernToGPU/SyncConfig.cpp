//===- SyncConfig.cpp - Tiles for products by single warps ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulSync.h"

#include <limits>
#include <numeric>
#include <tuple>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

SyncMatmulPlan SyncMatmulPlan::of(MatmulOp op) {
  WarpTiles warps{configValue(op, "warp_rows"), configValue(op, "warp_columns"),
                  configValue(op, "row_warps"), configValue(op, "column_warps")};
  return SyncMatmulPlan(op, warps, configValue(op, "stages"));
}

/// The fewest columns of a warp: two fragments, and whole fragments of each group.
static int64_t columnStep(int64_t groups) { return std::lcm<int64_t>(16, 8 * groups); }

/// Few columns: a warp has all of them, and blocks of few rows make many.
static WarpTiles narrowTiles(MatmulOp op) {
  int64_t columns = llvm::alignTo(op.getN() * op.getGroups(), columnStep(op.getGroups()));
  return {/*rows=*/16, columns, /*rowWarps=*/4, /*columnWarps=*/1};
}

/// Warps of about 64 columns, 32 of float32, and up to 64 rows, as their sums allow.
static WarpTiles wideTiles(MatmulOp op, const GPUTargetInfo &target, int64_t columnWarps) {
  int64_t elementBytes = elementType(op.getA()).getIntOrFloatBitWidth() / 8;
  int64_t step = columnStep(op.getGroups());
  int64_t columns = std::max<int64_t>(128 / elementBytes / step, 1) * step, rows = 64;
  while (rows > 16 && !target.isWarpTile(rows, columns, op.getGroups(), elementBytes))
    rows /= 2;
  return {rows, columns, /*rowWarps=*/2, columnWarps};
}

static WarpTiles chooseTiles(MatmulOp op, const GPUTargetInfo &target) {
  constexpr int64_t narrowColumns = 128, fewestStages = 3;
  if (int64_t columns = op.getN() * op.getGroups(); columns <= narrowColumns)
    return narrowTiles(op);
  // A narrower tile reads more bytes per product, a wider one may hang over more.
  constexpr std::pair<int64_t, double> rates[] = {{4, 1.0}, {3, 0.95}, {2, 0.85}};
  WarpTiles best = wideTiles(op, target, 2);
  double least = std::numeric_limits<double>::infinity();
  for (auto [columnWarps, rate] : rates) {
    WarpTiles tiles = wideTiles(op, target, columnWarps);
    SyncMatmulPlan plan(op, tiles, fewestStages);
    double time = plan.columnTiles() * plan.tileColumns / rate;
    if (plan.sharedBytes() <= target.sharedBytes && time < least)
      std::tie(best, least) = std::pair(tiles, time);
  }
  return best;
}

/// As many as fit, and no more than there are tiles in k.
static int64_t chooseStages(MatmulOp op, const WarpTiles &tiles, const GPUTargetInfo &target) {
  int64_t stages = 2;
  auto fits = [&](const SyncMatmulPlan &plan) {
    return plan.sharedBytes() <= target.sharedBytes && plan.stages <= plan.kTiles();
  };
  while (stages < 4 && fits(SyncMatmulPlan(op, tiles, stages + 1)))
    ++stages;
  return stages;
}

DictionaryAttr nvptx::chooseSyncConfig(MatmulOp op, const GPUTargetInfo &target) {
  WarpTiles tiles = chooseTiles(op, target);
  return makeConfig(op->getContext(), {{"warp_rows", tiles.rows},
                                       {"warp_columns", tiles.columns},
                                       {"row_warps", tiles.rowWarps},
                                       {"column_warps", tiles.columnWarps},
                                       {"stages", chooseStages(op, tiles, target)}});
}

LogicalResult nvptx::checkSyncConfig(MatmulOp op, const GPUTargetInfo &target) {
  if (failed(checkConfig(op, {"warp_rows", "warp_columns", "row_warps", "column_warps", "stages"})))
    return failure();
  SyncMatmulPlan plan = SyncMatmulPlan::of(op);
  if (!target.isWarpTile(plan.warps.rows, plan.warps.columns, plan.groups, plan.elementBytes))
    return op.emitOpError("has no warp tile of ")
           << plan.warps.rows << " by " << plan.warps.columns << " on " << target.chip;
  if (plan.threads() > target.fullThreads() || plan.stages < 2)
    return op.emitOpError("needs at most ")
           << target.fullThreads() / 32 << " warps and at least 2 stages on " << target.chip
           << ", got " << plan.threads() / 32 << " and " << plan.stages;
  return checkSharedBytes(op, plan.sharedBytes(), target);
}
