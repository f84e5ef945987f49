//===- ArgmaxCPUTest.cpp - kern.argmax on the CPU, run --------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include "gtest/gtest.h"

#include <array>
#include <cmath>
#include <limits>

using namespace flowhn::test;

namespace {
constexpr float infinity = std::numeric_limits<float>::infinity();
const float nan = std::nanf("");

/// The choices for rows of 5 elements behind 2 that must not be looked at.
std::vector<int32_t> choose(const std::vector<std::array<float, 5>> &rows) {
  auto kernel = CompiledKernel::compile(R"(
    func.func @argmax(%rows: index, %x: memref<?x7xf32>, %out: memref<?xi32>)
        attributes {kern.kernel} {
      kern.argmax rows(%rows) %x -> %out {n = 5 : i64, in_column = 2 : i64}
        : (index, memref<?x7xf32>, memref<?xi32>) -> ()
      return
    })");
  EXPECT_TRUE(kernel);
  if (!kernel)
    return {};
  Buffer x(rows.size() * 7, Storage::F32, infinity);
  for (size_t row = 0; row < rows.size(); ++row)
    for (size_t column = 0; column < 5; ++column)
      x.set(row * 7 + 2 + column, rows[row][column]);
  std::vector<int32_t> out(rows.size() + 1, 99);
  kernel->run({int64_t(rows.size()), x.data(), out.data()});
  EXPECT_EQ(out.back(), 99);
  out.pop_back();
  return out;
}

TEST(ArgmaxCPU, FirstOfTheLargest) {
  EXPECT_EQ(choose({{1, 3, 3, 2, 3}, {-1, -2, -3, -4, -0.5f}, {7, 0, 7, 0, 0}}),
            (std::vector<int32_t>{1, 4, 0}));
}

TEST(ArgmaxCPU, NaNNeverWins) {
  EXPECT_EQ(choose({{nan, 3, nan, 5, nan}, {nan, nan, nan, nan, nan}, {nan, -infinity, nan, nan, 1}}),
            (std::vector<int32_t>{3, -1, 4}));
}

TEST(ArgmaxCPU, MinusInfinityIsAnElement) {
  EXPECT_EQ(choose({{-infinity, -infinity, -infinity, -infinity, -infinity},
                    {nan, -infinity, -infinity, nan, nan}}),
            (std::vector<int32_t>{0, 1}));
}
} // namespace
