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
    return {2331, 3648, 4544, 8192}; // 3 × 777, and the models at 8 × 1024
  return llvm::map_to_vector(ArrayRef<int64_t>{7, isGroup ? 9 : 8, 10},
                             [&](int64_t part) { return int64_t(*maxRows) * part / 12; });
}

namespace {
/// A tile's columns, how many blocks share the last tiles, and the columns of the tiles that calls
/// may have instead.
struct Tiling {
  int64_t columns, cluster, narrowColumns = 0;
};
} // namespace

/// What there is to choose from. Of results that are wider than a tile there are tiles enough, and
/// to exchange sums takes longer than narrower tiles do.
static SmallVector<Tiling> getTilings(ArrayRef<MatmulOp> products) {
  MatmulOp first = products.front();
  int64_t groups = first.getGroups(), columns = 0;
  for (MatmulOp product : products)
    columns = std::max<int64_t>(columns, product.getN() * groups);
  SmallVector<Tiling> tilings;
  if (columns > 256) {
    tilings = {{256, 1}, {192, 1}, {128, 1}};
    // Bounds of rows leave few widths to choose from already.
    if (groups == 1 && !first.getMaxRows())
      tilings.push_back({256, 1, 192});
    return tilings;
  }
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

/// Microseconds of 64 in k of a tile with so many columns of b, while so many blocks have one:
/// tiles wait for their bytes, by what a multiprocessor gets, or all of them.
static double stepTime(int64_t columns, int64_t blocks) {
  constexpr double ownRate = 80e3, rate = 8.6e6; // bytes in a microsecond
  return (tileRows + columns) * swizzledRowBytes / std::min(ownRate, rate / blocks);
}

double HopperLaunchPlan::roundTime(int64_t columns, int64_t kTiles, int64_t blocks) const {
  int64_t ofB = columns * first().groups;
  // What blocks read and write of a float32 residual they all do at once.
  double storeTime = storesFloats() ? 0.03 * ofB : 1.5;
  return kTiles * stepTime(ofB, blocks) + storeTime;
}

/// Microseconds of the last tiles where clusters share them; `steps` are those of each.
static double sharedTime(const HopperLaunchPlan &plan, ArrayRef<int64_t> steps, int64_t clusters) {
  int64_t columns = plan.products.front().plan.tileColumns;
  const double exchangeTime = 2 + 0.5 * plan.cluster;
  double time = 0;
  for (; !steps.empty(); steps = steps.drop_front(std::min<size_t>(clusters, steps.size())))
    time += llvm::divideCeil(steps.front(), plan.cluster) *
                stepTime(columns, plan.cluster * std::min<int64_t>(clusters, steps.size())) +
            exchangeTime;
  return time;
}

/// Microseconds of a launch where each product has so many rows, and its tiles so many columns.
/// The first block has the longest tile of every round.
static double timeOf(const HopperLaunchPlan &plan, int64_t columns, int64_t rows,
                     const GPUTargetInfo &target) {
  constexpr double launchTime = 3;
  SmallVector<int64_t> tileSteps;
  for (const HopperProduct &product : plan.products)
    tileSteps.append(llvm::divideCeil(rows, tileRows) * llvm::divideCeil(product.plan.n, columns),
                     product.plan.kTiles());
  ArrayRef<int64_t> steps = tileSteps;
  int64_t blocks = plan.blocksAtOnce(target), clusters = blocks / plan.cluster;
  double time = launchTime;
  for (; steps.size() >= size_t(blocks); steps = steps.drop_front(blocks))
    time += plan.roundTime(columns, steps.front(), blocks);
  int64_t rest = steps.size();
  if (plan.cluster > 1 && rest <= clusters * plan.sharedRounds())
    return time + sharedTime(plan, steps, clusters);
  if (rest == 0)
    return time;
  int64_t pieces = 1;
  for (int64_t most : plan.piecesOf(columns))
    if (plan.cluster == 1 && rest <= blocks / most)
      pieces = std::max(pieces, most);
  return time + plan.roundTime(columns / pieces, steps.front(), pieces * rest);
}

/// Microseconds of a row in the launches that a kernel is made for.
static double timeOfRow(const HopperLaunchPlan &plan, const GPUTargetInfo &target) {
  MatmulOp first = plan.products.front().op;
  double time = 0;
  for (int64_t rows : typicalRows(first.getMaxRows(), plan.products.size() > 1)) {
    double least = std::numeric_limits<double>::infinity();
    for (int64_t columns : plan.widths())
      least = std::min(least, timeOf(plan, columns, rows, target));
    time += least / rows;
  }
  // Code for a second width has to be worth its place.
  return plan.narrowColumns ? 1.01 * time : time;
}

SmallVector<DictionaryAttr> nvptx::getHopperConfigs(Operation *op, const GPUTargetInfo &target) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  SmallVector<std::pair<double, DictionaryAttr>> configs; // with the time of a row
  for (auto [columns, cluster, narrowColumns] : getTilings(products)) {
    int64_t stages = chooseStages(op, columns, cluster, target.sharedBytes);
    HopperLaunchPlan plan(op, products, tileRows, columns, stages, cluster, narrowColumns);
    if (!target.isMatmulTile(tileRows, columns, plan.products.front().plan.groups) ||
        !plan.fitsRegisters() || (narrowColumns && !plan.canBeNarrower()) ||
        (cluster > 1 && !plan.canShare()))
      continue;
    SmallVector<std::pair<StringRef, int64_t>, 4> entries = {
        {"tile_rows", tileRows}, {"tile_columns", columns}, {"stages", stages}};
    if (cluster > 1)
      entries.emplace_back("cluster", cluster);
    if (narrowColumns)
      entries.emplace_back("narrow_columns", narrowColumns);
    configs.emplace_back(timeOfRow(plan, target), makeConfig(op->getContext(), entries));
  }
  llvm::stable_sort(configs, llvm::less_first());
  return llvm::map_to_vector(configs, [](const auto &config) { return config.second; });
}
