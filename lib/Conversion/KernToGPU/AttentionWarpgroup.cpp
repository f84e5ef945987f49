//===- AttentionWarpgroup.cpp - Attention by warpgroups -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Online softmax as in arXiv 2407.08608. One warpgroup copies queries, then blocks of keys
// and values, `stages` ahead; the others take 64 queries each. A warpgroup starts the
// scores of a block together with the products of the weights and values of the block
// before, and makes weights of the former while the latter run. Warpgroups start their
// products in turn, so that one's softmax hides under another's products. A warpgroup passes
// up the blocks that none of its own queries sees: it only keeps the others going.
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

#include "AttentionWarpgroup.h"
#include "SequenceSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

namespace {
/// What a thread carries from block to block of keys.
struct State {
  SmallVector<Value> weights; ///< of the block before, in pairs (i32), as a factor has them
  SmallVector<Value> outputs; ///< floats, as products leave them
  SoftmaxRow rows[2];         ///< rows lane / 4 and lane / 4 + 8 of the warp

  SmallVector<Value> pack() const;
  State unpack(ValueRange values) const;
};

/// A tile of queries of one head and sequence.
struct Tile {
  Value head;
  Sequence sequence;
  Value begin;     ///< its first query in its sequence
  Value numBlocks; ///< of keys that any of its queries sees
  Value number;    ///< how many tiles the block of threads had before
  Value firstStep; ///< how many blocks of keys those had
};

/// The queries of a tile that are one warpgroup's.
struct Share {
  Value begin;     ///< its first query in its sequence
  Value numBlocks; ///< of keys that any of its queries sees
  Value numWhole;  ///< of keys that all of them see, the first ones
};

/// Emits the code of a block of threads.
class WarpgroupAttention {
public:
  WarpgroupAttention(GPUKernelBuilder &b, AttentionOp op, const WarpgroupAttentionShape &shape)
      : b(b), op(op), shape(shape) {}

  void emit();

private:
  /// What a barrier of a stage tells.
  enum Event { KeysFull, KeysEmpty, ValuesFull, ValuesEmpty };

  GPUKernelBuilder &b;
  AttentionOp op;
  const WarpgroupAttentionShape &shape;
  Value queryMap, keyMap, valueMap;
  Value base, address, thread;
  Tile tile; ///< whose code is emitted
  // Of a thread that multiplies.
  Value consumer, warp, lane;
  Share share; ///< of `tile`

  Value makeMap(Value memref, int64_t column, int64_t heads, int64_t boxRows);
  void forEachTile(llvm::function_ref<void()> body);
  void locate(Value number);
  Value countBlocks(Value end);

  Value stageOf(Value block);
  Value barrier(Event event, Value block);
  void wait(Event event, Value block);
  void release(Value barrier);
  Value queriesFull() { return b.shared(base, shape.barriersAt()); }
  Value queriesEmpty() { return b.shared(base, shape.barriersAt() + 8); }
  void initBarriers();

  void produce();
  void copyQueries();
  void copyKeys(Value block);
  void copyValues(Value block);
  /// Copies the rows of a block of keys from `column` on to its stage of the tiles at
  /// `tilesAt`.
  void copyBlock(Value map, int64_t column, Value block, int64_t tilesAt, Value full);
  void copyTile(Value map, Value column, Value row, int64_t rows, Value offset, Value full);

  void consume();
  void attendTile();
  void attendShare();
  State attendFirst();
  State attend(Value block, State state, bool hasHidden);
  State attendLast(State state);
  void passUp(Value first);
  SmallVector<Value> startScores(Value block);
  SmallVector<Value> startOutputs(Value block, const State &state);
  void zeroPadding();
  void zeroTail();
  void joinWarpgroup();
  void hide(Value block, MutableArrayRef<Value> scores);
  /// Makes weights of scores; gives what earlier outputs of either row shrink by.
  std::array<Value, 2> weigh(MutableArrayRef<Value> scores, State &state);
  SmallVector<Value> packWeights(ArrayRef<Value> weights);
  void takeTurn();
  void passTurn();
  Value rowOf(int64_t half);
  /// 16 bytes of zeros.
  Value zeroPiece() { return LLVM::ZeroOp::create(b.builder, b.loc, VectorType::get(4, b.i32())); }
  void store(const State &state);
};
} // namespace

