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
// products in turn, so that one's softmax hides under another's products.
//
// Boxes are copied whole. Behind a sequence's end they hold rows of the next one or zeros:
// such queries are not stored, such keys are hidden as all later ones are, and such values
// are zeroed, for 0 times what is not finite is not 0.
//
//===----------------------------------------------------------------------===//

#include "AttentionWarpgroup.h"
#include "SequenceSupport.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

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

/// Emits the code of a block.
class WarpgroupAttention {
public:
  WarpgroupAttention(GPUKernelBuilder &b, AttentionOp op, const WarpgroupAttentionShape &shape)
      : b(b), op(op), shape(shape) {}

  void emit();

private:
  /// A head's columns in a buffer that boxes are copied from.
  struct Source {
    Value map, column;
  };
  /// What a barrier of a stage tells.
  enum Event { KeysFull, KeysEmpty, ValuesFull, ValuesEmpty };

  GPUKernelBuilder &b;
  AttentionOp op;
  const WarpgroupAttentionShape &shape;
  Source query, key, value;
  Sequence sequence;
  Value base, address, thread;
  Value begin;     ///< the block's first query in its sequence
  Value numBlocks; ///< of keys that any query sees
  Value numWhole;  ///< of keys that all queries see, the first ones
  // Of a thread that multiplies.
  Value consumer, warp, lane;

  Source source(Value memref, int64_t column, Value head, int64_t boxRows);
  Value queriesFull() { return b.shared(base, shape.barriersAt()); }
  Value barrier(Event event, Value block);
  void wait(Event event, Value block);
  void release(Event event, Value block);
  void initBarriers();

  void produce();
  void copyTile(const Source &source, Value row, int64_t rows, Value offset, Value full);

  void consume();
  State attendFirst();
  State attend(Value block, State state, bool hasHidden);
  SmallVector<Value> startScores(Value block);
  SmallVector<Value> startOutputs(Value block, const State &state);
  void zeroTail();
  void hide(Value block, MutableArrayRef<Value> scores);
  /// Makes weights of scores; gives what earlier outputs of either row shrink by.
  std::array<Value, 2> weigh(MutableArrayRef<Value> scores, State &state);
  void takeTurn();
  void passTurn();
  Value rowOf(int64_t half);
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

/// The queries with the most keys come first, so that the last blocks are short ones.
void WarpgroupAttention::emit() {
  Value head = b.blockId(1);
  Value kvHead = b.div(head, op.getHeads() / op.getKvHeads());
  query = source(op.getQuery(), op.getQColumn(), head, shape.blockRows());
  key = source(op.getKey(), op.getKColumn(), kvHead, shape.keys);
  value = source(op.getValue(), op.getVColumn(), kvHead, shape.keys);
  sequence = Sequence::load(b, op.getOffsets(), b.blockId(2));
  begin = b.mul(b.sub(b.sub(b.numBlocks(), b.i32(1)), b.blockId(0)), shape.blockRows());
  b.ifThen(b.less(begin, sequence.length), [&] {
    base = b.sharedBase();
    address = LLVM::PtrToIntOp::create(b.builder, b.loc, b.i32(), base);
    thread = b.threadId();
    Value end = b.min(b.add(begin, shape.blockRows()), sequence.length);
    numBlocks = b.ceilDiv(end, shape.keys);
    numWhole = b.div(b.add(begin, 1), shape.keys);
    initBarriers();
    Value warpgroup = b.broadcastLane0(b.div(thread, 128));
    b.ifThenElse(
        b.equal(warpgroup, 0), [&] { produce(); },
        [&] {
          consumer = b.add(warpgroup, -1);
          consume();
        });
  });
}

WarpgroupAttention::Source WarpgroupAttention::source(Value memref, int64_t column, Value head,
                                                      int64_t boxRows) {
  int64_t width = cast<MemRefType>(memref.getType()).getShape().back();
  Value map = b.tensorMap({memref, width, b.builder.getAffineDimExpr(2), swizzledColumns, boxRows});
  return {map, b.add(b.mul(head, shape.headSize), column)};
}

Value WarpgroupAttention::barrier(Event event, Value block) {
  int64_t at = shape.barriersAt() + 8 * (1 + event * shape.stages);
  return b.shared(base, b.add(b.mul(b.rem(block, shape.stages), 8), at));
}

/// Waits until what a block of keys tells has come. The first blocks find their stages
/// empty: they wait for the phase before the first.
void WarpgroupAttention::wait(Event event, Value block) {
  Value round = b.rem(b.div(block, shape.stages), 2);
  bool isEmpty = event == KeysEmpty || event == ValuesEmpty;
  waitBarrier(b, barrier(event, block), isEmpty ? b.bitXor(round, b.i32(1)) : round);
}

void WarpgroupAttention::release(Event event, Value block) {
  b.ifThen(b.equal(lane, 0), [&] { arrive(b, barrier(event, block)); });
}

void WarpgroupAttention::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    initBarrier(b, queriesFull(), 1);
    for (int64_t stage = 0; stage < shape.stages; ++stage)
      for (Event event : {KeysFull, KeysEmpty, ValuesFull, ValuesEmpty}) {
        bool isEmpty = event == KeysEmpty || event == ValuesEmpty;
        initBarrier(b, barrier(event, b.i32(stage)), isEmpty ? 4 * shape.warpgroups : 1);
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
    copyTile(query, b.add(sequence.begin, begin), shape.blockRows(), b.i32(0), queriesFull());
    b.forLoop(b.i32(0), numBlocks, b.i32(1), [&](Value block) {
      Value row = b.add(sequence.begin, b.mul(block, shape.keys));
      Value offset = b.mul(b.rem(block, shape.stages), shape.tileBytes());
      wait(KeysEmpty, block);
      copyTile(key, row, shape.keys, b.add(offset, shape.keysAt()), barrier(KeysFull, block));
      wait(ValuesEmpty, block);
      copyTile(value, row, shape.keys, b.add(offset, shape.valuesAt()), barrier(ValuesFull, block));
    });
  });
}

