//===- AttentionWarpgroupProducts.cpp - Products of queries, keys, values -===//
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

SmallVector<Value> WarpgroupAttention::State::pack() const {
  SmallVector<Value> values(weights);
  llvm::append_range(values, outputs);
  for (const SoftmaxRow &row : rows)
    llvm::append_range(values, ArrayRef{row.maximum, row.sum});
  if (before.tile)
    llvm::append_range(values, ArrayRef{before.tile, before.barrier});
  return values;
}

/// A state of the same extents.
WarpgroupAttention::State WarpgroupAttention::State::unpack(ValueRange values) const {
  State state;
  llvm::append_range(state.weights, values.take_front(weights.size()));
  llvm::append_range(state.outputs, values.slice(weights.size(), outputs.size()));
  ValueRange rest = values.drop_front(weights.size() + outputs.size());
  for (auto [number, row] : llvm::enumerate(state.rows))
    row = {rest[2 * number], rest[2 * number + 1]};
  if (before.tile)
    state.before = {{}, rest[4], rest[5]};
  return state;
}

void WarpgroupAttention::consume() {
  multiplies = true;
  if (shape.consumerRegisters())
    increaseRegisters(b, shape.consumerRegisters());
  warp = b.div(b.rem(thread, 128), 32);
  lane = b.rem(thread, 32);
  // The first one has the first turn.
  if (shape.warpgroups > 1)
    b.ifThen(b.equal(consumer, shape.warpgroups - 1), [&] { passTurn(); });
  Counts counts = forEachTile({b.i32(0), b.i32(0)}, /*marked=*/false, [&] { attendTile(); });
  arrive(b, allAttended());
  repeatMarked(counts, [&] { attendTile(); });
}

/// A warpgroup has as many turns as the others of the block: one to start a tile, and one
/// for each block of keys.
void WarpgroupAttention::attendTile() {
  share.begin = b.add(tile.begin, b.mul(consumer, 64));
  share.numBlocks = countBlocks(b.add(share.begin, 64));
  share.numWhole = b.div(b.add(share.begin, 1), shape.keys);
  waitQueries();
  Value attended = b.ifElse(
      b.less(b.i32(-1), share.begin),
      [&] {
        attendShare();
        return share.numBlocks;
      },
      [&] {
        takeTurn();
        passTurn();
        release(queriesEmpty());
        return b.i32(0);
      });
  passUp(attended);
}

void WarpgroupAttention::attendShare() {
  State state = attendFirst();
  auto attendAll = [&](Value first, Value last, bool hasHidden) {
    SmallVector<Value> carried =
        b.forLoop(first, last, b.i32(1), state.pack(), [&](Value block, ValueRange values) {
          return attend(block, state.unpack(values), hasHidden).pack();
        });
    state = state.unpack(carried);
  };
  attendAll(b.i32(1), share.numWhole, /*hasHidden=*/false);
  attendAll(b.max(share.numWhole, b.i32(1)), share.numBlocks, /*hasHidden=*/true);
  release(queriesEmpty());
  store(attendLast(state));
}

/// Key 0 is in the first block, and every query sees it.
WarpgroupAttention::State WarpgroupAttention::attendFirst() {
  State state;
  state.outputs.assign(shape.headSize / 2, b.f32(0));
  state.rows[0] = state.rows[1] = SoftmaxRow::empty(b);
  Value first = b.i32(0);
  state.before = placeOf(first);
  bool isPadded = shape.headSize % 16 != 0;
  if (isPadded && !shape.isWatched())
    zeroPadding();
  waitKeys(first);
  takeTurn();
  // That the queries have come, only the turn tells.
  if (isPadded && shape.isWatched())
    zeroPadding();
  SmallVector<Value> scores = startScores(state.before);
  passTurn();
  scores = waitProducts(b, 0, scores);
  releaseKeys(first);
  hide(first, scores);
  weigh(scores, state, /*keepsMaximum=*/false);
  waitValues(first);
  state.weights = packWeights(scores);
  return state;
}

