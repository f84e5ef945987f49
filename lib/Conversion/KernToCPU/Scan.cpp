//===- Scan.cpp - kern.scan for the CPU -----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An item is one sequence × a few vectors of channels, a lane per channel. Time goes
// in chunks; a chunk goes through three phases:
//   1. Δ and Δ · u of every row, and y = 0, into scratch;
//   2. for each group of states: h in registers over the rows, y added up;
//   3. the epilogue of every row.
// Between chunks h lies in scratch. Phase 2 is where the time goes: its
// exponentials, rows × states of them, are independent of each other.
//
//===----------------------------------------------------------------------===//

#include "KernelConfig.h"
#include "SequenceSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>
#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using mlir::flowhn::CPUTargetInfo;

/// Rows of a chunk: what phase 2 loads and stores of h is spread over them, and
/// their scratch stays in the first-level cache.
static constexpr int64_t chunkRows = 32;

/// Vectors of an item: neighbours in a row, so that a miss of the cache or of the
/// page table serves several. More would leave too few items for many threads.
static constexpr int64_t maxItemVectors = 2;

/// No sequence is longer.
static constexpr int64_t maxSequenceRows = std::numeric_limits<int32_t>::max();

/// States whose exponentials are computed side by side.
static constexpr int64_t statesAtOnce = 4;

static int64_t statesOf(ScanOp op) { return op.getA().getType().getDimSize(0); }
static int64_t channelsOf(ScanOp op) { return op.getA().getType().getDimSize(1); }

namespace {
/// Scratch of an item: rows of one vector each.
struct ScanScratch {
  int64_t states, rows, vectors, lanes;

  explicit ScanScratch(ScanOp op)
      : states(statesOf(op)), rows(configValue(*op.getConfig(), "rows")),
        vectors(configValue(*op.getConfig(), "vectors")),
        lanes(configValue(*op.getConfig(), "lanes")) {}

  int64_t bytes() const { return vectorBytes(vectors * (2 * states + 3 * rows)); }

  /// A part with `count` rows for each vector of channels, behind the first `offset`.
  Value view(KernelBuilder &b, Value scratch, int64_t offset, int64_t count) const {
    return b.scratchView(scratch, vectorBytes(vectors * offset), {vectors, count, lanes});
  }

private:
  int64_t vectorBytes(int64_t count) const { return count * lanes * 4; }
};

/// Emits the code of one item.
class ScanEmitter {
public:
  ScanEmitter(KernelBuilder &b, ScanOp op, Value scratch)
      : b(b), op(op), extras(Extras::of(op)), states(statesOf(op)),
        group(configValue(*op.getConfig(), "states")) {
    ScanScratch layout(op);
    rates = layout.view(b, scratch, 0, states);
    hidden = layout.view(b, scratch, states, states);
    steps = layout.view(b, scratch, 2 * states, layout.rows);
    inputs = layout.view(b, scratch, 2 * states + layout.rows, layout.rows);
    sums = layout.view(b, scratch, 2 * states + 2 * layout.rows, layout.rows);
  }

  void emit(Value item);

private:
  KernelBuilder &b;
  ScanOp op;
  Extras extras;
  int64_t states, group;
  /// In scratch: a · log2(e) and h per state; Δ, Δ · u and y per row of the chunk.
  Value rates, hidden, steps, inputs, sums;

  void emitSequence(const Sequence &sequence, Value number, const ChannelBlock &block);
  void startStates(Value number, const ChannelBlock &block);
  void storeFinal(Value number, const ChannelBlock &block);
  void emitSteps(Value begin, Value count, const ChannelBlock &block);
  void emitGroups(Value begin, Value count, Value vector);
  void emitGroup(Value begin, Value count, Value vector, Value firstState, int64_t size);
  Value emitStates(Value row, ValueRange position, Value firstState, ValueRange old, Value sum,
                   SmallVector<Value> &next);
  void emitEpilogue(Value begin, Value count, const ChannelBlock &block);
  Value loadU(Value row, Value column, Value mask) {
    return b.load(op.getU(), {row, b.add(column, op.getUColumn())}, mask);
  }
  Value broadcastScalar(Value memref, Value row, Value column) {
    return b.broadcast(b.loadScalar(memref, {row, column}));
  }
  Value mul(Value lhs, Value rhs) { return arith::MulFOp::create(b.builder, b.loc, lhs, rhs); }
};
} // namespace

