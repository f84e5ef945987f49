//===- HopperSchedule.cpp - Which tiles a block multiplies ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A last round of tiles would leave blocks idle. Where it occupies at most half of them, or less,
// each of its tiles is made in pieces, by as many blocks: the order in which a result's products
// are added stays the same. Blocks of a cluster instead share such tiles, each with a part of k,
// where that takes less than a round of whole ones. And where narrower tiles throughout take fewer
// rounds, by their predicted time, a call has those.
//
//===----------------------------------------------------------------------===//

#include "HopperSchedule.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

HopperSchedule::HopperSchedule(GPUKernelBuilder &b, const HopperLaunchPlan &plan,
                               MutableArrayRef<ProductCode> products)
    : b(b), plan(plan), products(products) {
  for (ProductCode &code : products)
    code.rowTiles = b.ceilDiv(b.extent(code.op().getRows()), code.plan().tileRows);
  for (int64_t columns : plan.widths())
    tilings.push_back(number(columns));
  if (tilings.size() > 1)
    isNarrow = b.less(timeOf(tilings[1]), timeOf(tilings[0]));
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

HopperSchedule::Tiling HopperSchedule::number(int64_t columns) {
  Tiling tiling{columns, {}, {}, {}, {}};
  Value tiles = b.i32(0);
  for (const ProductCode &code : products) {
    tiling.starts.push_back(tiles);
    int64_t columnTiles = llvm::divideCeil(code.plan().n, columns);
    tiles = b.add(b.mul(code.rowTiles, columnTiles), tiles);
    tiling.ends.push_back(tiles);
  }
  tiling.whole = tiles;
  tiling.rest = b.rem(tiles, b.numBlocks());
  ArrayRef<int64_t> pieces = plan.piecesOf(columns);
  if (plan.cluster == 1 && pieces.empty())
    return tiling;
  Value most = plan.cluster > 1 ? b.mul(b.div(b.numBlocks(), plan.cluster), plan.sharedRounds())
                                : b.div(b.numBlocks(), pieces.back());
  Value isSplit = b.less(tiling.rest, b.add(most, 1));
  tiling.whole = b.select(isSplit, b.sub(tiles, tiling.rest), tiles);
  return tiling;
}

Value HopperSchedule::suits(const Tiling &tiling, int64_t pieces) {
  return b.less(tiling.rest, b.add(b.div(b.numBlocks(), pieces), 1));
}

/// Predicted nanoseconds of all rounds, with as many tiles in k as the products have in the mean.
Value HopperSchedule::timeOf(const Tiling &tiling) {
  int64_t kTiles = 0;
  for (const ProductCode &code : products)
    kTiles += code.plan().kTiles();
  kTiles /= products.size();
  auto roundTime = [&](int64_t columns) {
    int64_t blocks = plan.blocksAtOnce(b.target);
    return b.i32(std::llround(1e3 * plan.roundTime(columns, kTiles, blocks)));
  };
  Value whole = roundTime(tiling.columns), last = whole;
  for (int64_t pieces : llvm::reverse(plan.piecesOf(tiling.columns)))
    last = b.select(suits(tiling, pieces), roundTime(tiling.columns / pieces), last);
  last = b.select(b.equal(tiling.rest, 0), b.i32(0), last);
  Value rounds = b.div(b.sub(tiling.ends.back(), tiling.rest), b.numBlocks());
  return b.add(b.mul(rounds, whole), last);
}

MatmulTile HopperSchedule::tileAt(const Tiling &tiling, size_t product, Value index) {
  const ProductCode &code = products[product];
  return nvptx::tileAt(b, code.plan().tileRows, tiling.columns, code.rowTiles,
                       llvm::divideCeil(code.plan().n, tiling.columns),
                       b.sub(index, tiling.starts[product]));
}

TilePart HopperSchedule::wholeTile(const Tiling &tiling, size_t product, Value index) {
  return {tileAt(tiling, product, index), tiling.columns, b.i32(0),
          b.i32(products[product].plan().kTiles())};
}

TilePart HopperSchedule::sharedTile(const Tiling &tiling, size_t product, Value index) {
  int64_t kTiles = products[product].plan().kTiles();
  auto startOf = [&](Value rank) { return b.div(b.mul(rank, kTiles), plan.cluster); };
  return {tileAt(tiling, product, index), tiling.columns, startOf(rank()),
          startOf(b.add(rank(), 1)), /*isShared=*/true};
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
  SmallVector<Value> last = takeTiles(
      tiling, {b.blockId(), b.i32(0), b.i32(phase)}, b.numBlocks(), tiling.whole,
      [&](size_t product, Value index) { return wholeTile(tiling, product, index); }, body);
  ArrayRef<int64_t> pieces = plan.piecesOf(tiling.columns);
  if (plan.cluster > 1)
    takeTiles(
        tiling, {b.add(tiling.whole, b.div(b.blockId(), plan.cluster)), last[1], last[2]},
        b.div(b.numBlocks(), plan.cluster), tiling.ends.back(),
        [&](size_t product, Value index) { return sharedTile(tiling, product, index); }, body);
  else if (!pieces.empty())
    takePiece(tiling, pieces, {last[1], last[2]}, body);
}

// One loop behind the other, and not one that asks at every tile whose it is: the code generator
// would merge what the bodies have in common, and keep where they differ in registers.
SmallVector<Value> HopperSchedule::takeTiles(const Tiling &tiling, ArrayRef<Value> first,
                                             Value step, Value end,
                                             llvm::function_ref<TilePart(size_t, Value)> partOf,
                                             Body body) {
  SmallVector<Value> last(first);
  for (size_t product = 0; product < products.size(); ++product)
    last = b.forLoop(last[0], b.min(tiling.ends[product], end), step, last,
                     [&](Value index, ValueRange carried) {
                       Stage after = body(products[product], partOf(product, index),
                                          {carried[1], carried[2]});
                       return SmallVector<Value>{b.add(index, step), after.index, after.phase};
                     });
  return last;
}

void HopperSchedule::takePiece(const Tiling &tiling, ArrayRef<int64_t> pieces, Stage stage,
                               Body body) {
  if (pieces.size() == 1)
    return takePieceOf(tiling, pieces[0], stage, body);
  b.ifThenElse(
      suits(tiling, pieces[0]), [&] { takePieceOf(tiling, pieces[0], stage, body); },
      [&] { takePiece(tiling, pieces.drop_front(), stage, body); });
}

void HopperSchedule::takePieceOf(const Tiling &tiling, int64_t pieces, Stage stage, Body body) {
  // The last blocks have had the shortest tiles.
  Value place = b.sub(b.add(b.numBlocks(), -1), b.blockId());
  Value index = b.add(tiling.whole, b.div(place, pieces));
  for (auto [product, code] : llvm::enumerate(products)) {
    Value isOwn = b.both(b.less(b.sub(tiling.starts[product], b.i32(1)), index),
                         b.less(index, tiling.ends[product]));
    b.ifThen(isOwn, [&, product = product, &code = code] {
      TilePart piece = wholeTile(tiling, product, index);
      piece.columns /= pieces;
      piece.tile.column = b.add(piece.tile.column, b.mul(b.rem(place, pieces), piece.columns));
      // All but the first one can lie outside the result.
      b.ifThen(b.less(piece.tile.column, b.i32(code.plan().n)), [&] { body(code, piece, stage); });
    });
  }
}
