//===- MatmulTiles.h - The tiles of kern.matmul on the GPU ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULTILES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULTILES_H

#include "HopperSupport.h"

namespace mlir::kern::nvptx {

/// The sizes that the emitted code of a matmul is made of.
struct MatmulPlan {
  MatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns, int64_t stages);

  int64_t n, k, groups;
  int64_t tileRows;    ///< rows of a block's tile: 64 per warpgroup of consumers
  int64_t tileColumns; ///< columns of b's tile, all groups
  int64_t stages;      ///< tiles of a and b in flight
  bool storesTiles;    ///< the result goes through shared memory and the copy engine

  int64_t outColumns() const { return tileColumns / groups; } ///< of the result
  int64_t columnTiles() const { return llvm::divideCeil(n, outColumns()); }
  int64_t kTiles() const { return llvm::divideCeil(k, swizzledColumns); }
  int64_t consumers() const { return tileRows / 64; }
  int64_t threads() const { return 128 * (1 + consumers()); }

  // Shared memory: the stages of a, those of b, the tiles of the result, the barriers.
  int64_t aBytes() const { return tileRows * swizzledRowBytes; }
  int64_t bBytes() const { return tileColumns * swizzledRowBytes; }
  int64_t bOffset() const { return stages * aBytes(); }
  int64_t outOffset() const { return bOffset() + stages * bBytes(); }
  int64_t outTileBytes() const { return 64 * swizzledRowBytes; }
  int64_t outBytes() const { return storesTiles ? consumers() * 2 * outTileBytes() : 0; }
  int64_t barrierOffset() const { return outOffset() + outBytes(); }
  int64_t sharedBytes() const { return barrierOffset() + stages * 16; }
};

/// A tile of the result: where it starts. All i32.
struct MatmulTile {
  Value row, column;
};

/// What one warpgroup does with the sums of its 64 rows: the region, then the store.
class MatmulEpilogue {
public:
  /// Emits what all tiles share. `consumer` is the warpgroup's place among the consumers,
  /// `thread` the thread's place in it, `outMap` the result's tensor map where tiles are
  /// stored.
  MatmulEpilogue(GPUKernelBuilder &b, MatmulOp op, const MatmulPlan &plan, Value base,
                 Value consumer, Value thread, Value outMap);

  void emit(const MatmulTile &tile, Value sums);
  /// Waits for the copies of the last tiles.
  void finish();

private:
  GPUKernelBuilder &b;
  MatmulOp op;
  const MatmulPlan &plan;
  Value base, consumer, outMap;
  Value rows, warp, lane, isLeader;
  Buffer out;
  Extras extras;

  /// A row of the result: where its extras lie, and those that are read once.
  struct ExtraRow {
    Value row, gatheredRow;
    SmallVector<Value> scalars;
  };

  ExtraRow extraRow(Value row);
  void storeDirectly(const MatmulTile &tile, ArrayRef<Value> sums);
  void storeRow(Value row, Value column, int64_t half, ArrayRef<Value> sums);
  void storeThroughShared(const MatmulTile &tile, ArrayRef<Value> sums);
  SmallVector<Value> evaluate(ArrayRef<Value> sums, int64_t chunk, int64_t half, const ExtraRow &at,
                              Value column, int64_t first, int64_t count);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULTILES_H
