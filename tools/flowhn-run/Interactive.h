//===- Interactive.h - A sequence written in turns at a terminal *- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_RUN_INTERACTIVE_H
#define FLOWHN_TOOLS_RUN_INTERACTIVE_H

#include "common/Tool.h"
#include "flowhn/Runtime/Session.h"

namespace flowhn::tools {

/// Reads prompts from standard input, a line each, and prints how the model goes on with the
/// one sequence that they all belong to. A model whose tokens are no bytes reads and writes
/// ids. SIGINT ends an answer, and only that. What is wrong with a line is said, and the next
/// one is read.
Status runInteractive(const Tool &tool, Session &session, const GenerationOptions &options);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_RUN_INTERACTIVE_H
