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
// where that takes less than a round of whole ones.
//
//===----------------------------------------------------------------------===//

#include "HopperSchedule.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

HopperSchedule::HopperSchedule(GPUKernelBuilder &b, const HopperLaunchPlan &plan,
                               MutableArrayRef<ProductCode> products)
    : b(b), plan(plan), products(products) {
  Value tiles = b.i32(0);
  for (ProductCode &code : products) {
    code.rowTiles = b.ceilDiv(b.extent(code.op().getRows()), code.plan().tileRows);
    code.firstTile = tiles;
    tiles = code.endTile = b.add(b.mul(code.rowTiles, code.plan().columnTiles()), tiles);
  }
  wholeTiles = tiles;
  if (!plan.splitsRest())
    return;
  rest = b.rem(tiles, b.numBlocks());
  Value isSplit =
      plan.cluster > 1
          ? b.less(rest, b.add(b.mul(b.div(b.numBlocks(), plan.cluster), plan.sharedRounds()), 1))
          : suits(plan.pieces().back());
  wholeTiles = b.select(isSplit, b.sub(tiles, rest), tiles);
}

MatmulTile HopperSchedule::tileAt(const ProductCode &code, Value index) {
  return nvptx::tileAt(b, code.plan(), b.sub(index, code.firstTile), code.rowTiles);
}

TilePart HopperSchedule::wholeTile(const ProductCode &code, Value index) {
  return {tileAt(code, index), code.plan().outColumns(), b.i32(0), b.i32(code.plan().kTiles())};
}

TilePart HopperSchedule::sharedTile(const ProductCode &code, Value index) {
  auto startOf = [&](Value rank) { return b.div(b.mul(rank, code.plan().kTiles()), plan.cluster); };
  return {tileAt(code, index), code.plan().outColumns(), startOf(rank()), startOf(b.add(rank(), 1)),
          /*isShared=*/true};
}

// One loop behind the other, and not one that asks at every tile whose it is: the code generator
// would merge what the bodies have in common, and keep where they differ in registers.
SmallVector<Value>
HopperSchedule::takeTiles(ArrayRef<Value> first, Value step, Value end,
                          llvm::function_ref<TilePart(const ProductCode &, Value)> partOf,
                          Body body) {
  SmallVector<Value> last(first);
  for (const ProductCode &code : products)
    last = b.forLoop(last[0], b.min(code.endTile, end), step, last,
                     [&](Value index, ValueRange carried) {
                       Stage after = body(code, partOf(code, index), {carried[1], carried[2]});
                       return SmallVector<Value>{b.add(index, step), after.index, after.phase};
                     });
  return last;
}

void HopperSchedule::forEachPart(int64_t phase, Body body) {
  SmallVector<Value> last = takeTiles(
      {b.blockId(), b.i32(0), b.i32(phase)}, b.numBlocks(), wholeTiles,
      [&](const ProductCode &code, Value index) { return wholeTile(code, index); }, body);
  if (!plan.splitsRest())
    return;
  if (plan.cluster == 1)
    return takePiece(plan.pieces(), {last[1], last[2]}, body);
  Value end = products.back().endTile;
  takeTiles(
      {b.add(wholeTiles, b.div(b.blockId(), plan.cluster)), last[1], last[2]},
      b.div(b.numBlocks(), plan.cluster), end,
      [&](const ProductCode &code, Value index) { return sharedTile(code, index); }, body);
}

void HopperSchedule::takePiece(ArrayRef<int64_t> pieces, Stage stage, Body body) {
  if (pieces.size() == 1)
    return takePieceOf(pieces[0], stage, body);
  b.ifThenElse(
      suits(pieces[0]), [&] { takePieceOf(pieces[0], stage, body); },
      [&] { takePiece(pieces.drop_front(), stage, body); });
}

void HopperSchedule::takePieceOf(int64_t pieces, Stage stage, Body body) {
  Value index = b.add(wholeTiles, b.div(b.blockId(), pieces));
  for (const ProductCode &code : products) {
    Value isOwn =
        b.both(b.less(b.sub(code.firstTile, b.i32(1)), index), b.less(index, code.endTile));
    b.ifThen(isOwn, [&] {
      TilePart piece = wholeTile(code, index);
      piece.columns /= pieces;
      piece.tile.column =
          b.add(piece.tile.column, b.mul(b.rem(b.blockId(), pieces), piece.columns));
      // All but the first one can lie outside the result.
      b.ifThen(b.less(piece.tile.column, b.i32(code.plan().n)), [&] { body(code, piece, stage); });
    });
  }
}
