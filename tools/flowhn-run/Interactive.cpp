//===- Interactive.cpp - A sequence written in turns at a terminal --------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interactive.h"
#include "Generate.h"
#include "TokenText.h"
#include "flowhn/Runtime/Continuation.h"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <unistd.h>

using namespace flowhn;
using namespace flowhn::tools;

static volatile std::sig_atomic_t interrupted = 0;

namespace {

/// While there is one, SIGINT is noted instead of ending the program.
class InterruptGuard {
public:
  InterruptGuard() {
    interrupted = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &before);
  }
  ~InterruptGuard() { sigaction(SIGINT, &before, nullptr); }

private:
  struct sigaction before = {};
};

/// A conversation with one sequence.
class Dialogue {
public:
  Dialogue(const Tool &tool, const Session &session, const GenerationOptions &options,
           Continuation continuation)
      : tool(tool), text(TokenText::of(session)), options(options),
        continuation(std::move(continuation)), isTerminal(isatty(STDIN_FILENO)) {}

  Status run() {
    note("an empty line goes on, /reset forgets all, /quit ends; Ctrl-C ends an answer");
    for (std::string line; readLine(line) && line != "/quit";) {
      Status status = take(line);
      if (status.code() == StatusCode::NotFound)
        return status;
      if (!status.ok())
        note(status.message());
    }
    return {};
  }

private:
  bool readLine(std::string &line) const {
    if (isTerminal) {
      std::fputs("> ", stdout);
      std::fflush(stdout);
    }
    return bool(std::getline(std::cin, line));
  }

  Status take(const std::string &line) {
    if (line == "/reset")
      return continuation.reset();
    if (line.starts_with("/"))
      return invalidInput("there is no '" + line + "', only /reset and /quit");
    Expected<std::vector<int32_t>> prompt = text.parse(line);
    FLOWHN_RETURN_IF_ERROR(prompt.status());
    if (prompt->empty() && continuation.tokens().empty())
      return invalidInput("there is nothing to go on from yet");
    return answer(*prompt);
  }

  /// NotFound when nobody reads it.
  Status answer(const std::vector<int32_t> &prompt) {
    InterruptGuard guard;
    bool isFirst = true, isWritable = true;
    auto print = [&](int32_t token) {
      text.print(token, std::exchange(isFirst, false));
      isWritable = std::fflush(stdout) == 0;
      return isWritable && !interrupted;
    };
    Expected<Generation> generation = continuation.go(prompt, options, print);
    FLOWHN_RETURN_IF_ERROR(generation.status());
    std::fputc('\n', stdout);
    if (std::fflush(stdout) != 0 || !isWritable)
      return cannotPrint();
    describe(prompt.size(), *generation);
    return {};
  }

  void describe(size_t promptTokens, const Generation &generation) const {
    std::string limit = std::to_string(continuation.limit());
    if (interrupted)
      note("interrupted after " + std::to_string(generation.ids.size()) + " tokens");
    if (generation.reachedLimit)
      note("the model takes no sequence of more than " + limit + " tokens: /reset begins another");
    if (!generation.ids.empty())
      note(describeSpeed(promptTokens, generation) + "; " +
           std::to_string(continuation.tokens().size()) + " of " + limit + " tokens");
  }

  void note(const std::string &message) const { tool.printDiagnostics({"note: " + message}); }

  const Tool &tool;
  TokenText text;
  const GenerationOptions &options;
  Continuation continuation;
  bool isTerminal;
};

} // namespace

Status flowhn::tools::runInteractive(const Tool &tool, Session &session,
                                     const GenerationOptions &options) {
  printStateSize(tool, session);
  Expected<Continuation> continuation = Continuation::create(session);
  FLOWHN_RETURN_IF_ERROR(continuation.status());
  return Dialogue(tool, session, options, std::move(*continuation)).run();
}
