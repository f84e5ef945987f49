//===- AttentionSplit.cpp - Attention of few queries ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A step of decoding has a query or two for many keys: what counts is to read the keys. They
// are split over the warps of a cluster of blocks, each of which has its own stages and waits
// for nobody (flash decoding, https://pytorch.org/blog/flash-decoding). The query heads that
// share a head of keys are rows of one tile. Sums are combined in a fixed order, first those of
// a block's warps, then those of the blocks, through each other's shared memory.
//
//===----------------------------------------------------------------------===//

#include "AttentionSplit.h"
#include "AttentionState.h"
#include "HopperSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// A maximum below all scores, whose product with any scale is exact: no weight relative to it
/// is one that is not a number.
static constexpr double belowAllScores = -0x1p100;

namespace {
/// Sums of a row over all parts of the keys.
struct MergedSums {
  Value maximum, weights;
  SmallVector<Value, 2> outputs; ///< two neighbouring features
};

/// Emits the code of one thread.
class SplitAttentionEmitter {
public:
  SplitAttentionEmitter(GPUKernelBuilder &b, AttentionOp op, const SplitAttentionShape &shape);

  void emit();

private:
  GPUKernelBuilder &b;
  AttentionOp op;
  const SplitAttentionShape &shape;
  Value base, thread, warp, lane, split, kvHead;
  Value warpBase; ///< of the warp's own shared memory
  Value scale;
  AttentionTiles tiles;
  AttentionRows rows;
  Value numRows; ///< of the tile that are queries

  SoftmaxState attendKeys();
  void copyQueries();
  void copyKeys(Value firstKey, Value stage);
  Value rowOf(int64_t row);
  void storeSums(SoftmaxState state);
  SmallVector<Value> warpSums();
  SmallVector<Value> blockSums();
  void mergeWarps();
  void storeMerged(ArrayRef<Value> sums);
  void storeOutputs(Value row, Value feature, const MergedSums &sums);
  void forEachPair(Value first, int64_t step, int64_t perRow,
                   llvm::function_ref<void(Value row, Value column)> body);
  MergedSums merge(ArrayRef<Value> sums, Value row, Value column);
};
} // namespace

SplitAttentionEmitter::SplitAttentionEmitter(GPUKernelBuilder &b, AttentionOp op,
                                             const SplitAttentionShape &shape)
    : b(b), op(op), shape(shape), base(b.sharedBase()), thread(b.threadId()),
      warp(b.broadcastLane0(b.div(thread, 32))), lane(b.rem(thread, 32)), split(b.blockId(0)),
      kvHead(b.blockId(1)), warpBase(b.shared(base, b.mul(warp, shape.warpBytes()))),
      scale(softmaxScale(b, op)), tiles(b, shape.warp, lane, warpBase) {}

void SplitAttentionEmitter::emit() {
  rows = AttentionRows::load(b, op, b.blockId(2));
  numRows = b.mul(rows.queries.length, shape.sharing);
  b.ifThen(b.less(b.i32(0), numRows), [&] { // or all blocks of the cluster have nothing to do
    storeSums(attendKeys());
    b.barrier();
    if (shape.splits == 1)
      return storeMerged(warpSums());
    mergeWarps();
    syncCluster(b, shape.splits);
    storeMerged(blockSums());
    syncCluster(b, shape.splits); // a block's sums are there until all have read them
  });
}

//===----------------------------------------------------------------------===//
// Keys of a warp
//===----------------------------------------------------------------------===//

