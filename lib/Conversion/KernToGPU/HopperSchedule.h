//===- HopperSchedule.h - Which tiles a block multiplies --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSCHEDULE_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSCHEDULE_H

#include "MatmulHopper.h"

namespace mlir::kern::nvptx {

/// A place in the ring of stages, and how often it went round, modulo 2.
struct Stage {
  Value index, phase;
};

/// A product, and what the code reads of it.
struct ProductCode {
  const HopperProduct &product;
  Value rowTiles;
  Value aMap, bMap, outMap;

  MatmulOp op() const { return product.op; }
  const HopperMatmulPlan &plan() const { return product.plan; }
};

/// What a block multiplies of a tile: columns of the result from the tile's first on, and a
/// range of the tiles in k.
struct TilePart {
  MatmulTile tile;
  int64_t columns;
  Value firstK, endK;
  bool isShared = false; ///< the blocks of the cluster have the other ranges
};

/// The tiles of a launch are those of its products, one product behind the other. Blocks take
/// tiles a grid apart, and what is left over in pieces, or shared by the blocks of clusters.
/// Where there are two widths of tiles, the call's rows decide.
class HopperSchedule {
public:
  /// Numbers the tiles of `products`.
  HopperSchedule(GPUKernelBuilder &b, const HopperLaunchPlan &plan,
                 MutableArrayRef<ProductCode> products);

  /// What is done with a part of a tile, from the stage on where it begins; returns the stage
  /// for the one after.
  using Body =
      llvm::function_ref<Stage(const ProductCode &code, const TilePart &part, Stage stage)>;
  /// Calls `body` for all that the block multiplies; the ring of stages begins in `phase`.
  void forEachPart(int64_t phase, Body body);

  /// The block's place in its cluster.
  Value rank() { return b.rem(b.blockId(), plan.cluster); }

private:
  /// All tiles, with so many columns of the result each.
  struct Tiling {
    int64_t columns;
    SmallVector<Value, 2> starts, ends; ///< of each product's
    Value whole;                        ///< those that are made whole: the first ones
    Value rest;                         ///< of a last round that is not full
  };

  GPUKernelBuilder &b;
  const HopperLaunchPlan &plan;
  ArrayRef<ProductCode> products;
  SmallVector<Tiling, 2> tilings; ///< the wide one first
  Value isNarrow;                 ///< where there are two

  Tiling number(int64_t columns);
  Value timeOf(const Tiling &tiling);
  /// Whether a last round is small enough for its tiles to be made so.
  Value suits(const Tiling &tiling, const TileDivision &division);
  MatmulTile tileAt(const Tiling &tiling, size_t product, Value index);
  TilePart wholeTile(const Tiling &tiling, size_t product, Value index);
  /// Of a tile, or of a piece, the part of k that is the block's in its cluster.
  TilePart share(const TilePart &whole, size_t product);

  void takeAll(const Tiling &tiling, int64_t phase, Body body);
  /// The tiles `first`, first + step, … below `end`, each as what `partOf` makes of it; returns
  /// what follows on the last one: its index and its stage.
  SmallVector<Value> takeTiles(const Tiling &tiling, ArrayRef<Value> first, Value step, Value end,
                               llvm::function_ref<TilePart(size_t, Value)> partOf, Body body);
  /// What the block has of a last round, as the first of `divisions` for which there are blocks.
  void takeRest(const Tiling &tiling, ArrayRef<TileDivision> divisions, Stage stage, Body body);
  /// The block's place, or its cluster's, among those that have parts of a last round.
  Value placeInRest(int64_t sharers);
  void takeShared(const Tiling &tiling, const TileDivision &division, Stage stage, Body body);
  void takePiece(const Tiling &tiling, const TileDivision &division, Stage stage, Body body);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSCHEDULE_H
