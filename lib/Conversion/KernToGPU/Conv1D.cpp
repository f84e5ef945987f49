//===- Conv1D.cpp - kern.conv1d for the GPU -------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread takes a vector of neighbouring channels through the rows of its block: each
// input row is read once, in one access, and the rows before it stay in registers.
//
//===----------------------------------------------------------------------===//

#include "SequenceSupport.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Rows of a block: the taps read twice are few beside them.
static constexpr int64_t blockRows = 16;
/// Rows whose loads are in flight together.
static constexpr int64_t rowsAtOnce = 8;
/// Threads of a block at most.
static constexpr int64_t maxThreads = 128;
/// Channels of a thread at most: 16 bytes of bfloat16.
static constexpr int64_t maxVector = 8;

static int64_t tapsOf(Conv1DOp op) { return op.getWeight().getType().getDimSize(0); }
static int64_t channelsOf(Conv1DOp op) { return op.getWeight().getType().getDimSize(1); }

/// Blocks side by side that cover the channels.
static int64_t columnBlocksOf(Conv1DOp op) {
  return llvm::divideCeil(channelsOf(op), configValue(op, "vector") * configValue(op, "threads"));
}

/// The widest vector that every buffer's rows and columns are aligned to.
static int64_t legalVector(Conv1DOp op) {
  int64_t inColumn = op.getInColumn(), outColumn = op.getOutColumn();
  return commonVector(
      {channelsOf(op), rowWidth(op.getInput()), inColumn, rowWidth(op.getOut()), outColumn},
      maxVector);
}

namespace {
/// Emits the code of one thread.
class Conv1DEmitter {
public:
  Conv1DEmitter(GPUKernelBuilder &b, Conv1DOp op)
      : b(b), op(op), input(b.buffer(op.getInput())), out(b.buffer(op.getOut())), taps(tapsOf(op)),
        vector(configValue(op, "vector")) {}

  void emit();

private:
  /// The values of a thread's channels in one row.
  using Row = SmallVector<Value>;

  GPUKernelBuilder &b;
  Conv1DOp op;
  Buffer input, out;
  int64_t taps, vector;
  Value column; ///< the thread's first channel
  Buffer state;
  Value slot; ///< of the block's sequence

  void emitRows(const Sequence &sequence, Value begin, Value end);
  SmallVector<Row> loadWeights();
  SmallVector<Value> loadWindow(const Sequence &sequence, Value begin);
  Row loadRowBefore(const Sequence &sequence, Value time, int64_t tap);
  void storeState(const Sequence &sequence);
  Value stateOffset(Value row);
  Value inputOffset(Value row);
  Row loadInput(Value row);
  void storeResult(const Row &sums, Value row, ExtraReader &extras);
};
} // namespace

void Conv1DEmitter::emit() {
  int64_t rows = configValue(op, "rows");
  // Neighbouring blocks share rows.
  int64_t columnBlocks = columnBlocksOf(op);
  Value columnBlock = b.rem(b.blockId(0), columnBlocks);
  Value vectorIndex = b.add(b.mul(columnBlock, configValue(op, "threads")), b.threadId());
  column = b.mul(vectorIndex, vector);
  Sequence sequence = Sequence::load(b, op.getOffsets(), b.blockId(1));
  if (op.getState()) {
    state = b.buffer(op.getState());
    slot = b.lookUp(op.getSlots(), b.blockId(1));
  }
  Value begin = b.mul(b.div(b.blockId(0), columnBlocks), rows);
  Value end = b.min(b.add(begin, rows), sequence.length);
  Value isChannel = b.less(column, b.i32(channelsOf(op)));
  b.ifThen(b.both(isChannel, b.less(begin, end)), [&] { emitRows(sequence, begin, end); });
}

/// Rows [begin, end) of a sequence. The loop carries the taps - 1 rows before the
/// current one, oldest first.
void Conv1DEmitter::emitRows(const Sequence &sequence, Value begin, Value end) {
  SmallVector<Row> weights = loadWeights();
  ExtraReader extras(b, b.extras(op), column, vector);
  SmallVector<Value> window = loadWindow(sequence, begin);
  Value last = b.sub(end, b.i32(1));
  auto emitGroup = [&](Value time, ValueRange carried) {
    SmallVector<Row> inputs;
    for (int64_t tap = 0; tap < taps - 1; ++tap)
      inputs.emplace_back(carried.slice(tap * vector, vector));
    // Behind the end the last row is read again, so that no load waits for a branch.
    for (int64_t index = 0; index < rowsAtOnce; ++index)
      inputs.push_back(loadInput(b.add(sequence.begin, b.min(b.add(time, index), last))));
    for (int64_t index = 0; index < rowsAtOnce; ++index)
      b.ifThen(b.less(b.add(time, index), end), [&] {
        Row sums(vector, b.f32(0));
        for (int64_t tap = 0; tap < taps; ++tap)
          for (int64_t lane = 0; lane < vector; ++lane)
            sums[lane] = b.fma(weights[tap][lane], inputs[index + tap][lane], sums[lane]);
        storeResult(sums, b.add(sequence.begin, b.add(time, index)), extras);
      });
    SmallVector<Value> next;
    for (const Row &row : ArrayRef(inputs).take_back(taps - 1))
      next.append(row);
    return next;
  };
  b.forLoop(begin, end, b.i32(rowsAtOnce), window, emitGroup);
}

