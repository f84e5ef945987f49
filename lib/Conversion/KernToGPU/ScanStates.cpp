//===- ScanStates.cpp - The states between chunks, for the GPU ------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kern.scan_states is the recurrence of kern.scan without its results, a block per chunk.
// kern.scan_combine is a thread per sequence, channel and state, neighbouring threads on
// neighbouring channels; it walks the chunks, whose states it reads `combinedAhead` at a
// time: they do not depend on each other, only what is made of them does. Where chunks are few,
// the blocks of kern.scan do so, each for its own chunk.
//
//===----------------------------------------------------------------------===//

#include "ScanEmitter.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// FLOPs that a state's step counts for, one of them an exponential.
static constexpr int64_t flopsPerExponential = 7;

/// Chunks whose loads are in flight together.
static constexpr int64_t combinedAhead = 8;
/// The same where each chunk combines what is in front of it: they take registers of a scan.
static constexpr int64_t foldedAhead = 4;
/// Threads of a block that combines.
static constexpr int64_t combineThreads = 128;

//===----------------------------------------------------------------------===//
// kern.scan_states
//===----------------------------------------------------------------------===//

static SmallVector<ScanInput> rowInputsOf(ScanStatesOp op) {
  return {{op.getU(), int64_t(op.getUColumn())}, {op.getDelta(), int64_t(op.getDeltaColumn())}};
}

static SmallVector<ScanInput> projectionsOf(ScanStatesOp op) {
  return {{op.getB(), int64_t(op.getBColumn())}};
}

static ScanShape shapeOf(ScanStatesOp op) {
  return ScanShape(op, op.getA().getType(), projectionsOf(op), rowInputsOf(op));
}

namespace {
/// The recurrence alone.
class StatesEmitter : public ScanEmitter {
public:
  StatesEmitter(GPUKernelBuilder &b, ScanStatesOp op)
      : ScanEmitter(b, shapeOf(op), {b.buffer(op.getA()), rowInputsOf(op), projectionsOf(op)},
                    /*endsExactly=*/true, /*sumsDelta=*/true),
        op(op), sums(b.buffer(op.getSums())) {}

  void emit();

private:
  ScanStatesOp op;
  Buffer sums;
};

struct ScanStatesModel : GPUKernelInterface::ExternalModel<ScanStatesModel, ScanStatesOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    return chooseScanConfig(op->getContext(), cast<ScanStatesOp>(op).getA().getType().getDimSize(0),
                            /*movesStates=*/false, /*areFew=*/false, target);
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto states = cast<ScanStatesOp>(op);
    if (failed(checkScanConfig(op)))
      return failure();
    ScanShape shape = shapeOf(states);
    if (failed(checkSharedBytes(op, shape.sharedBytes(), target)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    StatesEmitter(b, states).emit();

    GPULaunch launch;
    AffineExpr channelBlocks = builder.getAffineConstantExpr(shape.channelBlocks());
    AffineExpr batch = builder.getAffineDimExpr(0), chunks = builder.getAffineDimExpr(1);
    // Nothing follows the last chunk.
    launch.grid = AffineMap::get(3, 0, {channelBlocks, chunks - 1, batch}, op->getContext());
    launch.threads = shape.threads;
    launch.sharedBytes = shape.sharedBytes();
    launch.flopRate = flopsPerExponential * target.exponentialRate;
    return launch;
  }
};
} // namespace

void StatesEmitter::emit() {
  ScanChunk chunk =
      ScanChunk::load(b, op.getOffsets(), b.blockId(2), b.blockId(1), b.extent(op.getChunkRows()));
  b.ifThen(b.less(chunk.end, chunk.length), [&] {
    SmallVector<Value> end = emitRows(chunk.rows, [&] { return zeroStates(); });
    storeStates(end, stateAt(op.getStates(), chunk.position));
    b.ifThen(b.both(exists, b.equal(lanes.row(), 0)),
             [&] { b.store(end.back(), sums, b.rowOffset(sums, chunk.position, channel)); });
  });
}

//===----------------------------------------------------------------------===//
// What few chunks combine themselves
//===----------------------------------------------------------------------===//

SmallVector<Value> ScanEmitter::foldStates(ArrayRef<Value> states, const StatePlace &place,
                                           Value sums, Value count) {
  return b.forLoop(b.i32(0), count, b.i32(foldedAhead), SmallVector<Value>(states),
                   [&](Value begin, ValueRange carried) {
                     return foldChunks(carried, place, sums, count, begin);
                   });
}

/// Takes `states` over `foldedAhead` of the chunks, from `begin` on. Behind the last one it is read
/// again.
SmallVector<Value> ScanEmitter::foldChunks(ValueRange states, const StatePlace &place, Value sums,
                                           Value count, Value begin) {
  Value first = b.sub(place.row, b.sub(count, begin)), last = b.add(place.row, -1);
  SmallVector<SmallVector<Value>> added, deltas;
  for (int64_t chunk = 0; chunk < foldedAhead; ++chunk) {
    Value row = b.min(b.add(first, chunk), last);
    added.push_back(loadStates({place.buffer, row}));
    deltas.push_back(loadSums(b.buffer(sums), row));
  }
  SmallVector<Value> folded(states);
  for (int64_t chunk = 0; chunk < foldedAhead; ++chunk) {
    Value isInFront = b.less(b.add(begin, chunk), count);
    for (int64_t index = 0; index < laneStates(); ++index) {
      Value delta = deltas[chunk][index / shape.threadStates];
      Value next = b.fma(b.exp2(b.mulf(delta, rates[index])), folded[index], added[chunk][index]);
      folded[index] = b.select(isInFront, next, folded[index]);
    }
  }
  return folded;
}

