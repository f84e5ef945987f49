//===- Sampling.h - The next token from logits ------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_RUNTIME_SAMPLING_H
#define FLOWHN_RUNTIME_SAMPLING_H

#include "flowhn/Support/Status.h"

#include <cstdint>
#include <span>

namespace flowhn {

/// How the next token is chosen; by default it is the most likely one. In this order:
struct SamplingOptions {
  /// Logits of tokens that came before: positive ones are divided by it, others multiplied.
  double repetitionPenalty = 1;
  double temperature = 0; ///< logits are divided by it; 0: the most likely token
  int64_t topK = 0;       ///< only so many most likely tokens, and those as likely; 0: all
  double topP = 1;        ///< of these the fewest most likely ones that have this share, as above
  uint64_t seed = 0;
};

/// InvalidArgument for what is out of range: penalty and temperature finite, the first above
/// 0, the other not below; topK not below 0; topP in (0, 1].
Status checkSampling(const SamplingOptions &options);

/// How the next token of a sequence is chosen, whose tokens so far are `sequence`.
struct TokenDraw {
  SamplingOptions options;
  std::span<const int32_t> sequence = {};
};

/// The next token of a sequence, from options that were checked. Decided by the seed, the number
/// of tokens and the logits alone, in integers: so it does not depend on what else is computed
/// at the time, nor on the machine. -1 when no logit is a number.
int32_t sampleToken(const SamplingOptions &options, std::span<const float> logits,
                    std::span<const int32_t> sequence);

} // namespace flowhn

#endif // FLOWHN_RUNTIME_SAMPLING_H
