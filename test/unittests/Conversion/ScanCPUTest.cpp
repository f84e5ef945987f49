//===- ScanCPUTest.cpp - kern.scan on the CPU, run ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitted scans against double: state counts around the size of a register group,
// odd channel counts, ragged batches, and that sequences do not depend on neighbours.
//
//===----------------------------------------------------------------------===//

#include "KernelText.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace flowhn::test;

namespace {
/// Fills results beforehand; exact in every storage type, and small in a norm.
constexpr float untouched = -0.015625f;

struct Scan {
  int64_t states, channels;
  Storage storage = Storage::F32;
  int64_t column = 0;
  std::string cpu = "host";

  int64_t uWidth() const { return column + channels; }
  int64_t bcWidth() const { return column + 2 * states; }

  /// (y + skip · u) · gate.
  std::string text() const {
    KernelText kernel;
    std::string uType = rowsType(uWidth(), storage), bcType = rowsType(bcWidth(), storage);
    kernel.operand("batch", "index")
        .operand("max", "index")
        .operand("u", uType)
        .operand("delta", uType)
        .operand("a", "memref<" + std::to_string(states) + "x" + std::to_string(channels) + "xf32>")
        .operand("b", bcType)
        .operand("c", bcType)
        .operand("offsets", "memref<?xi32>")
        .operand("out", rowsType(uWidth()))
        .operand("skip", "memref<" + std::to_string(channels) + "xf32>")
        .operand("gate", rowsType(channels + 2));
    return kernel.function(
        "kern.scan batch(%batch, %max) %u, %delta, %a, %b, %c offsets(%offsets) -> %out "
        "extras(%skip, %gate) {\n^bb0(%y: f32, %x: f32, %s: f32, %g: f32):\n"
        "%p = arith.mulf %x, %s : f32\n%q = arith.addf %y, %p : f32\n"
        "%r = arith.mulf %q, %g : f32\nkern.yield %r\n}",
        attribute("u_column", column) + attribute("delta_column", column) +
            attribute("b_column", column) + attribute("c_column", column + states) +
            attribute("out_column", column) +
            "accesses = [#kern.access<column>, #kern.access<row>], "
            "extra_columns = array<i64: 0, 2>");
  }
};

class ScanRun {
public:
  explicit ScanRun(const Scan &op)
      : op(op), kernel(CompiledKernel::compile(op.text(), op.cpu)),
        u(Buffer::random(maxRows * op.uWidth(), op.storage, 1)),
        delta(Buffer::random(maxRows * op.uWidth(), op.storage, 2, 2)),
        a(Buffer::random(op.states * op.channels, Storage::F32, 3, 4)),
        bc(Buffer::random(maxRows * op.bcWidth(), op.storage, 4)),
        skip(Buffer::random(op.channels, Storage::F32, 5)),
        gate(Buffer::random(maxRows * (op.channels + 2), Storage::F32, 6)) {
    for (size_t i = 0; i < a.size(); ++i)
      a.set(i, -std::abs(a.get(i)) - 1e-3f);
  }

  std::vector<float> run(const Batch &batch, int64_t firstRow = 0, bool backwards = false) {
    Buffer out(batch.rows() * op.uWidth(), Storage::F32, untouched);
    const void *rows = u.data(firstRow * op.uWidth());
    const void *steps = delta.data(firstRow * op.uWidth());
    const void *projections = bc.data(firstRow * op.bcWidth());
    kernel->run({batch.size(), batch.maxLength, rows, steps, a.data(), projections, projections,
                 batch.offsets.data(), out.data(), skip.data(),
                 gate.data(firstRow * (op.channels + 2))},
                backwards);
    std::vector<float> all;
    for (size_t i = 0; i < out.size(); ++i)
      all.push_back(out.get(i));
    return all;
  }

  std::vector<double> expected(const Batch &batch) const {
    std::vector<double> all(batch.rows() * op.uWidth(), untouched);
    for (int64_t b = 0; b < batch.size(); ++b)
      for (int64_t e = 0; e < op.channels; ++e)
        fillChannel(all, batch.offsets[b], batch.lengths[b], e);
    return all;
  }

private:
  static constexpr int64_t maxRows = 300;
  Scan op;
  std::unique_ptr<CompiledKernel> kernel;
  Buffer u, delta, a, bc, skip, gate;