void ScanEmitter::emit(Value item) {
  int64_t vectors = configValue(*op.getConfig(), "vectors");
  int64_t numBlocks = llvm::divideCeil(channelsOf(op), vectors * b.lanes);
  Value number = b.floorDiv(item, numBlocks);
  Sequence sequence = Sequence::load(b, op.getOffsets(), number);
  auto emitItem = [&] {
    emitChannelBlock(b, b.mod(item, numBlocks), channelsOf(op), vectors,
                     [&](const ChannelBlock &block) { emitSequence(sequence, number, block); });
  };
  // A sequence without rows has a final state all the same.
  if (op.getFinal() && op.getFinal() != op.getInitial())
    emitItem();
  else
    b.ifThen(b.less(b.index(0), sequence.length), emitItem);
}

void ScanEmitter::emitSequence(const Sequence &sequence, Value number, const ChannelBlock &block) {
  int64_t rows = configValue(*op.getConfig(), "rows");
  number = b.lookUp(op.getSlots(), number);
  startStates(number, block);
  b.forLoop(b.index(0), sequence.length, rows, [&](Value time) {
    Value begin = b.add(sequence.begin, time);
    Value count = b.min(b.index(rows), b.sub(sequence.length, time));
    emitSteps(begin, count, block);
    b.forLoop(b.index(0), b.index(block.size()), 1,
              [&](Value vector) { emitGroups(begin, count, vector); });
    emitEpilogue(begin, count, block);
  });
  if (op.getFinal())
    storeFinal(number, block);
}

/// h before the first row of sequence `number`, and the rates in base 2, so that a step
/// costs exp2 alone.
void ScanEmitter::startStates(Value number, const ChannelBlock &block) {
  b.forLoop(b.index(0), b.index(states), 1, [&](Value state) {
    for (auto [index, mask] : llvm::enumerate(block.masks)) {
      SmallVector<Value> position = {b.index(index), state, b.index(0)};
      Value column = block.columnOf(b, index);
      Value rate = b.load(op.getA(), {state, column}, mask);
      b.store(mul(rate, b.splat(std::numbers::log2e)), rates, position);
      Value start =
          op.getInitial() ? b.load(op.getInitial(), {number, state, column}, mask) : b.splat(0);
      b.store(start, hidden, position);
    }
  });
}

/// h after the last row of sequence `number`.
void ScanEmitter::storeFinal(Value number, const ChannelBlock &block) {
  b.forLoop(b.index(0), b.index(states), 1, [&](Value state) {
    for (auto [index, mask] : llvm::enumerate(block.masks)) {
      Value end = b.load(hidden, {b.index(index), state, b.index(0)});
      b.store(end, op.getFinal(), {number, state, block.columnOf(b, index)}, mask);
    }
  });
}

void ScanEmitter::emitSteps(Value begin, Value count, const ChannelBlock &block) {
  b.forLoop(b.index(0), count, 1, [&](Value time) {
    Value row = b.add(begin, time);
    for (auto [index, mask] : llvm::enumerate(block.masks)) {
      SmallVector<Value> position = {b.index(index), time, b.index(0)};
      Value column = block.columnOf(b, index);
      Value delta = b.load(op.getDelta(), {row, b.add(column, op.getDeltaColumn())}, mask);
      Value step = b.softplus(delta);
      b.store(step, steps, position);
      b.store(mul(step, loadU(row, column, mask)), inputs, position);
      b.store(b.splat(0), sums, position);
    }
  });
}

/// Advances all states of one vector of channels over the rows of the chunk.
void ScanEmitter::emitGroups(Value begin, Value count, Value vector) {
  int64_t full = states / group * group;
  if (full > 0)
    b.forLoop(b.index(0), b.index(full), group,
              [&](Value state) { emitGroup(begin, count, vector, state, group); });
  if (full < states)
    emitGroup(begin, count, vector, b.index(full), states - full);
}

/// The same for `size` states, in registers.
void ScanEmitter::emitGroup(Value begin, Value count, Value vector, Value firstState,
                            int64_t size) {
  Value zero = b.index(0);
  auto stateAt = [&](int64_t index) {
    return SmallVector<Value>{vector, b.add(firstState, index), zero};
  };
  SmallVector<Value> start;
  for (int64_t index = 0; index < size; ++index)
    start.push_back(b.load(hidden, stateAt(index)));
  SmallVector<Value> end = b.forLoop(zero, count, 1, start, [&](Value time, ValueRange carried) {
    Value position[] = {vector, time, zero};
    Value row = b.add(begin, time), sum = b.load(sums, position);
    SmallVector<Value> next;
    for (int64_t first = 0; first < size; first += statesAtOnce)
      sum = emitStates(row, position, b.add(firstState, first),
                       carried.slice(first, std::min(statesAtOnce, size - first)), sum, next);
    b.store(sum, sums, position);
    return next;
  });
  for (auto [index, h] : llvm::enumerate(end))
    b.store(h, hidden, stateAt(index));
}

