//===- ScanRows.h - What belongs to a scan's channels -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANROWS_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANROWS_H

#include "ScanLanes.h"

namespace mlir::kern::nvptx {

/// Moves u, Δ and the extras' rows of a block's channels through shared memory, where they lie
/// by side, by row of the tile and by channel.
class ScanRows {
public:
  ScanRows(GPUKernelBuilder &b, ArrayRef<ScanInput> inputs, const ScanShape &shape,
           const ScanLanes &lanes, const Sequence &sequence);

  /// Begins to copy the block's channels of the tile from row `time` on, to a side.
  void fetch(Value time, Value side);
  /// The thread's own channel of each input, as float32, in a row of the side.
  SmallVector<Value> load(Value side, Value row, int64_t distance);

private:
  GPUKernelBuilder &b;
  SmallVector<ScanInput> inputs;
  ScanShape shape;
  Sequence sequence;
  Value base;
  Value channel; ///< the thread's own one, among the block's

  void fetch(const ScanInput &input, const ScanCopy &copy, Value time, Value side);
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANROWS_H