  void fillChannel(std::vector<double> &all, int64_t first, int64_t length, int64_t e) const {
    std::vector<double> h(op.states, 0);
    for (int64_t row = first; row < first + length; ++row) {
      size_t position = row * op.uWidth() + op.column + e;
      double x = u.get(position), step = std::log1p(std::exp(double(delta.get(position))));
      double y = 0;
      for (int64_t s = 0; s < op.states; ++s) {
        size_t projection = row * op.bcWidth() + op.column + s;
        h[s] = std::exp(step * a.get(s * op.channels + e)) * h[s] + step * bc.get(projection) * x;
        y += h[s] * bc.get(projection + op.states);
      }
      all[position] = (y + x * skip.get(e)) * gate.get(row * (op.channels + 2) + 2 + e);
    }
  }
};

void expectMatch(const Scan &op) {
  ScanRun run(op);
  for (const Batch &batch : testBatches())
    EXPECT_LE(relativeError(run.run(batch), run.expected(batch)), 5e-6)
        << op.cpu << ", " << op.states << " states, " << op.channels << " channels, "
        << batch.rows() << " rows";
}

TEST(ScanCPU, matchesDouble) {
  for (int64_t states : {1, 8, 15, 16, 17, 40, 128})
    for (int64_t channels : {1, 17, 64, 130})
      expectMatch({states, channels, Storage::F32, channels % 4});
}

TEST(ScanCPU, convertsStorage) {
  expectMatch({16, 37, Storage::BF16, 3});
  expectMatch({9, 37, Storage::F16, 3});
}

TEST(ScanCPU, runsOnEveryLevel) {
  for (const char *cpu : {"x86-64-v2", "x86-64-v3"})
    expectMatch({19, 37, Storage::F32, 1, cpu});
}

/// Steps so large that every exponential underflows leave the last input alone.
TEST(ScanCPU, forgetsAfterLargeSteps) {
  Scan op{4, 16};
  auto kernel = CompiledKernel::compile(op.text());
  Buffer u(8 * 16, Storage::F32, 2), delta(8 * 16, Storage::F32, 1000), a(4 * 16, Storage::F32, -1);
  Buffer bc(8 * 8, Storage::F32, 1), skip(16, Storage::F32, 0), gate(8 * 18, Storage::F32, 1);
  Buffer out(8 * 16, Storage::F32);
  int32_t offsets[] = {0, 8};
  kernel->run({1, 8, u.data(), delta.data(), a.data(), bc.data(), bc.data(), offsets, out.data(),
               skip.data(), gate.data()});
  for (size_t i = 0; i < out.size(); ++i)
    ASSERT_EQ(out.get(i), 8000) << i;
}

/// One state that decays once: the output is the exponential itself, over an octave
/// and a half of results, each within a few units in the last place.
TEST(ScanCPU, decaysWithinAFewUlps) {
  Scan op{1, 130};
  auto kernel = CompiledKernel::compile(op.text());
  // softplus(20) = 20 in float32, so Δ · u is 1 in the first row and 0 in the second.
  Buffer u(2 * 130, Storage::F32, 0), delta(2 * 130, Storage::F32, 20), a(130, Storage::F32);
  Buffer bc(2 * 2, Storage::F32, 1), skip(130, Storage::F32, 0), gate(2 * 132, Storage::F32, 1);
  Buffer out(2 * 130, Storage::F32);
  for (int64_t e = 0; e < 130; ++e) {
    u.set(e, 0.05f);
    a.set(e, -static_cast<float>(e) / (130 * 20));
  }
  int32_t offsets[] = {0, 2};
  kernel->run({1, 2, u.data(), delta.data(), a.data(), bc.data(), bc.data(), offsets, out.data(),
               skip.data(), gate.data()});
  for (int64_t e = 0; e < 130; ++e) {
    double expected = std::exp(20.0 * a.get(e)) * out.get(e);
    EXPECT_NEAR(out.get(130 + e) / expected, 1, 4e-7) << "a = " << a.get(e);
  }
}

TEST(ScanCPU, sequencesDoNotDependOnNeighbours) {
  Scan op{20, 50};
  ScanRun run(op);
  Batch batch({17, 0, 130, 64, 3});
  std::vector<float> all = run.run(batch);
  EXPECT_EQ(all, run.run(batch, 0, /*backwards=*/true));
  for (int64_t b = 0; b < batch.size(); ++b) {
    std::vector<float> alone = run.run(Batch({batch.lengths[b]}), batch.offsets[b]);
    EXPECT_TRUE(
        std::equal(alone.begin(), alone.end(), all.begin() + batch.offsets[b] * op.uWidth()))
        << "sequence " << b;
  }
}
/// Scans of one recurrence with states in and out: y alone, all buffers float32.
struct StatefulScan {
  int64_t states, channels;

