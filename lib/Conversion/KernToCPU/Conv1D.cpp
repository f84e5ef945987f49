//===- Conv1D.cpp - kern.conv1d for the CPU -------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelConfig.h"
#include "SequenceSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;
using mlir::flowhn::CPUTargetInfo;

static constexpr int64_t itemRows = 64;
static constexpr int64_t maxItemVectors = 4;

static int64_t tapsOf(Conv1DOp op) { return op.getWeight().getType().getDimSize(0); }
static int64_t channelsOf(Conv1DOp op) { return op.getWeight().getType().getDimSize(1); }

namespace {
/// Emits the code of one item: rows of one sequence × vectors of channels. Each
/// input row is read once; the rows before it stay in registers.
class Conv1DEmitter {
public:
  Conv1DEmitter(KernelBuilder &b, Conv1DOp op)
      : b(b), op(op), extras(Extras::of(op)), taps(tapsOf(op)) {}

  void emit(Value item);

private:
  KernelBuilder &b;
  Conv1DOp op;
  Extras extras;
  int64_t taps;
  Value slot; ///< of the item's sequence; null without state

  void emitRows(const Sequence &sequence, Value begin, Value end, const ChannelBlock &block);
  SmallVector<Value> loadWeights(const ChannelBlock &block);
  SmallVector<Value> loadWindow(const Sequence &sequence, Value time, const ChannelBlock &block);
  SmallVector<Value> loadStart(const ChannelBlock &block);
  SmallVector<Value> loadRowsBefore(const Sequence &sequence, Value time,
                                    const ChannelBlock &block);
  void storeState(const Sequence &sequence, ValueRange start, const ChannelBlock &block);
  Value loadInput(Value row, const ChannelBlock &block, size_t index);
  void storeResult(Value sum, Value row, const ChannelBlock &block, size_t index);
};
} // namespace

void Conv1DEmitter::emit(Value item) {
  int64_t rows = configValue(*op.getConfig(), "rows");
  int64_t vectors = configValue(*op.getConfig(), "vectors");
  int64_t numBlocks = llvm::divideCeil(channelsOf(op), vectors * b.lanes);
  Value number = b.mod(item, numBlocks);
  auto [sequenceNumber, timeBlock] =
      splitIndex(b, b.floorDiv(item, numBlocks), b.ceilDiv(op.getMaxLength(), rows));
  Sequence sequence = Sequence::load(b, op.getOffsets(), sequenceNumber);
  if (op.getState())
    slot = b.lookUp(op.getSlots(), sequenceNumber);
  Value begin = b.mul(timeBlock, rows);
  Value end = b.min(b.add(begin, rows), sequence.length);
  b.ifThen(b.less(begin, end), [&] {
    emitChannelBlock(b, number, channelsOf(op), vectors,
                     [&](const ChannelBlock &block) { emitRows(sequence, begin, end, block); });
  });
}

/// Rows [begin, end) of a sequence. The loop carries the taps - 1 rows before the
/// current one, oldest first, vector by vector.
void Conv1DEmitter::emitRows(const Sequence &sequence, Value begin, Value end,
                             const ChannelBlock &block) {
  SmallVector<Value> weights = loadWeights(block);
  SmallVector<Value> window = loadWindow(sequence, begin, block);
  auto emitRow = [&](Value time, ValueRange carried) {
    Value row = b.add(sequence.begin, time);
    SmallVector<Value> next;
    for (size_t index = 0; index < block.size(); ++index) {
      SmallVector<Value> inputs(carried.slice(index * (taps - 1), taps - 1));
      inputs.push_back(loadInput(row, block, index));
      Value sum = b.splat(0);
      for (int64_t tap = 0; tap < taps; ++tap)
        sum = b.fma(weights[index * taps + tap], inputs[tap], sum);
      storeResult(sum, row, block, index);
      next.append(inputs.begin() + 1, inputs.end());
    }
    return next;
  };
  if (window.empty())
    b.forLoop(begin, end, 1, [&](Value time) { emitRow(time, {}); });
  else
    b.forLoop(begin, end, 1, window, emitRow);
}

SmallVector<Value> Conv1DEmitter::loadWeights(const ChannelBlock &block) {
  SmallVector<Value> weights;
  for (auto [index, mask] : llvm::enumerate(block.masks))
    for (int64_t tap = 0; tap < taps; ++tap)
      weights.push_back(b.load(op.getWeight(), {b.index(tap), block.columnOf(b, index)}, mask));
  return weights;
}

/// The rows before the first one of the sequence. An item that starts elsewhere drops what it
/// reads here, which another one may be replacing.
SmallVector<Value> Conv1DEmitter::loadStart(const ChannelBlock &block) {
  SmallVector<Value> start;
  for (auto [index, mask] : llvm::enumerate(block.masks))
    for (int64_t tap = 0; tap < taps - 1; ++tap)
      start.push_back(
          slot ? b.load(op.getState(), {slot, b.index(tap), block.columnOf(b, index)}, mask)
               : b.splat(0));
  return start;
}

