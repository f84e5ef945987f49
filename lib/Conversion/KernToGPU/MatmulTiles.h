//===- MatmulTiles.h - The tiles of kern.matmul on the GPU ------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULTILES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULTILES_H

#include "EmitterSupport.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::kern::nvptx {

/// Whether the rows of a buffer are a multiple of 16 bytes apart.
bool hasAlignedRows(Value memref);
/// Whether a copy may start at `column`, an illegal instruction but at multiples of 16 bytes,
/// or end before it: a copy to global memory writes whole 16 bytes.
bool isAlignedColumn(Value memref, int64_t column);

/// The sizes that every matmul kernel is made of. Tiles of a and b lie in shared memory in
/// stages: all those of a, then all those of b.
struct MatmulPlan {
  MatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns, int64_t stages);

  int64_t n, k, groups, elementBytes;
  int64_t tileRows;    ///< rows of a block's tile
  int64_t tileColumns; ///< columns of b's tile, all groups
  int64_t stages;      ///< places for tiles of a and b in flight

  int64_t outColumns() const { return tileColumns / groups; } ///< of the result
  int64_t columnTiles() const { return llvm::divideCeil(n, outColumns()); }
  int64_t kColumns() const { return swizzledRowBytes / elementBytes; } ///< of a tile, in k
  int64_t kTiles() const { return llvm::divideCeil(k, kColumns()); }

  int64_t aBytes() const { return tileRows * swizzledRowBytes; }
  int64_t bBytes() const { return tileColumns * swizzledRowBytes; }
  int64_t bOffset() const { return stages * aBytes(); }
  int64_t stagesBytes() const { return bOffset() + stages * bBytes(); }
};

/// A tile of the result: where it starts. All i32.
struct MatmulTile {
  Value row, column;
};

/// Rows of tiles in a raster.
inline constexpr int64_t defaultRasterRows = 8;

/// The tile at `index` of rowTiles × columnTiles ones of `rows` × `columns` of the result, numbered
/// so that blocks at work at the same time share tiles of a and b: by columns in each raster of
/// `rasterRows` rows of tiles.
MatmulTile tileAt(GPUKernelBuilder &b, int64_t rows, int64_t columns, Value rowTiles,
                  Value columnTiles, Value index, Value rasterRows);

/// Whether an extra has a value for each element of the result.
inline bool isMatrix(Access access) { return access == Access::Row || access == Access::Gathered; }

/// From sums to stored results. A warp holds the sums of 16 rows in chunks of 8 columns:
/// each thread has columns 2 (lane mod 4) and the next one of rows lane / 4 and
/// lane / 4 + 8, four sums in this order. The chunks of one group follow on those of the
/// one before, so that the sums of one output column meet in one thread.
class MatmulEpilogue {
public:
  MatmulEpilogue(GPUKernelBuilder &b, MatmulOp op, Value lane);

  /// A row of the result: where its extras lie, and those that are read once.
  struct ExtraRow {
    Value row, gatheredRow;
    SmallVector<Value> scalars;
  };
  ExtraRow extraRow(Value row);

  /// Values of each extra, for neighbouring columns.
  using Loaded = SmallVector<SmallVector<Value>>;
  Loaded load(const ExtraRow &at, Value column, int64_t count);
  /// Brings the lines that hold the extras at `column` of a row to the L2 cache.
  void prefetch(const ExtraRow &at, Value column);
  /// How many of the extras have a value for each element of the result.
  int64_t numMatrices() const;
  /// `count` sums of each group, from `first` on of `half` (0: row lane / 4, 1: row lane / 4 + 8)
  /// of a chunk.
  SmallVector<Value> slice(ArrayRef<Value> sums, int64_t chunk, int64_t half, int64_t first,
                           int64_t count);
  /// The region's results for the columns of `loaded` and a slice of sums.
  SmallVector<Value> evaluate(ArrayRef<Value> slice, const Loaded &loaded, int64_t count);
  /// Stores 16 rows from `tile` on, each thread its own. `isWhole` says that the columns are
  /// known to exist.
  void store(const MatmulTile &tile, ArrayRef<Value> sums, bool isWhole);

private:
  GPUKernelBuilder &b;
  MatmulOp op;
  Value rows, lane;
  Buffer out;
  Extras extras;

  void storeRow(Value row, Value column, int64_t half, ArrayRef<Value> sums, bool isWhole);
  /// Stores the chunks [begin, end) of a row; `laneColumn` is the lane's in chunk 0.
  void storeChunks(const ExtraRow &at, Value outRow, Value laneColumn, int64_t half, int64_t begin,
                   int64_t end, ArrayRef<Value> sums, bool isWhole);
};

/// The matmul of chips with bulk copies and warpgroup products, of 16-bit types, or a
/// kern.grouped_matmul of such. Its configurations, the one that promises most first.
SmallVector<DictionaryAttr> getHopperConfigs(Operation *op, const flowhn::GPUTargetInfo &target);
FailureOr<GPULaunch> emitHopperMatmul(Operation *op, GPUKernelBuilder &b);

/// The matmul of the same chips and types for few rows, of kern.matmuls that promise so.
bool isOfFewRows(MatmulOp op, const flowhn::GPUTargetInfo &target);
DictionaryAttr chooseFewRowsConfig(MatmulOp op, const flowhn::GPUTargetInfo &target);
FailureOr<GPULaunch> emitFewRowsMatmul(MatmulOp op, GPUKernelBuilder &b);

/// The matmul of every chip and of all three types, by mma.sync.
DictionaryAttr chooseSyncConfig(MatmulOp op, const flowhn::GPUTargetInfo &target);
FailureOr<GPULaunch> emitSyncMatmul(MatmulOp op, GPUKernelBuilder &b);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULTILES_H