  std::string text(bool hasInitial, bool isInPlace = false) const {
    std::string rows = rowsType(channels), projections = rowsType(states);
    std::string state =
        "memref<?x" + std::to_string(states) + "x" + std::to_string(channels) + "xf32>";
    KernelText kernel;
    kernel.operand("batch", "index").operand("max", "index").operand("u", rows);
    kernel.operand("delta", rows);
    kernel.operand("a",
                   "memref<" + std::to_string(states) + "x" + std::to_string(channels) + "xf32>");
    kernel.operand("b", projections).operand("c", projections).operand("offsets", "memref<?xi32>");
    kernel.operand("out", rows);
    std::string form =
        "kern.scan batch(%batch, %max) %u, %delta, %a, %b, %c offsets(%offsets) -> %out";
    if (hasInitial) {
      kernel.operand("initial", state);
      form += " initial(%initial)";
    }
    kernel.operand("final", state);
    form += isInPlace ? " final(%initial)" : " final(%final)";
    return kernel.function(form + " {\n^bb0(%y: f32, %x: f32):\nkern.yield %y\n}",
                           "accesses = [], extra_columns = array<i64>");
  }
};

/// A sequence in two parts, the state handed on, is bit for bit the whole one, wherever
/// it is cut; a part without rows hands on what it was given.
TEST(ScanCPU, continuesFromAState) {
  for (int64_t states : {3, 40})
    for (int64_t channels : {5, 33}) {
      StatefulScan scan{states, channels};
      auto whole = CompiledKernel::compile(scan.text(/*hasInitial=*/false));
      auto part = CompiledKernel::compile(scan.text(/*hasInitial=*/true, /*isInPlace=*/true));
      ASSERT_TRUE(whole && part);
      constexpr int64_t rows = 70;
      Buffer u = Buffer::random(rows * channels, Storage::F32, 1);
      Buffer delta = Buffer::random(rows * channels, Storage::F32, 2, 2);
      Buffer a(states * channels, Storage::F32, -0.75f);
      Buffer b = Buffer::random(rows * states, Storage::F32, 3);
      Buffer c = Buffer::random(rows * states, Storage::F32, 4);
      Buffer expected(rows * channels, Storage::F32), end(states * channels, Storage::F32);
      int32_t all[] = {0, rows};
      whole->run({1, rows, u.data(), delta.data(), a.data(), b.data(), c.data(), all,
                  expected.data(), end.data()});
      for (int32_t cut : {0, 1, 32, 37, 70}) {
        Buffer out(rows * channels, Storage::F32), state(states * channels, Storage::F32);
        Buffer unused(states * channels, Storage::F32);
        for (auto [first, last] : {std::pair(0, cut), std::pair<int, int>(cut, rows)}) {
          int32_t offsets[] = {first, last};
          part->run({1, last - first, u.data(), delta.data(), a.data(), b.data(), c.data(), offsets,
                     out.data(), state.data(), unused.data()});
        }
        for (size_t i = 0; i < out.size(); ++i)
          ASSERT_EQ(out.get(i), expected.get(i)) << "cut at " << cut << ", element " << i;
        for (size_t i = 0; i < state.size(); ++i)
          ASSERT_EQ(state.get(i), end.get(i)) << "cut at " << cut << ", state " << i;
      }
    }
}

/// Every sequence of a batch has its own states, those without rows too.
TEST(ScanCPU, keepsStatesBySequence) {
  StatefulScan scan{2, 3};
  auto kernel = CompiledKernel::compile(scan.text(/*hasInitial=*/true));
  ASSERT_TRUE(kernel);
  Buffer u(3, Storage::F32, 0), delta(3, Storage::F32, 20), a(6, Storage::F32, -0.05f);
  Buffer bc(2, Storage::F32, 1), out(3, Storage::F32), end(18, Storage::F32);
  Buffer initial = Buffer::random(18, Storage::F32, 1);
  // softplus(20) = 20 in float32: the one row of sequence 1 decays by exp(-1).
  int32_t offsets[] = {0, 0, 1, 1};
  kernel->run({3, 1, u.data(), delta.data(), a.data(), bc.data(), bc.data(), offsets, out.data(),
               initial.data(), end.data()});
  for (size_t i = 0; i < end.size(); ++i) {
    double decay = i / 6 == 1 ? std::exp(-1.0) : 1;
    EXPECT_NEAR(end.get(i), decay * initial.get(i), 1e-6) << i;
  }
}
} // namespace
