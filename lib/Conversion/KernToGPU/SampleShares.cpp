//===- SampleShares.cpp - Shares of columns in integers -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

/// 2^-x for x in [0, 1) as c0 - x · (c1 - x · (c2 - …)), in 2^-31; lib/Runtime/Draw.cpp has the
/// same.
static constexpr int64_t coefficients[] = {2147483527, 1488513547, 515780381,
                                           118751808,  19776564,   2033403};
static constexpr int64_t segment = 32; ///< places that a thread adds up

static Value shiftRight(GPUKernelBuilder &b, Value value, Value bits) {
  return arith::ShRUIOp::create(b.builder, b.loc, value, bits);
}

Value ShareEmitter::distance(Value logit, Value largest, Value scale) {
  Value scaled = b.mulf(b.subf(largest, logit), scale);
  // What is no number is as far away as can be.
  Value bounded = arith::MinNumFOp::create(b.builder, b.loc, scaled, b.f32(lastDistance));
  Value whole = arith::FPToSIOp::create(b.builder, b.loc, b.i32(), bounded);
  Value isLargest =
      arith::CmpFOp::create(b.builder, b.loc, arith::CmpFPredicate::OEQ, logit, largest);
  return b.select(isLargest, b.i32(0), whole);
}

Value ShareEmitter::weight(Value distance) {
  // The fraction as a number of 32 bits, in 64: products keep their upper half.
  Value fraction = b.mul(b.widen(b.bitAnd(distance, 0xffffff)), 256);
  Value sum = b.i64(coefficients[std::size(coefficients) - 1]);
  for (int64_t coefficient : llvm::reverse(ArrayRef(coefficients).drop_back()))
    sum = b.sub(b.i64(coefficient), shiftRight(b, b.mul(fraction, sum), b.i64(32)));
  return shiftRight(b, b.mul(sum, 512), b.widen(b.div(distance, 1 << 24)));
}

Value ShareEmitter::highProduct(Value lhs, Value rhs) {
  return arith::MulUIExtendedOp::create(b.builder, b.loc, lhs, rhs).getHigh();
}

Value ShareEmitter::placeOf(Value place) { return b.shared(base, b.mul(place, 8)); }

void ShareEmitter::put(Value place, Value value) { b.storeRaw(value, placeOf(place), 8); }

static constexpr int64_t weightBits = 40;
static constexpr int64_t warpLanes = 32, warps = ShareEmitter::threads / warpLanes;
/// Of the limbs, behind the table and its segments.
static constexpr int64_t firstLimbByte = (ShareEmitter::threads + segment) * 8;

/// So many that the sum of a limb over the columns of a warp has 32 bits.
int64_t ShareEmitter::limbsOf(int64_t n) {
  int64_t columnBits = llvm::Log2_64_Ceil(llvm::divideCeil(n, threads * 4) * warpLanes * 4);
  return llvm::divideCeil(weightBits, 32 - columnBits);
}

int64_t ShareEmitter::limbBits() const { return llvm::divideCeil(weightBits, limbs); }

int64_t ShareEmitter::sharedBytes(int64_t n) {
  return firstLimbByte + limbsOf(n) * warps * parts * 4;
}

Value ShareEmitter::limbPlace(Value part, Value warp, int64_t limb) {
  Value number = b.add(b.mul(b.add(warp, limb * warps), parts), part);
  return b.shared(base, b.add(b.mul(number, 4), firstLimbByte));
}

void ShareEmitter::clearParts() {
  b.forLoop(b.threadId(), b.i32(limbs * warps * parts), b.i32(threads),
            [&](Value i) { b.storeRaw(b.i32(0), limbPlace(i, b.i32(0), 0)); });
  b.barrier();
}

void ShareEmitter::addToLimb(Value part, Value value, int64_t limb) {
  Value place = limbPlace(part, b.div(b.threadId(), warpLanes), limb);
  LLVM::AtomicRMWOp::create(b.builder, b.loc, LLVM::AtomicBinOp::add, place, value,
                            LLVM::AtomicOrdering::monotonic);
}

void ShareEmitter::addToPart(Value part, Value value) {
  for (int64_t limb = 0; limb < limbs; ++limb) {
    Value rest = shiftRight(b, value, b.i64(limb * limbBits()));
    Value bits = b.bitAnd(rest, (int64_t(1) << limbBits()) - 1);
    addToLimb(part, arith::TruncIOp::create(b.builder, b.loc, b.i32(), bits), limb);
  }
}

void ShareEmitter::putParts() {
  b.barrier();
  Value thread = b.threadId();
  Value end = b.select(b.less(thread, b.i32(parts)), b.i32(warps), b.i32(0));
  auto sum = b.forLoop(b.i32(0), end, b.i32(1), b.i64(0), [&](Value warp, ValueRange carried) {
    Value sum = carried[0];
    for (int64_t limb = 0; limb < limbs; ++limb) {
      Value bits = b.widen(b.loadRaw(b.i32(), limbPlace(thread, warp, limb)));
      sum = b.add(sum, b.mul(bits, int64_t(1) << (limb * limbBits())));
    }
    return SmallVector<Value>{sum};
  });
  put(thread, sum[0]);
}

ShareEmitter::Crossing ShareEmitter::walk(Value first, Value target) {
  auto walked = b.forLoop(
      b.i32(0), b.i32(segment), b.i32(1), {b.i32(0), target}, [&](Value i, ValueRange carried) {
        Value passed = carried[0], left = carried[1];
        Value value = b.loadRaw(b.i64(), placeOf(b.add(first, i)), 8);
        // The first one that is not passed ends the walk.
        Value isPassed =
            b.both(arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::eq, passed, i),
                   arith::CmpIOp::create(b.builder, b.loc, arith::CmpIPredicate::sle, value, left));
        return SmallVector<Value>{b.select(isPassed, b.add(passed, 1), passed),
                                  b.select(isPassed, b.sub(left, value), left)};
      });
  // Rounding cannot bring it there, but no place is behind the last one.
  return {b.min(walked[0], b.i32(segment - 1)), walked[1]};
}

ShareEmitter::Crossing ShareEmitter::find(llvm::function_ref<Value(Value total)> target) {
  Value thread = b.threadId(), sums = b.i32(threads);
  b.barrier();
  b.ifThen(b.less(thread, b.i32(threads / segment)), [&] {
    auto sum =
        b.forLoop(b.i32(0), b.i32(segment), b.i32(1), b.i64(0), [&](Value i, ValueRange carried) {
          Value place = b.add(b.mul(thread, segment), i);
          Value value = b.loadRaw(b.i64(), placeOf(place), 8);
          return SmallVector<Value>{b.add(carried[0], value)};
        });
    put(b.add(sums, thread), sum[0]);
  });
  b.barrier();
  auto total = b.forLoop(b.i32(0), b.i32(threads / segment), b.i32(1), b.i64(0),
                         [&](Value i, ValueRange carried) {
                           Value value = b.loadRaw(b.i64(), placeOf(b.add(sums, i)), 8);
                           return SmallVector<Value>{b.add(carried[0], value)};
                         });
  Crossing coarse = walk(sums, target(total[0]));
  Value first = b.mul(coarse.place, segment);
  Crossing fine = walk(first, coarse.target);
  b.barrier();
  return {b.add(first, fine.place), fine.target};
}
