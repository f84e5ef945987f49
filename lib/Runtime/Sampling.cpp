//===- Sampling.cpp - The next token from logits --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Sampling.h"
#include "Draw.h"
#include "flowhn/Runtime/Session.h"

#include <cmath>
#include <string>
#include <vector>

using namespace flowhn;

static std::vector<float> penalized(std::span<const float> logits,
                                    std::span<const int32_t> sequence, float penalty) {
  std::vector<float> result(logits.begin(), logits.end());
  for (int32_t token : distinctTokens(sequence, std::ssize(logits))) {
    float &logit = result[size_t(token)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
  return result;
}

int32_t flowhn::argmax(std::span<const float> values) {
  int32_t best = -1;
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i]) && (best < 0 || values[i] > values[size_t(best)]))
      best = int32_t(i);
  return best;
}

Status flowhn::checkSampling(const SamplingOptions &options) {
  auto refuse = [](const char *name, const std::string &value, const char *rule) {
    return invalidArgument(std::string(name) + " " + value + ", it must be " + rule);
  };
  if (!(options.repetitionPenalty > 0) || !std::isfinite(options.repetitionPenalty))
    return refuse("repetition penalty", std::to_string(options.repetitionPenalty), "above 0");
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature))
    return refuse("temperature", std::to_string(options.temperature), "0 or more");
  if (options.topK < 0)
    return refuse("top-k", std::to_string(options.topK), "0 or more");
  if (!(options.topP > 0 && options.topP <= 1))
    return refuse("top-p", std::to_string(options.topP), "above 0 and at most 1");
  return {};
}

int32_t flowhn::sampleToken(const SamplingOptions &options, std::span<const float> logits,
                            std::span<const int32_t> sequence) {
  Draw draw(options, sequence.size());
  std::vector<float> changed;
  if (draw.penalty != 1) {
    changed = penalized(logits, sequence, draw.penalty);
    logits = changed;
  }
  return options.temperature == 0 ? argmax(logits) : drawToken(draw, logits);
}
