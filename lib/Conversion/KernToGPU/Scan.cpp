//===- Scan.cpp - kern.scan for the GPU -----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A channel belongs to one thread, or to `lanes` neighbouring threads that share its
// states; states never leave the registers. Time goes in tiles of `rows`: b and c of a
// tile, which all channels read, are staged in shared memory as float32, one tile ahead.
// What belongs to a channel (u, Δ and the extras' rows) each thread reads for itself,
// `steps` rows ahead, which asks nothing of alignment: a warp's accesses coalesce.
//
//===----------------------------------------------------------------------===//

#include "ScanTiles.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// States of a thread at most: as many again are rates, and both stay in registers.
static constexpr int64_t maxThreadStates = 16;
/// FLOPs that a state's step counts for, one of them an exponential.
static constexpr int64_t flopsPerExponential = 9;
/// Threads of a block: small ones spread over the chip evenly.
static constexpr int64_t blockThreads = 64;
/// Rows of a tile at most, and elements of b that a thread stages for it.
static constexpr int64_t maxTileRows = 16, stagedElements = 8;
/// Rows whose loads are in flight while as many are computed.
static constexpr int64_t rowsAhead = 8;

namespace {
/// The inputs of a thread's channel in one row, as they lie in memory.
using RawRow = SmallVector<Value>;

/// Emits the code of one thread.
class ScanEmitter {
public:
  ScanEmitter(GPUKernelBuilder &b, ScanOp op)
      : b(b), op(op), shape(op), extras(b.extras(op)), u(b.buffer(op.getU())),
        delta(b.buffer(op.getDelta())), out(b.buffer(op.getOut())),
        steps(configValue(op, "steps")) {}

  void emit();

private:
  GPUKernelBuilder &b;
  ScanOp op;
  ScanShape shape;
  Extras extras;
  Buffer u, delta, out;
  int64_t steps;
  Sequence sequence;
  Value channel;                   ///< clamped: threads behind the last channel repeat its work
  Value isOwner;                   ///< whether the thread stores its channel's results
  Value part;                      ///< which of its channel's lanes the thread is
  SmallVector<Value> rates;        ///< a · log2(e), so that a step costs exp2 alone
  SmallVector<Value> columnExtras; ///< null for extras read row by row

  void assignChannel();
  void loadConstants();
  void emitSequence(ScanTiles &tiles);
  SmallVector<Value> emitSteps(ScanTiles &tiles, Value tileBegin, Value step, ValueRange carried);
  SmallVector<Value> loadRows(Value time);
  Value loadRaw(const Buffer &buffer, Value row, int64_t column);
  Value emitStep(const ScanTiles::Row &row, ArrayRef<Value> inputs, SmallVectorImpl<Value> &states);
  void storeResults(ArrayRef<Value> results, Value time);
  int64_t rawValues() const { return 2 + llvm::count(columnExtras, Value()); }
};
} // namespace

void ScanEmitter::emit() {
  assignChannel();
  loadConstants();
  ScanTiles tiles(b, op, shape, sequence, part);
  tiles.clear();
  emitSequence(tiles);
}

void ScanEmitter::assignChannel() {
  Value thread = b.threadId();
  part = b.rem(thread, shape.lanes);
  Value number = b.add(b.mul(b.blockId(0), shape.blockChannels()), b.div(thread, shape.lanes));
  channel = b.min(number, b.i32(shape.channels - 1));
  isOwner = b.both(b.less(number, b.i32(shape.channels)), b.equal(part, 0));
  sequence = Sequence::load(b, op.getOffsets(), b.blockId(1));
}