/// Row `row` of `sums`, by slot.
SmallVector<Value> ScanEmitter::loadSums(const Buffer &sums, Value row) {
  SmallVector<Value> values;
  for (int64_t slot = 0; slot < shape.laneChannels; ++slot)
    values.push_back(b.load(sums, b.rowOffset(sums, row, clampedChannel(slot))));
  return values;
}

//===----------------------------------------------------------------------===//
// kern.scan_combine
//===----------------------------------------------------------------------===//

namespace {
/// Emits the code of one thread.
class CombineEmitter {
public:
  CombineEmitter(GPUKernelBuilder &b, ScanCombineOp op, int64_t threads)
      : b(b), op(op), threads(threads), channels(op.getA().getType().getDimSize(1)),
        states(b.buffer(op.getStates())), sums(b.buffer(op.getSums())) {}

  void emit();

private:
  GPUKernelBuilder &b;
  ScanCombineOp op;
  int64_t threads, channels;
  Buffer states, sums;
  Value element; ///< state · channels + channel
  Value channel;
  Value rate;  ///< a · log2(e)
  Value first; ///< the position of the sequence's first chunk
  Value count; ///< chunks of the sequence, one at least

  void emitSequence();
  Value emitChunks(Value begin, Value state);
  Value at(Value row) { return b.rowOffset(states, row, element); }
};

struct ScanCombineModel : GPUKernelInterface::ExternalModel<ScanCombineModel, ScanCombineOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &) const {
    return makeConfig(op->getContext(), {{"threads", combineThreads}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto combine = cast<ScanCombineOp>(op);
    if (failed(checkConfig(op, {"threads"})))
      return failure();
    int64_t threads = configValue(op, "threads");
    if (failed(checkThreads(op, threads)))
      return failure();
    GPUKernelBuilder b(builder, op, target);
    CombineEmitter(b, combine, threads).emit();

    GPULaunch launch;
    AffineExpr batch = builder.getAffineDimExpr(0), chunks = builder.getAffineDimExpr(1);
    AffineExpr blocks = builder.getAffineConstantExpr(
        llvm::divideCeil(combine.getA().getType().getNumElements(), threads));
    // No block at all for one chunk.
    launch.grid = AffineMap::get(3, 0, {blocks, batch, isPositive(chunks - 1)}, op->getContext());
    launch.threads = threads;
    return launch;
  }
};
} // namespace

void CombineEmitter::emit() {
  int64_t elements = op.getA().getType().getNumElements();
  element = b.add(b.mul(b.blockId(0), threads), b.threadId());
  b.ifThen(b.less(element, b.i32(elements)), [&] { emitSequence(); });
}

void CombineEmitter::emitSequence() {
  channel = b.rem(element, channels);
  rate = b.mulf(b.load(b.buffer(op.getA()), b.widen(element)), b.f32(std::numbers::log2e));
  Value number = b.blockId(1), chunkRows = b.extent(op.getChunkRows());
  Sequence sequence = Sequence::load(b, op.getOffsets(), number);
  first = b.add(b.div(sequence.begin, chunkRows), number);
  Value last = b.sub(b.max(sequence.length, b.i32(1)), b.i32(1));
  count = b.add(b.div(last, chunkRows), 1);
  Value start = b.f32(0);
  if (op.getInitial()) {
    Buffer initial = b.buffer(op.getInitial());
    start = b.load(initial, b.rowOffset(initial, b.lookUp(op.getSlots(), number), element));
  }
  b.forLoop(b.i32(0), count, b.i32(combinedAhead), {start},
            [&](Value begin, ValueRange carried) -> SmallVector<Value> {
              return {emitChunks(begin, carried.front())};
            });
}

/// Takes `state` over `combinedAhead` chunks from `begin` on. What the last chunk of a
/// sequence adds is neither known nor wanted: from there on the one before it is read.
Value CombineEmitter::emitChunks(Value begin, Value state) {
  SmallVector<Value> added, deltas;
  Value last = b.max(b.sub(count, b.i32(2)), b.i32(0));
  for (int64_t index = 0; index < combinedAhead; ++index) {
    Value row = b.add(first, b.min(b.add(begin, index), last));
    added.push_back(b.load(states, at(row)));
    deltas.push_back(b.load(sums, b.rowOffset(sums, row, channel)));
  }
  for (int64_t index = 0; index < combinedAhead; ++index) {
    Value chunk = b.add(begin, index);
    b.ifThen(b.less(chunk, count), [&] { b.store(state, states, at(b.add(first, chunk))); });
    state = b.fma(b.exp2(b.mulf(deltas[index], rate)), state, added[index]);
  }
  return state;
}

void nvptx::attachScanStatesModels(MLIRContext &context) {
  ScanStatesOp::attachInterface<ScanStatesModel>(context);
  ScanCombineOp::attachInterface<ScanCombineModel>(context);
}