/// Advances the states `old`, the first of which is `firstState`, by the row `row`,
/// whose step lies at `position` in scratch. Appends them to `next` and returns
/// `sum` with what they add to y.
Value ScanEmitter::emitStates(Value row, ValueRange position, Value firstState, ValueRange old,
                              Value sum, SmallVector<Value> &next) {
  Value step = b.load(steps, position), input = b.load(inputs, position);
  SmallVector<Value> exponents;
  for (int64_t index = 0; index < static_cast<int64_t>(old.size()); ++index) {
    Value rate = b.load(rates, {position.front(), b.add(firstState, index), b.index(0)});
    exponents.push_back(mul(step, rate));
  }
  for (auto [index, decay] : llvm::enumerate(exp2OfNegative(b, exponents))) {
    Value state = b.add(firstState, static_cast<int64_t>(index));
    Value weight = broadcastScalar(op.getB(), row, b.add(state, op.getBColumn()));
    next.push_back(b.fma(decay, old[index], mul(input, weight)));
    Value readout = broadcastScalar(op.getC(), row, b.add(state, op.getCColumn()));
    sum = b.fma(next.back(), readout, sum);
  }
  return sum;
}

void ScanEmitter::emitEpilogue(Value begin, Value count, const ChannelBlock &block) {
  b.forLoop(b.index(0), count, 1, [&](Value time) {
    Value row = b.add(begin, time);
    for (auto [index, mask] : llvm::enumerate(block.masks)) {
      Value column = block.columnOf(b, index);
      SmallVector<Value> arguments = {b.load(sums, {b.index(index), time, b.index(0)}),
                                      loadU(row, column, mask)};
      llvm::append_range(arguments, b.loadExtras(extras, row, {}, column, mask));
      Value result = b.inlineRegion(op.getEpilogue(), arguments);
      b.store(result, op.getOut(), {row, b.add(column, op.getOutColumn())}, mask);
    }
  });
}

namespace {
struct ScanModel : CPUKernelInterface::ExternalModel<ScanModel, ScanOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const CPUTargetInfo &target) const {
    // Half of the registers hold states, the others the exponentials.
    auto scan = cast<ScanOp>(op);
    int64_t states = std::min(statesOf(scan), target.vectorRegisters / 2);
    int64_t vectors =
        std::min(maxItemVectors, llvm::divideCeilSigned(channelsOf(scan), target.lanes()));
    return makeConfig(
        op->getContext(),
        {{"lanes", target.lanes()}, {"rows", chunkRows}, {"states", states}, {"vectors", vectors}});
  }

  AffineMap getCPUGrid(Operation *op) const {
    auto scan = cast<ScanOp>(op);
    DictionaryAttr config = *scan.getConfig();
    int64_t width = configValue(config, "vectors") * configValue(config, "lanes");
    AffineExpr batch = getAffineDimExpr(0, op->getContext());
    AffineExpr items = batch * llvm::divideCeilSigned(channelsOf(scan), width);
    // States that stay where they are need no item where no sequence has rows.
    if (scan.getFinal() && scan.getFinal() == scan.getInitial())
      items = items * getAffineDimExpr(1, op->getContext()).ceilDiv(maxSequenceRows);
    return AffineMap::get(scan.getChunks() ? 4 : 2, 0, items);
  }

  int64_t getCPUScratchBytes(Operation *op) const {
    return alignToLine(ScanScratch(cast<ScanOp>(op)).bytes());
  }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder, const CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto scan = cast<ScanOp>(op);
    if (failed(checkConfig(op, {"lanes", "rows", "states", "vectors"}, "CPU")))
      return failure();
    if (scan.getChunks())
      return op->emitOpError("takes chunks, which the CPU has no code for");
    KernelBuilder b(builder, op->getLoc(), target);
    b.lanes = configValue(*scan.getConfig(), "lanes");
    ScanEmitter(b, scan, scratch).emit(item);
    return success();
  }
};
} // namespace

void kern::attachScanCPUModel(MLIRContext &context) { ScanOp::attachInterface<ScanModel>(context); }