void WarpgroupAttention::copyTile(const Source &source, Value row, int64_t rows, Value offset,
                                  Value full) {
  int64_t boxBytes = rows * swizzledRowBytes;
  arriveExpecting(b, full, b.i32(shape.boxes() * boxBytes));
  for (int64_t box = 0; box < shape.boxes(); ++box)
    copyToShared(b, b.shared(base, b.add(offset, box * boxBytes)), source.map,
                 b.add(source.column, box * swizzledColumns), row, full);
}

//===----------------------------------------------------------------------===//
// Products and softmax
//===----------------------------------------------------------------------===//

void WarpgroupAttention::consume() {
  if (shape.consumerRegisters())
    increaseRegisters(b, shape.consumerRegisters());
  warp = b.div(b.rem(thread, 128), 32);
  lane = b.rem(thread, 32);
  if (shape.warpgroups > 1)
    b.ifThen(b.equal(consumer, shape.warpgroups - 1), [&] { passTurn(); });
  State state = attendFirst();
  auto attendAll = [&](Value first, Value last, bool hasHidden) {
    SmallVector<Value> carried =
        b.forLoop(first, last, b.i32(1), state.pack(), [&](Value block, ValueRange values) {
          return attend(block, state.unpack(values), hasHidden).pack();
        });
    state = state.unpack(carried);
  };
  attendAll(b.i32(1), numWhole, /*hasHidden=*/false);
  attendAll(b.max(numWhole, b.i32(1)), numBlocks, /*hasHidden=*/true);

  Value last = b.add(numBlocks, -1);
  wait(ValuesFull, last);
  zeroTail();
  state.outputs = waitProducts(b, 0, startOutputs(last, state), state.weights);
  store(state);
}

/// Key 0 is in the first block, and every query sees it.
State WarpgroupAttention::attendFirst() {
  State state;
  state.outputs.assign(shape.headSize / 2, b.f32(0));
  state.rows[0] = state.rows[1] = SoftmaxRow::empty(b);
  Value first = b.i32(0);
  waitBarrier(b, queriesFull(), b.i32(0));
  wait(KeysFull, first);
  SmallVector<Value> scores = waitProducts(b, 0, startScores(first));
  release(KeysEmpty, first);
  hide(first, scores);
  weigh(scores, state);
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
  SmallVector<Value> factors = state.weights;
  scores = waitProducts(b, 1, scores);
  release(KeysEmpty, block);
  if (hasHidden)
    hide(block, scores);
  std::array<Value, 2> rescale = weigh(scores, state);
  state.outputs = waitProducts(b, 0, outputs, factors);
  release(ValuesEmpty, before);
  for (auto [number, output] : llvm::enumerate(state.outputs))
    output = b.mulf(output, rescale[number / 2 % 2]);
  return state;
}

