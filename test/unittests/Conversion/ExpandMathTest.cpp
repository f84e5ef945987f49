//===- ExpandMathTest.cpp - Expansions of math ops, run -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each expansion over a sweep of all float exponents, against libm in double. The
// function is the epilogue of a matmul whose sum is the argument.
//
//===----------------------------------------------------------------------===//

#include "KernelHarness.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <functional>
#include <limits>

using namespace flowhn::test;

namespace {
const float infinity = std::numeric_limits<float>::infinity();

/// Distance in units in the last place of the expected value, rounded to float.
double ulps(float actual, double expected) {
  if (std::isnan(expected))
    return std::isnan(actual) ? 0 : infinity;
  float rounded = static_cast<float>(expected);
  if (std::isinf(rounded) || std::isinf(actual))
    return actual == rounded ? 0 : infinity;
  int exponent = std::max(std::ilogb(rounded == 0 ? 1e-45f : rounded), -126);
  return std::abs(actual - expected) / std::ldexp(1.0, exponent - 23);
}

/// Positive and negative numbers of every exponent, and what is special.
std::vector<float> arguments() {
  std::vector<float> values = {
      0.0f, -0.0f,     infinity, -infinity,       NAN,           -1.0f,       1.0f,
      0.5f, 88.72284f, 88.7229f, -87.33655f,      -103.9721f,    -103.98f,    -200,
      200,  1e-45f,    -1e-45f,  1.17549421e-38f, 3.4028235e38f, -0.99999994f};
  for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += 65521)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (float x = -110; x < 110; x += 0.00731f)
    values.push_back(x);
  return values;
}

void check(const std::string &op, const std::function<double(double)> &reference, double bound,
           const std::string &cpu) {
  SCOPED_TRACE(op + " on " + cpu);
  if (!hostRuns(cpu))
    GTEST_SKIP() << "this machine has no " << cpu;
  auto kernel = CompiledKernel::compile(
      "func.func @f(%rows: index, %a: memref<?x1xf32>, %b: memref<1x1x16xf32>, "
      "%out: memref<?x1xf32>) attributes {kern.kernel} {\n"
      "kern.matmul rows(%rows) %a, %b -> %out {\n^bb0(%x: f32):\n%y = math." +
          op +
          " %x : f32\nkern.yield %y\n} {n = 1, k = 1, accesses = [], extra_columns = array<i64>} : "
          "(index, memref<?x1xf32>, memref<1x1x16xf32>, memref<?x1xf32>) -> ()\nreturn\n}\n",
      cpu);
  ASSERT_TRUE(kernel);
  std::vector<float> values = arguments();
  Buffer a(values.size(), Storage::F32), b(16, Storage::F32, 1), out(values.size(), Storage::F32);
  for (size_t i = 0; i < values.size(); ++i)
    a.set(i, values[i]);
  kernel->run({static_cast<int64_t>(values.size()), a.data(), b.data(), out.data()});
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    // The sum that the argument passes through makes 0 of -0.
    double error = ulps(out.get(i), reference(values[i] + 0.0f));
    ASSERT_LE(error, bound) << op << "(" << values[i] << ") = " << out.get(i);
    worst = std::max(worst, error);
  }
  ::testing::Test::RecordProperty(op + "_" + cpu + "_ulps", std::to_string(worst));
}

class ExpandMath : public ::testing::TestWithParam<const char *> {};
} // namespace

TEST_P(ExpandMath, Exp) {
  check("exp", [](double x) { return std::exp(x); }, 2, GetParam());
}
TEST_P(ExpandMath, Exp2) {
  check("exp2", [](double x) { return std::exp2(x); }, 2, GetParam());
}
TEST_P(ExpandMath, Log) {
  check("log", [](double x) { return std::log(x); }, 2, GetParam());
}
TEST_P(ExpandMath, Log1p) {
  check("log1p", [](double x) { return std::log1p(x); }, 2, GetParam());
}
TEST_P(ExpandMath, Tanh) {
  check("tanh", [](double x) { return std::tanh(x); }, 2, GetParam());
}
TEST_P(ExpandMath, Rsqrt) {
  check("rsqrt", [](double x) { return 1 / std::sqrt(x); }, 2, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Levels, ExpandMath, ::testing::Values("x86-64-v2", "x86-64-v3", "host"));