/// Every warp takes blocks of keys in turn with all others of the cluster. So many as it has
/// stages are on their way.
SoftmaxState SplitAttentionEmitter::attendKeys() {
  int64_t stages = shape.warp.stages;
  Value first = b.mul(b.add(b.mul(split, shape.warps), warp), shape.warp.keys);
  tiles.clearPadding();
  copyQueries();
  for (int64_t stage = 0; stage < stages; ++stage)
    copyKeys(b.add(first, stage * shape.keyStep()), b.i32(stage));
  waitCopies(b, stages);
  b.syncWarp();
  tiles.loadQueries();

  SoftmaxState state = SoftmaxState::empty(b, shape.warp, {b.f32(belowAllScores), b.f32(0)});
  SmallVector<Value> carried = state.pack();
  carried.push_back(b.i32(0));
  auto attend = [&](Value firstKey, ValueRange values) {
    Value stage = values.back(), ownColumn = b.mul(b.rem(lane, 4), 2);
    waitCopies(b, stages - 1);
    b.syncWarp();
    SoftmaxState state = SoftmaxState::unpack(shape.warp, values.drop_back());
    state.attend(b, tiles, shape.warp, b.mul(stage, shape.warp.tileBytes()), scale,
                 [&](int64_t row) {
                   Value position = b.add(rows.before, b.div(rowOf(row), shape.sharing));
                   return b.sub(b.sub(position, firstKey), ownColumn);
                 });
    b.syncWarp();
    copyKeys(b.add(firstKey, stages * shape.keyStep()), stage);
    SmallVector<Value> result = state.pack();
    result.push_back(b.rem(b.add(stage, 1), b.i32(stages)));
    return result;
  };
  carried = b.forLoop(first, rows.keys.length, b.i32(shape.keyStep()), carried, attend);
  return SoftmaxState::unpack(shape.warp, ArrayRef(carried).drop_back());
}

/// Row i of the tile is head i % sharing of query i / sharing, or of the last one.
void SplitAttentionEmitter::copyQueries() {
  AttentionTiles::Source query =
      tiles.source(op.getQuery(), op.getQColumn(), b.mul(kvHead, shape.sharing));
  Value last = b.sub(rows.queries.length, b.i32(1));
  auto place = [&](Value line) {
    Value row = b.add(rows.queries.begin, b.min(b.div(line, shape.sharing), last));
    Value head = b.mul(b.rem(line, shape.sharing), shape.warp.headSize);
    return std::pair(row, b.add(query.column, head));
  };
  tiles.copy(query, place, shape.warp.rows, b.i32(0));
  commitCopies(b);
}

/// Starts copying the keys and values from `firstKey` on, if the sequence has any: one
/// group of copies, even an empty one.
void SplitAttentionEmitter::copyKeys(Value firstKey, Value stage) {
  b.ifThen(b.less(firstKey, rows.keys.length), [&] {
    Value last = b.add(rows.keys.begin, b.sub(rows.keys.length, b.i32(1)));
    Value row = b.add(rows.keys.begin, firstKey), offset = b.mul(stage, shape.warp.tileBytes());
    tiles.copy(tiles.source(op.getKey(), op.getKColumn(), kvHead), row, last, shape.warp.keys,
               b.add(offset, shape.warp.keysAt()));
    tiles.copy(tiles.source(op.getValue(), op.getVColumn(), kvHead), row, last, shape.warp.keys,
               b.add(offset, shape.warp.valuesAt()));
  });
  commitCopies(b);
}

