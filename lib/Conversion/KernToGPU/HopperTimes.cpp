//===- HopperTimes.cpp - Predicted times of products by warpgroups --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Fitted to 4300 launches of an H200, one at a time: kernels of the published models with all
// configurations that they can have, in calls of 1024 to 8192 tokens. Where products have at most
// 1536 rows, what is chosen by these times takes 2 % more than the best there is to choose from.
// What clusters exchange, and what the limit of power takes, is from whole models, where kernels
// run beside others and for long.
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t blocksOfMeasuredChip = 132;

/// What the sums of a tile are of those of a large one.
static double shareOfSums(int64_t rows, int64_t columns) {
  return double(rows * columns) / (128 * 256);
}

/// Of 64 in k of a tile with so many columns of b, while so many blocks have one: tiles wait for
/// their products, or for their bytes, by what a multiprocessor gets, or all of them, or by how far
/// copies run ahead, where a second one to a stage counts for nothing.
double HopperLaunchPlan::stepTime(int64_t columns, int64_t blocks) const {
  constexpr double productTime = 0.65, issueTime = 0.025;
  constexpr double ownRate = 100e3, rate = 14e6; // bytes in a microsecond
  constexpr double copyTime = 1.1;
  // A tile of b that all blocks have comes to them for nothing.
  int64_t bytes = (tileRows() + (hasOneTile() ? 0 : columns)) * swizzledRowBytes;
  return std::max({productTime * shareOfSums(tileRows(), columns) + issueTime,
                   bytes / std::min(ownRate, rate / blocks), copyTime / (stages() - 1)});
}

double HopperLaunchPlan::partTime(int64_t columns, const TileDivision &division, int64_t kTiles,
                                  int64_t blocks, double atPower) const {
  int64_t ofB = columns / division.pieces * first().groups;
  // What blocks read and write of a float32 residual they all do at once.
  double storeTime =
      shareOfSums(tileRows(), ofB) * (movesResidual() ? 5.0 * blocks / blocksOfMeasuredChip : 1.6);
  double exchangeTime = division.sharers > 1 ? 0.4 + 0.008 * ofB : 0;
  return atPower * llvm::divideCeil(kTiles, division.sharers) * stepTime(ofB, blocks) + storeTime +
         exchangeTime * tileRows() / 128;
}

namespace {
/// Tiles, or what single blocks have of tiles that a cluster shares by the plan, all alike.
struct Parts {
  int64_t count;
  int64_t kTiles; ///< of the tile
  int64_t sharers;
};

/// When the blocks of a launch end, which take tiles as HopperSchedule.cpp says.
class BlockTimes {
public:
  BlockTimes(const HopperLaunchPlan &plan, int64_t columns, double atPower, int64_t blocks)
      : plan(plan), columns(columns), atPower(atPower), ends(blocks, startTime) {}

  /// Rounds in which every block has one of these.
  void addRounds(const Parts &parts, int64_t rounds) {
    double time = rounds * timeOf(parts, ends.size());
    for (double &end : ends)
      end += time;
  }
  /// A part for each block, from the first one on.
  void addRound(ArrayRef<Parts> round) {
    int64_t busy = countParts(round);
    auto *end = ends.begin();
    for (const Parts &parts : round) {
      double time = timeOf(parts, busy);
      for (int64_t part = 0; part < parts.count; ++part)
        *end++ += time;
    }
  }
  /// Parts of tiles, from the last block on.
  void addDivided(const TileDivision &division, ArrayRef<Parts> rest) {
    int64_t atOnce = division.atOnce(ends.size()), blocks = division.blocks(), index = 0;
    int64_t busy = blocks * std::min(atOnce, countParts(rest));
    for (const Parts &parts : rest) {
      double time = plan.partTime(columns, division, parts.kTiles, busy);
      for (int64_t end = index + parts.count; index < end; ++index)
        for (int64_t block = 0; block < blocks; ++block)
          ends[ends.size() - 1 - index % atOnce * blocks - block] += time;
    }
  }
  double last() const { return *llvm::max_element(ends); }

  static int64_t countParts(ArrayRef<Parts> all) {
    return llvm::sum_of(llvm::map_range(all, [](const Parts &parts) { return parts.count; }));
  }

private:
  static constexpr double startTime = 1.7;
  const HopperLaunchPlan &plan;
  int64_t columns;
  double atPower;
  SmallVector<double> ends;

  double timeOf(const Parts &parts, int64_t busy) const {
    return plan.partTime(columns, {1, parts.sharers}, parts.kTiles, busy, atPower);
  }
};
} // namespace

/// Takes the first `count` of all parts.
static SmallVector<Parts, 2> take(SmallVectorImpl<Parts> &all, int64_t count) {
  SmallVector<Parts, 2> taken;
  for (Parts &parts : all) {
    Parts &own = taken.emplace_back(parts);
    own.count = std::min(parts.count, count);
    parts.count -= own.count;
    count -= own.count;
  }
  llvm::erase_if(all, [](const Parts &parts) { return parts.count == 0; });
  return taken;
}

/// At the limit of its power, as in long calls and of large products, a GPU gains what copies do
/// not take: measured with large tiles, of which blocks copy b for each other or do not.
double HopperLaunchPlan::timeAtPower(int64_t columns, bool isMulticast) const {
  int64_t ofB = columns * first().groups;
  double copied = double(tileRows() + ofB / (isMulticast ? multicast : 1)) / (128 + 256);
  return 0.91 + 0.09 * copied / shareOfSums(tileRows(), ofB);
}

double HopperLaunchPlan::launchTime(int64_t columns, bool isMulticast, ArrayRef<int64_t> rows,
                                    const GPUTargetInfo &target) const {
  SmallVector<Parts, 2> left;
  for (auto [index, product] : llvm::enumerate(products)) {
    int64_t rowTiles = llvm::divideCeil(rows[index], tileRows()), sharers = sharersOf(index);
    if (isMulticast)
      rowTiles = llvm::alignTo(rowTiles, multicast);
    int64_t tiles = rowTiles * llvm::divideCeil(product.plan.n, columns);
    left.push_back({tiles * sharers, product.plan.kTiles(), sharers});
  }
  int64_t blocks = blocksAtOnce(target), count = BlockTimes::countParts(left);
  // Of more than a round of shares no launch was measured.
  if (sharedProducts > 0 && count > blocks)
    return std::numeric_limits<double>::infinity();
  bool isAtPower = isLong(rows) || llvm::all_of(products, [](const HopperProduct &product) {
                     return isLarge(product.op);
                   });
  BlockTimes times(*this, columns, isAtPower ? timeAtPower(columns, isMulticast) : 1, blocks);
  for (; count >= blocks; count = BlockTimes::countParts(left)) {
    int64_t rounds = left.front().count / blocks;
    if (rounds > 0)
      times.addRounds(take(left, rounds * blocks).front(), rounds);
    else
      times.addRound(take(left, blocks));
  }
  auto divisions = divisionsOf(columns);
  auto division = llvm::find_if(
      divisions, [&](const TileDivision &one) { return count <= one.atOnce(blocks) * one.rounds; });
  division == divisions.end() ? times.addRound(left) : times.addDivided(*division, left);
  return times.last();
}
