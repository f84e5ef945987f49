//===- Generate.cpp - Generation ------------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Generator.h"
#include "flowhn/Support/Guard.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

using namespace flowhn;

namespace {

/// The longest sequence of a call.
size_t longestSequence(const Session &session) {
  int64_t context = session.contextLength(), limit = session.maxTokens();
  return size_t(context ? std::min(context, limit) : limit);
}

/// Tells the token after a sequence that grows: from what the layers keep of it, or, where the
/// session takes whole sequences only, from all of it.
class Predictor {
public:
  static Expected<Predictor> create(Session &session, const SamplingOptions &sampling) {
    Predictor predictor(session, sampling);
    if (!session.noStepReason().empty())
      return predictor;
    Expected<Generator> generator =
        Generator::create(session, {.context = int64_t(longestSequence(session))});
    FLOWHN_RETURN_IF_ERROR(generator.status());
    FLOWHN_RETURN_IF_ERROR(generator->add().status());
    predictor.generator.emplace(std::move(*generator));
    return predictor;
  }

  /// After `sequence`, which begins with what it was before.
  Expected<int32_t> next(std::span<const int32_t> sequence) {
    Expected<CallResult> result = generator ? step(sequence) : run(sequence);
    FLOWHN_RETURN_IF_ERROR(result.status());
    seen = sequence.size();
    int32_t token =
        isGreedy ? result->tokens.front() : sampleToken(sampling, result->logits, sequence);
    if (token < 0)
      return internalError("no logit of position " + std::to_string(seen - 1) + " is a number");
    return token;
  }

private:
  Predictor(Session &session, const SamplingOptions &sampling)
      : session(&session), sampling(sampling),
        isGreedy(sampling.temperature == 0 && sampling.repetitionPenalty == 1) {}

  Expected<CallResult> step(std::span<const int32_t> sequence) {
    SequenceTokens row = {0, sequence.subspan(seen)};
    return generator->step({&row, 1}, {.tokens = isGreedy, .returnLogits = !isGreedy});
  }
  Expected<CallResult> run(std::span<const int32_t> sequence) {
    int32_t length = int32_t(sequence.size());
    return session->run(
        {.ids = sequence, .lengths = {&length, 1}, .tokens = isGreedy, .returnLogits = !isGreedy});
  }

  Session *session;
  SamplingOptions sampling;
  bool isGreedy; ///< the most likely token, which a step finds itself
  std::optional<Generator> generator;
  size_t seen = 0; ///< tokens that the generator has
};

Expected<Generation> generateTokens(Session &session, std::span<const int32_t> prompt,
                                    const GenerationOptions &options,
                                    const std::function<bool(int32_t)> &onToken) {
  if (options.maxNewTokens < 0)
    return invalidArgument(std::to_string(options.maxNewTokens) +
                           " new tokens, it must be 0 or more");
  FLOWHN_RETURN_IF_ERROR(checkSampling(options.sampling));
  if (session.artifact().manifest().model.splitByCall)
    return unsupported(session.noStepReason());
  Expected<Predictor> predictor = Predictor::create(session, options.sampling);
  FLOWHN_RETURN_IF_ERROR(predictor.status());
  Generation result;
  std::vector<int32_t> sequence(prompt.begin(), prompt.end());
  while (int64_t(result.ids.size()) < options.maxNewTokens) {
    if (!result.ids.empty() && sequence.size() > longestSequence(session)) {
      result.reachedLimit = true;
      break;
    }
    auto start = std::chrono::steady_clock::now();
    Expected<int32_t> token = predictor->next(sequence);
    FLOWHN_RETURN_IF_ERROR(token.status());
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    (result.ids.empty() ? result.promptSeconds : result.decodeSeconds) += time.count();
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

Expected<Generation> flowhn::generate(Session &session, std::span<const int32_t> prompt,
                                      const GenerationOptions &options,
                                      const std::function<bool(int32_t token)> &onToken) {
  return guarded("a generation", [&] { return generateTokens(session, prompt, options, onToken); });
}

Expected<Generation> flowhn::generateGreedy(Session &session, std::span<const int32_t> prompt,
                                            int64_t maxNewTokens,
                                            const std::function<bool(int32_t token)> &onToken) {
  return generate(session, prompt, {.maxNewTokens = maxNewTokens}, onToken);
}
