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

  /// Whether a tile can also be made as two of half its columns.
  bool hasHalves() const { return outColumns() % 128 == 0; }
  /// Columns of b's boxes, that is rows of b.
  int64_t boxColumns() const { return hasHalves() ? outColumns() / 2 : outColumns(); }

  int64_t consumers() const { return tileRows / 64; } ///< warpgroups, 64 rows each
  int64_t threads() const { return 128 * (1 + consumers()); }

  // Shared memory: the stages, the tiles of the result, the barriers.
  int64_t outOffset() const { return stagesBytes(); }
  int64_t outTileBytes() const { return 64 * swizzledRowBytes; }
  int64_t outBytes() const { return storesTiles ? consumers() * 2 * outTileBytes() : 0; }
  int64_t barrierOffset() const { return outOffset() + outBytes(); }
  int64_t sharedBytes() const { return barrierOffset() + stages * 16; }
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_MATMULHOPPER_H
