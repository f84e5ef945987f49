//===- Partition.cpp - The rows of each branch in a call ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Partition.h"

#include <algorithm>

using namespace flowhn;

namespace {

/// Positions [first, last).
struct Interval {
  int64_t first = 0;
  int64_t last = 0;
};

/// The attention positions of a sequence of `length` tokens: at most two ascending
/// intervals. The second is where a window that wraps around starts.
struct Positions {
  Interval low, high;
};

Positions fixedPositions(const fb::Window &w) {
  int64_t end = w.start() + w.count();
  if (end <= w.period())
    return {{w.start(), end}, {}};
  return {{0, end - w.period()}, {w.start(), w.period()}};
}

Positions positionsByCall(const fb::Window &w, int64_t length) {
  int64_t product = length * w.numerator();
  int64_t count = (product + (w.ceil() ? w.denominator() - 1 : 0)) / w.denominator();
  return {w.last() ? Interval{length - count, length} : Interval{0, count}, {}};
}

/// Hands out the rows of one call, in order.
class Distributor {
public:
  /// The next `count` rows of the call go to this branch.
  void give(BranchRows &branch, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      branch.index.push_back(next++);
  }

  /// Gives [from, to) of a sequence: what lies in `interval` to attention.
  void share(Partition &partition, int64_t &from, Interval interval, int64_t to) {
    interval.first = std::clamp(interval.first, from, to);
    interval.last = std::clamp(interval.last, interval.first, to);
    if (interval.first == interval.last)
      return;
    give(partition.ssm, interval.first - from);
    give(partition.attention, interval.last - interval.first);
    from = interval.last;
  }

private:
  int32_t next = 0;
};

void endSequence(BranchRows &branch) {
  int64_t length = branch.rows() - branch.offsets.back();
  branch.maxLength = std::max(branch.maxLength, length);
  branch.offsets.push_back(int32_t(branch.rows()));
}

/// Both branches with all rows.
Partition makeWhole(std::span<const int32_t> length) {
  Partition partition;
  partition.attention.offsets = {0};
  Distributor distributor;
  for (int32_t rows : length) {
    distributor.give(partition.attention, rows);
    endSequence(partition.attention);
  }
  partition.ssm = partition.attention;
  return partition;
}

/// Of each sequence the first row that is selected, or its end; and the number of selected
/// rows before it.
struct SelectedRows {
  std::vector<int32_t> first, before;
};

Expected<SelectedRows> findSelected(std::span<const int32_t> length,
                                    std::span<const int32_t> select) {
  SelectedRows selected;
  size_t next = 0;
  int32_t end = 0;
  for (int32_t rows : length) {
    size_t from = next;
    end += rows;
    while (next < select.size() && select[next] < end)
      ++next;
    selected.before.push_back(int32_t(from));
    selected.first.push_back(end - int32_t(next - from));
    for (size_t i = from; i < next; ++i)
      if (select[i] != selected.first.back() + int32_t(i - from))
        return invalidInput("row " + std::to_string(select[i]) +
                            " is selected and not the ones behind it in its sequence");
  }
  if (next != select.size())
    return invalidInput("row " + std::to_string(select[next]) + " is selected, there are " +
                        std::to_string(end));
  return selected;
}

BranchLastRows lastRowsOf(const BranchRows &branch, const SelectedRows &selected) {
  BranchLastRows result;
  result.offsets = {0};
  for (size_t b = 0; b + 1 < branch.offsets.size(); ++b) {
    for (int32_t row = branch.offsets[b]; row < branch.offsets[b + 1]; ++row) {
      int32_t beyond = branch.index[size_t(row)] - selected.first[b];
      if (beyond < 0)
        continue;
      result.index.push_back(selected.before[b] + beyond);
      result.last.push_back(row);
    }
    endSequence(result);
  }
  return result;
}

} // namespace

Expected<LastRows> flowhn::makeLastRows(const fb::Window *window, std::span<const int32_t> begin,
                                        std::span<const int32_t> length,
                                        std::span<const int32_t> select) {
  Expected<SelectedRows> selected = findSelected(length, select);
  FLOWHN_RETURN_IF_ERROR(selected.status());
  Expected<Partition> partition =
      window ? makePartition(*window, begin, length) : Expected<Partition>(makeWhole(length));
  FLOWHN_RETURN_IF_ERROR(partition.status());
  return LastRows{lastRowsOf(partition->attention, *selected),
                  lastRowsOf(partition->ssm, *selected)};
}

Expected<Partition> flowhn::makePartition(const fb::Window &window, std::span<const int32_t> begin,
                                          std::span<const int32_t> length) {
  Partition partition;
  partition.attention.offsets = partition.ssm.offsets = {0};
  Distributor distributor;
  for (size_t b = 0; b < length.size(); ++b) {
    if (window.by_call() && begin[b] != 0)
      return invalidArgument("row " + std::to_string(b) + " begins at position " +
                             std::to_string(begin[b]) +
                             ", a split by call takes whole sequences only");
    Positions positions =
        window.by_call() ? positionsByCall(window, length[b]) : fixedPositions(window);
    int64_t from = begin[b], end = from + length[b];
    distributor.share(partition, from, positions.low, end);
    distributor.share(partition, from, positions.high, end);
    distributor.give(partition.ssm, end - from);
    endSequence(partition.attention);
    endSequence(partition.ssm);
  }
  return partition;
}

int64_t flowhn::countAttentionPositions(const fb::Window *window, int64_t end) {
  if (!window)
    return end;
  Positions positions = fixedPositions(*window);
  int64_t count = 0;
  for (Interval interval : {positions.low, positions.high})
    count += std::clamp(end, interval.first, interval.last) - interval.first;
  return count;
}

CacheRows flowhn::makeCacheRows(const fb::Window *window, std::span<const int32_t> begin,
                                std::span<const int32_t> length, std::span<const int32_t> slots,
                                int64_t context) {
  CacheRows cache;
  int64_t rowsOfSlot = countAttentionPositions(window, context);
  for (size_t b = 0; b < length.size(); ++b) {
    int64_t first = slots[b] * rowsOfSlot, before = countAttentionPositions(window, begin[b]);
    int64_t after = countAttentionPositions(window, begin[b] + length[b]);
    cache.first.push_back(int32_t(first));
    cache.before.push_back(int32_t(before));
    for (int64_t row = before; row < after; ++row)
      cache.rows.push_back(int32_t(first + row));
  }
  return cache;
}
