//===- AttentionWarpgroupSoftmax.cpp - Weights of scores, and results -----===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionWarpgroupEmitter.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// Position in its sequence of the thread's row of either half of the warp's 16.
Value WarpgroupAttention::rowOf(int64_t half) {
  Value first = b.add(b.mul(warp, 16), b.div(lane, 4));
  return b.add(b.add(share.begin, first), half * 8);
}

/// A thread's scores of the rows of one half.
static RowScores scoresOf(MutableArrayRef<Value> scores, int64_t half) {
  RowScores own;
  for (size_t first = 2 * half; first < scores.size(); first += 4)
    llvm::append_range(own, ArrayRef{&scores[first], &scores[first + 1]});
  return own;
}

/// Takes the keys behind a query's own position out of its scores.
void WarpgroupAttention::hide(Value block, MutableArrayRef<Value> scores) {
  Value firstColumn = b.add(b.mul(block, shape.keys), b.mul(b.rem(lane, 4), 2));
  for (int64_t half = 0; half < 2; ++half)
    hideScores(b, scoresOf(scores, half), b.sub(rowOf(half), firstColumn));
}

std::array<Value, 2> WarpgroupAttention::weigh(MutableArrayRef<Value> scores, State &state,
                                               bool keepsMaximum) {
  Value scale = softmaxScale(b, op);
  std::array<Value, 2> rescale;
  for (int64_t half = 0; half < 2; ++half)
    if (keepsMaximum)
      addWeights(b, scoresOf(scores, half), state.rows[half], scale);
    else
      rescale[half] = weighScores(b, scoresOf(scores, half), state.rows[half], scale);
  return rescale;
}

SmallVector<Value> WarpgroupAttention::packWeights(ArrayRef<Value> weights) {
  SmallVector<Value> pairs;
  for (size_t first = 0; first < weights.size(); first += 2)
    pairs.push_back(b.packPair(weights[first], weights[first + 1], b.builder.getBF16Type()));
  return pairs;
}

void WarpgroupAttention::store(const State &state) {
  Buffer out = b.buffer(op.getOut());
  int64_t vector =
      commonVector({rowWidth(op.getOut()), static_cast<int64_t>(op.getOutColumn())}, 2);
  Value column = b.add(b.mul(tile.head, shape.headSize), op.getOutColumn());
  column = b.add(column, b.mul(b.rem(lane, 4), 2));
  std::array<Value, 2> isLost;
  for (int64_t half = 0; half < 2; ++half) {
    Value position = rowOf(half), sum = sumOfWeights(b, state.rows[half]);
    Value isStored = b.less(position, tile.sequence.length);
    SmallVector<Value> outputs;
    for (size_t first = 2 * half; first < state.outputs.size(); first += 4)
      llvm::append_range(outputs, ArrayRef(state.outputs).slice(first, 2));
    b.ifThen(isStored, [&] {
      Value offset = b.rowOffset(out, b.add(tile.sequence.begin, position), column);
      storeOutputs(b, outputs, b.reciprocal(sum), out, offset, vector);
    });
    isLost[half] = b.both(isStored, hasOverflown(outputs, sum));
  }
  if (!isExact)
    b.ifThen(arith::OrIOp::create(b.builder, b.loc, isLost[0], isLost[1]), [&] { markTile(); });
}

/// Whether a row's weights have become so large, against those of the first block, that they or
/// its outputs may not be finite.
Value WarpgroupAttention::hasOverflown(ArrayRef<Value> outputs, Value sum) {
  constexpr double largest = 0x1p100;
  // 0 times what is not finite is not a number, nor is the sum then.
  for (Value output : outputs)
    sum = b.fma(output, b.f32(0), sum);
  return arith::CmpFOp::create(b.builder, b.loc, arith::CmpFPredicate::UGT, sum, b.f32(largest));
}

void WarpgroupAttention::markTile() {
  for (Value mark : {tile.mark, anyMark()})
    LLVM::AtomicRMWOp::create(b.builder, b.loc, LLVM::AtomicBinOp::add, mark, b.i32(1),
                              LLVM::AtomicOrdering::monotonic);
}
