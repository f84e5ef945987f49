//===- Continuation.cpp - A sequence that is written in turns -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Runtime/Continuation.h"
#include "flowhn/Runtime/Generator.h"
#include "flowhn/Support/Guard.h"

#include <chrono>
#include <optional>

using namespace flowhn;

struct Continuation::Impl {
  explicit Impl(Session &session) : session(session), limit(session.longestRow()) {}

  Status openGenerator();
  Expected<Generation> go(std::span<const int32_t> prompt, const GenerationOptions &options,
                          const std::function<bool(int32_t token)> &onToken);
  /// Appends a token, and what it took.
  Status append(const SamplingOptions &sampling, Generation &result);
  Expected<int32_t> next(const SamplingOptions &sampling);
  Expected<CallResult> compute(const SamplingOptions &sampling);

  Session &session;
  int64_t limit;
  std::optional<Generator> generator; ///< none: whole sequences only
  std::vector<int32_t> sequence;
  size_t seen = 0; ///< tokens that the generator has
};

Status Continuation::Impl::openGenerator() {
  if (!session.noStepReason().empty())
    return {};
  Expected<Generator> created = Generator::create(session, {.context = limit});
  FLOWHN_RETURN_IF_ERROR(created.status());
  FLOWHN_RETURN_IF_ERROR(created->add().status());
  generator.emplace(std::move(*created));
  return {};
}

Expected<CallResult> Continuation::Impl::compute(const SamplingOptions &sampling) {
  TokenDraw draw = {sampling, sequence};
  bool isGreedy = sampling.temperature == 0 && sampling.repetitionPenalty == 1;
  std::span<const TokenDraw> draws(&draw, isGreedy ? 0 : 1);
  if (generator) {
    SequenceTokens row = {0, std::span(sequence).subspan(seen)};
    return generator->step({&row, 1}, {.tokens = true, .draws = draws, .returnLogits = false});
  }
  int32_t length = int32_t(sequence.size());
  return session.run({.ids = sequence,
                      .lengths = {&length, 1},
                      .tokens = true,
                      .draws = draws,
                      .returnLogits = false});
}

/// The token after the sequence.
Expected<int32_t> Continuation::Impl::next(const SamplingOptions &sampling) {
  Expected<CallResult> result = compute(sampling);
  FLOWHN_RETURN_IF_ERROR(result.status());
  seen = sequence.size();
  int32_t token = result->tokens.front();
  if (token < 0)
    return internalError("no logit of position " + std::to_string(seen - 1) + " is a number");
  return token;
}

Expected<Generation> Continuation::Impl::go(std::span<const int32_t> prompt,
                                            const GenerationOptions &options,
                                            const std::function<bool(int32_t token)> &onToken) {
  if (options.maxNewTokens < 0)
    return invalidArgument(std::to_string(options.maxNewTokens) +
                           " new tokens, it must be 0 or more");
  FLOWHN_RETURN_IF_ERROR(checkSampling(options.sampling));
  size_t before = sequence.size();
  sequence.insert(sequence.end(), prompt.begin(), prompt.end());
  Generation result;
  while (int64_t(result.ids.size()) < options.maxNewTokens) {
    bool isFull = int64_t(sequence.size()) > limit;
    if (isFull && (prompt.empty() || !result.ids.empty())) {
      result.reachedLimit = true;
      break;
    }
    Status status = append(options.sampling, result);
    if (!status.ok() && seen <= before)
      sequence.resize(before);
    FLOWHN_RETURN_IF_ERROR(status);
    if (onToken && !onToken(sequence.back()))
      break;
  }
  return result;
}

Status Continuation::Impl::append(const SamplingOptions &sampling, Generation &result) {
  auto start = std::chrono::steady_clock::now();
  Expected<int32_t> token = next(sampling);
  FLOWHN_RETURN_IF_ERROR(token.status());
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  (result.ids.empty() ? result.promptSeconds : result.decodeSeconds) += time.count();
  sequence.push_back(*token);
  result.ids.push_back(*token);
  return {};
}

Continuation::Continuation(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Continuation::Continuation(Continuation &&) noexcept = default;
Continuation &Continuation::operator=(Continuation &&) noexcept = default;
Continuation::~Continuation() = default;

Expected<Continuation> Continuation::create(Session &session) {
  return guarded("a continuation", [&]() -> Expected<Continuation> {
    if (session.artifact().manifest().model.splitByCall)
      return unsupported(session.noStepReason());
    auto impl = std::make_unique<Impl>(session);
    FLOWHN_RETURN_IF_ERROR(impl->openGenerator());
    return Continuation(std::move(impl));
  });
}

Expected<Generation> Continuation::go(std::span<const int32_t> prompt,
                                      const GenerationOptions &options,
                                      const std::function<bool(int32_t token)> &onToken) {
  return guarded("a generation", [&] { return impl->go(prompt, options, onToken); });
}

Status Continuation::reset() {
  if (impl->generator)
    FLOWHN_RETURN_IF_ERROR(impl->generator->reset(0));
  impl->sequence.clear();
  impl->seen = 0;
  return {};
}

const std::vector<int32_t> &Continuation::tokens() const { return impl->sequence; }
int64_t Continuation::limit() const { return impl->limit; }

Expected<Generation> flowhn::generate(Session &session, std::span<const int32_t> prompt,
                                      const GenerationOptions &options,
                                      const std::function<bool(int32_t token)> &onToken) {
  Expected<Continuation> continuation = Continuation::create(session);
  FLOWHN_RETURN_IF_ERROR(continuation.status());
  return continuation->go(prompt, options, onToken);
}

Expected<Generation> flowhn::generateGreedy(Session &session, std::span<const int32_t> prompt,
                                            int64_t maxNewTokens,
                                            const std::function<bool(int32_t token)> &onToken) {
  return generate(session, prompt, {.maxNewTokens = maxNewTokens}, onToken);
}
