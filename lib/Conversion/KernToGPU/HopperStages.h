//===- HopperStages.h - Tiles in shared memory, and their copies -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A stage is full when its bytes have come, and empty when every warp of the consumers has said so.
//
// In long calls the blocks of a cluster have tiles one below the other, so the same tile of b, of
// which each copies a part to all (docs/Rationale/SharedCopies.md). A stage is empty then when the
// consumers of every block have said so.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTAGES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTAGES_H

#include "HopperSchedule.h"

namespace mlir::kern::nvptx {

/// The ring of stages that tiles of a and b go through, and the barriers of each.
class HopperStages {
public:
  HopperStages(GPUKernelBuilder &b, const HopperLaunchPlan &plan, Value base, Value thread);

  /// Every thread does so, once.
  void initBarriers();
  /// Copies what a part of a tile needs, by one thread, from `stage` on; returns the stage behind
  /// it.
  Stage copyPart(const ProductCode &code, const TilePart &part, Stage stage);

  Stage next(Stage stage);
  void waitFull(Stage stage) { waitBarrier(b, full(stage.index), stage.phase); }
  /// Where a tile in k of a part with so many columns lies, the n-th one of a stage.
  Value offsetOfA(const ProductCode &code, int64_t columns, Value stage, int64_t n);
  Value offsetOfB(const ProductCode &code, int64_t columns, Value stage, int64_t n);
  /// Says for a warp that it needs a stage of the part no longer.
  void release(const TilePart &part, Value stage);
  /// Every thread does so at the end: other blocks may still reach the block's barriers.
  void leave();

private:
  GPUKernelBuilder &b;
  const HopperLaunchPlan &plan;
  Value base, thread;
  Value copiers; ///< blocks of the cluster that may copy to a stage of this one

  Value full(Value stage) { return barrierAt(stage, 0); }
  Value empty(Value stage) { return barrierAt(stage, plan.stages() * 8); }
  Value barrierAt(Value stage, int64_t offset) {
    return b.shared(base, b.add(b.mul(stage, 8), plan.barrierOffset() + offset));
  }
  /// What b of a part is copied by.
  const BoxMap &mapFor(const ProductCode &code, const TilePart &part) const;
  /// Announces all bytes of the stage, and copies b, from `kTile` on.
  void copyB(const ProductCode &code, const TilePart &part, Value kTile, Value stage);
  /// Copies the n-th tile in k of a stage.
  void copyTileOfB(const ProductCode &code, const TilePart &part, Value kTile, Value stage,
                   int64_t n);
  void copyBox(const ProductCode &code, const TilePart &part, Value kTile, Value stage, Value place,
               Value box, Value receivers);
  void copyA(const ProductCode &code, const TilePart &part, Value kTile, Value stage);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTAGES_H
