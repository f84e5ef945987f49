//===- ScanLanes.cpp - How the lanes of a scan share its work -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScanLanes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

ScanLanes::ScanLanes(GPUKernelBuilder &b, const ScanShape &shape) : b(b), shape(shape) {
  Value thread = b.threadId();
  lane = b.rem(thread, shape.lanes);
  ownChannel = b.rem(lane, shape.laneChannels);
  ownRow = b.div(lane, shape.laneChannels);
  groupChannel = b.mul(b.div(thread, shape.lanes), shape.laneChannels);
}

Value ScanLanes::channelInBlock() const { return b.add(groupChannel, ownChannel); }

Value ScanLanes::channel(int64_t slot) const {
  Value first = b.add(b.mul(b.blockId(0), shape.blockChannels()), groupChannel);
  return b.add(first, b.bitXor(ownChannel, b.i32(slot)));
}

/// A value of one lane of each group of `lanes`.
static Value shuffleFrom(GPUKernelBuilder &b, Value value, Value lane, int64_t lanes) {
  int64_t segments = (32 - lanes) << 8;
  return NVVM::ShflOp::create(b.builder, b.loc, value.getType(), b.i32(-1), value, lane,
                              b.i32(segments | 31), NVVM::ShflKind::idx, UnitAttr());
}

Value ScanLanes::gather(Value owned, int64_t row, int64_t slot) const {
  if (shape.roundRows() > 1) {
    Value inRow = b.bitXor(ownChannel, b.i32(slot));
    return shuffleFrom(b, owned, b.add(inRow, row * shape.laneChannels), shape.lanes);
  }
  return slot ? b.shuffleXor(owned, slot) : owned;
}

/// Halves what is left with every exchange: the rows first, then the channels.
Value ScanLanes::scatterSum(SmallVector<Value> shares) const {
  for (int64_t half = shape.roundRows() / 2; half > 0; half /= 2) {
    Value isUpper = b.equal(b.bitAnd(b.div(ownRow, half), 1), 1);
    int64_t count = half * shape.laneChannels;
    for (int64_t index = 0; index < count; ++index) {
      Value sent = b.select(isUpper, shares[index], shares[index + count]);
      Value kept = b.select(isUpper, shares[index + count], shares[index]);
      shares[index] = b.addf(kept, b.shuffleXor(sent, count));
    }
  }
  for (int64_t half = shape.laneChannels / 2; half > 0; half /= 2)
    for (int64_t slot = 0; slot < half; ++slot)
      shares[slot] = b.addf(shares[slot], b.shuffleXor(shares[slot + half], half));
  return shares.front();
}

Value ScanLanes::sumRows(Value owned) const {
  for (int64_t distance = shape.laneChannels; distance < shape.lanes; distance *= 2)
    owned = b.addf(owned, b.shuffleXor(owned, distance));
  return owned;
}