/// Row `row` of the thread, in the tile.
Value SplitAttentionEmitter::rowOf(int64_t row) {
  return b.add(b.div(lane, 4), row / 2 * 16 + row % 2 * 8);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// The warp's sums take the place of its queries and keys.
void SplitAttentionEmitter::storeSums(SoftmaxState state) {
  b.syncWarp();
  Value quad = b.rem(lane, 4);
  for (int64_t row = 0; row < 2 * shape.warp.rowTiles(); ++row) {
    Value weights = sumOfWeights(b, state.rows[row]);
    b.ifThen(b.less(rowOf(row), numRows), [&] {
      Value place = b.shared(warpBase, b.mul(rowOf(row), 4 * shape.sumFloats()));
      auto storePair = [&](Value low, Value high, Value column) {
        b.storeRaw(b.vectorOf({low, high}), b.shared(place, b.mul(column, 4)), 8);
      };
      SmallVector<Value *> outputs = state.outputsOf(shape.warp, row);
      for (size_t i = 0; i < outputs.size(); i += 2)
        storePair(*outputs[i], *outputs[i + 1], b.add(b.mul(quad, 2), i / 2 * 8));
      b.ifThen(b.equal(quad, 0),
               [&] { storePair(state.rows[row].maximum, weights, b.i32(shape.warp.headSize)); });
    });
  }
}

/// Shares out pairs of neighbouring columns, `perRow` of a row, from number `first` on.
void SplitAttentionEmitter::forEachPair(Value first, int64_t step, int64_t perRow,
                                        llvm::function_ref<void(Value row, Value column)> body) {
  b.forLoop(first, b.mul(numRows, perRow), b.i32(step),
            [&](Value number) { body(b.div(number, perRow), b.mul(b.rem(number, perRow), 2)); });
}

/// `sums` is where each part has its own.
MergedSums SplitAttentionEmitter::merge(ArrayRef<Value> sums, Value row, Value column) {
  auto pairType = VectorType::get(2, b.f32());
  Value rowAt = b.mul(row, 4 * shape.sumFloats());
  SmallVector<SmallVector<Value>> totals, outputs;
  for (Value part : sums) {
    auto loadPair = [&](Value at) {
      return b.elementsOf(b.loadRaw(pairType, b.at(b.shared(part, rowAt), at, b.f32()), 8));
    };
    totals.push_back(loadPair(b.i32(shape.warp.headSize)));
    outputs.push_back(loadPair(column));
  }
  MergedSums merged{totals[0][0], b.f32(0), {b.f32(0), b.f32(0)}};
  for (ArrayRef<Value> total : totals)
    merged.maximum = b.maxf(merged.maximum, total[0]);
  for (auto [total, output] : llvm::zip_equal(totals, outputs)) {
    Value weight = b.exp2(b.mulf(b.subf(total[0], merged.maximum), scale));
    merged.weights = b.fma(total[1], weight, merged.weights);
    for (auto [sum, value] : llvm::zip_equal(merged.outputs, output))
      sum = b.fma(value, weight, sum);
  }
  return merged;
}

SmallVector<Value> SplitAttentionEmitter::warpSums() {
  SmallVector<Value> sums;
  for (int64_t part = 0; part < shape.warps; ++part)
    sums.push_back(b.shared(base, part * shape.warpBytes()));
  return sums;
}

SmallVector<Value> SplitAttentionEmitter::blockSums() {
  SmallVector<Value> sums;
  for (int64_t part = 0; part < shape.splits; ++part)
    sums.push_back(inCluster(b, b.shared(base, shape.sumsAt()), b.i32(part)));
  return sums;
}

/// The sums of a block, in the form of those of a warp.
void SplitAttentionEmitter::mergeWarps() {
  SmallVector<Value> parts = warpSums();
  forEachPair(thread, shape.threads(), shape.sumFloats() / 2, [&](Value row, Value column) {
    MergedSums sums = merge(parts, row, column);
    // The last pair is no features.
    Value isTotal = b.equal(column, shape.warp.headSize);
    Value pair = b.vectorOf({b.select(isTotal, sums.maximum, sums.outputs[0]),
                             b.select(isTotal, sums.weights, sums.outputs[1])});
    Value place = b.shared(b.shared(base, shape.sumsAt()), b.mul(row, 4 * shape.sumFloats()));
    b.storeRaw(pair, b.at(place, column, b.f32()), 8);
  });
}

/// Each block of the cluster has a share of the features.
void SplitAttentionEmitter::storeMerged(ArrayRef<Value> sums) {
  Value first = b.add(b.mul(split, shape.threads()), thread);
  forEachPair(
      first, shape.splits * shape.threads(), shape.warp.headSize / 2,
      [&](Value row, Value column) { storeOutputs(row, column, merge(sums, row, column)); });
}

void SplitAttentionEmitter::storeOutputs(Value row, Value feature, const MergedSums &sums) {
  Buffer out = b.buffer(op.getOut());
  Value head = b.add(b.mul(kvHead, shape.sharing), b.rem(row, shape.sharing));
  Value column = b.add(b.add(b.mul(head, shape.warp.headSize), feature), op.getOutColumn());
  Value offset = b.rowOffset(out, b.add(rows.queries.begin, b.div(row, shape.sharing)), column);
  int64_t vector =
      commonVector({rowWidth(op.getOut()), static_cast<int64_t>(op.getOutColumn())}, 2);
  nvptx::storeOutputs(b, sums.outputs, b.reciprocal(sums.weights), out, offset, vector);
}

void nvptx::emitSplitAttention(GPUKernelBuilder &b, AttentionOp op,
                               const SplitAttentionShape &shape) {
  SplitAttentionEmitter(b, op, shape).emit();
}
