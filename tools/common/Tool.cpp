//===- Tool.cpp - A command line program ----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/Tool.h"

#include "flowhn/Artifact/Manifest.h"

#include <iostream>
#include <new>
#include <sstream>

using namespace flowhn;
using namespace flowhn::tools;

Tool::Tool(std::string name, const std::string &description)
    : name(std::move(name)), arguments(description, this->name) {
  arguments.set_version_flag("--version", Manifest().producer);
  arguments.get_formatter()->column_width(34);
}

std::optional<int> Tool::parse(int argc, char **argv) {
  try {
    arguments.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success &request) {
    return arguments.exit(request);
  } catch (const CLI::ParseError &error) {
    return usageError(error.what());
  }
}

void Tool::printError(const std::string &message) const {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);)
    std::cerr << name << ": error: " << line << '\n';
}

int Tool::usageError(const std::string &message) const {
  printError(message);
  std::cerr << "see " << name << " --help\n";
  return exitUsage;
}

int Tool::failure(const Status &status) const {
  printError(status.message());
  return exitFailure;
}

void Tool::printDiagnostics(const std::vector<std::string> &diagnostics, bool remarks) const {
  for (const std::string &diagnostic : diagnostics)
    if (remarks || !diagnostic.starts_with("remark:"))
      std::cerr << name << ": " << diagnostic << '\n';
}

int Tool::run(const std::function<Expected<int>()> &work) const {
  try {
    Expected<int> code = work();
    return code.ok() ? *code : failure(code.status());
  } catch (const std::bad_alloc &) {
    return failure(resourceExhausted("out of memory"));
  }
}
