//===- SoftmaxSupport.cpp - Online softmax of attention -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SoftmaxSupport.h"

#include <limits>
#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

static constexpr double hidden = -std::numeric_limits<double>::infinity();

SoftmaxRow SoftmaxRow::empty(GPUKernelBuilder &b) { return {b.f32(hidden), b.f32(0)}; }

Value nvptx::softmaxScale(GPUKernelBuilder &b, AttentionOp op) {
  return b.f32(op.getScale().convertToFloat() * std::numbers::log2e);
}

/// Combines values in a few chains that do not wait for each other.
static Value combineAll(ArrayRef<Value> values, llvm::function_ref<Value(Value, Value)> combine) {
  constexpr size_t chains = 4;
  SmallVector<Value> partial(values.take_front(std::min(chains, values.size())));
  for (size_t i = partial.size(); i < values.size(); ++i)
    partial[i % chains] = combine(partial[i % chains], values[i]);
  while (partial.size() > 1) {
    Value last = partial.pop_back_val();
    Value &other = partial[partial.size() / 2];
    other = combine(other, last);
  }
  return partial.front();
}

/// Combines a value over the four threads that share a row.
static Value overQuad(GPUKernelBuilder &b, Value x,
                      llvm::function_ref<Value(Value, Value)> combine) {
  x = combine(x, b.shuffleXor(x, 1));
  return combine(x, b.shuffleXor(x, 2));
}

void nvptx::hideScores(GPUKernelBuilder &b, const RowScores &scores, Value bound) {
  for (auto [number, score] : llvm::enumerate(scores)) {
    Value isHidden = b.less(bound, b.i32(number / 2 * 8 + number % 2));
    *score = b.select(isHidden, b.f32(hidden), *score);
  }
}

/// What a row's scores are shifted by, once they are scaled.
static Value shiftOf(GPUKernelBuilder &b, Value maximum, Value scale) {
  return b.subf(b.f32(0), b.mulf(maximum, scale));
}

/// Turns scores into weights and gives their sum.
static Value takeExponentials(GPUKernelBuilder &b, const RowScores &scores, Value scale,
                              Value shift) {
  SmallVector<Value> weights;
  for (Value *score : scores)
    weights.push_back(*score = b.exp2(b.fma(*score, scale, shift)));
  return combineAll(weights, [&](Value lhs, Value rhs) { return b.addf(lhs, rhs); });
}

Value nvptx::weighScores(GPUKernelBuilder &b, const RowScores &scores, SoftmaxRow &row,
                         Value scale) {
  auto larger = [&](Value lhs, Value rhs) { return b.maxf(lhs, rhs); };
  auto values = llvm::map_to_vector(scores, [](Value *score) { return *score; });
  Value maximum = larger(row.maximum, overQuad(b, combineAll(values, larger), larger));
  Value shift = shiftOf(b, maximum, scale);
  Value rescale = b.exp2(b.fma(row.maximum, scale, shift));
  Value sum = takeExponentials(b, scores, scale, shift);
  row = {maximum, b.fma(row.sum, rescale, sum)};
  return rescale;
}

void nvptx::addWeights(GPUKernelBuilder &b, const RowScores &scores, SoftmaxRow &row, Value scale) {
  Value sum = takeExponentials(b, scores, scale, shiftOf(b, row.maximum, scale));
  row.sum = b.addf(row.sum, sum);
}

Value nvptx::sumOfWeights(GPUKernelBuilder &b, const SoftmaxRow &row) {
  return overQuad(b, row.sum, [&](Value lhs, Value rhs) { return b.addf(lhs, rhs); });
}

Value nvptx::inverseSum(GPUKernelBuilder &b, const SoftmaxRow &row) {
  return b.reciprocal(sumOfWeights(b, row));
}

void nvptx::storeOutputs(GPUKernelBuilder &b, ArrayRef<Value> outputs, Value factor,
                         const Buffer &out, Value offset, int64_t vector) {
  for (size_t first = 0; first < outputs.size(); first += vector) {
    auto scaled = llvm::map_to_vector(outputs.slice(first, vector),
                                      [&](Value output) { return b.mulf(output, factor); });
    b.storeVector(scaled, out, b.add(offset, first / 2 * 8 + first % 2));
  }
}
