//===- RowwiseCPUTest.cpp - kern.rowwise on the CPU, run ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitted row-wise kernels against double: sections that leave tails, storage types,
// columns, gather and scatter, and that a row's bits depend on that row alone.
//
//===----------------------------------------------------------------------===//

#include "KernelText.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace flowhn::test;

namespace {
constexpr int64_t tableRows = 140;
/// Fills results beforehand; exact in every storage type, and small in a norm.
constexpr float untouched = -0.015625f;

/// One kernel; the extras are a row, a column and, with `gather`, a gathered one.
struct Rowwise {
  std::vector<int64_t> sections;
  bool reduces = false, gather = false;
  Storage in = Storage::F32, out = Storage::F32;
  int64_t inColumn = 0, outColumn = 0;
  std::string cpu = "host";

  int64_t width() const { return sections.back(); }
  int64_t inWidth() const { return inColumn + width() + (inColumn ? 2 : 0); }
  int64_t outWidth() const { return outColumn + width() + (outColumn ? 3 : 0); }
  std::string text() const;
};

std::string Rowwise::text() const {
  KernelText kernel;
  kernel.operand("rows", "index")
      .operand("in", rowsType(inWidth(), in))
      .operand("out", rowsType(outWidth(), out))
      .operand("row", rowsType(width() + 3))
      .operand("column", "memref<" + std::to_string(width() + 1) + "xbf16>");
  if (gather)
    kernel.operand("gathered", rowsType(width(), Storage::F16))
        .operand("gather", "memref<?xi32>")
        .operand("scatter", "memref<?xi32>");
  std::string form = "kern.rowwise rows(%rows) %in -> %out extras(%row, %column";
  form += gather ? ", %gathered) gather(%gather) scatter(%scatter) {\n" : ") {\n";
  form += reduces ? "^bb0(%x: f32, %mean: f32, %r: f32, %c: f32" : "^bb0(%x: f32, %r: f32, %c: f32";
  form += gather ? ", %g: f32):\n" : "):\n";
  std::string value = "%x";
  if (reduces) {
    form += "%eps = arith.constant 1.0e-5 : f32\n%m = arith.addf %mean, %eps : f32\n"
            "%s = math.rsqrt %m : f32\n%n = arith.mulf %x, %s : f32\n";
    value = "%n";
  }
  form += "%p = arith.mulf " + value + ", %c : f32\n%y = arith.addf %p, %r : f32\n";
  if (gather)
    form += "%z = arith.addf %y, %g : f32\nkern.yield %z\n}";
  else
    form += "kern.yield %y\n}";
  std::string bounds;
  for (int64_t bound : sections)
    bounds += (bounds.empty() ? "" : ", ") + std::to_string(bound);
  return kernel.function(
      form, attribute("in_column", inColumn) + attribute("out_column", outColumn) +
                "sections = array<i64: " + bounds + ">, reduction = #kern.reduction<" +
                (reduces ? "mean_of_squares" : "none") + ">, accesses = [#kern.access<row>, " +
                "#kern.access<column>" + (gather ? ", #kern.access<gathered>" : "") +
                "], extra_columns = array<i64: 3, 1" + (gather ? ", 0" : "") + ">");
}

/// A kernel with its operands, and what it should compute.
class RowwiseRun {
public:
  explicit RowwiseRun(const Rowwise &op)
      : op(op), kernel(CompiledKernel::compile(op.text(), op.cpu)),
        input(Buffer::random(tableRows * op.inWidth(), op.in, 1)),
        row(Buffer::random(tableRows * (op.width() + 3), Storage::F32, 2)),
        column(Buffer::random(op.width() + 1, Storage::BF16, 3)),
        gathered(Buffer::random(tableRows * op.width(), Storage::F16, 4)) {
    for (int64_t i = 0; i < tableRows; ++i) {
      gather.push_back(static_cast<int32_t>(i * 37 % tableRows));
      scatter.push_back(static_cast<int32_t>(i * 51 % tableRows));
    }
  }

  /// The results of rows [first, first + rows), and what must not be touched.
  Buffer run(int64_t first, int64_t rows, bool backwards = false) {
    Buffer out(tableRows * op.outWidth(), op.out, untouched);
    if (op.gather)
      kernel->run({rows, input.data(), out.data(), row.data(), column.data(), gathered.data(),
                   gather.data(), scatter.data()},
                  backwards);
    else
      kernel->run({rows, input.data(first * op.inWidth()), out.data(first * op.outWidth()),
                   row.data(first * (op.width() + 3)), column.data()},
                  backwards);
    return out;
  }

  std::vector<double> expected(int64_t rows) const {
    std::vector<double> all(tableRows * op.outWidth(), untouched);
    for (int64_t i = 0; i < rows; ++i)
      for (size_t s = 0; s + 1 < op.sections.size(); ++s)
        fillSection(all, i, op.sections[s], op.sections[s + 1]);
    return all;
  }

  double error(int64_t rows) {
    Buffer out = run(0, rows);
    std::vector<float> actual;
    for (size_t i = 0; i < out.size(); ++i)
      actual.push_back(out.get(i));
    return relativeError(actual, expected(rows));
  }

private:
  Rowwise op;
  std::unique_ptr<CompiledKernel> kernel;
  Buffer input, row, column, gathered;
  std::vector<int32_t> gather, scatter;

