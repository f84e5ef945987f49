//===- AttentionWarpgroup.cpp - Attention by warpgroups -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Roles as in arXiv 2407.08608. One warpgroup copies queries, then blocks of keys
// and values, `stages` ahead; the others take 64 queries each. A warpgroup starts the
// scores of a block together with the products of the weights and values of the block
// before, and makes weights of the former while the latter run; with small heads it waits for
// both. Warpgroups start their products in turn, so that one's softmax hides under another's
// products. A warpgroup passes up the blocks that none of its own queries sees: it only keeps
// the others going. With small heads one more warp of the warpgroup that copies waits for the
// copies and joins the first warpgroup's turns, so that those that multiply never look at a
// barrier of copies themselves (docs/Rationale/WatchedCopies.md).
//
// A row's weights are relative to its maximum over the first block of keys, so that nothing
// waits for a maximum or is rescaled later. A tile whose weights outgrow floats is marked, and
// when all are done the marked ones are computed again with a maximum that follows the scores
// (docs/Rationale/FirstMaximum.md).
//
// Blocks of threads are persistent, so that the copies of a tile of queries begin while the
// one before is finished. Tiles with the most keys come first and are dealt out there and
// back, which leaves all blocks with about as much work.
//
// Boxes are copied whole. Behind a sequence's end they hold rows of the next one or zeros:
// such queries are not stored, such keys are hidden as all later ones are, and such values
// are zeroed, for 0 times what is not finite is not 0.
//
//===----------------------------------------------------------------------===//

#include "AttentionWarpgroupEmitter.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

//===----------------------------------------------------------------------===//
// The block
//===----------------------------------------------------------------------===//

void WarpgroupAttention::emit() {
  queryMap = makeMap(op.getQuery(), op.getQColumn(), op.getHeads(), shape.blockRows());
  keyMap = makeMap(op.getKey(), op.getKColumn(), op.getKvHeads(), shape.keys);
  valueMap = makeMap(op.getValue(), op.getVColumn(), op.getKvHeads(), shape.keys);
  base = b.sharedBase();
  address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
  thread = b.threadId();
  initBarriers();
  Value warpgroup = b.broadcastLane0(b.div(thread, 128));
  consumer = b.add(warpgroup, -1);
  b.ifThenElse(b.equal(warpgroup, 0), [&] { produce(); }, [&] { consume(); });
}

/// Extents end where the operand does, and the call's rows: what a box has beyond is zero.
Value WarpgroupAttention::makeMap(Value memref, int64_t column, int64_t heads, int64_t boxRows) {
  return b.tensorMap({memref, column + heads * shape.headSize, b.builder.getAffineDimExpr(2),
                      swizzledColumns, boxRows});
}

/// Emits `body` for the block's tiles that have queries, or for those that are marked.
WarpgroupAttention::Counts WarpgroupAttention::forEachTile(Counts counts, bool marked,
                                                           llvm::function_ref<void()> body) {
  Value perLength = b.mul(b.extent(op.getBatch()), op.getHeads());
  Value numTiles = b.mul(b.ceilDiv(b.extent(op.getMaxLength()), shape.blockRows()), perLength);
  Value numBlocks = b.numBlocks(), forth = b.blockId();
  Value back = b.sub(b.add(numBlocks, -1), forth);
  Value numRounds = b.div(b.add(numTiles, b.add(numBlocks, -1)), numBlocks);
  return b.forLoop(b.i32(0), numRounds, b.i32(1), counts, [&](Value round, ValueRange carried) {
    Value place = b.select(b.equal(b.rem(round, 2), 0), forth, back);
    Value number = b.add(b.mul(round, numBlocks), place);
    auto skip = [&] { return SmallVector<Value>(carried); };
    return b.ifElseMany(
        b.less(number, numTiles),
        [&] {
          locate(number);
          tile.number = carried[0];
          tile.firstStep = carried[1];
          Value mark = b.mul(b.add(b.rem(round, shape.numMarks), 1), 4);
          tile.mark = b.shared(base, b.add(mark, shape.marksAt()));
          Value hasQueries = b.less(b.i32(-shape.blockRows()), tile.begin);
          if (marked)
            hasQueries = b.both(hasQueries, b.less(b.i32(0), b.loadRaw(b.i32(), tile.mark)));
          return b.ifElseMany(
              hasQueries,
              [&] {
                body();
                return SmallVector<Value>{b.add(tile.number, 1),
                                          b.add(tile.firstStep, tile.numBlocks)};
              },
              skip);
        },
        skip);
  });
}

