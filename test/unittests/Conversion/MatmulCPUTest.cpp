//===- MatmulCPUTest.cpp - kern.matmul on the CPU, run --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitted matmuls against sums in double, over ragged sizes, storage types, fused
// operands and levels, and the promise that a row's bits depend on that row alone.
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include "flowhn/Target/CPU/TargetInfo.h"
#include "gtest/gtest.h"

#include <cmath>
#include <functional>
#include <numeric>

using namespace flowhn::test;

namespace {
const int64_t maxRows = 129;
const int64_t rowCounts[] = {1, 2, 7, 8, 9, 63, 64, 65, 129};

/// One kernel: sizes, types, and which of the fused operands it has.
struct Matmul {
  Matmul(int64_t n, int64_t k, int64_t groups = 1, Storage a = Storage::F32,
         Storage b = Storage::F32, Storage out = Storage::F32, std::string cpu = "host")
      : n(n), k(k), groups(groups), a(a), b(b), out(out), cpu(cpu),
        panel(mlir::flowhn::CPUTargetInfo::get(cpu)->panelColumns(n, groups)) {}

  int64_t n, k, groups;
  Storage a, b, out;
  std::string cpu, config;
  int64_t panel;
  bool extras = false, scatter = false;
  int64_t aColumn = 0, outColumn = 0, extraColumn = 0;

  int64_t panels() const { return (n + panel - 1) / panel; }
  int64_t aWidth() const { return aColumn + k + (aColumn ? 3 : 0); }
  int64_t outWidth() const { return outColumn + n + (outColumn ? 5 : 0); }
  int64_t extraWidth() const { return extraColumn + n; }
  std::string text() const;
};

std::string rowsType(int64_t width, Storage storage) {
  return "memref<?x" + std::to_string(width) + "x" + mlirName(storage) + ">";
}

/// The epilogue silu(s0) · s1 for two groups, with extras (row · gathered + column) · scalar.
std::string epilogue(const Matmul &m) {
  std::string text = m.groups == 1 ? "^bb0(%s: f32" : "^bb0(%s: f32, %u: f32";
  text += m.extras ? ", %row: f32, %gathered: f32, %column: f32, %scalar: f32):\n" : "):\n";
  std::string result = "%s";
  if (m.groups == 2) {
    text += "%one = arith.constant 1.0 : f32\n%minus = arith.negf %s : f32\n"
            "%e = math.exp %minus : f32\n%d = arith.addf %e, %one : f32\n"
            "%silu = arith.divf %s, %d : f32\n%gate = arith.mulf %silu, %u : f32\n";
    result = "%gate";
  }
  if (m.extras) {
    text += "%p = arith.mulf %row, %gathered : f32\n%q = arith.addf %p, %column : f32\n"
            "%scaled = arith.mulf %q, %scalar : f32\n%t = arith.addf " +
            result + ", %scaled : f32\n";
    result = "%t";
  }
  return text + "kern.yield " + result + "\n";
}

std::string Matmul::text() const {
  std::string bType = "memref<" + std::to_string(panels()) + "x" + std::to_string(k) + "x" +
                      std::to_string(groups * panel) + "x" + mlirName(b) + ">";
  std::string column = std::to_string(extraColumn);
  std::string parameters, operands, types, accesses, columns;
  auto add = [&](std::string name, std::string type) {
    parameters += ", %" + name + ": " + type;
    types += ", " + type;
  };
  add("a", rowsType(aWidth(), a));
  add("b", bType);
  add("out", rowsType(outWidth(), out));
  operands = "%a, %b -> %out";
  if (extras) {
    add("x", rowsType(extraWidth(), Storage::F32));
    add("y", rowsType(n, Storage::BF16));
    add("z", "memref<" + std::to_string(n + 2) + "xf32>");
    add("scalars", "memref<?xf32>");
    add("gather", "memref<?xi32>");
    operands += " extras(%x, %y, %z, %scalars) gather(%gather)";
    accesses = "#kern.access<row>, #kern.access<gathered>, #kern.access<column>, "
               "#kern.access<scalar>";
    columns = ": " + column + ", 0, 2, 0";
  }
  if (scatter) {
    add("scatter", "memref<?xi32>");
    operands += " scatter(%scatter)";
  }
  return "func.func @matmul(%rows: index" + parameters + ") attributes {kern.kernel} {\n" +
         "kern.matmul rows(%rows) " + operands + " {\n" + epilogue(*this) +
         "} {n = " + std::to_string(n) + ", k = " + std::to_string(k) +
         ", groups = " + std::to_string(groups) + ", a_column = " + std::to_string(aColumn) +
         ", out_column = " + std::to_string(outColumn) + ", accesses = [" + accesses +
         "], extra_columns = array<i64" + columns + ">" + config + "} : (index" + types +
         ") -> ()\nreturn\n}\n";
}

/// A kernel with its operands for `maxRows` rows, and what it should compute.
class MatmulRun {
public:
  explicit MatmulRun(const Matmul &m)
      : m(m), kernel(CompiledKernel::compile(m.text(), m.cpu)),
        a(Buffer::random(maxRows * m.aWidth(), m.a, 1)),
        b(m.panels() * m.k * m.groups * m.panel, m.b),
        x(Buffer::random(maxRows * m.extraWidth(), Storage::F32, 3)),
        y(Buffer::random(maxRows * m.n, Storage::BF16, 4)),
        z(Buffer::random(m.n + 2, Storage::F32, 5)), s(Buffer::random(maxRows, Storage::F32, 6)),
        gather(permutation(maxRows, 50)), scatter(permutation(maxRows, 23)) {
    packWeights();
    computeExpected();
  }

