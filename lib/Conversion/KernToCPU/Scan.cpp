//===- Scan.cpp - kern.scan for the CPU -----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An item is one sequence × one vector of channels, a lane per channel. Time goes
// in chunks; a chunk goes through three phases:
//   1. Δ and Δ · u of every row, and y = 0, into scratch;
//   2. for each group of states: h in registers over the rows, y added up;
//   3. the epilogue of every row.
// Between chunks h lies in scratch. Phase 2 is where the time goes: its
// exponentials, rows × states of them, are independent of each other.
//
//===----------------------------------------------------------------------===//

#include "SequenceSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using mlir::flowhn::CPUTargetInfo;

/// Rows of a chunk: what phase 2 loads and stores of h is spread over them, and
/// their scratch stays in the first-level cache.
static constexpr int64_t chunkRows = 64;

static int64_t statesOf(ScanOp op) { return op.getA().getType().getDimSize(0); }
static int64_t channelsOf(ScanOp op) { return op.getA().getType().getDimSize(1); }

namespace {
/// Scratch of an item: rows of one vector each.
struct ScanScratch {
  int64_t states, rows, lanes;

  explicit ScanScratch(ScanOp op)
      : states(statesOf(op)), rows(configValue(*op.getConfig(), "rows")),
        lanes(configValue(*op.getConfig(), "lanes")) {}

  int64_t bytes() const { return vectorBytes(2 * states + 3 * rows); }

