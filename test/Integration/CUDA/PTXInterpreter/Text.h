//===- Text.h - Words and numbers of PTX ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_TEXT_H
#define FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_TEXT_H

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowhn::ptx {

inline constexpr std::string_view spaces = " \t\n\r";

inline bool isNameStart(char c) { return std::isalpha(c) || c == '_' || c == '$' || c == '%'; }
inline bool isNamePart(char c) {
  return std::isalnum(c) || c == '_' || c == '$' || c == '%' || c == '.';
}

inline std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

/// The first word, which is taken off the text.
inline std::string_view takeWord(std::string_view &text) {
  text = trim(text);
  size_t end = std::min(text.find_first_of(spaces), text.size());
  std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

/// As one line of words with a space between them.
inline std::string joinWords(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    result += result.empty() ? "" : " ";
    result += takeWord(text);
  }
  return result;
}

/// The parts between commas that are not in brackets.
inline std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ',';
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (c != ',' || (depth && i < text.size()))
      continue;
    if (std::string_view part = trim(text.substr(begin, i - begin)); !part.empty())
      parts.push_back(part);
    begin = i + 1;
  }
  return parts;
}

inline std::string withoutComments(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    result.append(line.substr(0, std::min(line.find("//"), line.size())));
    result.push_back('\n');
  }
  return result;
}

inline bool parseNumber(std::string_view text, uint64_t &value) {
  bool negative = text.starts_with('-');
  text.remove_prefix(negative);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0f"))
    base = 16, text.remove_prefix(2);
  auto [end, error] = std::from_chars(text.begin(), text.end(), value, base);
  value = negative ? -value : value;
  return error == std::errc() && end == text.end() && !text.empty();
}

/// The label that a statement starts with: its length, or 0.
inline size_t labelLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && isNamePart(text[length]))
    ++length;
  bool labelled = length && text.substr(length).starts_with(":") && isNameStart(text[0]) &&
                  !text.substr(length).starts_with("::");
  return labelled ? length : 0;
}

} // namespace flowhn::ptx

#endif // FLOWHN_TEST_INTEGRATION_CUDA_PTXINTERPRETER_TEXT_H