/// The rows before `time`, those that lie in the sequence; the first one in place of others.
SmallVector<Value> Conv1DEmitter::loadRowsBefore(const Sequence &sequence, Value time,
                                                 const ChannelBlock &block) {
  SmallVector<Value> rows;
  for (size_t index = 0; index < block.size(); ++index)
    for (int64_t tap = 0; tap < taps - 1; ++tap) {
      Value before = b.max(b.sub(time, b.index(taps - 1 - tap)), b.index(0));
      rows.push_back(loadInput(b.add(sequence.begin, before), block, index));
    }
  return rows;
}

/// The rows before `time`. An item begins at row 0 or at taps - 1 or later, so
/// either none or all of them lie in the sequence.
SmallVector<Value> Conv1DEmitter::loadWindow(const Sequence &sequence, Value time,
                                             const ChannelBlock &block) {
  Value isFirst = b.less(time, b.index(1));
  SmallVector<Value> window = loadRowsBefore(sequence, time, block);
  SmallVector<Value> start = loadStart(block);
  for (auto [input, before] : llvm::zip_equal(window, start))
    input = arith::SelectOp::create(b.builder, b.loc, isFirst, before, input);
  // The item that reads the state replaces it: no other one knows when it was read.
  if (slot)
    b.ifThen(isFirst, [&] { storeState(sequence, start, block); });
  return window;
}

/// The last rows of the sequence, behind what is left of `start` where it has too few.
void Conv1DEmitter::storeState(const Sequence &sequence, ValueRange start,
                               const ChannelBlock &block) {
  SmallVector<Value> last = loadRowsBefore(sequence, sequence.length, block);
  for (auto [index, mask] : llvm::enumerate(block.masks))
    for (int64_t tap = 0; tap < taps - 1; ++tap) {
      Value row = last[index * (taps - 1) + tap];
      // Of fewer rows than that, `length` places of the start have moved up.
      for (int64_t length = taps - 2 - tap; length > 0; --length) {
        Value isShort = b.less(sequence.length, b.index(length + 1));
        Value moved = start[index * (taps - 1) + tap + length];
        row = arith::SelectOp::create(b.builder, b.loc, isShort, moved, row);
      }
      b.store(row, op.getState(), {slot, b.index(tap), block.columnOf(b, index)}, mask);
    }
}

Value Conv1DEmitter::loadInput(Value row, const ChannelBlock &block, size_t index) {
  Value column = b.add(block.columnOf(b, index), op.getInColumn());
  return b.load(op.getInput(), {row, column}, block.masks[index]);
}

void Conv1DEmitter::storeResult(Value sum, Value row, const ChannelBlock &block, size_t index) {
  Value column = block.columnOf(b, index), mask = block.masks[index];
  SmallVector<Value> arguments = {sum};
  llvm::append_range(arguments, b.loadExtras(extras, row, {}, column, mask));
  Value result = b.inlineRegion(op.getEpilogue(), arguments);
  b.store(result, op.getOut(), {row, b.add(column, op.getOutColumn())}, mask);
}

namespace {
struct Conv1DModel : CPUKernelInterface::ExternalModel<Conv1DModel, Conv1DOp> {
  DictionaryAttr chooseCPUConfig(Operation *op, const CPUTargetInfo &target) const {
    auto conv = cast<Conv1DOp>(op);
    // Weights and window of all vectors should stay in registers.
    int64_t fitting = target.vectorRegisters / (2 * tapsOf(conv));
    int64_t needed = llvm::divideCeil(channelsOf(conv), target.lanes());
    int64_t vectors = std::max<int64_t>(1, std::min({fitting, needed, maxItemVectors}));
    int64_t rows = std::max(itemRows, tapsOf(conv) - 1);
    return makeConfig(op->getContext(),
                      {{"lanes", target.lanes()}, {"rows", rows}, {"vectors", vectors}});
  }

  AffineMap getCPUGrid(Operation *op) const {
    auto conv = cast<Conv1DOp>(op);
    DictionaryAttr config = *conv.getConfig();
    int64_t width = configValue(config, "vectors") * configValue(config, "lanes");
    AffineExpr batch = getAffineDimExpr(0, op->getContext());
    AffineExpr length = getAffineDimExpr(1, op->getContext());
    int64_t numBlocks = llvm::divideCeil(channelsOf(conv), width);
    return AffineMap::get(2, 0, batch * length.ceilDiv(configValue(config, "rows")) * numBlocks);
  }

  int64_t getCPUScratchBytes(Operation *op) const { return 0; }

  LogicalResult emitCPU(Operation *op, OpBuilder &builder, const CPUTargetInfo &target, Value item,
                        Value scratch) const {
    auto conv = cast<Conv1DOp>(op);
    if (failed(checkConfig(op, {"lanes", "rows", "vectors"}, "CPU")))
      return failure();
    if (configValue(*conv.getConfig(), "rows") < tapsOf(conv) - 1)
      return op->emitOpError("needs 'rows' of at least ")
             << tapsOf(conv) - 1 << " in its CPU configuration, the taps before the last";
    KernelBuilder b(builder, op->getLoc(), target);
    b.lanes = configValue(*conv.getConfig(), "lanes");
    Conv1DEmitter(b, conv).emit(item);
    return success();
  }
};
} // namespace

void kern::attachConv1DCPUModel(MLIRContext &context) {
  Conv1DOp::attachInterface<Conv1DModel>(context);
}
