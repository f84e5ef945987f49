//===- PartitionTest.cpp - The rows of each branch in a call --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/Partition.h"
#include "../TestFiles.h"
#include "../TestPlan.h"

#include <cmath>
#include <random>
#include <set>

using namespace flowhn;
using namespace flowhn::test;

namespace {

using Table = std::vector<int32_t>;

/// The attention positions, straight from the words of flowhn::WindowAttr.
std::set<int64_t> attentionPositions(const fb::Window &w, int64_t length) {
  std::set<int64_t> result;
  for (int64_t j = 0; !w.by_call() && j < w.count(); ++j)
    result.insert((w.start() + j) % w.period());
  if (!w.by_call())
    return result;
  double exact = double(length) * double(w.numerator()) / double(w.denominator());
  int64_t count = int64_t(w.ceil() ? std::ceil(exact) : std::floor(exact));
  for (int64_t j = 0; j < count; ++j)
    result.insert(w.last() ? length - 1 - j : j);
  return result;
}

void expectRows(const BranchRows &actual, const std::vector<Table> &perSequence) {
  Table index, offsets{0};
  size_t longest = 0;
  for (const Table &rows : perSequence) {
    index.insert(index.end(), rows.begin(), rows.end());
    offsets.push_back(int32_t(index.size()));
    longest = std::max(longest, rows.size());
  }
  EXPECT_EQ(actual.index, index);
  EXPECT_EQ(actual.offsets, offsets);
  EXPECT_EQ(actual.maxLength, int64_t(longest));
  EXPECT_EQ(actual.rows(), int64_t(index.size()));
}

void expectPartition(const fb::Window &window, const Table &begin, const Table &length) {
  std::vector<Table> attention(length.size()), ssm(length.size());
  int32_t row = 0;
  for (size_t b = 0; b < length.size(); ++b) {
    std::set<int64_t> positions = attentionPositions(window, length[b]);
    for (int32_t t = 0; t < length[b]; ++t)
      (positions.count(begin[b] + t) ? attention : ssm)[b].push_back(row++);
  }
  Expected<Partition> partition = makePartition(window, begin, length);
  ASSERT_TRUE(partition.ok()) << partition.status().message();
  expectRows(partition->attention, attention);
  expectRows(partition->ssm, ssm);
}

TEST(PartitionTest, SharesOutByHand) {
  // Positions 13, 14, 15, 0, 1, 2 of 16: five tokens begin with attention.
  Expected<Partition> partition = makePartition(fixedWindow(13, 6, 16), Table{0, 0}, Table{5, 2});
  ASSERT_TRUE(partition.ok());
  EXPECT_EQ(partition->attention.index, (Table{0, 1, 2, 5, 6}));
  EXPECT_EQ(partition->attention.offsets, (Table{0, 3, 5}));
  EXPECT_EQ(partition->ssm.index, (Table{3, 4}));
  EXPECT_EQ(partition->ssm.offsets, (Table{0, 2, 2}));
}

TEST(PartitionTest, FixedWindowsAgreeWithTheirDefinition) {
  std::mt19937 random(1);
  auto pick = [&](int64_t least, int64_t most) {
    return least + int64_t(random() % uint64_t(most - least + 1));
  };
  for (int i = 0; i < 3000; ++i) {
    int64_t period = pick(1, 24);
    fb::Window window = fixedWindow(pick(0, period - 1), pick(0, period), period);
    Table begin, length;
    for (int64_t b = pick(1, 4); b > 0; --b) {
      begin.push_back(int32_t(pick(0, period)));
      length.push_back(int32_t(pick(1, 30))); // past the period, too
    }
    SCOPED_TRACE(i);
    expectPartition(window, begin, length);
  }
}

TEST(PartitionTest, WindowsByCallAgreeWithTheirDefinition) {
  for (int64_t denominator : {1, 2, 3, 100})
    for (int64_t numerator = 0; numerator <= denominator; ++numerator)
      for (bool last : {false, true})
        for (bool ceil : {false, true})
          expectPartition(windowByCall(last, ceil, numerator, denominator), {0, 0, 0, 0},
                          {1, 7, 2, int32_t(40 + numerator)});
}

TEST(PartitionTest, FindsLastRows) {
  // Positions 13, 14, 15, 0, 1, 2 of 16 are attention's: rows 0 to 2, then 5 and 6.
  fb::Window window = fixedWindow(13, 6, 16);
  Expected<LastRows> rows = makeLastRows(&window, Table{0, 0}, Table{5, 2}, Table{4, 6});
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  EXPECT_EQ(rows->attention.offsets, (Table{0, 0, 1}));
  EXPECT_EQ(rows->attention.index, (Table{1}));
  EXPECT_EQ(rows->attention.last, (Table{4}));
  EXPECT_EQ(rows->attention.maxLength, 1);
  EXPECT_EQ(rows->ssm.offsets, (Table{0, 1, 1}));
  EXPECT_EQ(rows->ssm.index, (Table{0}));
  EXPECT_EQ(rows->ssm.last, (Table{1}));
  // None of the first sequence, three of the second.
  rows = makeLastRows(&window, Table{0, 0}, Table{2, 4}, Table{3, 4, 5});
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->attention.index, (Table{0, 1}));
  EXPECT_EQ(rows->attention.last, (Table{3, 4}));
  EXPECT_EQ(rows->ssm.index, (Table{2}));
  // Without a window either branch has all.
  rows = makeLastRows(nullptr, Table{0, 0}, Table{2, 3}, Table{1, 3, 4});
  ASSERT_TRUE(rows.ok());
  for (const BranchLastRows *branch : {&rows->attention, &rows->ssm}) {
    EXPECT_EQ(branch->offsets, (Table{0, 1, 3}));
    EXPECT_EQ(branch->index, (Table{0, 1, 2}));
    EXPECT_EQ(branch->last, (Table{1, 3, 4}));
    EXPECT_EQ(branch->maxLength, 2);
  }
  EXPECT_EQ(makeLastRows(nullptr, Table{0}, Table{3}, {})->ssm.offsets, (Table{0, 0}));
}

