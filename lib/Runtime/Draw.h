//===- Draw.h - Drawing a token in integers ---------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_DRAW_H
#define FLOWHN_LIB_RUNTIME_DRAW_H

#include "flowhn/Runtime/Sampling.h"

#include <vector>

namespace flowhn {

/// How a token is drawn from logits, in the numbers of kern.sample, whose description says
/// what they do: a GPU draws the same token from the same logits.
struct Draw {
  Draw(const SamplingOptions &options, size_t position);

  float scale = 0;
  float penalty = 1;
  int32_t topK = 0;
  uint64_t share = 0, random = 0;
};

/// The token, from logits that are penalized already; -1 when none is a number.
int32_t drawToken(const Draw &draw, std::span<const float> logits);

/// The tokens of a sequence that are in the vocabulary, each once.
std::vector<int32_t> distinctTokens(std::span<const int32_t> sequence, int64_t vocabulary);

/// The tables of kern.sample for the rows of a step.
struct DrawTables {
  void add(const TokenDraw &draw, int64_t vocabulary);

  static constexpr size_t numbersPerRow = 9;
  std::vector<int32_t> draws, history;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_DRAW_H
