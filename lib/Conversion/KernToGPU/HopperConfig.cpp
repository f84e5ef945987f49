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

namespace {
/// Rows of a launch: those of a group's first product, and of the others.
struct TypicalCall {
  int64_t first, others;
};
} // namespace

/// 1024, 3 × 777 and 8 × 1024 tokens, which branches divide or not.
static constexpr TypicalCall typicalCalls[] = {{576, 456},   {1024, 1024}, {1312, 1040},
                                               {2331, 2331}, {4544, 3648}, {8192, 8192}};

/// Those whose rows a kernel for at most so many is for. A product by itself is either branch's.
static SmallVector<TypicalCall> getTypicalCalls(ArrayRef<MatmulOp> products,
                                                const GPUTargetInfo &target) {
  MatmulOp first = products.front();
  int64_t above = 0, most = first.getMaxRows().value_or(std::numeric_limits<int64_t>::max());
  int64_t elementBytes = elementType(first.getA()).getIntOrFloatBitWidth() / 8;
  for (int64_t bound : target.productRowBounds(elementBytes))
    if (bound < most)
      above = bound;
  SmallVector<TypicalCall> calls;
  for (const TypicalCall &call : typicalCalls) {
    if (call.first <= above || call.first > most)
      continue;
    calls.push_back(products.size() > 1 ? call : TypicalCall{call.first, call.first});
    if (products.size() == 1 && call.others != call.first)
      calls.push_back({call.others, call.others});
  }
  if (calls.empty())
    calls.push_back({most, most});
  return calls;
}

/// What there is to choose from, of what is predicted as fast the first one; the stages follow.
static SmallVector<HopperTiling> getTilings(ArrayRef<MatmulOp> products) {
  MatmulOp first = products.front();
  int64_t groups = first.getGroups(), columns = 0;
  for (MatmulOp product : products)
    columns = std::max<int64_t>(columns, product.getN() * groups);
  if (columns > 256) {
    SmallVector<HopperTiling> tilings = {{128, 192, 0}};
    // Few rows are so few tiles that small ones divide better among the blocks. In long calls what
    // small ones copy more costs power, by more than predicted.
    if (first.getMaxRows())
      tilings.append({{128, 128, 0}, {64, 96, 0}, {64, 128, 0}, {64, 256, 0}});
    SmallVector<int64_t, 2> narrowColumns = {0}, multicasts = {1};
    if (groups == 1)
      narrowColumns.push_back(192);
    if (llvm::all_of(products, HopperLaunchPlan::isLarge))
      multicasts.insert(multicasts.begin(), 2);
    for (int64_t narrow : narrowColumns)
      for (int64_t multicast : multicasts)
        for (int64_t cluster : {1, 2})
          tilings.push_back({128, 256, 0, cluster, narrow, 0, multicast});
    if (products.size() > 1)
      for (int64_t shared : {1, 2})
        for (int64_t width : {128, 160, 192})
          tilings.push_back({128, width, 0, 2, 0, shared});
    return tilings;
  }
  SmallVector<HopperTiling> tilings;
  for (int64_t rows : {64, 128})
    for (int64_t cluster : {1, 2, 4}) {
      int64_t chunks = std::max<int64_t>(16, 8 * cluster) * groups;
      tilings.push_back({rows, int64_t(llvm::alignTo(columns, chunks)), 0, cluster});
    }
  return tilings;
}

static int64_t chooseStages(Operation *op, HopperTiling tiling, int64_t sharedBytes) {
  constexpr int64_t mostRows = 768; // of a, in all stages
  SmallVector<MatmulOp, 2> products = productsOf(op);
  auto fits = [&](int64_t stages) {
    tiling.stages = stages;
    return HopperLaunchPlan(op, products, tiling).sharedBytes() <= sharedBytes;
  };
  int64_t stages = 2;
  while (stages < mostRows / tiling.rows && fits(stages + 1))
    ++stages;
  return stages;
}

/// Microseconds of a launch where the products have so many rows.
static double timeOf(const HopperLaunchPlan &plan, const TypicalCall &call,
                     const GPUTargetInfo &target) {
  auto rows = llvm::map_to_vector(plan.products, [&](const HopperProduct &product) {
    return product.extent == 0 ? call.first : call.others;
  });
  double least = std::numeric_limits<double>::infinity();
  for (int64_t columns : plan.widths())
    for (bool isMulticast : {false, plan.multicast > 1 && HopperLaunchPlan::isLong(rows)})
      least = std::min(least, plan.launchTime(columns, isMulticast, rows, target));
  return least;
}

/// Microseconds of a row in the launches that a kernel is made for.
static double timeOfRow(const HopperLaunchPlan &plan, ArrayRef<TypicalCall> calls,
                        const GPUTargetInfo &target) {
  double time = 0;
  for (const TypicalCall &call : calls)
    time += timeOf(plan, call, target) / (call.first + call.others);
  // Code for a second width, and for clusters, has to be worth its place.
  return time * (plan.narrowColumns ? 1.02 : 1) * (plan.cluster > 1 ? 1.01 : 1);
}

SmallVector<DictionaryAttr> nvptx::getHopperConfigs(Operation *op, const GPUTargetInfo &target) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  SmallVector<TypicalCall> calls = getTypicalCalls(products, target);
  SmallVector<std::pair<double, DictionaryAttr>> configs; // with the time of a row
  for (HopperTiling tiling : getTilings(products)) {
    tiling.stages = chooseStages(op, tiling, target.sharedBytes);
    HopperLaunchPlan plan(op, products, tiling);
    auto [rows, columns, stages, cluster, narrowColumns, sharedProducts, multicast] = tiling;
    if (!target.isMatmulTile(rows, columns, plan.products.front().plan.groups) ||
        !plan.fitsRegisters() || (narrowColumns && !plan.canBeNarrower()) ||
        (cluster > 1 && !plan.canShare()) || (sharedProducts && !plan.canShareProducts()) ||
        (multicast > 1 && !plan.canMulticast()))
      continue;
    SmallVector<std::pair<StringRef, int64_t>, 4> entries = {
        {"tile_rows", rows}, {"tile_columns", columns}, {"stages", stages}};
    if (cluster > 1)
      entries.emplace_back("cluster", cluster);
    if (narrowColumns)
      entries.emplace_back("narrow_columns", narrowColumns);
    if (sharedProducts)
      entries.emplace_back("shared_products", sharedProducts);
    if (multicast > 1)
      entries.emplace_back("multicast", multicast);
    configs.emplace_back(timeOfRow(plan, calls, target), makeConfig(op->getContext(), entries));
  }
  llvm::stable_sort(configs, llvm::less_first());
  return llvm::map_to_vector(configs, [](const auto &config) { return config.second; });
}