SmallVector<Value> State::pack() const {
  SmallVector<Value> values(weights);
  llvm::append_range(values, outputs);
  for (const SoftmaxRow &row : rows)
    llvm::append_range(values, ArrayRef{row.maximum, row.sum});
  return values;
}

/// A state of the same extents.
State State::unpack(ValueRange values) const {
  State state;
  llvm::append_range(state.weights, values.take_front(weights.size()));
  llvm::append_range(state.outputs, values.slice(weights.size(), outputs.size()));
  ValueRange rest = values.drop_front(weights.size() + outputs.size());
  for (auto [number, row] : llvm::enumerate(state.rows))
    row = {rest[2 * number], rest[2 * number + 1]};
  return state;
}

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

/// Emits `body` for the block's tiles that have queries.
void WarpgroupAttention::forEachTile(llvm::function_ref<void()> body) {
  Value perLength = b.mul(b.extent(op.getBatch()), op.getHeads());
  Value numTiles = b.mul(b.ceilDiv(b.extent(op.getMaxLength()), shape.blockRows()), perLength);
  Value numBlocks = b.numBlocks(), forth = b.blockId();
  Value back = b.sub(b.add(numBlocks, -1), forth);
  Value numRounds = b.div(b.add(numTiles, b.add(numBlocks, -1)), numBlocks);
  SmallVector<Value> counts = {b.i32(0), b.i32(0)};
  b.forLoop(b.i32(0), numRounds, b.i32(1), counts, [&](Value round, ValueRange carried) {
    Value place = b.select(b.equal(b.rem(round, 2), 0), forth, back);
    Value number = b.add(b.mul(round, numBlocks), place);
    auto skip = [&] { return SmallVector<Value>(carried); };
    return b.ifElseMany(
        b.less(number, numTiles),
        [&] {
          locate(number);
          tile.number = carried[0];
          tile.firstStep = carried[1];
          return b.ifElseMany(
              b.less(tile.begin, tile.sequence.length),
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

/// Tile `number` of all, of which those with the most keys come first.
void WarpgroupAttention::locate(Value number) {
  Value perLength = b.mul(b.extent(op.getBatch()), op.getHeads());
  Value inLength = b.rem(number, perLength);
  Value lengths = b.ceilDiv(b.extent(op.getMaxLength()), shape.blockRows());
  tile.head = b.rem(inLength, op.getHeads());
  tile.sequence = Sequence::load(b, op.getOffsets(), b.div(inLength, op.getHeads()));
  tile.begin = b.mul(b.sub(b.add(lengths, -1), b.div(number, perLength)), shape.blockRows());
  tile.numBlocks = countBlocks(b.add(tile.begin, shape.blockRows()));
}

/// Blocks of keys that queries before `end` see.
Value WarpgroupAttention::countBlocks(Value end) {
  return b.ceilDiv(b.min(end, tile.sequence.length), shape.keys);
}

Value WarpgroupAttention::stageOf(Value block) {
  return b.rem(b.add(tile.firstStep, block), shape.stages);
}

Value WarpgroupAttention::barrier(Event event, Value block) {
  int64_t at = shape.barriersAt() + 8 * (2 + event * shape.stages);
  return b.shared(base, b.add(b.mul(stageOf(block), 8), at));
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

void WarpgroupAttention::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    // One thread fills a barrier's tile, every warp that multiplies empties it.
    for (int64_t number = 0; number < shape.numBarriers(); ++number) {
      bool isEmpty = number < 2 ? number == 1 : (number - 2) / shape.stages % 2 == 1;
      initBarrier(b, b.shared(base, shape.barriersAt() + 8 * number),
                  isEmpty ? 4 * shape.warpgroups : 1);
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
    forEachTile([&] {
      copyKeys(b.i32(0));
      copyQueries();
      copyValues(b.i32(0));
      b.forLoop(b.i32(1), tile.numBlocks, b.i32(1), [&](Value block) {
        copyKeys(block);
        copyValues(block);
      });
    });
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

//===----------------------------------------------------------------------===//
// Products and softmax
//===----------------------------------------------------------------------===//

void WarpgroupAttention::consume() {
  if (shape.consumerRegisters())
    increaseRegisters(b, shape.consumerRegisters());
  warp = b.div(b.rem(thread, 128), 32);
  lane = b.rem(thread, 32);
  // The first one has the first turn.
  if (shape.warpgroups > 1)
    b.ifThen(b.equal(consumer, shape.warpgroups - 1), [&] { passTurn(); });
  forEachTile([&] { attendTile(); });
}

/// A warpgroup has as many turns as the others of the block: one to start a tile, and one
/// for each block of keys.
void WarpgroupAttention::attendTile() {
  share.begin = b.add(tile.begin, b.mul(consumer, 64));
  share.numBlocks = countBlocks(b.add(share.begin, 64));
  share.numWhole = b.div(b.add(share.begin, 1), shape.keys);
  waitBarrier(b, queriesFull(), b.rem(tile.number, 2));
  Value attended = b.ifElse(
      b.less(share.begin, tile.sequence.length),
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
State WarpgroupAttention::attendFirst() {
  State state;
  state.outputs.assign(shape.headSize / 2, b.f32(0));
  state.rows[0] = state.rows[1] = SoftmaxRow::empty(b);
  Value first = b.i32(0);
  if (shape.headSize % 16 != 0)
    zeroPadding();
  wait(KeysFull, first);
  takeTurn();
  SmallVector<Value> scores = startScores(first);
  passTurn();
  scores = waitProducts(b, 0, scores);
  release(barrier(KeysEmpty, first));
  hide(first, scores);
  weigh(scores, state);
  state.weights = packWeights(scores);
  return state;
}

State WarpgroupAttention::attend(Value block, State state, bool hasHidden) {
  Value before = b.add(block, -1);
  wait(KeysFull, block);
  wait(ValuesFull, before);
  takeTurn();
  SmallVector<Value> scores = startScores(block);
  SmallVector<Value> outputs = startOutputs(before, state);
  passTurn();
  scores = waitProducts(b, 1, scores);
  release(barrier(KeysEmpty, block));
  if (hasHidden)
    hide(block, scores);
  std::array<Value, 2> rescale = weigh(scores, state);
  state.outputs = waitProducts(b, 0, outputs, state.weights);
  release(barrier(ValuesEmpty, before));
  // Not earlier: ptxas serialises products when factors are made while some are on their way.
  state.weights = packWeights(scores);
  for (auto [number, output] : llvm::enumerate(state.outputs))
    output = b.mulf(output, rescale[number / 2 % 2]);
  return state;
}

/// The products of the last block's weights.
State WarpgroupAttention::attendLast(State state) {
  Value last = b.add(share.numBlocks, -1);
  wait(ValuesFull, last);
  zeroTail();
  takeTurn();
  SmallVector<Value> outputs = startOutputs(last, state);
  passTurn();
  state.outputs = waitProducts(b, 0, outputs, state.weights);
  release(barrier(ValuesEmpty, last));
  return state;
}

/// Keeps the others going over the tile's blocks from `first` on. What is released has come:
/// before, the release would count for an earlier block in the same stage.
void WarpgroupAttention::passUp(Value first) {
  b.forLoop(first, tile.numBlocks, b.i32(1), [&](Value block) {
    wait(KeysFull, block);
    release(barrier(KeysEmpty, block));
    wait(ValuesFull, block);
    release(barrier(ValuesEmpty, block));
    takeTurn();
    passTurn();
  });
}

/// q · kᵀ of the warpgroup's queries against a block of keys.
SmallVector<Value> WarpgroupAttention::startScores(Value block) {
  Value tileAt = b.add(b.mul(stageOf(block), shape.tileBytes()), shape.keysAt());
  Value queries = matrixDescriptor(b, b.add(address, b.mul(consumer, 64 * swizzledRowBytes)));
  Value keys = matrixDescriptor(b, b.add(address, tileAt));
  Value sums = LLVM::PoisonOp::create(b.builder, b.loc, sumsType(b, shape.keys));
  fenceProducts(b);
  for (int64_t step = 0; step < shape.featureSteps(); ++step) {
    int64_t box = step / 4, inBox = step % 4 * 2; // units of 16 bytes, as descriptors count
    sums = startStep(b, b.builder.getBF16Type(), sums,
                     b.add(queries, box * shape.queryBoxBytes() / 16 + inBox),
                     b.add(keys, box * shape.keyBoxBytes() / 16 + inBox), shape.keys,
                     /*addsSums=*/step > 0);
  }
  commitProducts(b);
  SmallVector<Value> scores;
  for (int64_t i = 0; i < shape.keys / 2; ++i)
    scores.push_back(LLVM::ExtractValueOp::create(b.builder, b.loc, sums, i));
  return scores;
}

/// outputs + weights · values of a block of keys.
SmallVector<Value> WarpgroupAttention::startOutputs(Value block, const State &state) {
  Value tileAt = b.add(b.mul(stageOf(block), shape.tileBytes()), shape.valuesAt());
  Value values = matrixDescriptor(b, b.add(address, tileAt), shape.keyBoxBytes());
  SmallVector<Value> outputs = state.outputs;
  fenceProducts(b);
  for (int64_t step = 0; step < shape.keys / 16; ++step)
    outputs = startStep(b, outputs, ArrayRef(state.weights).slice(4 * step, 4),
                        b.add(values, step * swizzledRowBytes), shape.headSize);
  commitProducts(b);
  return outputs;
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

std::array<Value, 2> WarpgroupAttention::weigh(MutableArrayRef<Value> scores, State &state) {
  Value scale = softmaxScale(b, op);
  std::array<Value, 2> rescale;
  for (int64_t half = 0; half < 2; ++half)
    rescale[half] = weighScores(b, scoresOf(scores, half), state.rows[half], scale);
  return rescale;
}

SmallVector<Value> WarpgroupAttention::packWeights(ArrayRef<Value> weights) {
  SmallVector<Value> pairs;
  for (size_t first = 0; first < weights.size(); first += 2)
    pairs.push_back(b.packPair(weights[first], weights[first + 1], b.builder.getBF16Type()));
  return pairs;
}

void WarpgroupAttention::takeTurn() {
  if (shape.warpgroups > 1)
    b.barrier(b.add(consumer, 1), 256);
}

void WarpgroupAttention::passTurn() {
  if (shape.warpgroups > 1)
    arriveNamed(b, b.add(b.rem(b.add(consumer, 1), shape.warpgroups), 1), 256);
}

void WarpgroupAttention::store(const State &state) {
  Buffer out = b.buffer(op.getOut());
  int64_t vector =
      commonVector({rowWidth(op.getOut()), static_cast<int64_t>(op.getOutColumn())}, 2);
  Value column = b.add(b.mul(tile.head, shape.headSize), op.getOutColumn());
  column = b.add(column, b.mul(b.rem(lane, 4), 2));
  for (int64_t half = 0; half < 2; ++half) {
    Value position = rowOf(half), factor = inverseSum(b, state.rows[half]);
    SmallVector<Value> outputs;
    for (size_t first = 2 * half; first < state.outputs.size(); first += 4)
      llvm::append_range(outputs, ArrayRef(state.outputs).slice(first, 2));
    b.ifThen(b.less(position, tile.sequence.length), [&] {
      Value offset = b.rowOffset(out, b.add(tile.sequence.begin, position), column);
      storeOutputs(b, outputs, factor, out, offset, vector);
    });
  }
}

void nvptx::emitWarpgroupAttention(GPUKernelBuilder &b, AttentionOp op,
                                   const WarpgroupAttentionShape &shape) {
  WarpgroupAttention(b, op, shape).emit();
}
