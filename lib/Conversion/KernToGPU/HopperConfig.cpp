//===- HopperConfig.cpp - Tiles for products by warpgroups ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t tileRows = 128;

/// Rows that a launch is made for: those of the branches of the models at 1 × 1024 where a few
/// tiles have to do, else at 8 × 1024.
static ArrayRef<int64_t> typicalRows(bool isOfFewTiles) {
  static constexpr int64_t few[] = {128, 256, 448, 576, 768, 1024}, many[] = {3648, 4544, 8192};
  return isOfFewTiles ? ArrayRef(few) : ArrayRef(many);
}

/// Columns of tiles that cover all products by one, or those to choose from.
static SmallVector<int64_t> tileColumns(ArrayRef<MatmulOp> products, int64_t cluster) {
  MatmulOp first = products.front();
  int64_t groups = first.getGroups(), columns = 0;
  for (MatmulOp product : products)
    columns = std::max<int64_t>(columns, product.getN() * groups);
  int64_t wholeChunks = std::max<int64_t>(16, 8 * cluster) * groups;
  if (columns <= 256)
    return {std::max<int64_t>(llvm::alignTo(columns, wholeChunks), wholeChunks)};
  return {256, 192, 128};
}

static int64_t chooseStages(Operation *op, int64_t columns, int64_t cluster, int64_t sharedBytes) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  int64_t stages = 2;
  while (stages < 6 &&
         HopperLaunchPlan(op, products, tileRows, columns, stages + 1, cluster).sharedBytes() <=
             sharedBytes)
    ++stages;
  return stages;
}

/// Microseconds of 64 in k of a tile: a narrow one reads more bytes per product.
static double stepTime(int64_t columns) { return 0.16 + 0.0021 * columns; }

/// Microseconds of a launch where each product has so many rows, measured on an H200. The first
/// block has the longest tile of every round.
static double launchTime(const HopperLaunchPlan &plan, int64_t rows, const GPUTargetInfo &target) {
  constexpr double tileTime = 1.5, exchangeTime = 3.5;
  SmallVector<int64_t> steps; // of each tile
  for (const HopperProduct &product : plan.products)
    steps.append(llvm::divideCeil(rows, tileRows) * product.plan.columnTiles(),
                 product.plan.kTiles());
  int64_t blocks = plan.blocksAtOnce(target), clusters = blocks / plan.cluster;
  int64_t columns = plan.products.front().plan.tileColumns, tiles = steps.size();
  int64_t rest = tiles % blocks,
          most = plan.cluster > 1 ? clusters * plan.sharedRounds() : blocks / 2;
  int64_t whole = plan.splitsRest() && rest <= most ? tiles - rest : tiles;
  double time = 0;
  for (int64_t tile = 0; tile < whole; tile += blocks)
    time += steps[tile] * stepTime(columns) + tileTime;
  for (int64_t tile = whole; tile < tiles; tile += plan.cluster > 1 ? clusters : blocks)
    time += plan.cluster > 1
                ? llvm::divideCeil(steps[tile], plan.cluster) * stepTime(columns) + exchangeTime
                : steps[tile] * stepTime(columns / 2) + tileTime;
  return time;
}

DictionaryAttr nvptx::chooseHopperConfig(Operation *op, const GPUTargetInfo &target) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  bool isOfFewTiles = false;
  DictionaryAttr best;
  double bestTime = 0;
  for (int64_t cluster : {1, 2, 4, 8})
    for (int64_t columns : tileColumns(products, cluster)) {
      int64_t stages = chooseStages(op, columns, cluster, target.sharedBytes);
      HopperLaunchPlan plan(op, products, tileRows, columns, stages, cluster);
      if (!target.isMatmulTile(tileRows, columns, products.front().getGroups()) ||
          (cluster > 1 && !plan.canShare()))
        continue;
      double time = 0;
      for (int64_t rows : typicalRows(isOfFewTiles))
        time += launchTime(plan, rows, target);
      if (best && time >= bestTime)
        continue;
      bestTime = time;
      SmallVector<std::pair<StringRef, int64_t>, 4> entries = {
          {"tile_rows", tileRows}, {"tile_columns", columns}, {"stages", stages}};
      if (cluster > 1)
        entries.emplace_back("cluster", cluster);
      best = makeConfig(op->getContext(), entries);
    }
  return best;
}
