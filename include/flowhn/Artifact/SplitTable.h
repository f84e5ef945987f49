//===- SplitTable.h - Which tokens go to which branch -----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ARTIFACT_SPLITTABLE_H
#define FLOWHN_ARTIFACT_SPLITTABLE_H

#include "flowhn/Artifact/Manifest.h"
#include "flowhn/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn {

/// The positions [begin, end).
struct PositionRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const PositionRange &) const = default;
};

/// The attention positions of one block (flowhn::WindowAttr): all of them, `count`
/// positions from `start` around a `period`, or a fraction of each call.
struct SplitWindow {
  enum class Kind { All, Fixed, First, Last };
  Kind kind = Kind::All;
  int64_t start = 0, count = 0, period = 0;
  int64_t numerator = 0, denominator = 1;
  bool roundUp = false;

  /// Reads what the IR prints: `#flowhn.window<start = 226, count = 286, period = 512>`,
  /// `<last floor 1/2>`, `<all>`. InvalidInput for anything else.
  static Expected<SplitWindow> parse(std::string_view text);
};

/// What each branch of a block computes, in ascending order: at most two ranges each.
struct BlockSplit {
  std::vector<PositionRange> attention;
  std::vector<PositionRange> ssm;
};

/// The split of the first `length` positions.
BlockSplit splitPositions(const SplitWindow &window, int64_t length);

/// Positions in all ranges together.
int64_t countPositions(const std::vector<PositionRange> &ranges);

/// One line per block over the model's context:
/// `block 0: attention 286 tokens [226, 512), ssm 226 tokens [0, 226)`. Without a
/// context the rule, for a call of L tokens.
Expected<std::vector<std::string>> describeSplit(const ManifestModel &model);

} // namespace flowhn

#endif // FLOWHN_ARTIFACT_SPLITTABLE_H
