//===- MatmulFewRows.h - Matmul of few rows ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULFEWROWS_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULFEWROWS_H

#include "HopperSupport.h"
#include "MatmulTiles.h"

namespace mlir::kern::nvptx {

/// The sizes that the code for few rows is made of: a tile of the result, with all rows where these
/// are few, is made by the blocks of a cluster, each over its share of k.
struct FewRowsPlan : MatmulPlan {
  FewRowsPlan(MatmulOp op, int64_t clusterBlocks, int64_t stages);

  static constexpr int64_t mostRows = 64;        ///< of a tile
  static constexpr int64_t columns = 64;         ///< of a tile: rows of a group's weights
  static constexpr int64_t productThreads = 128; ///< that multiply; one warp more copies
  static constexpr int64_t threads = productThreads + 32;

  int64_t clusterBlocks;
  bool hasRowTiles; ///< several
  /// The code for at most so many rows, multiples of 8 and ascending: what it copies and adds is
  /// of that size.
  SmallVector<int64_t, 2> sizes;

  int64_t groupBytes() const { return columns * swizzledRowBytes; }
  int64_t blockTiles() const { return llvm::divideCeil(kTiles(), clusterBlocks); } ///< of k
  int64_t stageBytes(int64_t rows) const { return bBytes() + rows * swizzledRowBytes; }
  /// Stages of the code for `rows`: as many as have room and tiles.
  int64_t stagesOf(int64_t rows) const {
    return std::min(blockTiles(), stagesBytes() / stageBytes(rows));
  }

  // Sums lie where the stages were, the columns of a row side by side.
  static constexpr int64_t sumStride = columns + 4; ///< 8 columns of 4 rows in 32 banks
  int64_t sumsBytes() const { return groups * tileRows * sumStride * 4; }

  // Shared memory: the stages, then the barriers.
  int64_t barrierOffset() const { return std::max(stagesBytes(), sumsBytes()); }
  int64_t sharedBytes() const { return barrierOffset() + stagesOf(sizes.front()) * 16; }
};

/// Where a thread that multiplies is, and in which block.
struct FewRowsContext {
  GPUKernelBuilder &b;
  MatmulOp op;
  const FewRowsPlan &plan;
  Value base; ///< of shared memory
  Value thread;
  Value rows;       ///< of the tile
  Value rank;       ///< of the block in its cluster
  Value tileRow;    ///< the first one of the result that the cluster makes
  Value tileColumn; ///< likewise
};

/// From the sums of a cluster's blocks to the result.
class FewRowsStores {
public:
  /// Of the code for at most `sizeRows` rows.
  FewRowsStores(const FewRowsContext &context, int64_t sizeRows);

  /// Before the products: reads what the region needs for the thread's first row.
  void begin();
  /// Behind them: `sums` are those of each group, 64 weight rows × `sizeRows` as a warpgroup's
  /// threads have them. Nobody reads the stages any more.
  void store(ArrayRef<Value> sums);

private:
  /// Neighbouring columns of a row that a thread stores.
  struct Place {
    Value row;    ///< in the tile
    Value outRow; ///< in the result's buffer
    MatmulEpilogue::Loaded extras;
  };

  GPUKernelBuilder &b;
  MatmulOp op;
  const FewRowsPlan &plan;
  Value base, thread, rows, rank, tileRow, tileColumn;
  int64_t sizeRows;
  MatmulEpilogue epilogue;
  int64_t count;      ///< columns of a place
  int64_t rowsAtOnce; ///< that the threads of a cluster store together
  Value column;       ///< of the thread's places, from the tile's first one on
  Value exists;       ///< null where all columns of the tile do
  Value firstRow;
  Place first;

  Place load(Value row);
  void shareSums(ArrayRef<Value> sums);
  void storePlace(const Place &place);
  SmallVector<Value> addSums(Value row);
};

/// Emits the code of a thread block.
void emitFewRowsBlock(GPUKernelBuilder &b, MatmulOp op, const FewRowsPlan &plan);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULFEWROWS_H
