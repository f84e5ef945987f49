//===- AttentionCPUTest.cpp - kern.attention on the CPU, run --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitted attention against double: head sizes that no vector width divides, groups of
// query heads, ragged batches, and that a row's bits depend only on the rows it sees.
//
//===----------------------------------------------------------------------===//

#include "KernelText.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace flowhn::test;

namespace {
/// Fills results beforehand; exact in every storage type, and small in a norm.
constexpr float untouched = -0.015625f;

struct Attention {
  int64_t heads, kvHeads, headSize;
  Storage storage = Storage::F32;
  int64_t column = 0;
  std::string cpu = "host";
  bool lastQueries = false; ///< queries of their own, the last ones of each sequence

  int64_t qWidth() const { return heads * headSize; }
  int64_t kvWidth() const { return kvHeads * headSize; }
  int64_t kColumn() const { return column + qWidth(); }
  int64_t vColumn() const { return kColumn() + kvWidth(); }
  int64_t width() const { return vColumn() + kvWidth(); }
  int64_t outWidth() const { return column + qWidth() + column; }
  float scale() const { return static_cast<float>(1 / std::sqrt(double(headSize))); }

  std::string text() const {
    KernelText kernel;
    std::string type = rowsType(width(), storage);
    kernel.operand("batch", "index").operand("max", "index");
    if (lastQueries)
      kernel.operand("max_queries", "index");
    kernel.operand("q", type).operand("k", type).operand("v", type);
    kernel.operand("offsets", "memref<?xi32>");
    if (lastQueries)
      kernel.operand("query_offsets", "memref<?xi32>");
    kernel.operand("out", rowsType(outWidth(), storage));
    std::string queries = lastQueries ? " queries(%max_queries, %query_offsets)" : "";
    return kernel.function(
        "kern.attention batch(%batch, %max) %q, %k, %v offsets(%offsets)" + queries + " -> %out",
        attribute("heads", heads) + attribute("kv_heads", kvHeads) +
            attribute("head_size", headSize) + attribute("q_column", column) +
            attribute("k_column", kColumn()) + attribute("v_column", vColumn()) +
            attribute("out_column", column) + "scale = " + std::to_string(scale()) + " : f32");
  }
};

class AttentionRun {
public:
  explicit AttentionRun(const Attention &op, float spread = 1)
      : op(op), kernel(CompiledKernel::compile(op.text(), op.cpu)),
        qkv(Buffer::random(maxRows * op.width(), op.storage, 1, spread)) {}

  std::vector<float> run(const Batch &batch, int64_t firstRow = 0, bool backwards = false) {
    Buffer out(batch.rows() * op.outWidth(), op.storage, untouched);
    const void *rows = qkv.data(firstRow * op.width());
    kernel->run({batch.size(), batch.maxLength, rows, rows, rows, batch.offsets.data(), out.data()},
                backwards);
    std::vector<float> all;
    for (size_t i = 0; i < out.size(); ++i)
      all.push_back(out.get(i));
    return all;
  }

  /// The last `queries` rows of each sequence alone.
  std::vector<float> runLast(const Batch &batch, const Batch &queries) {
    Buffer out(queries.rows() * op.outWidth(), op.storage, untouched);
    std::vector<float> all;
    std::vector<float> packed;
    for (int64_t b = 0; b < batch.size(); ++b)
      for (int64_t i = batch.lengths[b] - queries.lengths[b]; i < batch.lengths[b]; ++i)
        for (int64_t c = 0; c < op.width(); ++c)
          packed.push_back(qkv.get((batch.offsets[b] + i) * op.width() + c));
    const void *rows = qkv.data(0);
    kernel->run({batch.size(), batch.maxLength, queries.maxLength, packed.data(), rows, rows,
                 batch.offsets.data(), queries.offsets.data(), out.data()});
    for (size_t i = 0; i < out.size(); ++i)
      all.push_back(out.get(i));
    return all;
  }

  std::vector<double> expected(const Batch &batch) const {
    std::vector<double> all(batch.rows() * op.outWidth(), untouched);
    for (int64_t b = 0; b < batch.size(); ++b)
      for (int64_t i = 0; i < batch.lengths[b]; ++i)
        for (int64_t head = 0; head < op.heads; ++head)
          fillRow(all, batch.offsets[b], i, head);
    return all;
  }

private:
  static constexpr int64_t maxRows = 300;
  Attention op;
  std::unique_ptr<CompiledKernel> kernel;
  Buffer qkv;

  double at(int64_t row, int64_t column) const { return qkv.get(row * op.width() + column); }

