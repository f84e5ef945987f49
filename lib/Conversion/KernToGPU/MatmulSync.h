//===- MatmulSync.h - Matmul by the products of single warps --- *- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULSYNC_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULSYNC_H

#include "MatmulTiles.h"
#include "MmaSupport.h"

namespace mlir::kern::nvptx {

/// Bytes of a copy at most, and of a row in one step of the products.
inline constexpr int64_t pieceBytes = 16;
inline constexpr int64_t stepBytes = 32;
inline constexpr int64_t rowPieces = swizzledRowBytes / pieceBytes;

/// How the warps of a block share its tile: rows × columns, the columns of all groups.
struct WarpTiles {
  int64_t rows, columns;         ///< of a warp
  int64_t rowWarps, columnWarps; ///< of the block
};

/// The sizes that the emitted code is made of.
struct SyncMatmulPlan : MatmulPlan {
  SyncMatmulPlan(MatmulOp op, const WarpTiles &warps, int64_t stages)
      : MatmulPlan(op, warps.rows * warps.rowWarps, warps.columns * warps.columnWarps, stages),
        warps(warps) {}
  /// By the configuration of `op`.
  static SyncMatmulPlan of(MatmulOp op);

  WarpTiles warps;

  int64_t threads() const { return warps.rowWarps * warps.columnWarps * 32; }
  int64_t rowsAtOnce() const { return threads() / rowPieces; }      ///< that a copy takes
  int64_t warpOutColumns() const { return warps.columns / groups; } ///< of the result
  int64_t rowFragments() const { return warps.rows / 16; }          ///< of a warp's sums
  int64_t columnFragments() const { return warps.columns / 8; }
  int64_t sharedBytes() const { return stagesBytes(); }
};

/// Checks a configuration that may have been written by hand.
LogicalResult checkSyncConfig(MatmulOp op, const flowhn::GPUTargetInfo &target);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULSYNC_H
