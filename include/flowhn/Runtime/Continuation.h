//===- Continuation.h - A sequence that is written in turns -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_RUNTIME_CONTINUATION_H
#define FLOWHN_RUNTIME_CONTINUATION_H

#include "flowhn/Runtime/Session.h"

namespace flowhn {

/// One sequence to which a caller and the model append by turns. Each token is computed once,
/// as layers keep the state of the sequence (Generator.h); where the artifact has no code for
/// that, the whole sequence is computed anew for each token. Uses its session, which must
/// outlive it, from the thread that calls it.
class Continuation {
public:
  /// Unsupported for a model whose split follows the length of each call; ResourceExhausted when
  /// the state does not fit.
  static Expected<Continuation> create(Session &session);

  Continuation(Continuation &&) noexcept;
  Continuation &operator=(Continuation &&) noexcept;
  ~Continuation();

  /// Appends `prompt`, which only a sequence without tokens needs, then a token again and
  /// again. `onToken` sees each of them; returning false ends it there, and a later call goes on.
  /// When an error comes before the first token, the sequence is what it was.
  Expected<Generation> go(std::span<const int32_t> prompt, const GenerationOptions &options,
                          const std::function<bool(int32_t token)> &onToken = {});
  /// Forgets all tokens.
  Status reset();

  /// All tokens so far.
  const std::vector<int32_t> &tokens() const;
  /// Tokens that the model goes on from, at most; it appends one more.
  int64_t limit() const;

private:
  struct Impl;
  explicit Continuation(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace flowhn

#endif // FLOWHN_RUNTIME_CONTINUATION_H
