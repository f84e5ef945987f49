//===- Tool.h - A command line program --------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_COMMON_TOOL_H
#define FLOWHN_TOOLS_COMMON_TOOL_H

#include "flowhn/Support/Status.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flowhn::tools {

/// What every tool exits with.
enum ExitCode : int { exitSuccess = 0, exitFailure = 1, exitUsage = 2 };

/// Name, arguments and messages of one program.
class Tool {
public:
  Tool(std::string name, const std::string &description);

  CLI::App &app() { return arguments; }
  const std::string &program() const { return name; }

  /// Parses the arguments; the exit code when the program ends here.
  std::optional<int> parse(int argc, char **argv);

  /// Prints `NAME: error: MESSAGE`, a line for each of the message's, and returns
  /// the exit code.
  int usageError(const std::string &message) const;
  int failure(const Status &status) const;
  /// Prints `NAME: warning: …` for each of the compiler's diagnostics, remarks only
  /// where asked for.
  void printDiagnostics(const std::vector<std::string> &diagnostics, bool remarks = false) const;

  /// The exit code of `work`, or of its error. Memory that runs out is an error.
  int run(const std::function<Expected<int>()> &work) const;

private:
  void printError(const std::string &message) const;

  std::string name;
  CLI::App arguments;
};

/// Refuses smaller numbers. CLI11's own validators name the largest number there is too.
CLI::Validator atLeast(int64_t least);

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_COMMON_TOOL_H