  /// The first `rows` results, from buffers whose other elements must stay as they are.
  std::vector<float> run(int64_t rows, int64_t firstRow = 0, bool backwards = false) {
    Buffer out(maxRows * m.outWidth(), m.out, untouched);
    const void *first = a.data(firstRow * m.aWidth());
    std::initializer_list<KernelArgument> plain = {rows, first, b.data(), out.data()};
    if (m.extras && m.scatter)
      kernel->run({rows, first, b.data(), out.data(), x.data(), y.data(), z.data(), s.data(),
                   gather.data(), scatter.data()},
                  backwards);
    else if (m.extras)
      kernel->run({rows, first, b.data(), out.data(), x.data(), y.data(), z.data(), s.data(),
                   gather.data()},
                  backwards);
    else
      kernel->run(plain, backwards);
    return collect(out, rows);
  }

  double error(int64_t rows) {
    std::vector<double> head(expected.begin(), expected.begin() + rows * m.n);
    return relativeError(run(rows), head);
  }

  const Matmul &m;
  std::unique_ptr<CompiledKernel> kernel;

private:
  static constexpr float untouched = -77;
  /// i → (i · step) mod count, where count and step have no common factor.
  static std::vector<int32_t> permutation(int64_t count, int64_t step) {
    std::vector<int32_t> table(count);
    for (int64_t i = 0; i < count; ++i)
      table[i] = static_cast<int32_t>(i * step % count);
    return table;
  }

  double weight(int64_t group, int64_t l, int64_t column) const {
    int64_t p = m.panel;
    return b.get(((column / p) * m.k + l) * m.groups * p + group * p + column % p);
  }

  void packWeights() {
    Buffer values = Buffer::random(m.groups * m.n * m.k, m.b, 2);
    int64_t p = m.panel;
    for (int64_t g = 0; g < m.groups; ++g)
      for (int64_t j = 0; j < m.n; ++j)
        for (int64_t l = 0; l < m.k; ++l)
          b.set(((j / p) * m.k + l) * m.groups * p + g * p + j % p,
                values.get((g * m.n + j) * m.k + l));
  }

  void computeExpected() {
    std::vector<double> rows(maxRows * m.k);
    for (int64_t i = 0; i < maxRows; ++i)
      for (int64_t l = 0; l < m.k; ++l)
        rows[i * m.k + l] = a.get(i * m.aWidth() + m.aColumn + l);
    expected.resize(maxRows * m.n);
    std::vector<double> column(m.k);
    for (int64_t j = 0; j < m.n; ++j)
      for (int64_t g = 0; g < m.groups; ++g) {
        for (int64_t l = 0; l < m.k; ++l)
          column[l] = weight(g, l, j);
        for (int64_t i = 0; i < maxRows; ++i) {
          double sum = std::inner_product(column.begin(), column.end(), &rows[i * m.k], 0.0);
          double &result = expected[i * m.n + j];
          result = g == 0 ? sum : result / (1 + std::exp(-result)) * sum;
        }
      }
    if (m.extras)
      addExtras();
  }

  void addExtras() {
    for (int64_t i = 0; i < maxRows; ++i)
      for (int64_t j = 0; j < m.n; ++j)
        expected[i * m.n + j] +=
            (static_cast<double>(x.get(i * m.extraWidth() + m.extraColumn + j)) *
                 y.get(i * 50 % maxRows * m.n + j) +
             z.get(j + 2)) *
            s.get(i);
  }

  std::vector<float> collect(const Buffer &out, int64_t rows) {
    std::vector<float> results(rows * m.n);
    std::vector<bool> written(out.size());
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < m.n; ++j) {
        int64_t row = m.scatter ? i * 23 % maxRows : i;
        int64_t position = row * m.outWidth() + m.outColumn + j;
        results[i * m.n + j] = out.get(position);
        written[position] = true;
      }
    for (size_t position = 0; position < out.size(); ++position)
      if (!written[position])
        EXPECT_EQ(out.get(position), untouched) << "element " << position << " was written";
    return results;
  }

