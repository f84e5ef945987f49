//===- Sample.cpp - kern.sample on the GPU --------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A block takes a row. The distance up to which columns stay is found 8 bits at a time: the
// weights of columns, or their number, are added up by the next 8 bits of their distances, and
// the place where the sums pass the target is the next part. So a row is read once for its
// largest logit, four times for each of top_k and share where they are asked for, and once to
// draw: threads add up the weights of neighbouring columns, and the columns of the thread
// where the sums pass the random number are looked at one by one.
//
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "flowhn/Dialect/Kern/IR/KernSamplingOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

static constexpr int64_t threads = ShareEmitter::threads;
static constexpr int64_t warpLanes = 32;
static constexpr int64_t partBits = 8; ///< of a distance that a search finds at a time
static constexpr int64_t numSteps = 4;

/// Neighbours that a thread loads at once.
static int64_t vectorOf(SampleOp op) {
  return op.getN() % 4 == 0 && op.getLogits().getType().getDimSize(1) % 4 == 0 ? 4 : 1;
}

namespace {
/// Emits the code of one thread.
class SampleEmitter {
public:
  SampleEmitter(GPUKernelBuilder &b, SampleOp op)
      : b(b), op(op), shares(b, op.getN()), logits(b.buffer(op.getLogits())),
        draws(b.buffer(op.getDraws())), history(b.buffer(op.getHistory())), thread(b.threadId()),
        row(b.blockId()), vector(vectorOf(op)) {}

  void emit();

private:
  enum Number { Scale, Penalty, TopK, First, Count, Share = 5, Random = 7, Numbers = 9 };

  Value number(int64_t which, Type type);
  Value longNumber(int64_t which);
  SmallVector<Value> logitsAt(Value column, int64_t count) {
    return b.loadVector(logits, b.rowOffset(logits, row, column), count);
  }
  Value distanceOf(Value logit) { return shares.distance(logit, largest, scale); }

  void penalize();
  Value findLargest();
  /// The distance of the last column that stays, of those up to `limit`: where the sums of
  /// weights, or of columns, pass `target(total)`.
  Value search(Value limit, bool byWeight, llvm::function_ref<Value(Value total)> target);
  /// A logit's weight where it stays, else 0.
  Value weightOf(Value logit, Value limit);
  /// The weights of neighbouring columns together, 0 behind the last one.
  Value weightAt(Value column, Value limit, int64_t count);
  void draw(Value limit);

  GPUKernelBuilder &b;
  SampleOp op;
  ShareEmitter shares;
  Buffer logits, draws, history;
  Value thread, row, scale, largest;
  int64_t vector;
};
} // namespace

Value SampleEmitter::number(int64_t which, Type type) {
  Value offset = b.add(b.mul(b.widen(row), Numbers), b.i64(which));
  return b.loadRaw(type, b.at(draws.pointer, offset, b.i32()));
}

Value SampleEmitter::longNumber(int64_t which) {
  Value high = b.mul(b.widen(number(which + 1, b.i32())), int64_t(1) << 32);
  return b.add(high, b.widen(number(which, b.i32())));
}

void SampleEmitter::penalize() {
  Value penalty = number(Penalty, b.f32()), first = number(First, b.i32());
  b.forLoop(thread, number(Count, b.i32()), b.i32(threads), [&](Value i) {
    Value place = b.add(b.widen(first), b.widen(i));
    Value column = b.loadRaw(b.i32(), b.at(history.pointer, place, b.i32()));
    Value offset = b.rowOffset(logits, row, column), logit = b.load(logits, offset);
    Value isPositive =
        arith::CmpFOp::create(b.builder, b.loc, arith::CmpFPredicate::OGT, logit, b.f32(0));
    Value divided = arith::DivFOp::create(b.builder, b.loc, logit, penalty);
    b.store(b.select(isPositive, divided, b.mulf(logit, penalty)), logits, offset);
  });
  b.barrier();
}

Value SampleEmitter::findLargest() {
  Value none = b.f32(-std::numeric_limits<float>::infinity());
  Value best = b.forLoop(b.mul(thread, vector), b.i32(op.getN()), b.i32(threads * vector), none,
                         [&](Value column, ValueRange carried) {
                           Value largest = carried[0];
                           for (Value logit : logitsAt(column, vector))
                             largest = b.maxf(largest, logit);
                           return SmallVector<Value>{largest};
                         })[0];
  for (int64_t distance = warpLanes / 2; distance > 0; distance /= 2)
    best = b.maxf(best, b.shuffleXor(best, distance));
  Value base = b.sharedBase();
  auto placeOf = [&](Value warp) { return b.shared(base, b.mul(warp, 4)); };
  b.ifThen(b.equal(b.rem(thread, warpLanes), 0),
           [&] { b.storeRaw(best, placeOf(b.div(thread, warpLanes))); });
  b.barrier();
  Value ofBlock = b.forLoop(b.i32(0), b.i32(threads / warpLanes), b.i32(1), none,
                            [&](Value warp, ValueRange carried) {
                              Value value = b.loadRaw(b.f32(), placeOf(warp));
                              return SmallVector<Value>{b.maxf(carried[0], value)};
                            })[0];
  b.barrier();
  return ofBlock;
}