/// What does not depend on the row. States that only fill up a thread's share have
/// rate 0, and b = c = 0: they stay 0.
void ScanEmitter::loadConstants() {
  Buffer a = b.buffer(op.getA());
  for (int64_t index = 0; index < shape.threadStates; ++index) {
    Value state = b.add(b.mul(part, shape.threadStates), index);
    Value known = b.min(state, b.i32(shape.states - 1));
    Value rate = b.mulf(b.load(a, b.rowOffset(a, known, channel)), b.f32(std::numbers::log2e));
    if (shape.paddedStates() != shape.states)
      rate = b.select(b.less(state, b.i32(shape.states)), rate, b.f32(0));
    rates.push_back(rate);
  }
  for (auto [buffer, access, column] :
       llvm::zip_equal(extras.buffers, extras.accesses, extras.columns))
    columnExtras.push_back(
        access == Access::Column ? b.load(buffer, b.widen(b.add(channel, column))) : Value());
}

/// The loops: over tiles, which carry the states, the inputs of the next rows, the
/// staged elements of the next tile and the side of shared memory it goes to.
void ScanEmitter::emitSequence(ScanTiles &tiles) {
  b.ifThen(b.less(b.i32(0), sequence.length), [&] {
    SmallVector<Value> inits(shape.threadStates, b.f32(0));
    llvm::append_range(inits, loadRows(b.i32(0)));
    size_t numStepValues = inits.size();
    llvm::append_range(inits, tiles.fetch(b.i32(0)));
    inits.push_back(b.i32(0));
    b.forLoop(
        b.i32(0), sequence.length, b.i32(shape.rows), inits, [&](Value begin, ValueRange carried) {
          tiles.publish(carried.drop_front(numStepValues).drop_back(), carried.back());
          b.barrier();
          SmallVector<Value> staged = tiles.fetch(b.add(begin, shape.rows));
          Value count = b.min(b.sub(sequence.length, begin), b.i32(shape.rows));
          SmallVector<Value> next = b.forLoop(
              b.i32(0), count, b.i32(steps), carried.take_front(numStepValues),
              [&](Value step, ValueRange values) { return emitSteps(tiles, begin, step, values); });
          llvm::append_range(next, staged);
          next.push_back(tiles.otherSide(carried.back()));
          return next;
        });
  });
}

/// Advances the states by `steps` rows from row `step` of the tile. `carried` holds the
/// states and the rows' inputs; those of the next rows take their place.
SmallVector<Value> ScanEmitter::emitSteps(ScanTiles &tiles, Value tileBegin, Value step,
                                          ValueRange carried) {
  Value time = b.add(tileBegin, step);
  SmallVector<Value> states(carried.take_front(shape.threadStates));
  SmallVector<Value> inputs(carried.drop_front(shape.threadStates));
  SmallVector<Value> ahead = loadRows(b.add(time, steps));
  SmallVector<Value> results;
  for (int64_t index = 0; index < steps; ++index) {
    ArrayRef<Value> rowInputs = ArrayRef(inputs).slice(index * rawValues(), rawValues());
    results.push_back(emitStep(tiles.load(step, index), rowInputs, states));
  }
  storeResults(results, time);
  llvm::append_range(states, ahead);
  return states;
}

/// The inputs of `steps` rows from `time` on. Behind the sequence's end its last row is
/// read again, so that no load waits for a branch.
SmallVector<Value> ScanEmitter::loadRows(Value time) {
  SmallVector<Value> values;
  Value last = b.sub(sequence.length, b.i32(1));
  for (int64_t index = 0; index < steps; ++index) {
    Value row = b.add(sequence.begin, b.min(b.add(time, index), last));
    values.push_back(loadRaw(u, row, op.getUColumn()));
    values.push_back(loadRaw(delta, row, op.getDeltaColumn()));
    for (auto [buffer, column, constant] :
         llvm::zip_equal(extras.buffers, extras.columns, columnExtras))
      if (!constant)
        values.push_back(loadRaw(buffer, row, column));
  }
  return values;
}

/// The element as it lies in memory: converting it at once would wait for the load.
Value ScanEmitter::loadRaw(const Buffer &buffer, Value row, int64_t column) {
  Value offset = b.rowOffset(buffer, row, b.add(channel, column));
  return b.loadRaw(buffer.elementType, b.at(buffer.pointer, offset, buffer.elementType));
}

