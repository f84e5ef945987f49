//===- TokenText.h - Tokens as they are read and written --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_TOKENTEXT_H
#define FLOWHN_TOOLS_RUN_TOKENTEXT_H

#include "flowhn/Runtime/Session.h"

#include <string>
#include <vector>

namespace flowhn::tools {

/// How a model's tokens are written: as bytes, or as ids with commas between them.
class TokenText {
public:
  enum Kind { Bytes, Ids };

  explicit TokenText(Kind kind) : kind(kind) {}
  /// The kind that the model's tokenizer asks for.
  static TokenText of(const Session &session);

  /// The tokens of a text; none are an empty one. InvalidInput for what is no list of ids.
  Expected<std::vector<int32_t>> parse(const std::string &text) const;
  /// Writes a token to standard output; `isFirst`: nothing stands before it.
  void print(int32_t token, bool isFirst) const;

private:
  Kind kind;
};

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_TOKENTEXT_H