WarpgroupAttention::State WarpgroupAttention::attend(Value block, State state, bool hasHidden) {
  Place before = state.before;
  before.block = b.add(block, -1);
  Place place = placeBehind(before);
  place.block = block;
  waitKeys(block);
  takeTurn();
  SmallVector<Value> scores = startScores(place);
  SmallVector<Value> outputs = startOutputs(before, state);
  passTurn();
  scores = waitProducts(b, shape.waitsOnce() ? 0 : 1, scores);
  if (shape.waitsOnce())
    endOutputs(before, outputs, state);
  releaseKeys(block);
  if (hasHidden)
    hide(block, scores);
  std::array<Value, 2> rescale = weigh(scores, state, /*keepsMaximum=*/!isExact);
  // Here for its branch: ptxas moves the wait for products up, in front of the exponentials
  // that hide under them, but not over a branch.
  waitValues(block);
  if (!shape.waitsOnce())
    endOutputs(before, outputs, state);
  // Not earlier: ptxas serialises products when factors are made while some are on their way.
  state.weights = packWeights(scores);
  if (isExact)
    for (auto [number, output] : llvm::enumerate(state.outputs))
      output = b.mulf(output, rescale[number / 2 % 2]);
  state.before = place;
  return state;
}

/// The products of the last block's weights.
WarpgroupAttention::State WarpgroupAttention::attendLast(State state) {
  zeroTail();
  takeTurn();
  Place last = placeOf(b.add(share.numBlocks, -1));
  SmallVector<Value> outputs = startOutputs(last, state);
  passTurn();
  endOutputs(last, outputs, state);
  return state;
}

/// Keeps the others going over the tile's blocks from `first` on. What is released has come:
/// before, the release would count for an earlier block in the same stage.
void WarpgroupAttention::passUp(Value first) {
  b.forLoop(first, tile.numBlocks, b.i32(1), [&](Value block) {
    auto turn = [&] {
      takeTurn();
      passTurn();
    };
    if (shape.isWatched())
      turn();
    waitKeys(block);
    releaseKeys(block);
    waitValues(block);
    release(barrier(ValuesEmpty, block));
    if (!shape.isWatched())
      turn();
  });
}

/// Of small heads all of it is uniform, and one addition of 64 bits makes it.
Value WarpgroupAttention::tileOf(const Place &place, int64_t tilesAt, int64_t chunkBytes) {
  if (shape.isWatched())
    return b.add(matrixDescriptor(b, b.add(address, tilesAt), chunkBytes), b.widen(place.tile));
  Value tile = b.mul(stageOf(place.block), shape.tileBytes());
  return matrixDescriptor(b, b.add(address, b.add(tile, tilesAt)), chunkBytes);
}

/// q · kᵀ of the warpgroup's queries against a block of keys.
SmallVector<Value> WarpgroupAttention::startScores(const Place &place) {
  Value queries = matrixDescriptor(b, b.add(address, b.mul(consumer, 64 * swizzledRowBytes)));
  Value keys = tileOf(place, shape.keysAt());
  Value sums = LLVM::PoisonOp::create(b.builder, b.loc, sumsType(b, shape.keys));
  fenceProducts(b);
  for (int64_t step = 0; step < shape.featureSteps(); ++step) {
    int64_t box = step / 4, inBox = step % 4 * 2; // units of 16 bytes, as descriptors count
    sums = startStep(b, b.builder.getBF16Type(), sums,
                     advanceDescriptor(b, queries, box * shape.queryBoxBytes() / 16 + inBox),
                     advanceDescriptor(b, keys, box * shape.keyBoxBytes() / 16 + inBox), shape.keys,
                     /*addsSums=*/step > 0);
  }
  commitProducts(b);
  SmallVector<Value> scores;
  for (int64_t i = 0; i < shape.keys / 2; ++i)
    scores.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sums, i));
  return scores;
}