Value SampleEmitter::search(Value limit, bool byWeight,
                            llvm::function_ref<Value(Value total)> target) {
  auto add = [&](Value distance, Value found, Value shift) {
    Value shifted = arith::ShRUIOp::create(b.builder, b.loc, distance, shift);
    Value isHere = arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::eq,
                                         b.div(shifted, 1 << partBits), found);
    Value stays =
        arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::sle, distance, limit);
    b.ifThen(b.both(isHere, stays), [&] {
      Value part = b.rem(shifted, 1 << partBits);
      byWeight ? shares.addToPart(part, shares.weight(distance)) : shares.countPart(part);
    });
  };
  auto steps = b.forLoop(b.i32(0), b.i32(numSteps), b.i32(1), {b.i32(0), b.i64(0)},
                         [&](Value step, ValueRange carried) {
                           Value found = carried[0], left = carried[1];
                           Value shift = b.mul(b.sub(b.i32(numSteps - 1), step), partBits);
                           shares.clearParts();
                           b.forLoop(b.mul(thread, vector), b.i32(op.getN()),
                                     b.i32(threads * vector), [&](Value column) {
                                       for (Value logit : logitsAt(column, vector))
                                         add(distanceOf(logit), found, shift);
                                     });
                           shares.putParts();
                           ShareEmitter::Crossing crossing = shares.find([&](Value total) {
                             return b.select(b.equal(step, 0), target(total), left);
                           });
                           return SmallVector<Value>{
                               b.add(b.mul(found, 1 << partBits), crossing.place), crossing.target};
                         });
  return steps[0];
}

Value SampleEmitter::weightOf(Value logit, Value limit) {
  Value distance = distanceOf(logit);
  Value stays = arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::sle, distance, limit);
  return b.select(stays, shares.weight(distance), b.i64(0));
}

Value SampleEmitter::weightAt(Value column, Value limit, int64_t count) {
  return b.ifElse(
      b.less(column, b.i32(op.getN())),
      [&] {
        Value sum = b.i64(0);
        for (Value logit : logitsAt(column, count))
          sum = b.add(sum, weightOf(logit, limit));
        return sum;
      },
      [&] { return b.i64(0); });
}

void SampleEmitter::draw(Value limit) {
  // Of a thread, in whole vectors.
  int64_t columns = llvm::divideCeil(int64_t(op.getN()), threads * vector) * vector;
  Value first = b.mul(thread, columns);
  Value sum = b.forLoop(b.i32(0), b.i32(columns), b.i32(vector), b.i64(0),
                        [&](Value i, ValueRange carried) {
                          Value weight = weightAt(b.add(first, i), limit, vector);
                          return SmallVector<Value>{b.add(carried[0], weight)};
                        })[0];
  shares.put(thread, sum);
  Value total;
  ShareEmitter::Crossing piece = shares.find([&](Value sums) {
    total = sums;
    return shares.highProduct(longNumber(Random), sums);
  });
  Value begin = b.mul(piece.place, columns);
  Value isInPiece = b.less(thread, b.i32(columns));
  shares.put(thread, b.ifElse(
                         isInPiece, [&] { return weightAt(b.add(begin, thread), limit, 1); },
                         [&] { return b.i64(0); }));
  ShareEmitter::Crossing column = shares.find([&](Value) { return piece.target; });
  b.ifThen(b.equal(thread, 0), [&] {
    Value token = b.select(b.equal(total, 0), b.i32(-1), b.add(begin, column.place));
    Buffer out = b.buffer(op.getOut());
    b.storeRaw(token, b.at(out.pointer, b.widen(row), b.i32()));
  });
}

void SampleEmitter::emit() {
  scale = number(Scale, b.f32());
  penalize();
  largest = findLargest();
  Value topK = number(TopK, b.i32()), all = b.i32(ShareEmitter::lastDistance);
  Value limit = b.ifElse(
      b.less(b.i32(0), topK),
      [&] {
        return search(all, /*byWeight=*/false,
                      [&](Value total) { return b.sub(b.min(b.widen(topK), total), b.i64(1)); });
      },
      [&] { return all; });
  Value share = longNumber(Share);
  limit = b.ifElse(
      b.equal(share, -1), [&] { return limit; },
      [&] {
        return search(limit, /*byWeight=*/true,
                      [&](Value total) { return shares.highProduct(share, total); });
      });
  draw(limit);
}

namespace {
struct SampleModel : GPUKernelInterface::ExternalModel<SampleModel, SampleOp> {
  DictionaryAttr chooseGPUConfig(Operation *op, const GPUTargetInfo &) const {
    return makeConfig(op->getContext(), {{"threads", threads}});
  }

  FailureOr<GPULaunch> emitGPU(Operation *op, OpBuilder &builder,
                               const GPUTargetInfo &target) const {
    auto sample = cast<SampleOp>(op);
    if (failed(checkConfig(op, {"threads"})))
      return failure();
    if (int64_t given = configValue(op, "threads"); given != threads)
      return op->emitOpError("needs ")
             << threads << " 'threads' in its GPU configuration, got " << given;
    GPUKernelBuilder b(builder, op, target);
    SampleEmitter(b, sample).emit();
    GPULaunch launch;
    launch.grid = AffineMap::getMultiDimIdentityMap(1, op->getContext());
    launch.threads = threads;
    launch.sharedBytes = ShareEmitter::sharedBytes(sample.getN());
    return launch;
  }
};
} // namespace

void nvptx::attachSampleModel(MLIRContext &context) {
  SampleOp::attachInterface<SampleModel>(context);
}
