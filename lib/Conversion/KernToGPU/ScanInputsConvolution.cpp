//===- ScanInputsConvolution.cpp - The convolution of scan_inputs ---------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread takes a vector of neighbouring channels through a few rows, all of whose loads are in
// flight together. The rows lie one sequence behind the other: where one begins, those before it
// count as zero.
//
//===----------------------------------------------------------------------===//

#include "ScanInputs.h"

#include <numbers>

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;

namespace {
/// Emits the code of one thread.
class ConvolutionEmitter {
public:
  explicit ConvolutionEmitter(const ScanInputsContext &context)
      : context(context), b(context.b), op(context.op), plan(context.plan),
        input(b.buffer(op.getInput())), out(b.buffer(op.getU())) {}

  void emit();

private:
  /// The values of a thread's channels in one row.
  using Row = SmallVector<Value>;

  const ScanInputsContext &context;
  GPUKernelBuilder &b;
  ScanInputsOp op;
  const ScanInputsPlan &plan;
  Buffer input, out;
  Value column;   ///< the thread's first channel in the block
  Value firstRow; ///< the thread's first row in the tile

  Value channel() { return b.add(context.firstChannel, column); }
  SmallVector<Row> loadWeights();
  Row loadInput(Value row);
  void convolve(ArrayRef<Row> weights, const Row &bias, MutableArrayRef<Row> inputs);
  Value isStart(int64_t row);
  void storeRow(const Row &sums, Value row);
};
} // namespace

void ConvolutionEmitter::emit() {
  column = b.mul(b.rem(context.thread, plan.lanes()), plan.vector);
  firstRow = b.mul(b.div(context.thread, plan.lanes()), plan.threadRows());
  SmallVector<Row> weights = loadWeights(), inputs;
  Buffer bias = b.buffer(op.getConvBias());
  Row biases = b.loadVector(bias, b.widen(channel()), plan.vector);
  for (int64_t row = 1 - plan.taps; row < plan.threadRows(); ++row)
    inputs.push_back(loadInput(b.add(b.add(context.tileRow, firstRow), row)));
  // Here the starts are known.
  b.barrier();
  b.ifThen(b.less(firstRow, b.i32(plan.tileRows)), [&] { convolve(weights, biases, inputs); });
}

SmallVector<ConvolutionEmitter::Row> ConvolutionEmitter::loadWeights() {
  Buffer weight = b.buffer(op.getConvWeight());
  SmallVector<Row> weights;
  for (int64_t tap = 0; tap < plan.taps; ++tap)
    weights.push_back(
        b.loadVector(weight, b.rowOffset(weight, b.i32(tap), channel()), plan.vector));
  return weights;
}

/// What lies outside of the buffer does not count; it is read at its edge.
ConvolutionEmitter::Row ConvolutionEmitter::loadInput(Value row) {
  Value inside = b.max(b.min(row, b.sub(context.rows, b.i32(1))), b.i32(0));
  return b.loadVector(input, b.rowOffset(input, inside, b.add(channel(), op.getInColumn())),
                      plan.vector);
}

/// Whether a sequence begins with row `row` of the thread.
Value ConvolutionEmitter::isStart(int64_t row) {
  Value flag = b.add(firstRow, row + plan.flagsBefore());
  return b.equal(b.loadRaw(b.i32(), context.at(b.add(b.mul(flag, 4), plan.flagOffset()))), 1);
}

/// `inputs` are the taps - 1 rows before the thread's first one, and its own.
void ConvolutionEmitter::convolve(ArrayRef<Row> weights, const Row &bias,
                                  MutableArrayRef<Row> inputs) {
  int64_t before = plan.taps - 1;
  for (int64_t row = -plan.flagsBefore(); row < plan.threadRows(); ++row) {
    Value start = isStart(row);
    for (Row &earlier : inputs.slice(std::max<int64_t>(row, 0), before + std::min<int64_t>(row, 0)))
      for (Value &value : earlier)
        value = b.select(start, b.f32(0), value);
    if (row < 0)
      continue;
    Row sums(plan.vector, b.f32(0));
    for (int64_t tap = 0; tap < plan.taps; ++tap)
      for (auto [sum, weight, value] : llvm::zip_equal(sums, weights[tap], inputs[row + tap]))
        sum = b.fma(weight, value, sum);
    for (auto [sum, addend] : llvm::zip_equal(sums, bias))
      sum = b.addf(sum, addend);
    storeRow(sums, b.add(firstRow, row));
  }
}

static Value silu(GPUKernelBuilder &b, Value x) {
  Value power = b.exp2(b.mulf(x, b.f32(-std::numbers::log2e)));
  return b.mulf(x, b.reciprocal(b.addf(power, b.f32(1))));
}

/// Stores u of a row, and leaves it where the first product reads it.
void ConvolutionEmitter::storeRow(const Row &sums, Value row) {
  Row results;
  for (Value sum : sums)
    results.push_back(silu(b, sum));
  SmallVector<Value> registers;
  for (int64_t i = 0; i < plan.vector; i += 2)
    registers.push_back(b.packPair(results[i], results[i + 1], out.elementType));
  Value place = context.at(context.pieceOffset(row, column, 0));
  b.storeRaw(b.vectorOf(registers), place, 16);
  Value whole = b.add(context.tileRow, row);
  b.ifThen(b.less(whole, context.rows), [&] {
    Value outColumn = b.add(channel(), op.getUColumn());
    b.storeVector(results, out, b.rowOffset(out, whole, outColumn));
  });
}

void nvptx::emitConvolution(const ScanInputsContext &context) {
  ConvolutionEmitter(context).emit();
}
