//===- PartitionTest.cpp - The rows of each branch in a call --------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Runtime/Partition.h"
#include "../TestFiles.h"

#include <random>

using namespace flowhn;
using namespace flowhn::test;

namespace {

/// Start, count and period; numerator and denominator 0.
fb::Window fixedWindow(int64_t start, int64_t count, int64_t period) {
  fb::WindowT window;
  return {};
}

using Table = std::vector<int32_t>;

} // namespace