  Buffer a, b, x, y, z, s;
  Table gather, scatter;
  std::vector<double> expected;
};

/// Checks every row count; `bound` is what the stored type can hold.
void checkAllRows(const Matmul &m, double bound = 1e-6) {
  SCOPED_TRACE("n = " + std::to_string(m.n) + ", k = " + std::to_string(m.k) +
               ", groups = " + std::to_string(m.groups) + ", cpu = " + m.cpu + ", types " +
               mlirName(m.a) + " " + mlirName(m.b) + " " + mlirName(m.out));
  MatmulRun run(m);
  ASSERT_TRUE(run.kernel);
  // A relative error means little where a few results happen to cancel.
  for (int64_t rows : rowCounts)
    EXPECT_LE(run.error(rows), rows * m.n < 64 ? 4 * bound : bound) << rows << " rows";
}

const int64_t outputs[] = {1, 21, 48, 151, 768};
const int64_t depths[] = {1, 5, 16, 151, 768};
} // namespace

TEST(MatmulCPU, EveryShape) {
  for (int64_t n : outputs)
    for (int64_t k : depths)
      checkAllRows(Matmul(n, k));
}

TEST(MatmulCPU, TwoGroups) {
  for (int64_t n : outputs)
    for (int64_t k : {5, 151})
      checkAllRows(Matmul(n, k, 2));
}

TEST(MatmulCPU, StorageTypes) {
  for (auto [n, k] : {std::pair<int64_t, int64_t>{21, 5}, {151, 151}, {48, 768}}) {
    checkAllRows(Matmul(n, k, 1, Storage::F32, Storage::BF16));
    checkAllRows(Matmul(n, k, 1, Storage::F32, Storage::F16));
    checkAllRows(Matmul(n, k, 2, Storage::F32, Storage::BF16));
    checkAllRows(Matmul(n, k, 1, Storage::BF16, Storage::F32));
    // Half a unit in the last place of 8 and 11 bits.
    checkAllRows(Matmul(n, k, 1, Storage::BF16, Storage::BF16, Storage::BF16), 0.5 / 128);
    checkAllRows(Matmul(n, k, 1, Storage::F16, Storage::F16, Storage::F16), 0.5 / 1024);
  }
}

TEST(MatmulCPU, FusedOperandsAndColumns) {
  for (int64_t groups : {1, 2}) {
    Matmul m(151, 37, groups);
    m.extras = true;
    checkAllRows(m);
    m.scatter = true;
    m.aColumn = 7;
    m.outColumn = 9;
    m.extraColumn = 4;
    checkAllRows(m);
    m.a = m.b = Storage::BF16;
    checkAllRows(m);
  }
}

TEST(MatmulCPU, EveryLevel) {
  for (const char *cpu : {"x86-64-v2", "x86-64-v3"}) {
    if (!hostRuns(cpu))
      continue;
    for (Storage storage : {Storage::F32, Storage::BF16, Storage::F16})
      for (int64_t groups : {1, 2}) {
        Matmul m(85, 37, groups, storage, storage, Storage::F32, cpu);
        m.extras = true;
        checkAllRows(m);
        m.out = storage;
        checkAllRows(m, storage == Storage::F32 ? 1e-6 : 0.5 / 128);
      }
  }
}

TEST(MatmulCPU, RowsDoNotDependOnTheBatch) {
  for (Storage storage : {Storage::F32, Storage::BF16}) {
    Matmul m(151, 768, 1, storage, storage);
    MatmulRun run(m);
    ASSERT_TRUE(run.kernel);
    std::vector<float> batch = run.run(maxRows);
    for (int64_t row = 0; row < maxRows; ++row) {
      std::vector<float> alone = run.run(1, row);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), &batch[row * m.n])) << "row " << row;
    }
    EXPECT_EQ(run.run(maxRows, 0, /*backwards=*/true), batch) << "items in another order";
  }
}

TEST(MatmulCPU, BlocksDoNotChangeBits) {
  for (Storage storage : {Storage::F32, Storage::BF16}) {
    Matmul whole(151, 151, 1, storage, storage), blocked = whole;
    blocked.config =
        ", config = {tile_rows = 6, k_block = 40, row_block = 27, panels_per_item = 2}";
    MatmulRun first(whole), second(blocked);
    ASSERT_TRUE(first.kernel && second.kernel);
    for (int64_t rows : rowCounts)
      EXPECT_EQ(first.run(rows), second.run(rows)) << rows << " rows";
  }
}

TEST(MatmulCPU, HasItemsForSeveralThreads) {
  Matmul m(768, 768);
  MatmulRun run(m);
  EXPECT_GE(run.kernel->countItems({512}), 8);
}