SmallVector<Conv1DEmitter::Row> Conv1DEmitter::loadWeights() {
  Buffer weight = b.buffer(op.getWeight());
  SmallVector<Row> weights;
  for (int64_t tap = 0; tap < taps; ++tap)
    weights.push_back(b.loadVector(weight, b.rowOffset(weight, b.i32(tap), column), vector));
  return weights;
}

/// The rows before `begin`. The block that reads the state replaces it: no other one knows when
/// it was read.
SmallVector<Value> Conv1DEmitter::loadWindow(const Sequence &sequence, Value begin) {
  SmallVector<Value> window;
  for (int64_t tap = 0; tap < taps - 1; ++tap)
    window.append(loadRowBefore(sequence, begin, tap));
  if (op.getState())
    b.ifThen(b.equal(begin, 0), [&] { storeState(sequence); });
  return window;
}

/// The input that meets tap `tap` in row `time`: before the sequence one of its state, or zero.
Conv1DEmitter::Row Conv1DEmitter::loadRowBefore(const Sequence &sequence, Value time, int64_t tap) {
  Value before = b.sub(time, b.i32(taps - 1 - tap)), isBefore = b.less(before, b.i32(0));
  Value known = b.add(sequence.begin, b.max(before, b.i32(0)));
  if (op.getState()) {
    Value kept = b.at(state.pointer, stateOffset(b.add(before, taps - 1)), state.elementType);
    Value own = b.at(input.pointer, inputOffset(known), input.elementType);
    Value place = b.select(isBefore, kept, own);
    return b.loadVector({place, input.elementType, input.stride}, b.i64(0), vector);
  }
  Row row = loadInput(known);
  for (Value &value : row)
    value = b.select(isBefore, b.f32(0), value);
  return row;
}

/// The last rows of the state and the sequence, oldest first: what moves up inside the state
/// comes from rows behind the one that is written.
void Conv1DEmitter::storeState(const Sequence &sequence) {
  for (int64_t tap = 0; tap < taps - 1; ++tap)
    b.storeVector(loadRowBefore(sequence, sequence.length, tap), state, stateOffset(b.i32(tap)));
}

Value Conv1DEmitter::stateOffset(Value row) {
  return b.rowOffset(state, slot, b.add(b.mul(row, channelsOf(op)), column));
}

Value Conv1DEmitter::inputOffset(Value row) {
  return b.rowOffset(input, row, b.add(column, op.getInColumn()));
}

Conv1DEmitter::Row Conv1DEmitter::loadInput(Value row) {
  return b.loadVector(input, inputOffset(row), vector);
}

void Conv1DEmitter::storeResult(const Row &sums, Value row, ExtraReader &extras) {
  SmallVector<SmallVector<Value>> values = extras.read(row);
  Row results;
  for (int64_t lane = 0; lane < vector; ++lane) {
    SmallVector<Value> arguments = {sums[lane]};
    for (const SmallVector<Value> &extra : values)
      arguments.push_back(extra[lane]);
    results.push_back(b.inlineRegion(op.getEpilogue(), arguments));
  }
  b.storeVector(results, out, b.rowOffset(out, row, b.add(column, op.getOutColumn())));
}

namespace {
struct Conv1DModel : GPUKernelInterface::ExternalModel<Conv1DModel, Conv1DOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    auto conv = cast<Conv1DOp>(op);
    // Weights and window of all channels should stay in registers.
    int64_t vector = legalVector(conv);
    while (vector > 1 && vector * (2 * tapsOf(conv) + rowsAtOnce) > target.registersPerThread / 2)
      vector /= 2;
    int64_t threads = std::min(roundUp(channelsOf(conv) / vector, 32), maxThreads);
    int64_t rows = std::max(blockRows, roundUp(tapsOf(conv) - 1, rowsAtOnce));
    return makeConfig(op->getContext(), {{"rows", rows}, {"threads", threads}, {"vector", vector}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto conv = cast<Conv1DOp>(op);
    if (failed(checkConfig(op, {"rows", "threads", "vector"})))
      return failure();
    int64_t vector = configValue(op, "vector"), threads = configValue(op, "threads");
    if (legalVector(conv) % vector != 0)
      return op->emitOpError("needs a 'vector' that divides ")
             << legalVector(conv) << " in its GPU configuration, got " << vector;
    if (threads % 32 != 0 || threads > 1024)
      return op->emitOpError("needs 'threads' in multiples of 32 up to 1024 in its GPU "
                             "configuration, got ")
             << threads;
    if (conv.getState() && configValue(op, "rows") < tapsOf(conv) - 1)
      return op->emitOpError("needs at least as many 'rows' in its GPU configuration as its state "
                             "has, ")
             << tapsOf(conv) - 1 << ", got " << configValue(op, "rows");
    GPUKernelBuilder b(builder, op, target);
    Conv1DEmitter(b, conv).emit();

    GPULaunch launch;
    AffineExpr batch = builder.getAffineDimExpr(0), length = builder.getAffineDimExpr(1);
    AffineExpr rowBlocks = length.ceilDiv(configValue(op, "rows"));
    launch.grid = AffineMap::get(2, 0, {rowBlocks * columnBlocksOf(conv), batch}, op->getContext());
    launch.threads = threads;
    return launch;
  }
};
} // namespace

void nvptx::attachConv1DModel(MLIRContext &context) {
  Conv1DOp::attachInterface<Conv1DModel>(context);
}
