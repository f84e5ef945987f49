//===- Argmax.cpp - kern.argmax on the GPU --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A block takes a row. Each thread finds the best of its columns, then warps and at last
// the block agree. Of equal elements the one with the least column is better, so the order
// in which they meet does not matter.
//
//===----------------------------------------------------------------------===//

#include "HopperSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t warpLanes = 32;
/// Of a row: a block, or a cluster of them, so that a thread waits for few loads.
static constexpr int64_t blockThreads = 512, clusterThreads = 1024, clusterBlocks = 8;

/// Neighbours that a thread may load at once.
static int64_t chooseVector(ArgmaxOp op) {
  auto type = cast<MemRefType>(op.getInput().getType());
  int64_t count = 4;
  while (op.getN() % count != 0 || op.getInColumn() % count != 0 || type.getDimSize(1) % count != 0)
    count /= 2;
  return count;
}

namespace {
/// An element and its column; where there is none yet, a column behind all others.
struct Candidate {
  Value value, column;
};

/// Emits the code of one thread. `blocks` side by side share a row.
class ArgmaxEmitter {
public:
  ArgmaxEmitter(GPUKernelBuilder &b, ArgmaxOp op, int64_t blocks, int64_t threads, int64_t vector)
      : b(b), op(op), blocks(blocks), threads(threads), vector(vector),
        input(b.buffer(op.getInput())), row(b.div(b.blockId(), blocks)),
        part(rankInCluster(b, blocks)) {}

  void emit();

private:
  GPUKernelBuilder &b;
  ArgmaxOp op;
  int64_t blocks, threads, vector;
  Buffer input;
  Value row, part;

  Candidate none();
  Candidate better(Candidate lhs, Candidate rhs);
  Candidate ofThread(Value thread);
  Candidate overWarp(Candidate candidate, int64_t lanes);
  void storeShared(Candidate candidate, Value place);
  Candidate loadShared(Value place);
  void overBlocks(Value place);
  void store(Candidate candidate);
};
} // namespace

Candidate ArgmaxEmitter::none() {
  return {b.f32(-std::numeric_limits<float>::infinity()),
          b.i32(std::numeric_limits<int32_t>::max())};
}

/// NaN compares false, so it never wins.
Candidate ArgmaxEmitter::better(Candidate lhs, Candidate rhs) {
  auto compare = [&](arith::CmpFPredicate predicate) -> Value {
    return arith::CmpFOp::create(b.builder, b.loc, predicate, rhs.value, lhs.value);
  };
  Value isFirst = b.both(compare(arith::CmpFPredicate::OEQ), b.less(rhs.column, lhs.column));
  Value wins = arith::OrIOp::create(b.builder, b.loc, compare(arith::CmpFPredicate::OGT), isFirst);
  return {b.select(wins, rhs.value, lhs.value), b.select(wins, rhs.column, lhs.column)};
}

Candidate ArgmaxEmitter::ofThread(Value thread) {
  SmallVector<Value> inits = {none().value, none().column};
  Value first = b.mul(b.add(b.mul(part, threads), thread), vector);
  auto best = b.forLoop(first, b.i32(op.getN()), b.i32(blocks * threads * vector), inits,
                        [&](Value column, ValueRange carried) {
                          Candidate current{carried[0], carried[1]};
                          Value place = b.rowOffset(input, row, b.add(column, op.getInColumn()));
                          auto values = b.loadVector(input, place, vector);
                          for (auto [i, value] : llvm::enumerate(values))
                            current = better(current, {value, b.add(column, i)});
                          return SmallVector<Value>{current.value, current.column};
                        });
  return {best[0], best[1]};
}

Candidate ArgmaxEmitter::overWarp(Candidate candidate, int64_t lanes) {
  for (int64_t distance = lanes / 2; distance > 0; distance /= 2)
    candidate = better(candidate, {b.shuffleXor(candidate.value, distance),
                                   b.shuffleXor(candidate.column, distance)});
  return candidate;
}

void ArgmaxEmitter::storeShared(Candidate candidate, Value place) {
  b.storeRaw(candidate.value, place);
  b.storeRaw(candidate.column, b.shared(place, 4));
}

