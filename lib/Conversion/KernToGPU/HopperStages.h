//===- HopperStages.h - Tiles in shared memory, and their copies -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A stage is full when its bytes have come, and empty when every warp of the consumers has said so:
// of each block that its copies reach, where blocks copy b for each other. Then a block has a tile
// in as many rows below the one of its neighbour, the same of b, and copies its share of that to
// all; so b leaves the L2 cache once for both. In bursts that gains nothing, but in long calls, at
// the limit of power, what a copy does not take is there for products.
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
  /// Announces all bytes of the stage, and copies b.
  void copyB(const ProductCode &code, const TilePart &part, Value kTile, Value stage);
  void copyBox(const ProductCode &code, const TilePart &part, Value kTile, Value stage, Value box,
               Value receivers);
  void copyA(const ProductCode &code, const TilePart &part, Value kTile, Value stage);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERSTAGES_H
