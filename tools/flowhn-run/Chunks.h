//===- Chunks.h - Sequences fed in pieces -----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_CHUNKS_H
#define FLOWHN_TOOLS_RUN_CHUNKS_H

#include "flowhn/Runtime/Session.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace flowhn::tools {

/// How sequences are cut: "7,64,3", the sizes of all rows' pieces in turn, again and again; or
/// "random:SEED", each row by itself, and not every row in every step.
class Chunks {
public:
  static Expected<Chunks> parse(const std::string &text);

  /// How many of its `rest` tokens each row takes part with in the next step; one row at least.
  std::vector<int64_t> next(const std::vector<int64_t> &rest);

private:
  int64_t drawSize(int64_t rest);

  std::vector<int64_t> sizes; ///< empty: drawn
  size_t step = 0;
  std::mt19937_64 random;
};

/// The logits of every token of rows of `columns` tokens, fed in pieces to sequences in flight,
/// as `Session::run` gives them. Taps hold the first row alone.
Expected<CallResult> runInChunks(Session &session, std::span<const int32_t> ids, int64_t columns,
                                 Chunks chunks, std::span<const std::string> taps = {});

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_CHUNKS_H
