//===- Conv1DCPUTest.cpp - kern.conv1d on the CPU, run --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitted convolutions against double: taps, odd channel counts, ragged batches with
// empty sequences, and that a sequence's bits do not depend on its neighbours.
//
//===----------------------------------------------------------------------===//

#include "KernelText.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace flowhn::test;

namespace {
/// Fills results beforehand; exact in every storage type, and small in a norm.
constexpr float untouched = -0.015625f;

struct Conv1D {
  int64_t taps, channels;
  Storage storage = Storage::F32;
  int64_t inColumn = 0, outColumn = 0;
  std::string cpu = "host";

  int64_t inWidth() const { return inColumn + channels; }
  int64_t outWidth() const { return outColumn + channels + (outColumn ? 2 : 0); }

  /// silu(sum + bias) + residual.
  std::string text() const {
    KernelText kernel;
    kernel.operand("batch", "index")
        .operand("max", "index")
        .operand("in", rowsType(inWidth(), storage))
        .operand("weight", "memref<" + std::to_string(taps) + "x" + std::to_string(channels) + "x" +
                               mlirName(storage) + ">")
        .operand("offsets", "memref<?xi32>")
        .operand("out", rowsType(outWidth()))
        .operand("bias", "memref<" + std::to_string(channels) + "xf32>")
        .operand("residual", rowsType(channels + 4));
    return kernel.function("kern.conv1d batch(%batch, %max) %in, %weight offsets(%offsets) -> %out "
                           "extras(%bias, %residual) {\n^bb0(%sum: f32, %b: f32, %r: f32):\n"
                           "%x = arith.addf %sum, %b : f32\n%minus = arith.negf %x : f32\n"
                           "%e = math.exp %minus : f32\n%one = arith.constant 1.0 : f32\n"
                           "%d = arith.addf %e, %one : f32\n%silu = arith.divf %x, %d : f32\n"
                           "%y = arith.addf %silu, %r : f32\nkern.yield %y\n}",
                           attribute("in_column", inColumn) + attribute("out_column", outColumn) +
                               "accesses = [#kern.access<column>, #kern.access<row>], "
                               "extra_columns = array<i64: 0, 4>");
  }
};

class Conv1DRun {
public:
  explicit Conv1DRun(const Conv1D &op)
      : op(op), kernel(CompiledKernel::compile(op.text(), op.cpu)),
        input(Buffer::random(maxRows * op.inWidth(), op.storage, 1)),
        weight(Buffer::random(op.taps * op.channels, op.storage, 2)),
        bias(Buffer::random(op.channels, Storage::F32, 3)),
        residual(Buffer::random(maxRows * (op.channels + 4), Storage::F32, 4)) {}

  std::vector<float> run(const Batch &batch, int64_t firstRow = 0, bool backwards = false) {
    Buffer out(batch.rows() * op.outWidth(), Storage::F32, untouched);
    kernel->run({batch.size(), batch.maxLength, input.data(firstRow * op.inWidth()), weight.data(),
                 batch.offsets.data(), out.data(), bias.data(),
                 residual.data(firstRow * (op.channels + 4))},
                backwards);
    std::vector<float> all;
    for (size_t i = 0; i < out.size(); ++i)
      all.push_back(out.get(i));
    return all;
  }

  std::vector<double> expected(const Batch &batch) const {
    std::vector<double> all(batch.rows() * op.outWidth(), untouched);
    for (int64_t b = 0; b < batch.size(); ++b)
      for (int64_t t = 0; t < batch.lengths[b]; ++t)
        for (int64_t c = 0; c < op.channels; ++c) {
          int64_t row = batch.offsets[b] + t;
          all[row * op.outWidth() + op.outColumn + c] = element(row, t, c);
        }
    return all;
  }

private:
  static constexpr int64_t maxRows = 300;
  Conv1D op;
  std::unique_ptr<CompiledKernel> kernel;
  Buffer input, weight, bias, residual;

  double element(int64_t row, int64_t t, int64_t c) const {
    double x = bias.get(c);
    for (int64_t j = 0; j < op.taps; ++j) {
      int64_t back = op.taps - 1 - j;
      if (back <= t)
        x += double(weight.get(j * op.channels + c)) *
             input.get((row - back) * op.inWidth() + op.inColumn + c);
    }
    return x / (1 + std::exp(-x)) + residual.get(row * (op.channels + 4) + 4 + c);
  }
};

void expectMatch(const Conv1D &op) {
  Conv1DRun run(op);
  for (const Batch &batch : testBatches())
    EXPECT_LE(relativeError(run.run(batch), run.expected(batch)), 2e-6)
        << op.cpu << ", " << op.taps << " taps, " << op.channels << " channels, " << batch.rows()
        << " rows";
}

TEST(Conv1DCPU, matchesDouble) {
  for (int64_t taps : {1, 2, 3, 4, 5})
    for (int64_t channels : {1, 15, 16, 33, 64, 130})
      expectMatch({taps, channels, Storage::F32, taps % 3, channels % 4});
  // More taps than an item of the usual size has rows.
  expectMatch({70, 17});
}

TEST(Conv1DCPU, convertsStorage) {
  expectMatch({4, 37, Storage::BF16, 3});
  expectMatch({4, 37, Storage::F16, 3});
}

TEST(Conv1DCPU, runsOnEveryLevel) {
  for (const char *cpu : {"x86-64-v2", "x86-64-v3"})
    expectMatch({4, 37, Storage::F32, 1, 2, cpu});
}

TEST(Conv1DCPU, sequencesDoNotDependOnNeighbours) {
  Conv1D op{4, 50};
  Conv1DRun run(op);
  Batch batch({17, 0, 130, 64, 3});
  std::vector<float> all = run.run(batch);
  EXPECT_EQ(all, run.run(batch, 0, /*backwards=*/true));
  for (int64_t b = 0; b < batch.size(); ++b) {
    std::vector<float> alone = run.run(Batch({batch.lengths[b]}), batch.offsets[b]);
    EXPECT_TRUE(
        std::equal(alone.begin(), alone.end(), all.begin() + batch.offsets[b] * op.outWidth()))
        << "sequence " << b;
  }
}
} // namespace
