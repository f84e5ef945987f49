//===- BucketedStep.cpp - Steps that launch the same ----------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BucketedStep.h"
#include "../Draw.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace flowhn;
using namespace flowhn::cuda;

/// Beyond it every number of sequences is a bucket.
constexpr int64_t maxBucket = 1024;

static int64_t bucketOf(const EntryArguments &arguments, int64_t maxRows) {
  int64_t rows = int64_t(arguments.length.size());
  if (!arguments.step || arguments.maxLength != 1 || rows > std::min(maxRows, maxBucket))
    return 0;
  return std::min(int64_t(std::bit_ceil(uint64_t(rows))), maxRows);
}

static std::span<const int32_t> fill(std::span<const int32_t> table, size_t size, int32_t value,
                                     std::vector<int32_t> &filled) {
  filled.assign(table.begin(), table.end());
  filled.resize(size, value);
  return filled;
}

BucketedStep::BucketedStep(const EntryArguments &arguments, int64_t maxRows) : filled(arguments) {
  filled.bucket = bucketOf(arguments, maxRows);
  if (filled.bucket == 0)
    return;
  size_t rows = size_t(filled.bucket);
  step = *arguments.step;
  filled.step = &step;
  filled.ids = fill(arguments.ids, rows, 0, ids);
  filled.begin = fill(arguments.begin, rows, 0, begin);
  filled.length = fill(arguments.length, rows, 0, length);
  filled.offsets = fill(arguments.offsets, rows + 1, arguments.offsets.back(), offsets);
  step.slots = fill(arguments.step->slots, rows, 0, slots);
  if (filled.draws()) {
    step.draws = fill(step.draws, rows * DrawTables::numbersPerRow, 0, draws);
    step.history = fill(step.history, std::bit_ceil(step.history.size()), 0, history);
  }
  if (arguments.select.empty())
    return;
  select.resize(rows);
  std::iota(select.begin(), select.end(), 0);
  filled.select = select;
}
