//===- SplitSearchTest.cpp - The FLOP-balanced count ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/SplitSearch.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace mlir::flowhn;

/// The definition: try every count, keep the first that is least.
static int64_t searchAll(const Polynomial &attention, const Polynomial &ssm, int64_t context) {
  int64_t best = 0, least = std::numeric_limits<int64_t>::max();
  for (int64_t n = 0; n <= context; ++n)
    if (int64_t larger = std::max(attention(n), ssm(context - n)); n == 0 || larger < least) {
      best = n;
      least = larger;
    }
  return best;
}

TEST(SplitSearch, AgreesWithTryingEveryCount) {
  std::mt19937 random(20251122);
  auto coefficient = [&](int64_t limit) -> int64_t {
    // Zeros and small numbers make plateaus and ties, where searches go wrong.
    switch (random() % 3) {
    case 0:
      return 0;
    case 1:
      return random() % 4;
    default:
      return random() % limit;
    }
  };
  for (int round = 0; round < 20000; ++round) {
    Polynomial attention{coefficient(1000), coefficient(1000), coefficient(100)};
    Polynomial ssm{coefficient(1000), coefficient(1000), coefficient(100)};
    int64_t context = random() % 80;
    ASSERT_EQ(flopBalancedCount(attention, ssm, context), searchAll(attention, ssm, context))
        << attention.constant << " " << attention.linear << " " << attention.quadratic << ", "
        << ssm.constant << " " << ssm.linear << " " << ssm.quadratic << ", context " << context;
  }
}

namespace {
/// A published size: D, F, heads, key/value heads.
struct Size {
  int64_t hidden, intermediate, heads, kvHeads;
};
} // namespace

/// The paper's costs of the branches, with N = 16, k = 4, expand 2, R = D / 16.
static int64_t balancedCount(const Size &size, int64_t context) {
  int64_t d = size.hidden, f = size.intermediate, kv = size.kvHeads * (d / size.heads);
  int64_t e = 2 * d, n = 16, r = d / 16, k = 4;
  Polynomial attention{0, 2 * d * (2 * d + 2 * kv) + 6 * d * f + 2 * d, 2 * d};
  int64_t perToken =
      4 * d * e + 2 * e * k + 2 * e * (r + 2 * n) + 2 * r * e + 9 * e * n + 2 * e * d + 6 * d * f;
  return flopBalancedCount(attention, {0, perToken, 0}, context);
}

TEST(SplitSearch, FindsThePublishedCounts) {
  Size size135M{768, 2048, 32, 8}, size350M{1024, 4096, 32, 8}, size1B{2048, 8192, 32, 8};
  EXPECT_EQ(balancedCount(size135M, 1024), 577);
  EXPECT_EQ(balancedCount(size135M, 8192), 3946);
  EXPECT_EQ(balancedCount(size135M, 32768), 11790);
  EXPECT_EQ(balancedCount(size350M, 1024), 564);
  EXPECT_EQ(balancedCount(size350M, 8192), 4092);
  EXPECT_EQ(balancedCount(size350M, 32768), 13194);
  EXPECT_EQ(balancedCount(size1B, 1024), 567);
  EXPECT_EQ(balancedCount(size1B, 8192), 4302);
  EXPECT_EQ(balancedCount(size1B, 32768), 14974);
}

TEST(SplitSearch, GivesOneBranchEverythingWhenTheOtherIsFree) {
  EXPECT_EQ(flopBalancedCount({0, 0, 0}, {0, 5, 0}, 100), 100);
  EXPECT_EQ(flopBalancedCount({0, 5, 0}, {0, 0, 0}, 100), 0);
  EXPECT_EQ(flopBalancedCount({0, 0, 0}, {0, 0, 0}, 100), 0);
  EXPECT_EQ(flopBalancedCount({7, 1, 1}, {3, 2, 0}, 0), 0);
}

TEST(Polynomial, SticksAtTheLargestNumber) {
  int64_t largest = std::numeric_limits<int64_t>::max();
  Polynomial huge{0, largest, largest};
  EXPECT_EQ(huge(0), 0);
  EXPECT_EQ(huge(2), largest);
  EXPECT_EQ((huge + huge).linear, largest);
  EXPECT_EQ(flopBalancedCount(huge, huge, 1), 0);
}

TEST(Polynomial, PrintsWhatIsNotZero) {
  EXPECT_EQ(Polynomial().str(), "0");
  EXPECT_EQ((Polynomial{3, 0, 5}).str(), "5*n^2 + 3");
  EXPECT_EQ((Polynomial{0, 12, 1}).str(), "1*n^2 + 12*n");
}
