//===- MatmulHopper.h - Matmul by warpgroups and bulk copies ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULHOPPER_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULHOPPER_H

#include "HopperSupport.h"
#include "MatmulTiles.h"

namespace mlir::kern::nvptx {

/// Whether the copy engine can store so many columns of a tile, 64 at a time. What it stores twice
/// may not read what was stored.
bool canStoreTiles(MatmulOp op, int64_t columns);

/// The sizes that the code for warpgroups is made of.
struct HopperMatmulPlan : MatmulPlan {
  HopperMatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns, int64_t stages);

  bool storesTiles; ///< the result goes through shared memory and the copy engine

  /// Columns of the least piece of a tile.
  int64_t pieceColumns() const;

  int64_t consumers() const { return tileRows / 64; } ///< warpgroups, 64 rows each
  int64_t threads() const { return 128 * (1 + consumers()); }

  // Shared memory: the stages, then the tiles of the result.
  int64_t outOffset() const { return stagesBytes(); }
  int64_t outTileBytes() const { return 64 * swizzledRowBytes; }
  int64_t outBytes() const { return storesTiles ? consumers() * 2 * outTileBytes() : 0; }
};

/// The configuration of a launch: a tile's rows and columns, how many are in flight, how many
/// blocks share tiles, the columns of the tiles that calls may have instead, of how many
/// products, the first ones, blocks share all tiles, not only those of a last round, and how many
/// blocks may copy b of whole tiles for each other.
struct HopperTiling {
  int64_t rows, columns, stages, cluster = 1, narrowColumns = 0, sharedProducts = 0, multicast = 1;
};

/// One of the products of a launch.
struct HopperProduct {
  MatmulOp op;
  unsigned extent; ///< place of its rows among the index operands of the kernel's op
  HopperMatmulPlan plan;
};

/// How tiles of a last round are made: in pieces of equal columns, each by so many blocks of a
/// cluster, with a part of k each, in rounds that together take less than one of whole tiles.
struct TileDivision {
  int64_t pieces, sharers, rounds = 1;

  int64_t blocks() const { return pieces * sharers; } ///< of a tile
  /// Tiles that so many blocks make at a time.
  int64_t atOnce(int64_t blocks) const { return blocks / (pieces * sharers); }
};

/// The products that one launch computes, at least one, with tiles of one shape: the stages
/// that these go through are the same for all.
class HopperLaunchPlan {
public:
  /// Of kern.matmul, or of the members of a kern.grouped_matmul: `op` has the configuration.
  /// Longer tiles come first, so that shorter ones fill the last round.
  HopperLaunchPlan(Operation *op, ArrayRef<MatmulOp> products, const HopperTiling &tiling);

  SmallVector<HopperProduct, 2> products;
  int64_t cluster;        ///< blocks of a cluster, which share tiles
  int64_t narrowColumns;  ///< of the tiles that calls may have instead; 0: there are no others
  int64_t sharedProducts; ///< whose tiles all are shared; if any, there is no division of others
  int64_t multicast;      ///< blocks of a cluster, which may copy b for each other
  /// Rows of a product, in the mean, with more of which blocks do so: shorter calls do not reach
  /// the limit of power, below which nothing is gained.
  static constexpr int64_t multicastRows = 3072;
  /// Whether a product has so many weights that a model of such may reach the limit of power.
  static bool isLarge(MatmulOp product) {
    constexpr int64_t leastWeights = int64_t(1) << 22;
    return int64_t(product.getN() * product.getGroups() * product.getK()) >= leastWeights;
  }
  /// Whether a call has more rows than that.
  static bool isLong(ArrayRef<int64_t> rows) {
    return llvm::sum_of(rows) > multicastRows * int64_t(rows.size());
  }

