//===- Sampling.cpp - The next token from logits --------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Sampling.h"
#include "flowhn/Runtime/Session.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace flowhn;

namespace {

struct Candidate {
  int32_t token;
  double weight; ///< a logit, then what its share is proportional to
};

/// SplitMix64's finalizer.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Uniform in [0, 1), a number for each seed and position.
double drawAt(uint64_t seed, uint64_t position) {
  uint64_t bits = mix(mix(seed + 0x9e3779b97f4a7c15) + (position + 1) * 0x9e3779b97f4a7c15);
  return double(bits >> 11) * 0x1p-53;
}

std::vector<float> penalized(std::span<const float> logits, std::span<const int32_t> sequence,
                             double penalty) {
  std::vector<float> result(logits.begin(), logits.end());
  std::vector<int32_t> tokens(sequence.begin(), sequence.end());
  std::ranges::sort(tokens);
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  for (int32_t token : tokens)
    if (token >= 0 && size_t(token) < result.size()) {
      float &logit = result[size_t(token)];
      logit = float(logit > 0 ? logit / penalty : logit * penalty);
    }
  return result;
}

/// The `topK` most likely tokens, the most likely first, of equals the lower one.
std::vector<Candidate> findCandidates(std::span<const float> logits, int64_t topK) {
  std::vector<Candidate> candidates;
  for (size_t token = 0; token < logits.size(); ++token)
    if (!std::isnan(logits[token]))
      candidates.push_back({int32_t(token), logits[token]});
  size_t count = candidates.size();
  if (topK > 0)
    count = std::min(count, size_t(topK));
  auto isBefore = [](const Candidate &a, const Candidate &b) {
    return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
  };
  std::partial_sort(candidates.begin(), candidates.begin() + int64_t(count), candidates.end(),
                    isBefore);
  candidates.resize(count);
  return candidates;
}

/// Turns logits into weights and keeps the fewest that have the share `topP`; gives their sum.
double keepShare(std::vector<Candidate> &candidates, double temperature, double topP) {
  double most = candidates.front().weight, sum = 0, kept = 0;
  for (Candidate &candidate : candidates) {
    // Where the largest is infinite, it alone counts.
    double below = candidate.weight == most ? 0 : candidate.weight - most;
    candidate.weight = std::exp(below / temperature);
    sum += candidate.weight;
  }
  size_t count = 0;
  while (count < candidates.size() && (count == 0 || kept < topP * sum))
    kept += candidates[count++].weight;
  candidates.resize(count);
  return kept;
}

} // namespace

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
  std::vector<float> changed;
  if (options.repetitionPenalty != 1) {
    changed = penalized(logits, sequence, options.repetitionPenalty);
    logits = changed;
  }
  if (options.temperature == 0)
    return argmax(logits);
  std::vector<Candidate> candidates = findCandidates(logits, options.topK);
  if (candidates.empty())
    return -1;
  double sum = keepShare(candidates, options.temperature, options.topP);
  double rest = drawAt(options.seed, sequence.size()) * sum;
  for (const Candidate &candidate : candidates) {
    rest -= candidate.weight;
    if (rest < 0)
      return candidate.token;
  }
  return candidates.back().token;
}
