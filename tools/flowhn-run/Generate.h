//===- Generate.h - Text and logits out of a session ------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_GENERATE_H
#define FLOWHN_TOOLS_RUN_GENERATE_H

#include "common/Tool.h"
#include "flowhn/Runtime/Session.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowhn::tools {

/// "prompt of 17 tokens, 2345.6 tokens/s; 31 more, 456.7 tokens/s".
std::string describeSpeed(size_t promptTokens, const Generation &generation);
/// What layers are about to keep of a sequence, where they do.
void printStateSize(const Tool &tool, const Session &session);
Status cannotPrint();

/// Prints the prompt and its continuation, byte by byte as they are made, then how fast.
/// The model's tokens must be bytes.
Status generateText(const Tool &tool, Session &session, const std::string &prompt,
                    const GenerationOptions &options);

/// The same with ids, separated by commas.
Status generateIds(const Tool &tool, Session &session, const std::vector<int32_t> &prompt,
                   const GenerationOptions &options);

/// Runs the sequences of a `.npy` file of ids `repeat` times, which must give the same
/// bits; writes the logits to `output`,
/// [sequences, tokens, vocabulary] or [sequences, vocabulary], without the first
/// extent when the file holds one sequence as a vector.
Status runFile(Session &session, const std::string &input, const std::string &output,
               LogitsMode mode, int64_t repeat);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_GENERATE_H
