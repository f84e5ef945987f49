//===- HopperSchedule.h - Which tiles a block multiplies --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSCHEDULE_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSCHEDULE_H

#include "HopperProducts.h"

namespace mlir::kern::nvptx {

/// A place in the ring of stages, and how often it went round, modulo 2; but where a block begins
/// to copy, `firstCopy`.
struct Stage {
  Value index, phase;

  /// Every stage is empty: the phase before the first has ended.
  static constexpr int64_t firstCopy = 3;
};

/// What a block multiplies of a tile: columns of the result from the tile's first on, and a
/// range of the tiles in k.
struct TilePart {
  MatmulTile tile;
  int64_t columns;
  Value firstK, endK;
  bool isShared = false; ///< the blocks of the cluster have the other ranges
  /// An i1, if there can be such: the blocks of the cluster have tiles with the same columns, and
  /// each copies a part of b for all.
  Value isMulticast = {};
};

/// The tiles of a launch are those of its products, one product behind the other. Blocks take
/// tiles a grid apart, and what is left over in pieces, or shared by the blocks of clusters.
/// Where there are two widths of tiles, the call's rows decide. Blocks that copy b for each other
/// need tiles one below the other, so rows of tiles are filled up to whole clusters then.
class HopperSchedule {
public:
  /// Numbers the tiles of `products`.
  HopperSchedule(GPUKernelBuilder &b, const HopperLaunchPlan &plan, ArrayRef<ProductCode> products);

  /// What is done with a part of a tile, from the stage on where it begins; returns the stage
  /// for the one after.
  using Body =
      llvm::function_ref<Stage(const ProductCode &code, const TilePart &part, Stage stage)>;
  /// Calls `body` for all that the block multiplies; the ring of stages begins in `phase`.
  void forEachPart(int64_t phase, Body body);

private:
  /// All tiles, with so many columns of the result each. One that a cluster shares by the plan is
  /// as many of them as it has blocks.
  struct Tiling {
    int64_t columns;
    SmallVector<Value, 2> rowTiles;     ///< of each product
    SmallVector<Value, 2> starts, ends; ///< of each product's
    Value whole;                        ///< those that are made whole: the first ones
    Value rest;                         ///< of a last round that is not full
  };

  GPUKernelBuilder &b;
  const HopperLaunchPlan &plan;
  ArrayRef<ProductCode> products;
  SmallVector<Tiling, 2> tilings; ///< the wide one first
  bool sharesCode;                ///< two products have the code of the first one
  Value isNarrow;                 ///< where there are two
  Value isMulticast;              ///< where blocks can copy b for each other: whether they do
  Value rasterRows;

  /// An i1: whether blocks copy b for each other in this launch.
  Value areMulticast();
  Tiling number(int64_t columns);
  Value timeOf(const Tiling &tiling);
  /// Whether a last round is small enough for its tiles to be made so.
  Value suits(const Tiling &tiling, const TileDivision &division);
  /// Products that have code of their own: each, or the first one for all.
  size_t numCodes() const { return sharesCode ? 1 : products.size(); }
  /// Behind the last tile that a product's code is for.
  Value endOf(const Tiling &tiling, size_t product) const {
    return sharesCode ? tiling.ends.back() : tiling.ends[product];
  }
  /// What the code of a product reads for the tile at an index, and the tile, or the block's share.
  std::pair<ProductCode, TilePart> tileAt(const Tiling &tiling, size_t product, Value index);
  /// Of a tile, or of a piece, the part of k that is the block's in its cluster.
  TilePart share(const TilePart &whole, const ProductCode &code);

  void takeAll(const Tiling &tiling, int64_t phase, Body body);
  /// The tiles `first`, first + step, … below `end`, whole or the block's share of them; returns
  /// what follows on the last one: its index and its stage.
  SmallVector<Value> takeTiles(const Tiling &tiling, ArrayRef<Value> first, Value step, Value end,
                               bool areShared, Body body);
  /// What the block has of a last round, as the first of `divisions` for which there are blocks.
  void takeRest(const Tiling &tiling, ArrayRef<TileDivision> divisions, Stage stage, Body body);
  /// The block's place, or its cluster's, among those that have parts of a last round.
  Value placeInRest(int64_t sharers);
  void takeShared(const Tiling &tiling, const TileDivision &division, Stage stage, Body body);
  void takePiece(const Tiling &tiling, const TileDivision &division, Stage stage, Body body);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSCHEDULE_H