/// Advances the states by one row and returns what is stored for it.
Value ScanEmitter::emitStep(const ScanTiles::Row &row, ArrayRef<Value> inputs,
                            SmallVectorImpl<Value> &states) {
  Value x = b.extend(inputs[0]), step = b.softplus(b.extend(inputs[1]));
  Value input = b.mulf(step, x);
  // Two sums, so that one addition need not wait for the other.
  Value sums[] = {b.f32(0), b.f32(0)};
  for (auto [index, state, rate] : llvm::enumerate(states, rates)) {
    Value decay = b.exp2(b.mulf(step, rate));
    state = b.fma(decay, state, b.mulf(input, row.b[index]));
    sums[index % 2] = b.fma(state, row.c[index], sums[index % 2]);
  }
  Value y = b.addf(sums[0], sums[1]);
  for (int64_t distance = 1; distance < shape.lanes; distance *= 2)
    y = b.addf(y, b.shuffleXor(y, distance));

  SmallVector<Value> arguments = {y, x};
  ArrayRef<Value> rowExtras = inputs.drop_front(2);
  for (Value constant : columnExtras) {
    arguments.push_back(constant ? constant : b.extend(rowExtras.front()));
    if (!constant)
      rowExtras = rowExtras.drop_front();
  }
  return b.inlineRegion(op.getEpilogue(), arguments);
}

/// Stores the results of the rows from `time` on that the sequence has.
void ScanEmitter::storeResults(ArrayRef<Value> results, Value time) {
  auto storeAt = [&](int64_t index) {
    Value row = b.add(sequence.begin, b.add(time, index));
    b.store(results[index], out, b.rowOffset(out, row, b.add(channel, op.getOutColumn())));
  };
  Value rest = b.sub(sequence.length, time);
  b.ifThen(isOwner, [&] {
    b.ifThenElse(
        b.less(b.i32(steps - 1), rest),
        [&] {
          for (int64_t index = 0; index < steps; ++index)
            storeAt(index);
        },
        [&] {
          for (int64_t index = 0; index < steps - 1; ++index)
            b.ifThen(b.less(b.i32(index), rest), [&] { storeAt(index); });
        });
  });
}

namespace {
struct ScanModel : GPUKernelInterface::ExternalModel<ScanModel, ScanOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    auto scan = cast<ScanOp>(op);
    int64_t states = scan.getA().getType().getDimSize(0);
    int64_t lanes = llvm::PowerOf2Ceil(llvm::divideCeil(states, maxThreadStates));
    int64_t perRow = llvm::divideCeil(states, blockThreads);
    int64_t rows = llvm::bit_floor<uint64_t>(
        std::clamp<int64_t>(stagedElements * blockThreads / states, perRow, maxTileRows));
    return makeConfig(op->getContext(), {{"lanes", lanes},
                                         {"rows", rows},
                                         {"steps", std::min(rows, rowsAhead)},
                                         {"threads", blockThreads}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto scan = cast<ScanOp>(op);
    if (failed(checkConfig(op, {"lanes", "rows", "steps", "threads"})))
      return failure();
    ScanShape shape(scan);
    if (failed(shape.check(scan, target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    ScanEmitter(b, scan).emit();

    GPULaunch launch;
    AffineExpr channelBlocks =
        builder.getAffineConstantExpr(llvm::divideCeil(shape.channels, shape.blockChannels()));
    launch.grid =
        AffineMap::get(2, 0, {channelBlocks, builder.getAffineDimExpr(0)}, op->getContext());
    launch.threads = shape.threads;
    launch.sharedBytes = shape.sharedBytes();
    launch.flopRate = flopsPerExponential * target.exponentialRate;
    return launch;
  }
};
} // namespace

void nvptx::attachScanModel(MLIRContext &context) { ScanOp::attachInterface<ScanModel>(context); }