TEST(PartitionTest, RefusesRowsThatAreNotTheLast) {
  auto refused = [](const Table &select, const char *part) {
    expectError(makeLastRows(nullptr, Table{0, 0}, Table{3, 2}, select).status(),
                StatusCode::InvalidInput, part);
  };
  refused({1}, "row 1 is selected and not the ones behind it");
  refused({0, 2}, "row 0 is selected and not the ones behind it");
  refused({4, 3}, "row 4 is selected and not the ones behind it");
  refused({2, 5}, "row 5 is selected, there are 5");
}

/// Rows of a cache by counting positions one by one.
void expectCacheRows(const fb::Window *window, const Table &begin, const Table &length,
                     const Table &slots, int64_t context) {
  std::set<int64_t> positions;
  for (int64_t position = 0; position < context; ++position)
    positions.insert(position);
  if (window)
    positions = attentionPositions(*window, 0);
  auto below = [&](int64_t end) {
    return int32_t(std::distance(positions.begin(), positions.lower_bound(end)));
  };
  Table first, before, rows;
  for (size_t b = 0; b < length.size(); ++b) {
    first.push_back(slots[b] * below(context));
    before.push_back(below(begin[b]));
    for (int32_t position = begin[b]; position < begin[b] + length[b]; ++position)
      if (positions.count(position))
        rows.push_back(first.back() + below(position));
  }
  CacheRows cache = makeCacheRows(window, begin, length, slots, context);
  EXPECT_EQ(cache.first, first);
  EXPECT_EQ(cache.before, before);
  EXPECT_EQ(cache.rows, rows);
}

TEST(PartitionTest, CacheRowsAreRanksOfPositions) {
  std::mt19937 random(2);
  auto pick = [&](int64_t least, int64_t most) {
    return least + int64_t(random() % uint64_t(most - least + 1));
  };
  for (int i = 0; i < 3000; ++i) {
    SCOPED_TRACE(i);
    int64_t period = pick(1, 24), context = pick(1, period);
    fb::Window window = fixedWindow(pick(0, period - 1), pick(0, period), period);
    Table begin, length, slots;
    for (int64_t b = pick(1, 4); b > 0; --b) {
      begin.push_back(int32_t(pick(0, context - 1)));
      length.push_back(int32_t(pick(1, context - begin.back())));
      slots.push_back(int32_t(pick(0, 9)));
    }
    expectCacheRows(i % 5 ? &window : nullptr, begin, length, slots, context);
  }
}

TEST(PartitionTest, WindowsByCallTakeWholeSequencesOnly) {
  expectError(makePartition(windowByCall(true, false, 1, 2), Table{0, 3}, Table{4, 4}).status(),
              StatusCode::InvalidArgument, "row 1 begins at position 3");
}

} // namespace
