//===- Generator.h - Sequences in flight ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_RUNTIME_GENERATOR_H
#define FLOWHN_RUNTIME_GENERATOR_H

#include "flowhn/Runtime/Session.h"

namespace flowhn {

struct GeneratorOptions {
  int64_t sequences = 1; ///< in flight at a time, at most
  /// Positions of each; 0: the model's context, or the artifact's maxTokens where it has none.
  int64_t context = 0;
  /// More state is refused; 0: as much as there is memory for.
  int64_t maxStateBytes = 0;
};

/// Bytes of state, which `GeneratorOptions` decide alone.
struct StateSize {
  int64_t bytes = 0;                   ///< of all sequences
  int64_t bytesPerSequence = 0;        ///< at the end of the context
  int64_t unsplitBytesPerSequence = 0; ///< if every position went to both branches
};

/// The next tokens of a sequence, at least one.
struct SequenceTokens {
  int64_t sequence = 0;
  std::span<const int32_t> ids;
};

struct StepOptions {
  LogitsMode logits = LogitsMode::Last;
  bool tokens = false; ///< as `Call::tokens`
  /// As `Call::draws`; sequences with the tokens of the step. On a GPU, where logits are not
  /// wanted, tokens are drawn there.
  std::span<const TokenDraw> draws = {};
  bool returnLogits = true; ///< as `Call::returnLogits`
  std::span<float> logitsBuffer = {};
  std::span<const std::string> taps = {};
};

/// Sequences that go on from call to call: what layers keep of their tokens is kept, so that
/// each token is computed once. Prefill, in any pieces, and decoding are both `step`; a
/// sequence that takes no part in a step costs nothing.
///
/// What a step gives for a token does not depend on how the tokens before it were cut into
/// steps, nor on the other rows of the step: to the last bit on the CPU, and on a GPU where each
/// row brings one token and as many of them take part, up to the next power of two. There other
/// numbers of rows may take other kernels, and the scan of longer rows falls into chunks by all
/// rows of the step, which rounds differently. Uses its session, which must outlive it, from the
/// thread that calls it.
class Generator {
public:
  /// Unsupported for a session that takes whole sequences only (`Session::noStepReason`),
  /// InvalidArgument for options that make no sense.
  static Expected<StateSize> stateSize(const Session &session, const GeneratorOptions &options);
  /// Errors as `stateSize`; ResourceExhausted, with the numbers, when the state does not fit.
  static Expected<Generator> create(Session &session, const GeneratorOptions &options = {});

  Generator(Generator &&) noexcept;
  Generator &operator=(Generator &&) noexcept;
  ~Generator();

  int64_t stateBytes() const;
  int64_t contextLength() const;

  /// A new sequence without tokens; ResourceExhausted when all are in flight.
  Expected<int64_t> add();
  /// Ends a sequence; its number may be given to another one. NotFound when there is none.
  Status remove(int64_t sequence);
  /// Forgets its tokens.
  Status reset(int64_t sequence);
  /// Tokens that it has seen.
  Expected<int64_t> position(int64_t sequence) const;

  /// Appends tokens to sequences, each at most once, and computes the logits of the last one or
  /// of all of each row, in the order of `rows`. InvalidArgument when a row breaks a rule
  /// (token ids, position beyond the context), NotFound for a sequence that is not in flight,
  /// ResourceExhausted beyond the artifact's limits: then no sequence has moved.
  Expected<CallResult> step(std::span<const SequenceTokens> rows, const StepOptions &options = {});

  /// A new sequence that has seen what `sequence` has. Errors as `add` and `remove`.
  Expected<int64_t> fork(int64_t sequence);

  /// All that is known of a sequence, for `restore` by a generator of the same artifact,
  /// parameters, device kind and context: it goes on with identical bits.
  Expected<std::vector<std::byte>> snapshot(int64_t sequence) const;
  /// A new sequence from a snapshot. Incompatible, saying what differs, when it is of another
  /// model, context or type; InvalidInput when it is damaged.
  Expected<int64_t> restore(std::span<const std::byte> snapshot);
  /// The same with a file, which is replaced as a whole.
  Status save(int64_t sequence, const std::string &path) const;
  Expected<int64_t> load(const std::string &path);

private:
  struct Impl;
  explicit Generator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace flowhn

#endif // FLOWHN_RUNTIME_GENERATOR_H
