//===- Partition.h - The rows of each branch in a call ----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_PARTITION_H
#define FLOWHN_LIB_RUNTIME_PARTITION_H

#include "flowhn/Artifact/Plan_generated.h"
#include "flowhn/Support/Status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace flowhn {

/// The rows of one branch, sequence by sequence, in ascending position order.
struct BranchRows {
  int64_t maxLength = 0;        ///< rows of the longest sequence
  std::vector<int32_t> offsets; ///< first row of each sequence, and the end
  std::vector<int32_t> index;   ///< for each row, its row in the call

  int64_t rows() const { return int64_t(index.size()); }
};

struct Partition {
  BranchRows attention;
  BranchRows ssm;
};

/// The selected rows of one branch.
struct BranchLastRows : BranchRows {
  std::vector<int32_t> last; ///< for each row, its row in the branch; `index` has the selected one
};

struct LastRows {
  BranchLastRows attention;
  BranchLastRows ssm;
};

/// The rows of a state of keys and values that a call reads and writes.
struct CacheRows {
  std::vector<int32_t> first;  ///< of each sequence
  std::vector<int32_t> before; ///< filled by tokens before the call, of each sequence
  std::vector<int32_t> rows;   ///< for each row of the attention branch, where it goes
};

/// Of the positions [0, end), how many go to attention; without a window all of them.
int64_t countAttentionPositions(const fb::Window *window, int64_t end);

/// Sequence b is in slot `slots[b]` of a state that has the rows of `window` for `context`
/// positions. `window` follows no call.
CacheRows makeCacheRows(const fb::Window *window, std::span<const int32_t> begin,
                        std::span<const int32_t> length, std::span<const int32_t> slots,
                        int64_t context);

/// plan.partition: shares the packed rows of a call out between the branches.
/// Sequence b holds the positions begin[b] to begin[b] + length[b] - 1. A window
/// by call needs sequences that begin at 0.
Expected<Partition> makePartition(const fb::Window &window, std::span<const int32_t> begin,
                                  std::span<const int32_t> length);

/// plan.last_rows: the rows of `select` in each branch; without a window both branches have
/// all rows. InvalidInput unless they are the last ones of their sequences, in order.
Expected<LastRows> makeLastRows(const fb::Window *window, std::span<const int32_t> begin,
                                std::span<const int32_t> length, std::span<const int32_t> select);

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_PARTITION_H
