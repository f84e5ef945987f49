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

/// The sizes that the code for warpgroups is made of.
struct HopperMatmulPlan : MatmulPlan {
  HopperMatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns, int64_t stages);

  bool storesTiles; ///< the result goes through shared memory and the copy engine

  int64_t consumers() const { return tileRows / 64; } ///< warpgroups, 64 rows each
  int64_t threads() const { return 128 * (1 + consumers()); }

  // Shared memory: the stages, the tiles of the result, the barriers.
  int64_t outOffset() const { return stagesBytes(); }
  int64_t outTileBytes() const { return 64 * swizzledRowBytes; }
  int64_t outBytes() const { return storesTiles ? consumers() * 2 * outTileBytes() : 0; }
  int64_t barrierOffset() const { return outOffset() + outBytes(); }
  int64_t sharedBytes() const { return barrierOffset() + stages * 16; }
};

/// Results of whole tiles that the threads store themselves, four neighbours at a time. What
/// is read for the first half of the rows comes while the products run.
class HopperRowStores {
public:
  HopperRowStores(GPUKernelBuilder &b, MatmulOp op, const HopperMatmulPlan &plan, Value lane,
                  MatmulEpilogue &epilogue);

  /// Whether the tiles of a plan are stored so.
  static bool canStore(MatmulOp op, const HopperMatmulPlan &plan);

  /// Before the products of 16 rows from `tile` on, and behind them.
  void begin(const MatmulTile &tile);
  void store(ArrayRef<Value> sums);

private:
  /// Quads [begin, end) of the thread's row in a half.
  struct Batch {
    int64_t half, begin, end;
  };
  /// A row of the thread, where it is stored, and whether it exists.
  struct Row {
    MatmulEpilogue::ExtraRow extras;
    Value out, exists;
  };

  GPUKernelBuilder &b;
  const HopperMatmulPlan &plan;
  MatmulEpilogue &epilogue;
  Buffer out;
  Value rows, scatter, lane, isOdd;
  int64_t outColumn;
  SmallVector<Batch> batches;
  size_t ahead; ///< batches that are loaded before they are needed

  // Of the tile.
  Value column; ///< the thread's, of quad 0
  SmallVector<Row, 2> threadRows;
  SmallVector<SmallVector<MatmulEpilogue::Loaded>> loaded;

  void loadBatch();
  void storeBatch(const Batch &batch, ArrayRef<MatmulEpilogue::Loaded> values,
                  ArrayRef<Value> sums);
  void takeQuad(ArrayRef<Value> sums, int64_t half, int64_t quad, SmallVector<Value> &result);
};

/// What one warpgroup does with the sums of its 64 rows: the region, then the store.
class HopperEpilogue {
public:
  /// Emits what all tiles share. `consumer` is the warpgroup's place among the consumers,
  /// `thread` the thread's place in it, `outMap` the result's tensor map where tiles are
  /// stored.
  HopperEpilogue(GPUKernelBuilder &b, MatmulOp op, const HopperMatmulPlan &plan, Value base,
                 Value consumer, Value thread, Value outMap);

  /// Before the products of a tile.
  void begin(const MatmulTile &tile);
  void emit(const MatmulTile &tile, Value sums);
  /// Waits for the copies of the last tiles.
  void finish();

private:
  GPUKernelBuilder &b;
  MatmulOp op;
  const HopperMatmulPlan &plan;
  Value base, consumer, outMap;
  Value rows, warp, lane, isLeader;
  MatmulEpilogue epilogue;
  std::optional<HopperRowStores> rowStores;

  /// The first of the warp's 16 rows.
  MatmulTile warpTile(const MatmulTile &tile);
  void storeThroughShared(const MatmulTile &tile, ArrayRef<Value> sums);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULHOPPER_H
