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

/// The sizes that the code for few rows is made of: all rows are one tile, and a tile of the
/// result's columns is made by the blocks of a cluster, each over its share of k.
struct FewRowsPlan : MatmulPlan {
  FewRowsPlan(MatmulOp op, int64_t clusterBlocks, int64_t stages);

  static constexpr int64_t weightRows = 64; ///< of a group in a tile: those of a product
  static constexpr int64_t warps = 4;       ///< that multiply; one more copies
  static constexpr int64_t threads = 32 * (warps + 1);

  int64_t clusterBlocks;
  /// The code for at most so many rows, multiples of 8 and ascending: what it copies and adds is
  /// of that size.
  SmallVector<int64_t, 2> sizes;

  int64_t blockTiles() const { return llvm::divideCeil(kTiles(), clusterBlocks); } ///< of k
  int64_t stageBytes(int64_t rows) const { return bBytes() + rows * swizzledRowBytes; }
  /// Stages of the code for `rows`: as many as have room and tiles.
  int64_t stagesOf(int64_t rows) const {
    return std::min(blockTiles(), stagesBytes() / stageBytes(rows));
  }

  // Sums lie where the stages were, the weight rows of a token side by side.
  static constexpr int64_t sumStride = weightRows + 4; ///< 8 rows of 4 tokens in 32 banks
  int64_t sumsBytes() const { return groups * tileRows * sumStride * 4; }

  // Shared memory: the stages, then the barriers.
  int64_t barrierOffset() const { return std::max(stagesBytes(), sumsBytes()); }
  int64_t sharedBytes() const { return barrierOffset() + stagesOf(sizes.front()) * 16; }
};

/// Emits the code of a thread block.
void emitFewRowsBlock(GPUKernelBuilder &b, MatmulOp op, const FewRowsPlan &plan);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULFEWROWS_H
