//===- SplitPlanTest.cpp - Windows and how many tokens they hold ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Analysis/SplitPlan.h"

#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace mlir::flowhn;

namespace {
struct SplitPlanTest : testing::Test {
  SplitPlanTest() { context.loadDialect<FlowHNDialect>(); }
  MLIRContext context;
};
} // namespace

/// Whether a fixed window gives `position` to attention, by its definition.
static bool holds(WindowAttr window, int64_t position) {
  for (int64_t j = 0; j < window.getCount(); ++j)
    if ((window.getStart() + j) % window.getPeriod() == position)
      return true;
  return false;
}

TEST_F(SplitPlanTest, CountsFixedWindowsPositionByPosition) {
  for (int64_t period = 1; period <= 7; ++period)
    for (int64_t start = 0; start < period; ++start)
      for (int64_t count = 0; count <= period; ++count) {
        WindowAttr window = WindowAttr::getFixed(&context, start, count, period);
        int64_t expected = 0;
        for (int64_t length = 0; length <= period; ++length) {
          EXPECT_EQ(countAttentionTokens(window, length), expected);
          EXPECT_EQ(countSSMTokens(window, length), length - expected);
          expected += holds(window, length);
        }
      }
}

TEST_F(SplitPlanTest, RoundsFractionsOfTheCall) {
  WindowAttr floor = WindowAttr::getByCall(&context, /*last=*/false, /*ceil=*/false, 59, 100);
  WindowAttr ceil = WindowAttr::getByCall(&context, /*last=*/true, /*ceil=*/true, 1, 2);
  EXPECT_EQ(countAttentionTokens(floor, 511), 301);
  EXPECT_EQ(countSSMTokens(floor, 511), 210);
  EXPECT_EQ(countAttentionTokens(ceil, 1), 1);
  EXPECT_EQ(countAttentionTokens(ceil, 9), 5);
  EXPECT_EQ(countSSMTokens(ceil, 9), 4);
}

TEST_F(SplitPlanTest, GivesEveryTokenToBothWhereNothingIsSplit) {
  EXPECT_EQ(countAttentionTokens(WindowAttr::getAll(&context), 9), 9);
  EXPECT_EQ(countSSMTokens(WindowAttr::getAll(&context), 9), 9);
}

/// Over one round of rotation every position is visited as often as it can be:
/// the windows tile the context, each ending where the one before begins.
TEST_F(SplitPlanTest, RotationTilesTheContext) {
  auto split = SplitAttr::get(&context, Strategy::FAC, Circulation::Rotate, 12, {4}, false);
  SmallVector<BlockCosts> blocks(3, BlockCosts{nullptr, {}, {}});
  FailureOr<SmallVector<WindowAttr>> plan =
      computeSplitPlan(split, blocks);
  ASSERT_TRUE(succeeded(plan));
  for (int64_t position = 0; position < 12; ++position)
    EXPECT_EQ(llvm::count_if(*plan, [&](WindowAttr window) { return holds(window, position); }), 1);
}
