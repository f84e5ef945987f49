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

/// Rows that a launch is made for, where there are at most so many: a group has those of branches,
/// a product by itself those of whole calls more often.
static SmallVector<int64_t> typicalRows(std::optional<uint64_t> maxRows, bool isGroup) {
  if (!maxRows)
    return {3648, 4544, 8192}; // the models at 8 × 1024
  return llvm::map_to_vector(ArrayRef<int64_t>{7, isGroup ? 9 : 8, 10},
                             [&](int64_t part) { return int64_t(*maxRows) * part / 12; });
}

namespace {
/// A tile's columns, and how many blocks share the last tiles.
struct Tiling {
  int64_t columns, cluster;
};
} // namespace

/// What there is to choose from. Of results that are wider than a tile there are tiles enough, and
/// to exchange sums takes longer than narrower tiles do.
static SmallVector<Tiling> getTilings(ArrayRef<MatmulOp> products) {
  MatmulOp first = products.front();
  int64_t groups = first.getGroups(), columns = 0;
  for (MatmulOp product : products)
    columns = std::max<int64_t>(columns, product.getN() * groups);
  if (columns > 256)
    return {{256, 1}, {192, 1}, {128, 1}};
  SmallVector<Tiling> tilings;
  for (int64_t cluster : {1, 2, 4, 8}) {
    int64_t chunks = std::max<int64_t>(16, 8 * cluster) * groups;
    int64_t aligned = llvm::alignTo(columns, chunks);
    // A wider tile's sums leave no registers for the exchange beside a residual.
    if (cluster == 1 || aligned <= 192)
      tilings.push_back({aligned, cluster});
  }
  return tilings;
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

/// Microseconds of 64 in k of a tile, while so many blocks have one: tiles wait for their bytes,
/// by what a multiprocessor gets, or all of them.
static double stepTime(int64_t columns, int64_t blocks) {
  constexpr double ownRate = 80e3, rate = 8.6e6; // bytes in a microsecond
  return (tileRows + columns) * swizzledRowBytes / std::min(ownRate, rate / blocks);
}

/// Microseconds of a launch where each product has so many rows, measured on an H200. The first
/// block has the longest tile of every round.
static double timeOf(const HopperLaunchPlan &plan, int64_t rows, const GPUTargetInfo &target) {
  int64_t columns = plan.products.front().plan.tileColumns;
  // What blocks read and write of a float32 residual they all do at once.
  auto storeTime = [&](int64_t columns) { return plan.storesFloats() ? 0.03 * columns : 1.5; };
  const double exchangeTime = 2 + 0.5 * plan.cluster;
  SmallVector<int64_t> steps; // of each tile
  for (const HopperProduct &product : plan.products)
    steps.append(llvm::divideCeil(rows, tileRows) * product.plan.columnTiles(),
                 product.plan.kTiles());
  int64_t blocks = plan.blocksAtOnce(target), clusters = blocks / plan.cluster;
  int64_t tiles = steps.size();
  int64_t rest = tiles % blocks,
          most = plan.cluster > 1 ? clusters * plan.sharedRounds() : blocks / 2;
  int64_t whole = plan.splitsRest() && rest <= most ? tiles - rest : tiles;
  constexpr double launchTime = 3;
  double time = launchTime;
  for (int64_t tile = 0; tile < whole; tile += blocks)
    time += steps[tile] * stepTime(columns, std::min(blocks, whole - tile)) + storeTime(columns);
  if (plan.cluster == 1)
    return whole < tiles
               ? time + steps[whole] * stepTime(columns / 2, 2 * rest) + storeTime(columns / 2)
               : time;
  for (int64_t tile = whole; tile < tiles; tile += clusters)
    time += llvm::divideCeil(steps[tile], plan.cluster) *
                stepTime(columns, plan.cluster * std::min(clusters, tiles - tile)) +
            exchangeTime;
  return time;
}

SmallVector<DictionaryAttr> nvptx::getHopperConfigs(Operation *op, const GPUTargetInfo &target) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  SmallVector<std::pair<double, DictionaryAttr>> configs; // with the time of a row
  for (auto [columns, cluster] : getTilings(products)) {
    int64_t stages = chooseStages(op, columns, cluster, target.sharedBytes);
    HopperLaunchPlan plan(op, products, tileRows, columns, stages, cluster);
    if (!target.isMatmulTile(tileRows, columns, plan.products.front().plan.groups) ||
        (cluster > 1 && !plan.canShare()))
      continue;
    double time = 0;
    for (int64_t rows : typicalRows(products.front().getMaxRows(), products.size() > 1))
      time += timeOf(plan, rows, target) / rows;
    SmallVector<std::pair<StringRef, int64_t>, 4> entries = {
        {"tile_rows", tileRows}, {"tile_columns", columns}, {"stages", stages}};
    if (cluster > 1)
      entries.emplace_back("cluster", cluster);
    configs.emplace_back(time, makeConfig(op->getContext(), entries));
  }
  llvm::stable_sort(configs, llvm::less_first());
  return llvm::map_to_vector(configs, [](const auto &config) { return config.second; });
}