  int64_t tileRows() const { return first().tileRows; }
  int64_t stages() const { return first().stages; }
  int64_t consumers() const { return first().consumers(); }
  int64_t threads() const { return first().threads(); }
  /// Columns of the result that tiles have: all those of a call one of these.
  SmallVector<int64_t, 2> widths() const;
  /// Columns of the boxes in which b is copied, that is rows of b, the most first: each part of a
  /// tile is whole ones of a kind.
  SmallVector<int64_t, 3> boxes() const;
  /// The largest of them that so many columns are whole ones of.
  int64_t boxOf(int64_t columns) const;
  /// Microseconds of a block's part of a tile with so many columns of the result and tiles in k,
  /// while so many blocks have one; measured on an H200. At the limit of power its products take
  /// `atPower` times as long.
  double partTime(int64_t columns, const TileDivision &division, int64_t kTiles, int64_t blocks,
                  double atPower = 1) const;
  /// Microseconds of a launch where each product has so many rows, and its tiles so many columns,
  /// with b copied by each block for itself, or for its cluster; infinity where clusters share all
  /// tiles of products that have too many for it.
  double launchTime(int64_t columns, bool isMulticast, ArrayRef<int64_t> rows,
                    const flowhn::GPUTargetInfo &target) const;

  bool storesFloats() const {
    return llvm::any_of(products,
                        [](HopperProduct one) { return elementType(one.op.getOut()).isF32(); });
  }
  /// Whether threads read a value, or store four bytes, for each element of a result.
  bool movesResidual() const;
  /// Blocks that run at a time, measured on H200s.
  int64_t blocksAtOnce(const flowhn::GPUTargetInfo &target) const;
  /// Whether threads check the columns that they store: code that needs registers of its own.
  bool checksColumns() const;
  /// Whether a thread's part of a tile and what it stores with it fit in its registers.
  bool fitsRegisters() const {
    return !storesFloats() || first().tileColumns < 256 || !checksColumns();
  }
  /// What there is for a last round of tiles with so many columns of the result: the most blocks to
  /// a tile first.
  SmallVector<TileDivision, 3> divisionsOf(int64_t columns) const;
  /// Tiles in k that a stage has of a part with so many columns: two of one so small that both fit,
  /// which would wait for its copies otherwise.
  int64_t depthOf(int64_t columns) const;
  /// Whether tiles can be narrower than the widest ones: whole pieces of them, or what the copy
  /// engine can store.
  bool canBeNarrower() const;
  /// Blocks that have a part of each tile of a product, but for those of a last round.
  int64_t sharersOf(size_t product) const {
    return int64_t(product) < sharedProducts ? cluster : 1;
  }
  /// Whether the blocks of a cluster can share every tile, or piece: a part of k for each, whose
  /// sums fit where the stages were, and whole chunks of its columns.
  bool canShare() const;
  /// Whether the tiles of so many products can all be shared.
  bool canShareProducts() const {
    return cluster > 1 && !narrowColumns && sharedProducts <= int64_t(products.size());
  }
  /// Whether blocks can copy b for each other, as many boxes each: where clusters share no more
  /// than pieces of tiles.
  bool canMulticast() const;
  int64_t clusterBlocks() const { return std::max(cluster, multicast); }
  /// Whether a launch says if its blocks form clusters, or the code does.
  bool mayFormClusters() const { return multicast > cluster; }

  // Shared memory: what each product has, then the barriers.
  int64_t barrierOffset() const;
  int64_t sharedBytes() const { return barrierOffset() + stages() * 16; }

private:
  const HopperMatmulPlan &first() const { return products.front().plan; }
  /// Whether one tile has all columns.
  bool hasOneTile() const;
  double stepTime(int64_t columns, int64_t blocks) const;
  double timeAtPower(int64_t columns, bool isMulticast) const;
  /// In how many pieces, of equal columns, such tiles can be made: the most first.
  ArrayRef<int64_t> piecesOf(int64_t columns) const;
  /// Rounds of tiles that clusters share which take less than one of whole tiles.
  int64_t sharedRounds() const;
};

/// The products of an op: itself, or its members.
SmallVector<MatmulOp, 2> productsOf(Operation *op);

/// Emits the code of a thread block.
void emitHopperBlock(GPUKernelBuilder &b, const HopperLaunchPlan &plan);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULHOPPER_H
