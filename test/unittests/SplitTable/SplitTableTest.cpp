//===- SplitTableTest.cpp - Which tokens go where -------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Artifact/SplitTable.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace flowhn;

namespace {

using Ranges = std::vector<PositionRange>;

BlockSplit split(const char *text, int64_t length) {
  Expected<SplitWindow> window = SplitWindow::parse(text);
  EXPECT_TRUE(window.ok()) << window.status().message();
  return window.ok() ? splitPositions(*window, length) : BlockSplit();
}

/// Every position belongs to exactly one branch, the attention's by the definition.
void expectDefinition(int64_t start, int64_t count, int64_t period, int64_t length) {
  SplitWindow window;
  window.kind = SplitWindow::Kind::Fixed;
  window.start = start, window.count = count, window.period = period;
  BlockSplit got = splitPositions(window, length);
  auto contains = [](const Ranges &ranges, int64_t p) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](PositionRange r) { return r.begin <= p && p < r.end; });
  };
  for (int64_t p = 0; p < length; ++p) {
    bool inWindow = (p - start + period) % period < count;
    EXPECT_EQ(contains(got.attention, p), inWindow) << start << " " << count << " at " << p;
    EXPECT_EQ(contains(got.ssm, p), !inWindow) << start << " " << count << " at " << p;
  }
  EXPECT_LE(got.attention.size(), 2u);
  EXPECT_LE(got.ssm.size(), 2u);
  EXPECT_EQ(countPositions(got.attention) + countPositions(got.ssm), length);
}

TEST(SplitTable, FixedWindowIsClippedToTheCall) {
  const char *window = "#flowhn.window<start = 226, count = 286, period = 512>";
  EXPECT_EQ(split(window, 512).attention, (Ranges{{226, 512}}));
  EXPECT_EQ(split(window, 512).ssm, (Ranges{{0, 226}}));
  EXPECT_EQ(split(window, 300).attention, (Ranges{{226, 300}}));
  EXPECT_TRUE(split(window, 100).attention.empty());
  EXPECT_EQ(split(window, 100).ssm, (Ranges{{0, 100}}));
}

TEST(SplitTable, WindowWrapsAround) {
  const char *window = "#flowhn.window<start = 50, count = 39, period = 64>";
  EXPECT_EQ(split(window, 64).attention, (Ranges{{0, 25}, {50, 64}}));
  EXPECT_EQ(split(window, 64).ssm, (Ranges{{25, 50}}));
  EXPECT_EQ(split(window, 10).attention, (Ranges{{0, 10}}));
}

TEST(SplitTable, EveryFixedWindowOfASmallPeriod) {
  constexpr int64_t period = 7;
  for (int64_t start = 0; start < period; ++start)
    for (int64_t count = 0; count <= period; ++count)
      for (int64_t length = 1; length <= period; ++length)
        expectDefinition(start, count, period, length);
}

TEST(SplitTable, FractionsOfTheCall) {
  EXPECT_EQ(split("#flowhn.window<first floor 59/100>", 37).attention, (Ranges{{0, 21}}));
  EXPECT_EQ(split("#flowhn.window<last ceil 1/2>", 37).attention, (Ranges{{18, 37}}));
  EXPECT_EQ(split("#flowhn.window<last floor 1/2>", 37).attention, (Ranges{{19, 37}}));
  EXPECT_TRUE(split("#flowhn.window<first floor 1/2>", 1).attention.empty());
}

TEST(SplitTable, AllGivesEverythingToBoth) {
  EXPECT_EQ(split("#flowhn.window<all>", 5).attention, (Ranges{{0, 5}}));
  EXPECT_EQ(split("#flowhn.window<all>", 5).ssm, (Ranges{{0, 5}}));
}

TEST(SplitTable, DescribesEachBlock) {
  ManifestModel model;
  model.contextLength = 64;
  model.windows = {"#flowhn.window<start = 25, count = 39, period = 64>",
                   "#flowhn.window<start = 50, count = 39, period = 64>"};
  Expected<std::vector<std::string>> lines = describeSplit(model);
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ((*lines)[0], "block 0: attention 39 tokens [25, 64), ssm 25 tokens [0, 25)");
  EXPECT_EQ((*lines)[1], "block 1: attention 39 tokens [0, 25) [50, 64), ssm 25 tokens [25, 50)");
}

TEST(SplitTable, DescribesTheRuleWithoutAContext) {
  ManifestModel model;
  model.windows = {"#flowhn.window<first floor 59/100>", "#flowhn.window<all>"};
  Expected<std::vector<std::string>> lines = describeSplit(model);
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ((*lines)[0], "block 0: attention first floor(59 L / 100) of L tokens, ssm the others");
  EXPECT_EQ((*lines)[1], "block 1: attention all tokens, ssm all tokens");
}

TEST(SplitTable, RefusesOtherText) {
  for (const char *text :
       {"", "all", "#flowhn.window<>", "#flowhn.window<all> ", "#flowhn.window<all",
        "#flowhn.window<first round 1/2>", "#flowhn.window<first floor 3/2>",
        "#flowhn.window<first floor 0/0>", "#flowhn.window<start = -1, count = 1, period = 2>",
        "#flowhn.window<start = 2, count = 1, period = 2>",
        "#flowhn.window<start = 0, count = 3, period = 2>",
        "#flowhn.window<start = 0, count = 99999999999999999999, period = 2>"}) {
    Expected<SplitWindow> window = SplitWindow::parse(text);
    ASSERT_FALSE(window.ok()) << text;
    EXPECT_EQ(window.status().code(), StatusCode::InvalidInput);
  }
}

} // namespace
