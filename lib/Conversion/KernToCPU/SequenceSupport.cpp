//===- SequenceSupport.cpp - Work items over sequences --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SequenceSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::kern;

Sequence Sequence::load(KernelBuilder &b, Value offsets, Value number) {
  Value begin = b.lookUp(offsets, number);
  Value end = b.lookUp(offsets, b.add(number, 1));
  return {begin, b.sub(end, begin)};
}

std::pair<Value, Value> kern::splitIndex(KernelBuilder &b, Value index, Value size) {
  return {arith::DivUIOp::create(b.builder, b.loc, index, size),
          arith::RemUIOp::create(b.builder, b.loc, index, size)};
}

void kern::emitChannelBlock(KernelBuilder &b, Value number, int64_t channels, int64_t vectors,
                            llvm::function_ref<void(const ChannelBlock &)> body) {
  int64_t width = vectors * b.lanes, full = channels / width, rest = channels % width;
  auto emitFull = [&] { body({b.mul(number, width), SmallVector<Value>(vectors)}); };
  auto emitRest = [&] {
    SmallVector<Value> masks(llvm::divideCeil(rest, b.lanes));
    if (rest % b.lanes != 0)
      masks.back() = b.tailMask(rest % b.lanes);
    body({b.index(full * width), masks});
  };
  if (rest == 0)
    emitFull();
  else if (full == 0)
    emitRest();
  else
    b.ifThenElse(b.less(number, b.index(full)), emitFull, emitRest);
}

Value kern::larger(KernelBuilder &b, Value x, Value y) {
  Value isLarger = arith::CmpFOp::create(b.builder, b.loc, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(b.builder, b.loc, isLarger, x, y);
}

SmallVector<Value> kern::exp2OfNegative(KernelBuilder &b, ValueRange exponents) {
  // Adding 1.5 * 2^23 leaves the nearest integer n in the low bits.
  constexpr double roundingShift = 12582912.0;
  // Minimax polynomial of 2^f on [-1/2, 1/2], exactly 1 at 0, the highest power first.
  constexpr double coefficients[] = {0.001326472731307149, 0.009671512991189957,
                                     0.05550733581185341,  0.24022242426872253,
                                     0.6931470036506653,   1};
  OpBuilder &builder = b.builder;
  Location loc = b.loc;
  auto integers = VectorType::get(b.lanes, builder.getI32Type());
  // Each step for all vectors: side by side, their latencies hide each other.
  SmallVector<Value> shifted, fractions, results;
  for (Value x : exponents) {
    fractions.push_back(larger(b, b.splat(-126), x));
    shifted.push_back(
        arith::AddFOp::create(builder, loc, fractions.back(), b.splat(roundingShift)));
  }
  for (auto [x, n] : llvm::zip_equal(fractions, shifted)) {
    Value rounded = arith::SubFOp::create(builder, loc, n, b.splat(roundingShift));
    x = arith::SubFOp::create(builder, loc, x, rounded);
  }
  SmallVector<Value> powers(exponents.size(), b.splat(coefficients[0]));
  for (double coefficient : llvm::drop_begin(coefficients))
    for (auto [p, f] : llvm::zip_equal(powers, fractions))
      p = b.fma(p, f, b.splat(coefficient));
  // Times 2^n: n goes to the exponent, and the bits of the shift beyond the top.
  Value places = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(integers, builder.getI32IntegerAttr(23)));
  for (auto [p, n] : llvm::zip_equal(powers, shifted)) {
    Value exponent = arith::ShLIOp::create(
        builder, loc, arith::BitcastOp::create(builder, loc, integers, n), places);
    Value bits = arith::AddIOp::create(
        builder, loc, arith::BitcastOp::create(builder, loc, integers, p), exponent);
    results.push_back(arith::BitcastOp::create(builder, loc, b.vectorType(), bits));
  }
  return results;
}