/// q · kᵀ of the warpgroup's queries against a block of keys.
SmallVector<Value> WarpgroupAttention::startScores(Value block) {
  Value tile = b.add(b.mul(b.rem(block, shape.stages), shape.tileBytes()), shape.keysAt());
  Value queries = matrixDescriptor(b, b.add(address, b.mul(consumer, 64 * swizzledRowBytes)));
  Value keys = matrixDescriptor(b, b.add(address, tile));
  Value sums = LLVM::PoisonOp::create(b.builder, b.loc, sumsType(b, shape.keys));
  fenceProducts(b);
  for (int64_t step = 0; step < shape.headSize / 16; ++step) {
    int64_t box = step / 4, inBox = step % 4 * 2; // units of 16 bytes, as descriptors count
    sums = startStep(b, sums, b.add(queries, box * shape.queryBoxBytes() / 16 + inBox),
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
  Value tile = b.add(b.mul(b.rem(block, shape.stages), shape.tileBytes()), shape.valuesAt());
  Value values = matrixDescriptor(b, b.add(address, tile), shape.keyBoxBytes());
  SmallVector<Value> outputs = state.outputs;
  fenceProducts(b);
  for (int64_t step = 0; step < shape.keys / 16; ++step)
    outputs = startStep(b, outputs, ArrayRef(state.weights).slice(4 * step, 4),
                        b.add(values, step * swizzledRowBytes), shape.headSize);
  commitProducts(b);
  return outputs;
}

/// Zeroes the values behind the sequence's end in the last block, if it has any.
void WarpgroupAttention::zeroTail() {
  Value last = b.add(numBlocks, -1);
  Value rows = b.sub(sequence.length, b.mul(last, shape.keys));
  b.ifThen(b.less(rows, b.i32(shape.keys)), [&] {
    Value tile = b.add(b.mul(b.rem(last, shape.stages), shape.tileBytes()), shape.valuesAt());
    Value zero = LLVM::ZeroOp::create(b.builder, b.loc, VectorType::get(4, b.i32()));
    Value first = b.add(b.mul(rows, swizzledRowBytes), b.mul(b.add(thread, -128), 16));
    int64_t threads = 128 * shape.warpgroups;
    for (int64_t box = 0; box < shape.boxes(); ++box)
      b.forLoop(first, b.i32(shape.keyBoxBytes()), b.i32(16 * threads), [&](Value offset) {
        Value place = b.add(b.add(tile, offset), box * shape.keyBoxBytes());
        b.storeRaw(zero, b.shared(base, place), 16);
      });
    fenceShared(b);
    b.barrier(b.i32(1 + shape.warpgroups), threads);
  });
}

/// Position in its sequence of the thread's row of either half of the warp's 16.
Value WarpgroupAttention::rowOf(int64_t half) {
  Value first = b.add(b.add(b.mul(consumer, 64), b.mul(warp, 16)), b.div(lane, 4));
  return b.add(b.add(begin, first), half * 8);
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
  state.weights.clear();
  for (size_t first = 0; first < scores.size(); first += 2)
    state.weights.push_back(b.packPair(scores[first], scores[first + 1], b.builder.getBF16Type()));
  return rescale;
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
  Value column = b.add(b.mul(b.blockId(1), shape.headSize), op.getOutColumn());
  column = b.add(column, b.mul(b.rem(lane, 4), 2));
  for (int64_t half = 0; half < 2; ++half) {
    Value position = rowOf(half), factor = inverseSum(b, state.rows[half]);
    SmallVector<Value> outputs;
    for (size_t first = 2 * half; first < state.outputs.size(); first += 4)
      llvm::append_range(outputs, ArrayRef(state.outputs).slice(first, 2));
    b.ifThen(b.less(position, sequence.length), [&] {
      Value offset = b.rowOffset(out, b.add(sequence.begin, position), column);
      storeOutputs(b, outputs, factor, out, offset, vector);
    });
  }
}

void nvptx::emitWarpgroupAttention(GPUKernelBuilder &b, AttentionOp op,
                                   const WarpgroupAttentionShape &shape) {
  WarpgroupAttention(b, op, shape).emit();
}