Candidate ArgmaxEmitter::loadShared(Value place) {
  return {b.loadRaw(b.f32(), place), b.loadRaw(b.i32(), b.shared(place, 4))};
}

/// In shared memory: the candidates of all warps, then that of the block.
void ArgmaxEmitter::emit() {
  Value thread = b.threadId(), base = b.sharedBase();
  int64_t warps = threads / warpLanes;
  Value lane = b.rem(thread, warpLanes), warp = b.div(thread, warpLanes);
  Candidate best = overWarp(ofThread(thread), warpLanes);
  b.ifThen(b.equal(lane, 0), [&] { storeShared(best, b.shared(base, b.mul(warp, 8))); });
  b.barrier();
  Value ofBlock = b.shared(base, 8 * warps);
  b.ifThen(b.less(thread, b.i32(warpLanes)), [&] {
    Candidate ofWarp = loadShared(b.shared(base, b.mul(b.rem(lane, warps), 8)));
    best = overWarp(ofWarp, warps);
    b.ifThen(b.equal(lane, 0), [&] { blocks == 1 ? store(best) : storeShared(best, ofBlock); });
  });
  if (blocks > 1)
    overBlocks(ofBlock);
}

/// A block's candidate is there until the first one has read it.
void ArgmaxEmitter::overBlocks(Value place) {
  syncCluster(b, blocks);
  b.ifThen(b.both(b.equal(part, 0), b.equal(b.threadId(), 0)), [&] {
    Candidate best = none();
    for (int64_t block = 0; block < blocks; ++block)
      best = better(best, loadShared(inCluster(b, place, b.i32(block))));
    store(best);
  });
  syncCluster(b, blocks);
}

void ArgmaxEmitter::store(Candidate candidate) {
  Buffer out = b.buffer(op.getOut());
  Value isNone = b.equal(candidate.column, std::numeric_limits<int32_t>::max());
  Value column = b.select(isNone, b.i32(-1), candidate.column);
  b.storeRaw(column, b.at(out.pointer, b.widen(row), b.i32()));
}

namespace {
struct ArgmaxModel : GPUKernelInterface::ExternalModel<ArgmaxModel, ArgmaxOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &target) const {
    return makeConfig(op->getContext(),
                      {{"blocks", target.hasClusters ? clusterBlocks : 1},
                       {"threads", target.hasClusters ? clusterThreads : blockThreads},
                       {"vector", chooseVector(cast<ArgmaxOp>(op))}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto argmax = cast<ArgmaxOp>(op);
    auto type = cast<MemRefType>(argmax.getInput().getType());
    // On bfloat16 LLVM 22 makes comparisons that ptxas does not take.
    if (!type.getElementType().isF32())
      return op->emitOpError("needs rows of f32 on the GPU, got ") << type;
    if (failed(checkConfig(op, {"blocks", "threads", "vector"})))
      return failure();
    int64_t blocks = configValue(op, "blocks");
    if (blocks > (target.hasClusters ? clusterBlocks : 1))
      return op->emitOpError("needs 'blocks' that form a cluster in its GPU configuration, on ")
             << target.chip << " at most " << (target.hasClusters ? clusterBlocks : 1) << ", got "
             << blocks;
    int64_t threads = configValue(op, "threads"), vector = configValue(op, "vector");
    if (threads < warpLanes || threads > 1024 || !llvm::isPowerOf2_64(threads) ||
        chooseVector(argmax) % vector != 0)
      return op->emitOpError("needs 'threads' that are a power of two from 32 to 1024 and a "
                             "'vector' that divides ")
             << chooseVector(argmax) << " in its GPU configuration, got " << threads << " and "
             << vector;
    GPUKernelBuilder b(builder, op, target);
    ArgmaxEmitter(b, argmax, blocks, threads, vector).emit();
    GPULaunch launch;
    launch.grid = AffineMap::get(1, 0, builder.getAffineDimExpr(0) * blocks);
    launch.clusterBlocks = blocks;
    launch.threads = threads;
    launch.sharedBytes = (threads / warpLanes + 1) * 8;
    return launch;
  }
};
} // namespace

void nvptx::attachArgmaxModel(MLIRContext &context) {
  ArgmaxOp::attachInterface<ArgmaxModel>(context);
}