  void fillRow(std::vector<double> &all, int64_t first, int64_t i, int64_t head) const {
    int64_t kvHead = head / (op.heads / op.kvHeads), d = op.headSize;
    std::vector<double> weights(i + 1, 0);
    for (int64_t j = 0; j <= i; ++j)
      for (int64_t f = 0; f < d; ++f)
        weights[j] +=
            at(first + i, op.column + head * d + f) * at(first + j, op.kColumn() + kvHead * d + f);
    // The kernel's text holds the scale with six digits.
    double scale = std::stod(std::to_string(op.scale())), sum = 0;
    double max = *std::max_element(weights.begin(), weights.end());
    for (double &weight : weights)
      sum += weight = std::exp(scale * (weight - max));
    for (int64_t f = 0; f < d; ++f) {
      double result = 0;
      for (int64_t j = 0; j <= i; ++j)
        result += weights[j] / sum * at(first + j, op.vColumn() + kvHead * d + f);
      all[(first + i) * op.outWidth() + op.column + head * d + f] = result;
    }
  }
};

void expectMatch(const Attention &op, double tolerance = 2e-6, float spread = 1) {
  AttentionRun run(op, spread);
  for (const Batch &batch : testBatches())
    EXPECT_LE(relativeError(run.run(batch), run.expected(batch)), tolerance)
        << op.cpu << ", heads " << op.heads << " over " << op.kvHeads << " of " << op.headSize
        << ", " << batch.rows() << " rows";
}

TEST(AttentionCPU, matchesDouble) {
  const std::pair<int64_t, int64_t> heads[] = {{1, 1}, {4, 2}, {3, 1}, {32, 8}};
  for (auto [query, kv] : heads)
    for (int64_t headSize : {5, 8, 16, 24, 32, 64})
      if (query < 32 || headSize <= 24)
        expectMatch({query, kv, headSize, Storage::F32, headSize % 3});
  // A group with no divisor that an item could hold, and one that takes several.
  expectMatch({5, 1, 7});
  expectMatch({12, 1, 1});
}

TEST(AttentionCPU, convertsStorage) {
  expectMatch({4, 2, 10, Storage::BF16, 1}, 3e-3);
  expectMatch({4, 2, 10, Storage::F16, 1}, 4e-4);
}

TEST(AttentionCPU, runsOnEveryLevel) {
  for (const char *cpu : {"x86-64-v2", "x86-64-v3"})
    expectMatch({6, 2, 11, Storage::F32, 1, cpu});
}

/// Scores in the thousands: exponentials of their own would overflow.
TEST(AttentionCPU, survivesLargeScores) {
  expectMatch({2, 1, 16}, /*tolerance=*/1e-3, /*spread=*/30);
}

/// Queries of the last rows alone give the same bits as all of them.
TEST(AttentionCPU, takesLastQueries) {
  Attention op{8, 2, 24}, last = op;
  last.lastQueries = true;
  AttentionRun run(op), runLast(last);
  Batch batch({17, 5, 130, 64, 3});
  std::vector<float> all = run.run(batch);
  for (const Batch &queries : {Batch({1, 1, 1, 1, 1}), Batch({17, 0, 33, 2, 3})}) {
    std::vector<float> some = runLast.runLast(batch, queries);
    for (int64_t b = 0; b < batch.size(); ++b) {
      int64_t first = batch.offsets[b + 1] - queries.lengths[b], width = op.outWidth();
      EXPECT_TRUE(std::equal(some.begin() + queries.offsets[b] * width,
                             some.begin() + queries.offsets[b + 1] * width,
                             all.begin() + first * width))
          << "sequence " << b;
    }
  }
}

TEST(AttentionCPU, rowsDependOnWhatTheySee) {
  Attention op{8, 2, 24};
  AttentionRun run(op);
  Batch batch({17, 0, 130, 64, 3});
  std::vector<float> all = run.run(batch);
  EXPECT_EQ(all, run.run(batch, 0, /*backwards=*/true));
  auto prefixAgrees = [&](int64_t sequence, int64_t length) {
    std::vector<float> alone = run.run(Batch({length}), batch.offsets[sequence]);
    return std::equal(alone.begin(), alone.end(),
                      all.begin() + batch.offsets[sequence] * op.outWidth());
  };
  for (int64_t b = 0; b < batch.size(); ++b)
    EXPECT_TRUE(prefixAgrees(b, batch.lengths[b])) << "sequence " << b;
  for (int64_t length : {1, 16, 59, 61, 100})
    EXPECT_TRUE(prefixAgrees(2, length)) << "first " << length << " rows";
}
} // namespace
