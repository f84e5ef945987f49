//===- HopperSchedule.cpp - Which tiles a block multiplies ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A last round of tiles would leave blocks idle. Where it occupies at most half of them, or less,
// each of its tiles is made in pieces of its columns, by as many blocks. Blocks of a cluster share
// such tiles, or their pieces, each with a part of k: of columns alone every block would copy the
// rows of all k. Where a launch has few tiles, clusters share all those of its first products
// instead, and nothing is divided further. And where narrower tiles throughout take fewer rounds,
// by their predicted time, a call has those.
//
//===----------------------------------------------------------------------===//

#include "HopperSchedule.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

HopperSchedule::HopperSchedule(GPUKernelBuilder &b, const HopperLaunchPlan &plan,
                               ArrayRef<ProductCode> products)
    : b(b), plan(plan), products(products),
      sharesCode(products.size() == 2 && plan.sharersOf(0) == plan.sharersOf(1) &&
                 haveSameCode(*products[0].product, *products[1].product)) {
  rasterRows = b.i32(defaultRasterRows);
  if (plan.multicast > 1) {
    isMulticast = areMulticast();
    // As many rows as columns at a time: fewer bytes for all blocks together.
    rasterRows = b.select(isMulticast, b.i32(16), rasterRows);
  }
  for (int64_t columns : plan.widths())
    tilings.push_back(number(columns));
  if (tilings.size() > 1)
    isNarrow = b.less(timeOf(tilings[1]), timeOf(tilings[0]));
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

/// Who launches blocks that copy for each other says so by clusters, but where blocks form these
/// anyway.
Value HopperSchedule::areMulticast() {
  if (plan.mayFormClusters())
    return b.equal(blocksOfCluster(b), plan.multicast);
  Value rows = b.i32(0);
  for (const ProductCode &code : products)
    rows = b.add(rows, b.extent(code.op().getRows()));
  return b.less(b.i32(HopperLaunchPlan::multicastRows * products.size()), rows);
}

HopperSchedule::Tiling HopperSchedule::number(int64_t columns) {
  Tiling tiling{columns, {}, {}, {}, {}, {}};
  Value tiles = b.i32(0);
  for (auto [index, code] : llvm::enumerate(products)) {
    Value rowTiles = code.rowTiles;
    if (isMulticast)
      rowTiles = b.select(isMulticast, b.mul(b.ceilDiv(rowTiles, plan.multicast), plan.multicast),
                          rowTiles);
    tiling.rowTiles.push_back(rowTiles);
    tiling.starts.push_back(tiles);
    int64_t columnTiles = llvm::divideCeil(code.plan().n, columns);
    tiles = b.add(b.mul(rowTiles, columnTiles * plan.sharersOf(index)), tiles);
    tiling.ends.push_back(tiles);
  }
  tiling.whole = tiles;
  tiling.rest = b.rem(tiles, b.numBlocks());
  auto divisions = plan.divisionsOf(columns);
  if (!divisions.empty())
    tiling.whole = b.select(suits(tiling, divisions.back()), b.sub(tiles, tiling.rest), tiles);
  return tiling;
}

Value HopperSchedule::suits(const Tiling &tiling, const TileDivision &division) {
  Value most = b.mul(b.div(b.numBlocks(), division.blocks()), division.rounds);
  return b.less(tiling.rest, b.add(most, 1));
}

/// Predicted nanoseconds of all rounds, with as many tiles in k as the products have in the mean.
Value HopperSchedule::timeOf(const Tiling &tiling) {
  int64_t kTiles = 0;
  for (const ProductCode &code : products)
    kTiles += code.plan().kTiles();
  kTiles /= products.size();
  auto roundTime = [&](const TileDivision &division) {
    int64_t blocks = plan.blocksAtOnce(b.target);
    return b.i32(std::llround(1e3 * plan.partTime(tiling.columns, division, kTiles, blocks)));
  };
  Value whole = roundTime({1, 1}), last = whole;
  auto divisions = plan.divisionsOf(tiling.columns);
  for (const TileDivision &division : llvm::reverse(divisions))
    last = b.select(suits(tiling, division), roundTime(division), last);
  last = b.select(b.equal(tiling.rest, 0), b.i32(0), last);
  Value rounds = b.div(b.sub(tiling.ends.back(), tiling.rest), b.numBlocks());
  return b.add(b.mul(rounds, whole), last);
}

std::pair<ProductCode, TilePart> HopperSchedule::tileAt(const Tiling &tiling, size_t product,
                                                        Value index) {
  auto columnTilesOf = [&](const ProductCode &code) {
    return b.i32(llvm::divideCeil(code.plan().n, tiling.columns));
  };
  ProductCode code = products[product];
  Value start = tiling.starts[product], rowTiles = tiling.rowTiles[product];
  Value columnTiles = columnTilesOf(code);
  if (sharesCode) {
    Value isOther = b.less(b.add(tiling.ends[0], -1), index);
    code = chooseProduct(b, code, products[1], isOther);
    start = b.select(isOther, tiling.starts[1], start);
    rowTiles = b.select(isOther, tiling.rowTiles[1], rowTiles);
    columnTiles = b.select(isOther, columnTilesOf(products[1]), columnTiles);
  }
  int64_t sharers = plan.sharersOf(product);
  Value own = b.sub(index, start);
  MatmulTile tile = nvptx::tileAt(b, plan.tileRows(), tiling.columns, rowTiles, columnTiles,
                                  sharers > 1 ? b.div(own, sharers) : own, rasterRows);
  TilePart whole = {tile, tiling.columns, b.i32(0), code.kTiles};
  return {code, sharers > 1 ? share(whole, code) : whole};
}

TilePart HopperSchedule::share(const TilePart &whole, const ProductCode &code) {
  auto startOf = [&](Value rank) { return b.div(b.mul(rank, code.kTiles), plan.cluster); };
  Value rank = rankInCluster(b, plan.cluster);
  return {whole.tile, whole.columns, startOf(rank), startOf(b.add(rank, 1)),
          /*isShared=*/true};
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

void HopperSchedule::forEachPart(int64_t phase, Body body) {
  if (tilings.size() == 1)
    return takeAll(tilings[0], phase, body);
  b.ifThenElse(
      isNarrow, [&] { takeAll(tilings[1], phase, body); },
      [&] { takeAll(tilings[0], phase, body); });
}

void HopperSchedule::takeAll(const Tiling &tiling, int64_t phase, Body body) {
  SmallVector<Value> last = takeTiles(tiling, {b.blockId(), b.i32(0), b.i32(phase)}, b.numBlocks(),
                                      tiling.whole, /*areShared=*/false, body);
  auto divisions = plan.divisionsOf(tiling.columns);
  if (!divisions.empty())
    takeRest(tiling, divisions, {last[1], last[2]}, body);
}

// One loop behind the other, and not one that asks at every tile whose code it needs: the code
// generator would merge what the bodies have in common, and keep where they differ in registers.
SmallVector<Value> HopperSchedule::takeTiles(const Tiling &tiling, ArrayRef<Value> first,
                                             Value step, Value end, bool areShared, Body body) {
  SmallVector<Value> last(first);
  for (size_t product = 0; product < numCodes(); ++product)
    last = b.forLoop(last[0], b.min(endOf(tiling, product), end), step, last,
                     [&](Value index, ValueRange carried) {
                       auto [code, tile] = tileAt(tiling, product, index);
                       TilePart part = areShared ? share(tile, code) : tile;
                       part.isMulticast = isMulticast;
                       Stage after = body(code, part, {carried[1], carried[2]});
                       return SmallVector<Value>{b.add(index, step), after.index, after.phase};
                     });
  return last;
}

void HopperSchedule::takeRest(const Tiling &tiling, ArrayRef<TileDivision> divisions, Stage stage,
                              Body body) {
  const TileDivision &division = divisions.front();
  auto take = [&] {
    division.pieces > 1 ? takePiece(tiling, division, stage, body)
                        : takeShared(tiling, division, stage, body);
  };
  if (divisions.size() == 1)
    return take();
  b.ifThenElse(suits(tiling, division), take,
               [&] { takeRest(tiling, divisions.drop_front(), stage, body); });
}

/// The last blocks have had the shortest tiles, so they come first.
Value HopperSchedule::placeInRest(int64_t sharers) {
  return b.sub(b.add(b.div(b.numBlocks(), sharers), -1), b.div(b.blockId(), sharers));
}

void HopperSchedule::takeShared(const Tiling &tiling, const TileDivision &division, Stage stage,
                                Body body) {
  takeTiles(tiling, {b.add(tiling.whole, placeInRest(division.sharers)), stage.index, stage.phase},
            b.div(b.numBlocks(), division.sharers), tiling.ends.back(), /*areShared=*/true, body);
}

void HopperSchedule::takePiece(const Tiling &tiling, const TileDivision &division, Stage stage,
                               Body body) {
  Value place = placeInRest(division.sharers);
  Value index = b.add(tiling.whole, b.div(place, division.pieces));
  for (size_t product = 0; product < numCodes(); ++product) {
    Value isOwn = b.both(b.less(b.sub(tiling.starts[product], b.i32(1)), index),
                         b.less(index, endOf(tiling, product)));
    b.ifThen(isOwn, [&] {
      auto [code, piece] = tileAt(tiling, product, index);
      piece.columns /= division.pieces;
      piece.tile.column =
          b.add(piece.tile.column, b.mul(b.rem(place, division.pieces), piece.columns));
      if (division.sharers > 1)
        piece = share(piece, code);
      // All but the first one can lie outside the result.
      b.ifThen(b.less(piece.tile.column, code.n),
               [&, code = code, piece = piece] { body(code, piece, stage); });
    });
  }
}