/// Emits `body` once more, exactly, for tiles that have been marked. Waits for all of them to be
/// attended.
void WarpgroupAttention::repeatMarked(Counts counts, llvm::function_ref<void()> body) {
  if (!shape.keepsFirstMaximum())
    return;
  waitAttended();
  b.ifThen(b.less(b.i32(0), b.loadRaw(b.i32(), anyMark())), [&] {
    isExact = true;
    forEachTile(counts, /*marked=*/true, body);
    isExact = false;
  });
}

/// Tile `number` of all, of which those with the most keys come first. Tiles end with their
/// sequence: the one that is not full has the fewest keys.
void WarpgroupAttention::locate(Value number) {
  Value perLength = b.mul(b.extent(op.getBatch()), op.getHeads());
  Value inLength = b.rem(number, perLength);
  tile.head = b.rem(inLength, op.getHeads());
  tile.sequence = Sequence::load(b, op.getOffsets(), b.div(inLength, op.getHeads()));
  Value end = b.mul(b.ceilDiv(tile.sequence.length, 64), 64);
  Value behind = b.mul(b.add(b.div(number, perLength), 1), shape.blockRows());
  tile.begin = b.sub(end, behind);
  tile.numBlocks = countBlocks(b.add(tile.begin, shape.blockRows()));
}

/// Blocks of keys that queries before `end` see.
Value WarpgroupAttention::countBlocks(Value end) {
  return b.ceilDiv(b.min(end, tile.sequence.length), shape.keys);
}

Value WarpgroupAttention::stageOf(Value block) {
  return b.rem(b.add(tile.firstStep, block), shape.stages);
}

WarpgroupAttention::Place WarpgroupAttention::placeOf(Value block) {
  if (!shape.isWatched())
    return {block, {}, {}};
  Value stage = stageOf(block);
  return {block, b.mul(stage, shape.tileBytes() / 16), b.mul(stage, 8)};
}

WarpgroupAttention::Place WarpgroupAttention::placeBehind(const Place &place) {
  Value next = b.add(place.block, 1);
  if (!shape.isWatched())
    return placeOf(next);
  auto advance = [&](Value offset, int64_t bytes) {
    Value isLast = b.equal(offset, (shape.stages - 1) * bytes);
    return b.select(isLast, b.i32(0), b.add(offset, bytes));
  };
  return {next, advance(place.tile, shape.tileBytes() / 16), advance(place.barrier, 8)};
}

Value WarpgroupAttention::barrier(Event event, Value block) {
  return barrier(event, placeOf(block));
}

Value WarpgroupAttention::barrier(Event event, const Place &place) {
  int64_t number = shape.waitsOnce() ? event % 2 : event;
  int64_t at = shape.barriersAt() + 8 * (2 + number * shape.stages);
  Value offset = shape.isWatched() ? place.barrier : b.mul(stageOf(place.block), 8);
  return b.shared(base, b.add(offset, at));
}

/// Waits until what a block of keys tells has come. The first blocks find their stages
/// empty: they wait for the phase before the first.
void WarpgroupAttention::wait(Event event, Value block) {
  Value round = b.rem(b.div(b.add(tile.firstStep, block), shape.stages), 2);
  bool isEmpty = event == KeysEmpty || event == ValuesEmpty;
  waitBarrier(b, barrier(event, block), isEmpty ? b.bitXor(round, b.i32(1)) : round);
}

void WarpgroupAttention::release(Value barrier) {
  b.ifThen(b.equal(lane, 0), [&] { arrive(b, barrier); });
}

void WarpgroupAttention::releaseKeys(Value block) {
  if (!shape.waitsOnce())
    release(barrier(KeysEmpty, block));
}

void WarpgroupAttention::waitValues(Value block) {
  if (!shape.waitsOnce())
    wait(ValuesFull, block);
}

void WarpgroupAttention::waitQueries() {
  if (!shape.isWatched())
    waitBarrier(b, queriesFull(), b.rem(tile.number, 2));
}

void WarpgroupAttention::waitKeys(Value block) {
  if (!shape.isWatched())
    wait(KeysFull, block);
}

/// Waits until all tiles are attended, and so marked.
void WarpgroupAttention::waitAttended() {
  if (shape.isWatched() && multiplies)
    b.barrier(b.i32(2 * shape.warpgroups + 1), 128 * shape.warpgroups);
  else
    waitBarrier(b, allAttended(), b.i32(0));
}

