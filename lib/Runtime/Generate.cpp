//===- Generate.cpp - Greedy generation -----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Session.h"
#include "flowhn/Support/Guard.h"
#include "flowhn/Support/Json.h"

#include <algorithm>
#include <cmath>

using namespace flowhn;

namespace {

/// The longest sequence of a call.
size_t longestSequence(const Session &session) {
  int64_t context = session.contextLength(), limit = session.maxTokens();
  return size_t(context ? std::min(context, limit) : limit);
}

/// The most likely token after `sequence`.
Expected<int32_t> nextToken(Session &session, std::span<const int32_t> sequence) {
  int32_t length = int32_t(sequence.size());
  Expected<CallResult> result = session.run(
      {.ids = sequence, .lengths = {&length, 1}, .tokens = true, .returnLogits = false});
  FLOWHN_RETURN_IF_ERROR(result.status());
  int32_t token = result->tokens.front();
  if (token < 0)
    return internalError("no logit of position " + std::to_string(length - 1) + " is a number");
  return token;
}

Expected<Generation> generate(Session &session, std::span<const int32_t> prompt,
                              int64_t maxNewTokens, const std::function<bool(int32_t)> &onToken) {
  if (maxNewTokens < 0)
    return invalidArgument(std::to_string(maxNewTokens) + " new tokens, it must be 0 or more");
  const ManifestModel &model = session.artifact().manifest().model;
  if (model.splitByCall)
    return unsupported(
        "the split of model " + quote(model.name) +
        " follows the length of each call, so every new token would send old ones to "
        "other branches; compile it for a context length (--context)");
  Generation result;
  std::vector<int32_t> sequence(prompt.begin(), prompt.end());
  while (int64_t(result.ids.size()) < maxNewTokens) {
    if (!result.ids.empty() && sequence.size() > longestSequence(session)) {
      result.reachedLimit = true;
      break;
    }
    Expected<int32_t> token = nextToken(session, sequence);
    FLOWHN_RETURN_IF_ERROR(token.status());
    sequence.push_back(*token);
    result.ids.push_back(*token);
    if (onToken && !onToken(*token))
      break;
  }
  return result;
}

} // namespace

int32_t flowhn::argmax(std::span<const float> values) {
  int32_t best = -1;
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i]) && (best < 0 || values[i] > values[size_t(best)]))
      best = int32_t(i);
  return best;
}

Expected<Generation> flowhn::generateGreedy(Session &session, std::span<const int32_t> prompt,
                                            int64_t maxNewTokens,
                                            const std::function<bool(int32_t token)> &onToken) {
  return guarded("a generation", [&] { return generate(session, prompt, maxNewTokens, onToken); });
}