  /// The part of `numVectors` vectors behind the first `offset` vectors.
  Value view(KernelBuilder &b, Value scratch, int64_t offset, int64_t numVectors) const {
    return b.scratchView(scratch, vectorBytes(offset), {numVectors, lanes});
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
  /// The vector of channels: first one, and null where all lanes are channels.
  Value column, mask;

  void emitSequence(const Sequence &sequence);
  void resetStates();
  void emitSteps(Value begin, Value count);
  void emitGroup(Value begin, Value count, Value firstState, int64_t size);
  void emitEpilogue(Value begin, Value count);
  Value broadcastScalar(Value memref, Value row, Value column) {
    return b.broadcast(b.loadScalar(memref, {row, column}));
  }
  Value mul(Value lhs, Value rhs) { return arith::MulFOp::create(b.builder, b.loc, lhs, rhs); }
};
} // namespace

void ScanEmitter::emit(Value item) {
  int64_t numBlocks = llvm::divideCeil(channelsOf(op), b.lanes);
  Sequence sequence = Sequence::load(b, op.getOffsets(), b.floorDiv(item, numBlocks));
  b.ifThen(b.less(b.index(0), sequence.length), [&] {
    emitChannelBlock(b, b.mod(item, numBlocks), channelsOf(op), 1, [&](const ChannelBlock &block) {
      column = block.column;
      mask = block.masks.front();
      emitSequence(sequence);
    });
  });
}

void ScanEmitter::emitSequence(const Sequence &sequence) {
  int64_t rows = configValue(*op.getConfig(), "rows");
  resetStates();
  b.forLoop(b.index(0), sequence.length, rows, [&](Value time) {
    Value begin = b.add(sequence.begin, time);
    Value count = b.min(b.index(rows), b.sub(sequence.length, time));
    emitSteps(begin, count);
    int64_t full = states / group * group;
    if (full > 0)
      b.forLoop(b.index(0), b.index(full), group,
                [&](Value state) { emitGroup(begin, count, state, group); });
    if (full < states)
      emitGroup(begin, count, b.index(full), states - full);
    emitEpilogue(begin, count);
  });
}

/// h = 0, and the rates in base 2, so that a step costs exp2 alone.
void ScanEmitter::resetStates() {
  b.forLoop(b.index(0), b.index(states), 1, [&](Value state) {
    Value rate = b.load(op.getA(), {state, column}, mask);
    b.store(mul(rate, b.splat(std::numbers::log2e)), rates, {state, b.index(0)});
    b.store(b.splat(0), hidden, {state, b.index(0)});
  });
}

void ScanEmitter::emitSteps(Value begin, Value count) {
  b.forLoop(b.index(0), count, 1, [&](Value time) {
    Value row = b.add(begin, time), zero = b.index(0);
    Value step = b.softplus(b.load(op.getDelta(), {row, b.add(column, op.getDeltaColumn())}, mask));
    Value u = b.load(op.getU(), {row, b.add(column, op.getUColumn())}, mask);
    b.store(step, steps, {time, zero});
    b.store(mul(step, u), inputs, {time, zero});
    b.store(b.splat(0), sums, {time, zero});
  });
}

/// Advances `size` states over the rows of the chunk.
void ScanEmitter::emitGroup(Value begin, Value count, Value firstState, int64_t size) {
  Value zero = b.index(0);
  SmallVector<Value> start;
  for (int64_t state = 0; state < size; ++state)
    start.push_back(b.load(hidden, {b.add(firstState, state), zero}));

  SmallVector<Value> end = b.forLoop(zero, count, 1, start, [&](Value time, ValueRange carried) {
    Value row = b.add(begin, time);
    Value step = b.load(steps, {time, zero}), input = b.load(inputs, {time, zero});
    Value sum = b.load(sums, {time, zero});
    SmallVector<Value> next;
    for (auto [index, h] : llvm::enumerate(carried)) {
      Value state = b.add(firstState, static_cast<int64_t>(index));
      Value decay = exp2OfNegative(b, mul(step, b.load(rates, {state, zero})));
      Value weight = broadcastScalar(op.getB(), row, b.add(state, op.getBColumn()));
      next.push_back(b.fma(decay, h, mul(input, weight)));
      Value readout = broadcastScalar(op.getC(), row, b.add(state, op.getCColumn()));
      sum = b.fma(next.back(), readout, sum);
    }
    b.store(sum, sums, {time, zero});
    return next;
  });
  for (auto [index, h] : llvm::enumerate(end))
    b.store(h, hidden, {b.add(firstState, static_cast<int64_t>(index)), zero});
}

void ScanEmitter::emitEpilogue(Value begin, Value count) {
  b.forLoop(b.index(0), count, 1, [&](Value time) {
    Value row = b.add(begin, time);
    SmallVector<Value> arguments = {b.load(sums, {time, b.index(0)}),
                                    b.load(op.getU(), {row, b.add(column, op.getUColumn())}, mask)};
    llvm::append_range(arguments, b.loadExtras(extras, row, {}, column, mask));
    Value result = b.inlineRegion(op.getEpilogue(), arguments);
    b.store(result, op.getOut(), {row, b.add(column, op.getOutColumn())}, mask);
  });
}

namespace {
struct ScanModel : CPUKernelInterface::ExternalModel<ScanModel, ScanOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const CPUTargetInfo &target) const {
    // Half of the registers hold states, the others the exponentials.
    int64_t states = std::min(statesOf(cast<ScanOp>(op)), target.vectorRegisters / 2);
    return makeConfig(op->getContext(),
                      {{"lanes", target.lanes()}, {"rows", chunkRows}, {"states", states}});
  }

  AffineMap getCPUGrid(Operation *op) const {
    auto scan = cast<ScanOp>(op);
    int64_t lanes = configValue(*scan.getConfig(), "lanes");
    AffineExpr batch = getAffineDimExpr(0, op->getContext());
    return AffineMap::get(2, 0, batch * llvm::divideCeil(channelsOf(scan), lanes));
  }

  int64_t getCPUScratchBytes(Operation *op) const {
    return alignToLine(ScanScratch(cast<ScanOp>(op)).bytes());
  }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder, const CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto scan = cast<ScanOp>(op);
    KernelBuilder b(builder, op->getLoc(), target);
    b.lanes = configValue(*scan.getConfig(), "lanes");
    ScanEmitter(b, scan, scratch).emit(item);
    return success();
  }
};
} // namespace

void kern::attachScanCPUModel(MLIRContext &context) { ScanOp::attachInterface<ScanModel>(context); }
