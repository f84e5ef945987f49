//===- ScanLanes.h - How the lanes of a scan share its work -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group of neighbouring lanes takes some channels through a round of rows at a time: as
// many channels × rows as it has lanes. Each lane owns one channel in one row of the round:
// it alone computes Δ and what is stored there. Of all the group's channels it keeps its share
// of the states, so that what it reads of b and c serves them all. Δ and Δ · u go from their
// owner to the group, the lanes' shares of y back to the owner.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANLANES_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANLANES_H

#include "ScanTiles.h"

namespace mlir::kern::nvptx {

/// What the lanes of a group tell each other.
///
/// A lane numbers the group's channels from its own one on: slot s is the channel of the
/// lane whose number differs in the bits of s.
class ScanLanes {
public:
  ScanLanes(GPUKernelBuilder &b, const ScanShape &shape);

  /// The thread's place in its group: which of the states are its share.
  Value part() const { return lane; }
  /// The row of a round that the thread owns.
  Value row() const { return ownRow; }
  /// The thread's own channel, among the block's.
  Value channelInBlock() const;
  /// The channel of a slot, among all channels.
  Value channel(int64_t slot) const;
  /// The owner's value for a row of the round and the channel of a slot.
  Value gather(Value owned, int64_t row, int64_t slot) const;
  /// The sum over the group of what its lanes have for what the thread owns.
  /// `shares` lie by row, then by slot.
  Value scatterSum(SmallVector<Value> shares) const;
  /// The sum of the group's values for the thread's channel.
  Value sumRows(Value owned) const;

private:
  GPUKernelBuilder &b;
  ScanShape shape;
  Value lane, ownRow;
  Value groupChannel; ///< the group's first one, among the block's
  Value ownChannel;   ///< among the group's
};

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_SCANLANES_H