  void fillSection(std::vector<double> &all, int64_t i, int64_t begin, int64_t end) const {
    int64_t source = op.gather ? gather[i] : i, target = op.gather ? scatter[i] : i;
    auto x = [&](int64_t c) { return double(input.get(source * op.inWidth() + op.inColumn + c)); };
    double squares = 0;
    for (int64_t c = begin; c < end; ++c)
      squares += x(c) * x(c);
    double scale = op.reduces ? 1 / std::sqrt(squares / (end - begin) + 1e-5) : 1;
    for (int64_t c = begin; c < end; ++c) {
      double y = x(c) * scale * column.get(c + 1) + row.get(i * (op.width() + 3) + 3 + c);
      y += op.gather ? gathered.get(source * op.width() + c) : 0;
      all[target * op.outWidth() + op.outColumn + c] = y;
    }
  }
};

TEST(RowwiseCPU, matchesDouble) {
  const std::vector<int64_t> sections[] = {{0, 1},          {0, 15},     {0, 16},  {0, 17},
                                           {0, 48, 64, 80}, {0, 64, 65}, {0, 130}, {0, 300}};
  for (const auto &bounds : sections)
    for (bool reduces : {false, true})
      for (bool gather : {false, true}) {
        Rowwise op{bounds, reduces, gather};
        op.inColumn = gather ? 5 : 0;
        op.outColumn = gather ? 0 : 7;
        RowwiseRun run(op);
        for (int64_t rows : {0, 1, 5, 64, 129})
          EXPECT_LE(run.error(rows), 2e-6)
              << op.width() << " columns, " << rows << " rows, gather " << gather;
      }
}

TEST(RowwiseCPU, convertsStorage) {
  for (Storage in : {Storage::F32, Storage::BF16, Storage::F16})
    for (Storage out : {Storage::F32, Storage::BF16, Storage::F16}) {
      Rowwise op{{0, 24, 43}, /*reduces=*/true, /*gather=*/true, in, out};
      double rounding = out == Storage::F32 ? 2e-6 : out == Storage::BF16 ? 3e-3 : 4e-4;
      EXPECT_LE(RowwiseRun(op).error(129), rounding) << mlirName(in) << " to " << mlirName(out);
    }
}

TEST(RowwiseCPU, runsOnEveryLevel) {
  for (const char *cpu : {"x86-64-v2", "x86-64-v3", "host"}) {
    Rowwise op{{0, 24, 67}, /*reduces=*/true, /*gather=*/true, Storage::BF16};
    op.cpu = cpu;
    EXPECT_LE(RowwiseRun(op).error(77), 2e-6) << cpu;
  }
}

TEST(RowwiseCPU, storesScalars) {
  for (int64_t width : {1, 15, 64, 67, 300})
    for (Storage in : {Storage::F32, Storage::BF16}) {
      KernelText text;
      text.operand("rows", "index")
          .operand("in", rowsType(width + 3, in))
          .operand("out", "memref<?xf32>");
      auto kernel = CompiledKernel::compile(text.function(
          "kern.rowwise rows(%rows) %in -> %out {\n^bb0(%mean: f32):\n"
          "%eps = arith.constant 1.0e-5 : f32\n%m = arith.addf %mean, %eps : f32\n"
          "%r = math.sqrt %m : f32\nkern.yield %r\n}",
          attribute("in_column", 3) + "sections = array<i64: 0, " + std::to_string(width) +
              ">, reduction = #kern.reduction<mean_of_squares>, accesses = [], "
              "extra_columns = array<i64>"));
      ASSERT_TRUE(kernel);
      Buffer input = Buffer::random(tableRows * (width + 3), in, 1);
      Buffer out(tableRows, Storage::F32, untouched);
      kernel->run({129, input.data(), out.data()});
      std::vector<float> actual;
      std::vector<double> expected;
      for (int64_t i = 0; i < 129; ++i) {
        double squares = 0;
        for (int64_t c = 0; c < width; ++c)
          squares += std::pow(double(input.get(i * (width + 3) + 3 + c)), 2);
        actual.push_back(out.get(i));
        expected.push_back(std::sqrt(squares / width + 1e-5));
      }
      EXPECT_LE(relativeError(actual, expected), 1e-6) << width << " columns";
      for (int64_t i = 129; i < tableRows; ++i)
        EXPECT_EQ(out.get(i), untouched);
    }
}

TEST(RowwiseCPU, rowsDoNotDependOnOthers) {
  Rowwise op{{0, 70, 131}, /*reduces=*/true};
  RowwiseRun run(op);
  Buffer all = run.run(0, 129), backwards = run.run(0, 129, /*backwards=*/true);
  for (size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(all.get(i), backwards.get(i));
  for (int64_t row : {0, 63, 64, 128}) {
    Buffer alone = run.run(row, 1);
    for (int64_t c = 0; c < op.width(); ++c)
      ASSERT_EQ(alone.get(row * op.outWidth() + c), all.get(row * op.outWidth() + c)) << row;
  }
}
} // namespace