/// outputs + weights · values of a block of keys.
SmallVector<Value> WarpgroupAttention::startOutputs(const Place &place, const State &state) {
  Value values = tileOf(place, shape.valuesAt(), shape.keyBoxBytes());
  SmallVector<Value> outputs = state.outputs;
  fenceProducts(b);
  for (int64_t step = 0; step < shape.keys / 16; ++step)
    outputs = startStep(b, outputs, ArrayRef(state.weights).slice(4 * step, 4),
                        advanceDescriptor(b, values, step * swizzledRowBytes), shape.headSize);
  commitProducts(b);
  return outputs;
}

/// Waits for the products of the weights and values of a block.
void WarpgroupAttention::endOutputs(const Place &place, ArrayRef<Value> outputs, State &state) {
  state.outputs = waitProducts(b, 0, outputs, state.weights);
  release(barrier(ValuesEmpty, place));
}

/// Zeroes the 8 features that fill up the last step of q · kᵀ in the warpgroup's queries. In
/// keys those are another head's of the same token: finite, or the token is lost anyway.
void WarpgroupAttention::zeroPadding() {
  Value row = b.rem(thread, 128), zero = zeroPiece();
  int64_t box = shape.headSize / swizzledColumns, piece = shape.headSize % swizzledColumns / 8;
  b.ifThen(b.less(row, b.i32(64)), [&] {
    Value place = b.mul(b.bitXor(b.rem(row, 8), b.i32(piece)), 16);
    Value line = b.add(b.mul(consumer, 64), row);
    Value offset = b.add(b.add(b.mul(line, swizzledRowBytes), place), box * shape.queryBoxBytes());
    b.storeRaw(zero, b.shared(base, offset), 16);
  });
  joinWarpgroup();
}

/// Zeroes the values behind the sequence's end in the share's last block, if it has any. The
/// first of the warpgroups that see the block does: the others have their turns after its own.
void WarpgroupAttention::zeroTail() {
  Value last = b.add(share.numBlocks, -1), firstKey = b.mul(last, shape.keys);
  Value isFirst = b.less(share.begin, b.add(b.max(firstKey, tile.begin), 1));
  Value rows = b.sub(tile.sequence.length, firstKey);
  b.ifThen(b.both(isFirst, b.less(rows, b.i32(shape.keys))), [&] {
    Value tileAt = b.add(b.mul(stageOf(last), shape.tileBytes()), shape.valuesAt());
    Value zero = zeroPiece();
    Value first = b.add(b.mul(rows, swizzledRowBytes), b.mul(b.rem(thread, 128), 16));
    for (int64_t box = 0; box < shape.boxes(); ++box)
      b.forLoop(first, b.i32(shape.keyBoxBytes()), b.i32(16 * 128), [&](Value offset) {
        Value place = b.add(b.add(tileAt, offset), box * shape.keyBoxBytes());
        b.storeRaw(zero, b.shared(base, place), 16);
      });
    joinWarpgroup();
  });
}

/// Makes what the warpgroup's threads wrote to shared memory visible to its products.
void WarpgroupAttention::joinWarpgroup() {
  fenceShared(b);
  b.barrier(b.add(consumer, 1 + shape.warpgroups), 128);
}

Value WarpgroupAttention::turnThreads(Value warpgroup) {
  int64_t threads = shape.warpgroups > 1 ? 256 : 128;
  if (!shape.isWatched())
    return b.i32(threads);
  // The warp that watches meets the first one.
  return b.select(b.equal(warpgroup, 0), b.i32(threads + 32), b.i32(threads));
}

void WarpgroupAttention::takeTurn() {
  if (shape.warpgroups > 1 || shape.isWatched())
    syncNamed(b, b.add(consumer, 1), turnThreads(consumer));
}

void WarpgroupAttention::passTurn() {
  if (shape.warpgroups == 1)
    return;
  Value next = b.rem(b.add(consumer, 1), shape.warpgroups);
  arriveNamed(b, b.add(next, 1), turnThreads(next));
}
