//===- ConfigReader.h - Values of a JSON object by type ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_IMPORT_CONFIGREADER_H
#define FLOWHN_LIB_IMPORT_CONFIGREADER_H

#include "ConfigProblems.h"
#include "flowhn/Support/Json.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

namespace flowhn {

/// The keys of one object by type; a wrong type is recorded against its key.
class ConfigReader {
public:
  ConfigReader(const nlohmann::json &root, ConfigProblems &problems)
      : root(root), problems(problems) {}

  /// Null when the key is absent or null.
  const nlohmann::json *get(const char *key) const {
    auto found = root.find(key);
    return found == root.end() || found->is_null() ? nullptr : &*found;
  }

  void invalid(const char *key, const std::string &rule) {
    problems.add(StatusCode::InvalidInput, key, rule);
  }

  std::optional<int64_t> integer(const char *key) {
    const nlohmann::json *value = get(key);
    return value ? integer(key, *value) : std::nullopt;
  }

  std::optional<int64_t> integer(const char *key, const nlohmann::json &value) {
    bool fits = value.is_number_integer() &&
                (!value.is_number_unsigned() ||
                 value.get<uint64_t>() <= uint64_t(std::numeric_limits<int64_t>::max()));
    if (!fits) {
      invalid(key, "must be an integer, got " + describe(value));
      return std::nullopt;
    }
    return value.get<int64_t>();
  }

  int64_t required(const char *key) {
    if (!get(key)) {
      invalid(key, "is required");
      return 0;
    }
    return integer(key).value_or(0);
  }

  bool boolean(const char *key, bool standard) {
    const nlohmann::json *value = get(key);
    if (value && !value->is_boolean())
      invalid(key, "must be true or false, got " + describe(*value));
    return value && value->is_boolean() ? value->get<bool>() : standard;
  }

  double number(const char *key, double standard) {
    const nlohmann::json *value = get(key);
    if (value && !value->is_number())
      invalid(key, "must be a number, got " + describe(*value));
    return value && value->is_number() ? value->get<double>() : standard;
  }

  /// Empty when absent, null or not a string.
  std::string string(const char *key) {
    const nlohmann::json *value = get(key);
    if (value && !value->is_string())
      invalid(key, "must be a string, got " + describe(*value));
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }

  /// One of `choices`, the first when the key is absent or wrong.
  template <typename T, size_t n>
  T choice(const char *key, const std::array<std::pair<const char *, T>, n> &choices) {
    const nlohmann::json *value = get(key);
    std::string allowed;
    for (const auto &[spelling, result] : choices) {
      if (value && value->is_string() && value->get_ref<const std::string &>() == spelling)
        return result;
      allowed += (allowed.empty() ? "" : ", ") + std::string(spelling);
    }
    if (value)
      invalid(key, "must be one of " + allowed + ", got " + describe(*value));
    return choices[0].second;
  }

  const nlohmann::json &root;
  ConfigProblems &problems;
};

} // namespace flowhn

#endif // FLOWHN_LIB_IMPORT_CONFIGREADER_H
