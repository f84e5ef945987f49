//===- Tool.cpp - A command line program ----------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/Tool.h"

#include "flowhn/Artifact/Manifest.h"

#include <charconv>
#include <iostream>
#include <new>
#include <span>
#include <sstream>

using namespace flowhn;
using namespace flowhn::tools;

Tool::Tool(std::string name, const std::string &description)
    : name(std::move(name)), arguments(description, this->name) {
  arguments.set_version_flag("--version", Manifest().producer);
  arguments.get_formatter()->column_width(34);
}

/// "--flag=", whose value CLI11 would look for in the next argument.
static bool isFlagWithoutValue(std::string_view argument) {
  return argument.starts_with("--") && argument.find('=') == argument.size() - 1;
}

std::optional<int> Tool::parse(int argc, char **argv) {
  for (std::string_view argument : std::span(argv, size_t(argc)))
    if (isFlagWithoutValue(argument))
      return usageError("'" + std::string(argument) + "' has no value");
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

CLI::Validator flowhn::tools::atLeast(int64_t least) {
  auto check = [least](const std::string &text) -> std::string {
    double number = 0;
    auto error = std::from_chars(text.data(), text.data() + text.size(), number).ec;
    // What is no number the conversion refuses.
    if (error != std::errc() || number >= double(least))
      return {};
    return "must be at least " + std::to_string(least) + ", got " + text;
  };
  return CLI::Validator(check, ">= " + std::to_string(least));
}
