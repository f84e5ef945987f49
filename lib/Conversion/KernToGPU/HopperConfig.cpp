//===- HopperConfig.cpp - Tiles for products by warpgroups ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"
#include "TypicalCalls.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Whether k is so large that a launch takes as long as its products, and not as its stores, which
/// gain nothing by a better width of tiles.
static bool waitsForProducts(ArrayRef<MatmulOp> products) {
  constexpr int64_t leastK = 512;
  return llvm::any_of(products, [](MatmulOp product) { return int64_t(product.getK()) >= leastK; });
}

/// What there is to choose from, of what is predicted as fast the first one; the stages follow.
static SmallVector<HopperTiling> getTilings(ArrayRef<MatmulOp> products, bool isBounded) {
  int64_t groups = MatmulOp(products.front()).getGroups(), columns = 0;
  for (MatmulOp product : products)
    columns = std::max<int64_t>(columns, product.getN() * groups);
  if (columns > 256) {
    SmallVector<HopperTiling> tilings = {{128, 192, 0}};
    // Few rows are so few tiles that small ones divide better among the blocks. In long calls what
    // small ones copy more costs power, by more than predicted.
    if (isBounded) {
      for (int64_t width : {128, 144, 152, 160, 176})
        tilings.push_back({128, width, 0});
      for (int64_t width : {96, 128, 256})
        tilings.push_back({64, width, 0});
    }
    bool canBeNarrower = groups == 1 && waitsForProducts(products);
    if (canBeNarrower && !isBounded && products.size() == 1)
      tilings.push_back({128, 192, 0, 1, 176});
    SmallVector<int64_t, 2> narrowColumns = {0}, multicasts = {1};
    if (canBeNarrower)
      narrowColumns.push_back(192);
    // Only in long calls do blocks copy for each other; others may share the kernel of those.
    if (llvm::all_of(products, HopperLaunchPlan::isLarge))
      multicasts.insert(isBounded ? multicasts.end() : multicasts.begin(), 2);
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
  SmallVector<int64_t, 3> clusters = {1, 2};
  // In calls of more than one round clusters of four take longer than predicted.
  if (isBounded)
    clusters.push_back(4);
  for (int64_t rows : {64, 128})
    for (int64_t cluster : clusters) {
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

/// Code for a second width, and for clusters, has to be worth its place.
static double penaltyOf(const HopperLaunchPlan &plan) {
  return (plan.narrowColumns ? 1.02 : 1) * (plan.cluster > 1 ? 1.01 : 1);
}

namespace {
struct Candidate {
  DictionaryAttr config;
  SmallVector<double> times; ///< of each call
  double cost = 0;           ///< the sum of what they are over the least of each call
  double time = 0;           ///< their sum
};
} // namespace

/// The least cost first.
static void sortByCost(SmallVectorImpl<Candidate> &candidates, ArrayRef<TypicalCall> calls) {
  for (auto [index, call] : llvm::enumerate(calls)) {
    double least = std::numeric_limits<double>::infinity();
    for (const Candidate &candidate : candidates)
      least = std::min(least, candidate.times[index]);
    for (Candidate &candidate : candidates) {
      candidate.time += call.weight * candidate.times[index];
      candidate.cost += call.weight * candidate.times[index] / least;
    }
  }
  llvm::stable_sort(candidates,
                    [](const Candidate &lhs, const Candidate &rhs) { return lhs.cost < rhs.cost; });
}

static bool isPossible(const HopperLaunchPlan &plan, const HopperTiling &tiling,
                       const GPUTargetInfo &target) {
  return target.isMatmulTile(tiling.rows, tiling.columns, plan.products.front().plan.groups) &&
         plan.fitsRegisters() && (tiling.narrowColumns == 0 || plan.canBeNarrower()) &&
         (tiling.cluster == 1 || plan.canShare()) &&
         (tiling.sharedProducts == 0 || plan.canShareProducts()) &&
         (tiling.multicast == 1 || plan.canMulticast());
}

static DictionaryAttr getConfig(MLIRContext *context, const HopperTiling &tiling) {
  SmallVector<std::pair<StringRef, int64_t>, 4> entries = {
      {"tile_rows", tiling.rows}, {"tile_columns", tiling.columns}, {"stages", tiling.stages}};
  if (tiling.cluster > 1)
    entries.emplace_back("cluster", tiling.cluster);
  if (tiling.narrowColumns)
    entries.emplace_back("narrow_columns", tiling.narrowColumns);
  if (tiling.sharedProducts)
    entries.emplace_back("shared_products", tiling.sharedProducts);
  if (tiling.multicast > 1)
    entries.emplace_back("multicast", tiling.multicast);
  return makeConfig(context, entries);
}

/// All that a kernel for so many rows can have, the best first.
static SmallVector<Candidate> getCandidates(Operation *op, RowRange range,
                                            const GPUTargetInfo &target) {
  SmallVector<MatmulOp, 2> products = productsOf(op);
  TypicalCalls calls(products, range);
  SmallVector<Candidate> candidates;
  for (HopperTiling tiling : getTilings(products, range.isBounded())) {
    tiling.stages = chooseStages(op, tiling, target.sharedBytes);
    HopperLaunchPlan plan(op, products, tiling);
    if (!isPossible(plan, tiling, target))
      continue;
    Candidate &candidate = candidates.emplace_back();
    candidate.config = getConfig(op->getContext(), tiling);
    for (const TypicalCall &call : calls.get())
      candidate.times.push_back(timeOf(plan, call, target) * penaltyOf(plan));
  }
  sortByCost(candidates, calls.get());
  return candidates;
}

SmallVector<DictionaryAttr> nvptx::getHopperConfigs(Operation *op, const GPUTargetInfo &target) {
  // Kernels for other rows that have one configuration are one: that is worth a little time.
  constexpr double calls = 0.4, microseconds = 4;
  SmallVector<RowRange, 4> ranges = rangesFrom(productsOf(op).front(), target);
  SmallVector<Candidate> candidates;
  SmallVector<DictionaryAttr, 4> ofMore;
  for (RowRange range : llvm::reverse(ranges)) {
    candidates = getCandidates(op, range, target);
    auto shared = llvm::find_if(candidates, [&](const Candidate &one) {
      const Candidate &best = candidates.front();
      return llvm::is_contained(ofMore, one.config) &&
             (one.cost <= best.cost + calls || one.time <= best.time + microseconds);
    });
    if (shared != candidates.end())
      std::rotate(candidates.begin(), shared, std::next(shared));
    ofMore.push_back(candidates.front().config);
  }
  return llvm::map_to_vector(candidates, [](const Candidate &one) { return one.config; });
}