void WarpgroupAttention::initBarriers() {
  b.ifThen(b.less(thread, b.i32(shape.numMarks + 1)),
           [&] { b.storeRaw(b.i32(0), b.shared(base, b.add(b.mul(thread, 4), shape.marksAt()))); });
  b.ifThen(b.equal(thread, 0), [&] {
    initBarrier(b, allAttended(), 128 * shape.warpgroups);
    // One thread fills a barrier's tiles one by one, every warp that multiplies empties them.
    for (int64_t number = 0; number < 2 + shape.stageBarriers(); ++number) {
      bool isEmpty = number < 2 ? number == 1 : (number - 2) / shape.stages % 2 == 1;
      int64_t tiles = number >= 2 && shape.waitsOnce() ? 2 : 1;
      initBarrier(b, b.shared(base, shape.barriersAt() + 8 * number),
                  isEmpty ? 4 * shape.warpgroups : tiles);
    }
    fenceBarrierInit(b);
  });
  b.barrier();
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void WarpgroupAttention::produce() {
  if (shape.producerRegisters())
    decreaseRegisters(b, shape.producerRegisters());
  b.ifThen(b.equal(thread, 0), [&] {
    Counts counts = forEachTile({b.i32(0), b.i32(0)}, /*marked=*/false, [&] { copyAll(); });
    repeatMarked(counts, [&] { copyAll(); });
  });
  if (shape.isWatched())
    b.ifThen(b.equal(b.broadcastLane0(b.div(thread, 32)), 1), [&] {
      Counts counts = forEachTile({b.i32(0), b.i32(0)}, /*marked=*/false, [&] { watch(); });
      repeatMarked(counts, [&] { watch(); });
    });
}

/// Meets the first warpgroup at each of its turns of a tile when what the turn needs has come. The
/// others have theirs after it.
void WarpgroupAttention::watch() {
  auto meet = [&] { syncNamed(b, b.i32(1), turnThreads(b.i32(0))); };
  waitBarrier(b, queriesFull(), b.rem(tile.number, 2));
  b.forLoop(b.i32(0), tile.numBlocks, b.i32(1), [&](Value block) {
    wait(KeysFull, block);
    meet();
  });
  meet();
}

void WarpgroupAttention::copyAll() {
  copyKeys(b.i32(0));
  copyQueries();
  copyValues(b.i32(0));
  b.forLoop(b.i32(1), tile.numBlocks, b.i32(1), [&](Value block) {
    copyKeys(block);
    copyValues(block);
  });
}

void WarpgroupAttention::copyQueries() {
  waitBarrier(b, queriesEmpty(), b.bitXor(b.rem(tile.number, 2), b.i32(1)));
  Value column = b.add(b.mul(tile.head, shape.headSize), op.getQColumn());
  copyTile(queryMap, column, b.add(tile.sequence.begin, tile.begin), shape.blockRows(), b.i32(0),
           queriesFull());
}

void WarpgroupAttention::copyKeys(Value block) {
  wait(KeysEmpty, block);
  copyBlock(keyMap, op.getKColumn(), block, shape.keysAt(), barrier(KeysFull, block));
}

void WarpgroupAttention::copyValues(Value block) {
  wait(ValuesEmpty, block);
  copyBlock(valueMap, op.getVColumn(), block, shape.valuesAt(), barrier(ValuesFull, block));
}

void WarpgroupAttention::copyBlock(Value map, int64_t column, Value block, int64_t tilesAt,
                                   Value full) {
  Value kvHead = b.div(tile.head, op.getHeads() / op.getKvHeads());
  copyTile(map, b.add(b.mul(kvHead, shape.headSize), column),
           b.add(tile.sequence.begin, b.mul(block, shape.keys)), shape.keys,
           b.add(b.mul(stageOf(block), shape.tileBytes()), tilesAt), full);
}

void WarpgroupAttention::copyTile(Value map, Value column, Value row, int64_t rows, Value offset,
                                  Value full) {
  int64_t boxBytes = rows * swizzledRowBytes;
  arriveExpecting(b, full, b.i32(shape.boxes() * boxBytes));
  for (int64_t box = 0; box < shape.boxes(); ++box)
    copyToShared(b, b.shared(base, b.add(offset, box * boxBytes)), map,
                 b.add(column, box * swizzledColumns), row, full);
}

void nvptx::emitWarpgroupAttention(GPUKernelBuilder &b, AttentionOp op,
                                   const WarpgroupAttentionShape &shape) {
  WarpgroupAttention(b, op, shape).emit();
}
